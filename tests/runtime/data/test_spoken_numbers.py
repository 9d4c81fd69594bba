"""The corpus of spoken numbers: same bytes for a seed, unseen voice and strings in test, whole or not there."""

import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import wave
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from s2sc.runtime.data import spoken_numbers
from s2sc.runtime.data.corpus import CorpusError
from s2sc.runtime.data.espeak import Request, Speaker, SpeakerError
from s2sc.runtime.data.spoken_numbers import DIGITS, SAMPLE_RATE, UNSEEN_VOICE, VOICES, make_corpus
from s2sc.runtime.extras import MissingExtra

SIZES: Any = {"train": 24, "valid": 6, "test": 6}
MODULE = make_corpus.__module__
MAKE = f"""
import sys
from pathlib import Path
from {MODULE} import make_corpus
make_corpus(Path(sys.argv[1]), seed=5, train=int(sys.argv[2]), valid=6, test=6,
            on_progress=lambda done, total: print(done, flush=True))
"""


def make_elsewhere(folder: Path, *, train: int = 24, **environment: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", MAKE, str(folder), str(train)]
    return subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.PIPE)


def first_line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return process.stdout.readline()


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def manifest(folder: Path, split: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{split}.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_corpus(tmp_path_factory.mktemp("corpora") / "numbers", seed=5, **SIZES)


@pytest.fixture(scope="module")
def speaker() -> Iterator[Speaker]:
    with Speaker(*spoken_numbers._find_espeak()) as speaker:
        yield speaker


@pytest.mark.parametrize("voice", ["en-us+f2", "en-029+m3", "en-gb-scotland+f5", UNSEEN_VOICE])
def test_an_utterance_does_not_depend_on_what_was_spoken_before(speaker: Speaker, voice: str) -> None:
    request = Request("three one four", voice, words_per_minute=160)
    alone = speaker.speak(request)
    for before in ("en-us+croak", "en+whisper", "en-029+m8", voice):
        speaker.speak(Request("nine nine", before, words_per_minute=220, pitch=80, pitch_range=10, word_gap=4))
        assert speaker.speak(request) == alone


def test_a_voice_that_does_not_exist_is_an_error_and_the_next_request_is_answered(speaker: Speaker) -> None:
    with pytest.raises(SpeakerError, match="xx-nowhere"):
        speaker.speak(Request("one", "xx-nowhere"))
    assert speaker.speak(Request("one", "en-us"))


def test_every_voice_can_speak(speaker: Speaker) -> None:
    said = {speaker.speak(Request("seven", voice)) for voice in (*VOICES, UNSEEN_VOICE)}
    assert len(said) == len(VOICES) + 1


def test_two_processes_with_other_hash_seeds_and_locales_make_the_same_bytes(corpus: Path, tmp_path: Path) -> None:
    environments: Any = [
        {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "Asia/Tokyo"},
        {"PYTHONHASHSEED": "2", "LC_ALL": "tr_TR.UTF-8"},
    ]
    for number, environment in enumerate(environments):
        folder = tmp_path / str(number)
        assert make_elsewhere(folder, **environment).wait() == 0
        assert hashes(folder) == hashes(corpus)


@pytest.mark.parametrize("num_speakers", [1, 3])
def test_the_number_of_speakers_changes_no_byte(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, num_speakers: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: num_speakers)
    assert hashes(make_corpus(tmp_path / "numbers", seed=5, **SIZES)) == hashes(corpus)


def test_another_seed_makes_another_corpus(corpus: Path, tmp_path: Path) -> None:
    assert hashes(make_corpus(tmp_path / "numbers", seed=6, **SIZES))["audio.zip"] != hashes(corpus)["audio.zip"]


def test_a_larger_corpus_begins_like_a_smaller_one(corpus: Path, tmp_path: Path) -> None:
    larger = make_corpus(tmp_path / "numbers", seed=5, train=30, valid=7, test=7)
    for split, count in SIZES.items():
        assert manifest(larger, split)[:count] == manifest(corpus, split)


def test_the_manifests_describe_the_audio(corpus: Path) -> None:
    with zipfile.ZipFile(corpus / "audio.zip") as archive:
        for split, count in SIZES.items():
            lines = manifest(corpus, split)
            assert len(lines) == count
            for line in lines:
                assert set(line["text"].split()) <= set(DIGITS)
                with wave.open(io.BytesIO(archive.read(line["audio"]))) as audio:
                    assert (audio.getframerate(), audio.getnchannels(), audio.getsampwidth()) == (SAMPLE_RATE, 1, 2)
                    assert audio.getnframes() / SAMPLE_RATE == line["duration"]
        assert len(archive.namelist()) == sum(SIZES.values())


def test_the_description_has_the_size_and_hash_of_every_other_file(corpus: Path) -> None:
    described = json.loads((corpus / "corpus.json").read_text())["files"]
    assert {name: file["sha256"] for name, file in described.items()} | {
        "corpus.json": hashes(corpus)["corpus.json"]
    } == hashes(corpus)
    assert all((corpus / name).stat().st_size == file["bytes"] for name, file in described.items())


def test_test_has_a_voice_and_strings_that_train_and_valid_never_have(corpus: Path) -> None:
    train, valid, test = (manifest(corpus, split) for split in ("train", "valid", "test"))
    assert {line["speaker"] for line in test} == {UNSEEN_VOICE}
    assert {line["speaker"] for line in train + valid} <= set(VOICES)
    assert not any(voice.endswith(UNSEEN_VOICE.partition("+")[2]) for voice in VOICES)
    texts = [{line["text"] for line in split} for split in (train, valid, test)]
    assert not texts[0] & texts[1]
    assert not texts[0] & texts[2]
    assert not texts[1] & texts[2]


def test_a_complete_corpus_is_used_again(corpus: Path) -> None:
    before = [path.stat().st_mtime_ns for path in sorted(corpus.iterdir())]
    make_corpus(corpus, seed=5, **SIZES, on_progress=lambda done, total: pytest.fail("made again"))
    assert [path.stat().st_mtime_ns for path in sorted(corpus.iterdir())] == before


def test_progress_counts_to_the_total(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    make_corpus(tmp_path / "a", seed=1, train=3, valid=1, test=2, on_progress=lambda *progress: seen.append(progress))
    assert seen == [(done, 6) for done in range(1, 7)]


@pytest.mark.parametrize("change", ["seed", "size", "cut", "missing", "version", "unreadable"])
def test_a_corpus_that_does_not_fit_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    sizes: Any
    sizes, seed = {"train": 3, "valid": 1, "test": 1}, 1
    folder = make_corpus(tmp_path / "numbers", seed=seed, **sizes)
    if change == "seed":
        seed = 2
    if change == "size":
        sizes["train"] = 4
    if change == "cut":
        os.truncate(folder / "audio.zip", 100)
    if change == "missing":
        (folder / "test.jsonl").unlink()
    if change == "version":
        monkeypatch.setattr(spoken_numbers, "VERSION", 10**6)
    if change == "unreadable":
        (folder / "corpus.json").write_text('{"corpus": "spoken_numbers", "files": 3}')
    made: list[tuple[int, int]] = []
    make_corpus(folder, seed=seed, **sizes, on_progress=lambda *progress: made.append(progress))
    assert len(made) == sum(sizes.values())
    assert hashes(folder) == hashes(make_corpus(tmp_path / "fresh", seed=seed, **sizes))


def test_a_process_killed_half_way_leaves_no_corpus_and_the_next_makes_it(corpus: Path, tmp_path: Path) -> None:
    folder = tmp_path / "numbers"
    killed = make_elsewhere(folder, train=10**6)
    while int(first_line(killed)) < 5:
        pass
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not folder.exists()
    assert hashes(make_corpus(folder, seed=5, **SIZES)) == hashes(corpus)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".numbers.lock", "numbers"]


def test_the_speakers_end_with_a_killed_process(tmp_path: Path) -> None:
    killed = make_elsewhere(tmp_path / "numbers", train=10**6)
    first_line(killed)
    children = Path(f"/proc/{killed.pid}/task/{killed.pid}/children")
    if not children.exists():
        pytest.skip("only Linux tells of a process's children, in /proc")
    speakers = [int(number) for number in children.read_text().split()]
    assert speakers
    killed.kill()
    killed.wait()
    for _ in range(100):
        if not any(is_running(number) for number in speakers):
            return
        time.sleep(0.1)
    pytest.fail("a speaker still runs")


def is_running(process: int) -> bool:
    try:
        state = re.search(r"State:\s+(\w)", Path(f"/proc/{process}/status").read_text())
    except FileNotFoundError:
        return False
    return state is not None and state[1] != "Z"


def test_two_processes_at_the_same_time_both_end_with_the_corpus(corpus: Path, tmp_path: Path) -> None:
    both = [make_elsewhere(tmp_path / "numbers") for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert hashes(tmp_path / "numbers") == hashes(corpus)


def test_an_error_half_way_leaves_nothing(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_corpus(tmp_path / "numbers", seed=5, **SIZES, on_progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == [".numbers.lock"]


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(CorpusError, match="name another folder"):
        make_corpus(tmp_path, seed=5, **SIZES)
    assert (tmp_path / "thesis.tex").read_text() == "mine"


def test_an_empty_folder_is_filled(corpus: Path, tmp_path: Path) -> None:
    assert hashes(make_corpus(tmp_path, seed=5, **SIZES)) == hashes(corpus)


def test_a_missing_synthesizer_is_named_with_the_way_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(MissingExtra, match=re.escape('pip install "s2sc[synthesis]"')):
        make_corpus(tmp_path / "numbers", seed=5, **SIZES)


def test_strings_have_as_many_digits_as_asked_for(tmp_path: Path) -> None:
    made = make_corpus(tmp_path / "numbers", seed=1, train=4, valid=2, test=2, digits=(2, 3))
    lengths = {len(line["text"].split()) for split in ("train", "valid", "test") for line in manifest(made, split)}
    assert lengths == {2, 3}


def test_strings_of_one_digit_cannot_be_kept_apart(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="2 digits"):
        make_corpus(tmp_path / "numbers", seed=1, digits=(1, 1))


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"seed": 1, "valid": 0}])
def test_a_negative_seed_or_an_empty_split_is_refused(tmp_path: Path, wrong: Any) -> None:
    with pytest.raises(ValueError, match="at least"):
        make_corpus(tmp_path / "numbers", **wrong)
