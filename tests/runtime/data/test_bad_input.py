"""Bad records are named exactly, counted, and skipped or fatal; what is left trains as if they had never been there."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from s2sc.runtime.data.speech import open_speech
from s2sc.runtime.data.tally import LISTED, SHOWN, BadData, BadLimit, Tally

RATE = 8000
Record = dict[str, Any]


def spoil(kit: Any, folder: Path) -> dict[str, tuple[str, bytes | Record]]:
    """Bad records of many kinds: a name, the reason expected, and the manifest's line; their recordings are written."""
    body = kit.pcm16(kit.tone(0.3))
    whole = kit.wav_bytes(body)
    nan = kit.tone(0.3).astype("<f4")
    nan[100] = np.nan
    flac = kit.encoded(np.random.default_rng(0).normal(0, 0.1, RATE), "FLAC", "PCM_16")
    (folder.parent / "outside.wav").write_bytes(whole)
    (folder / "folder.wav").mkdir()
    (folder / "link.wav").symlink_to(folder.parent / "outside.wav")
    os.mkfifo(folder / "pipe.wav")
    recordings = {
        "empty": ("empty_file", b""),
        "cut_header": ("truncated", whole[:30]),
        "cut_body": ("truncated", whole[: len(whole) // 2]),
        "cut_flac": ("truncated", flac[: len(flac) // 2]),
        "text_file": ("not_audio", b"this is no recording at all\n" * 9),
        "mp3": ("unsupported", b"ID3\x04\x00" + bytes(500)),
        "no_channels": ("broken_header", kit.wav_bytes(body, channels=0)),
        "absurd_rate": ("over_budget", kit.wav_bytes(body, rate=2_000_000)),
        "adpcm": ("unsupported", kit.wav_bytes(body, tag=2, bits=4)),
        "big_endian": ("unsupported", b"RIFX" + whole[4:]),
        "nan": ("not_finite", kit.wav_bytes(nan.tobytes(), bits=32, tag=3)),
        "loud": ("out_of_range", kit.wav_bytes((kit.tone(0.3) * 30000).astype("<f4").tobytes(), bits=32, tag=3)),
        "zero_length": ("zero_length", kit.wav_bytes(b"")),
        "silent": ("silent", kit.wav_bytes(bytes(4800))),
        "ten_minutes": ("over_budget", kit.encoded(np.zeros(600 * RATE, np.int16), "FLAC", "PCM_16")),
        "claims_more": ("truncated", kit.wav_bytes(body, claimed=4 * 2**30 - 100)),
    }
    bad: dict[str, tuple[str, bytes | Record]] = {}
    for name, (reason, data) in recordings.items():
        (folder / f"{name}.wav").write_bytes(data)
        bad[name] = (reason, {"audio": f"{name}.wav", "text": "one", "duration": 0.3})
    (folder / "other_length.wav").write_bytes(whole)
    bad |= {
        "other_length": ("wrong_duration", {"audio": "other_length.wav", "text": "one", "duration": 3.0}),
        "absent": ("missing_file", {"audio": "absent.wav", "text": "one", "duration": 0.3}),
        "folder": ("not_a_file", {"audio": "folder.wav", "text": "one", "duration": 0.3}),
        "pipe": ("not_a_file", {"audio": "pipe.wav", "text": "one", "duration": 0.3}),
        "link_out": ("outside_root", {"audio": "link.wav", "text": "one", "duration": 0.3}),
        "dots": ("outside_root", {"audio": "../outside.wav", "text": "one", "duration": 0.3}),
        "absolute": ("outside_root", {"audio": str(folder.parent / "outside.wav"), "text": "one"}),
        "nul": ("unreadable", {"audio": "a\0.wav", "text": "one"}),
        "no_text": ("empty_text", {"audio": "train_000.wav", "id": "no_text", "text": " "}),
        "symbol": ("not_in_alphabet", {"audio": "train_000.wav", "id": "symbol", "text": "no 1"}),
        "twice": ("duplicate_id", {"audio": "train_000.wav", "text": "one"}),
        "no_audio": ("missing_field", {"text": "one"}),
        "number": ("wrong_type", {"audio": "train_000.wav", "text": 5}),
        "latin": ("not_utf8", b'{"audio": "train_000.wav", "text": "caf\xe9"}'),
        "no_json": ("not_json", b"train_000.wav|one"),
        "two_keys": ("duplicate_key", b'{"audio": "train_000.wav", "text": "one", "text": "two"}'),
        "list": ("not_an_object", b"[1, 2]"),
    }
    return bad


def write(folder: Path, good: list[Record], bad: dict[str, tuple[str, bytes | Record]]) -> dict[int, str]:
    """Put a bad record after each third good one; returns the reasons expected, by line."""
    lines: list[bytes] = []
    expected: dict[int, str] = {}
    waiting = list(bad.values())
    for number, record in enumerate(good):
        lines.append(json.dumps(record).encode())
        if number % 3 == 2 and waiting:
            reason, line = waiting.pop(0)
            lines.append(line if isinstance(line, bytes) else json.dumps(line).encode())
            expected[len(lines)] = reason
    assert not waiting
    (folder / "train.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    return expected


@pytest.fixture
def corpus(kit: Any, tmp_path: Path) -> tuple[Path, list[Record], dict[int, str]]:
    folder = tmp_path / "root"
    good = kit.write_corpus(folder, 110)
    return folder, good, write(folder, good, spoil(kit, folder))


def found(tally: Tally) -> dict[int, str]:
    assert all(problem.manifest == "train.jsonl" for problem in tally.refused)
    assert len({problem.line for problem in tally.refused}) == len(tally.refused)
    return {problem.line: problem.reason for problem in tally.refused}


def test_every_bad_record_is_named_with_line_and_reason_and_no_good_one(kit: Any, corpus: Any) -> None:
    folder, good, expected = corpus
    assert len(set(expected.values())) >= 15
    shown: list[str] = []
    data = open_speech(kit.speech(), base=folder, environment={}, warn=shown.append)
    assert found(data.tally) == expected
    assert data.num_examples("train") == len(good)
    assert data.tally.records == len(good) + len(expected)
    assert len(shown) == SHOWN + 1
    assert shown[0].startswith("skipped train.jsonl:")
    (account,) = data.tally.lines()
    assert account.startswith(f"skipped {len(expected)} of {data.tally.records} records: ")
    assert data.tally.by_reason()["truncated"] == 4


def test_training_is_what_it_would_be_without_the_bad_records(kit: Any, corpus: Any) -> None:
    folder, good, _ = corpus
    spoilt = open_speech(kit.speech(), base=folder, environment={})
    kit.write_manifest(folder / "train.jsonl", good)
    clean = open_speech(kit.speech(), base=folder, environment={})
    options: Any = {"batch": 8, "seed": 2, "epoch": 1, "shuffle": True}
    for left, right in zip(spoilt.batches("train", **options), clean.batches("train", **options), strict=True):
        assert left.ids == right.ids
        assert all(torch.equal(left.inputs[path], right.inputs[path]) for path in left.inputs)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_recordings_too_large_for_memory_are_refused_when_their_turn_comes(
    kit: Any, corpus: Any, num_workers: int
) -> None:
    folder, good, expected = corpus
    data = open_speech(kit.speech(), base=folder, environment={}, kept_bytes=0)
    assert found(data.tally).items() <= expected.items()
    for epoch in range(2):
        batches = list(data.batches("train", batch=4, epoch=epoch, shuffle=True, num_workers=num_workers))
        names = [name for batch in batches for name in batch.ids]
        assert sorted(names) == [record["audio"] for record in good]
        assert found(data.tally) == expected


def test_fail_stops_with_every_problem_listed(kit: Any, corpus: Any) -> None:
    folder, _, expected = corpus
    with pytest.raises(BadData) as caught:
        open_speech(kit.speech(on_bad="fail"), base=folder, environment={})
    assert caught.value.code == "bad_records"
    assert {problem.line: problem.reason for problem in caught.value.problems} == expected
    assert str(caught.value).count("\n") == len(expected)
    assert str(caught.value).splitlines()[0] == f'{len(expected)} bad records and on_bad is "fail"'


def test_fail_stops_in_the_middle_of_training_too(kit: Any, tmp_path: Path) -> None:
    records = kit.write_corpus(tmp_path)
    (tmp_path / records[5]["audio"]).write_bytes(b"")
    data = open_speech(kit.speech(on_bad="fail"), base=tmp_path, environment={}, kept_bytes=0)
    with pytest.raises(BadData) as caught:
        list(data.batches("train", batch=4))
    assert [problem.line for problem in caught.value.problems] == [6]


def test_a_large_share_of_bad_records_stops_whatever_on_bad_says(kit: Any, corpus: Any) -> None:
    folder, _, expected = corpus
    with pytest.raises(BadData) as caught:
        open_speech(kit.speech(), base=folder, environment={}, limit=BadLimit(share=0.01, count=20))
    assert caught.value.code == "too_many_bad_records"
    assert len(caught.value.problems) == len(expected)


def test_the_limit_needs_both_share_and_count() -> None:
    limit = BadLimit(share=0.01, count=100)
    assert not limit.passed(100, 200)
    assert not limit.passed(1000, 100_000)
    assert limit.passed(101, 200)
    assert limit.passed(1001, 100_000)


def test_long_lists_are_cut_and_say_so(kit: Any, tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_bytes(b"nonsense\n" * (LISTED + 7))
    with pytest.raises(BadData) as caught:
        open_speech(kit.speech(on_bad="fail"), base=tmp_path, environment={})
    assert str(caught.value).splitlines()[-1] == "and 7 more"


def test_a_corpus_of_bad_records_only_is_an_error(kit: Any, tmp_path: Path) -> None:
    for content in (b"", b"nonsense\n"):
        (tmp_path / "train.jsonl").write_bytes(content)
        with pytest.raises(BadData) as caught:
            open_speech(kit.speech(), base=tmp_path, environment={})
        assert caught.value.code == "empty_split"


def test_control_characters_of_a_manifest_reach_no_terminal(kit: Any, tmp_path: Path) -> None:
    record = {"audio": "\x1b[2J\n::error::x.wav", "text": "one", "duration": 1}
    (tmp_path / "train.jsonl").write_text(json.dumps(record))
    with pytest.raises(BadData) as caught:
        open_speech(kit.speech(on_bad="fail"), base=tmp_path, environment={})
    assert all(line.isprintable() and not line.startswith("::") for line in str(caught.value).splitlines())


def archived(folder: Path, records: list[Record], *, method: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(folder / "audio.zip", "w", method) as archive:
        for record in records:
            archive.write(folder / record["audio"], record["audio"])


def test_an_archive_is_read_like_files(kit: Any, tmp_path: Path) -> None:
    records = kit.write_corpus(tmp_path, 9)
    archived(tmp_path, records)
    data = open_speech(kit.speech(archive="audio.zip"), base=tmp_path, environment={}, kept_bytes=0)
    plain = open_speech(kit.speech(), base=tmp_path, environment={})
    for num_workers in (0, 2):
        pairs = zip(
            data.batches("train", batch=2, num_workers=num_workers), plain.batches("train", batch=2), strict=True
        )
        assert all(
            torch.equal(left.inputs["data.audio.waveform"], right.inputs["data.audio.waveform"])
            for left, right in pairs
        )


def test_bad_members_of_an_archive_are_named(kit: Any, tmp_path: Path) -> None:
    records = kit.write_corpus(tmp_path, 9)
    archived(tmp_path, records[:-1], method=zipfile.ZIP_STORED)
    with zipfile.ZipFile(tmp_path / "audio.zip", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/", b"")
        archive.writestr("bomb.wav", bytes(130 * 2**20))
    whole = (tmp_path / "audio.zip").read_bytes()
    inside = whole.index(b"RIFF") + 1000
    (tmp_path / "audio.zip").write_bytes(whole[:inside] + b"\x99" + whole[inside + 1 :])
    extra = [{"audio": name, "text": "one", "duration": 0.3} for name in ("folder/", "bomb.wav", "../train_001.wav")]
    kit.write_manifest(tmp_path / "train.jsonl", [*records, *extra])
    data = open_speech(kit.speech(archive="audio.zip"), base=tmp_path, environment={})
    assert found(data.tally) == {
        1: "corrupt",
        9: "missing_file",
        10: "not_a_file",
        11: "over_budget",
        12: "outside_root",
    }


def test_a_broken_archive_is_one_error(kit: Any, tmp_path: Path) -> None:
    kit.write_corpus(tmp_path, 3)
    (tmp_path / "audio.zip").write_bytes(b"PK\x03\x04 not really")
    (tmp_path / "folder.zip").mkdir()
    for path in ("audio.zip", "absent.zip", "folder.zip", "../audio.zip"):
        with pytest.raises(BadData) as caught:
            open_speech(kit.speech(archive=path), base=tmp_path, environment={})
        assert caught.value.code == "bad_archive"
