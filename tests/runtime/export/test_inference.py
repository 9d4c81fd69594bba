"""Transcription with an exported file: the model's own texts, without torch, whatever the files are."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import soundfile
import torch
from onnx import TensorProto, helper
from s2sc.runtime import onnx_session
from s2sc.runtime.data.manifest import BadManifest
from s2sc.runtime.export.metadata import Metadata, read_metadata
from s2sc.runtime.export.prepare import form, output_names, trained_module
from s2sc.runtime.export.properties import BadModelFile
from s2sc.runtime.no_answer import NoAnswer
from s2sc.runtime.onnx_recogniser import OnnxRecogniser, padded
from s2sc.runtime.search.greedy_ctc import greedy_ctc
from s2sc.runtime.storage import StorageError
from s2sc.runtime.transcripts import transcribe_manifest
from s2sc.runtime.whole_file import WholeFile


@pytest.fixture
def recogniser(exported: Any) -> OnnxRecogniser:
    return OnnxRecogniser(exported.path)


@pytest.fixture
def expected(exported: Any) -> list[str]:
    """The texts of the float32 model, by torch's own search."""
    checked = form(exported.checked, "onnx", "fp32")
    lowered = trained_module(checked, output_names(checked.graph, "onnx"), exported.state)
    texts = []
    for clip in exported.clips:
        with torch.no_grad():
            found = lowered.module(*(torch.from_numpy(value) for value in padded([clip]).values()))
        (tokens,) = greedy_ctc(found["decoder.log_probs"], found["decoder.log_probs.lengths"], blank=4)
        texts.append("".join("abc "[token] for token in tokens))
    assert all(texts)
    assert len(set(texts)) > 1
    return texts


def test_the_file_hears_what_the_model_hears(
    recogniser: OnnxRecogniser, recordings: list[Path], expected: list[str]
) -> None:
    answers = list(recogniser.transcribe(recordings))
    assert [answer.text for answer in answers] == expected
    assert [answer.name for answer in answers] == [str(path) for path in recordings]


def test_no_torch_is_imported(exported: Any, recordings: list[Path], expected: list[str]) -> None:
    script = """
import sys
import s2sc
model = s2sc.load(sys.argv[1])
print([answer.text for answer in model.transcribe(sys.argv[2:])])
print(sorted({"torch", "onnx", "onnxscript", "safetensors"} & set(sys.modules)))
"""
    arguments = [sys.executable, "-c", script, str(exported.path), *map(str, recordings)]
    found = subprocess.run(arguments, check=True, capture_output=True, text=True, timeout=60)
    assert found.stdout.splitlines() == [str(expected), "[]"]
    assert found.stderr == ""


def test_a_clip_is_heard_the_same_alone_and_in_company(recogniser: OnnxRecogniser, recordings: list[Path]) -> None:
    together = [answer.text for answer in recogniser.transcribe(recordings)]
    assert [next(recogniser.transcribe([path])).text for path in recordings] == together
    assert [answer.text for answer in recogniser.transcribe(reversed(recordings))] == together[::-1]


def test_files_that_cannot_be_heard_are_named_and_stop_no_other(
    recogniser: OnnxRecogniser, recordings: list[Path], expected: list[str], tmp_path: Path
) -> None:
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "text.wav").write_text("not audio at all")
    soundfile.write(tmp_path / "long.wav", np.zeros(8000 * 3) + 0.1, 8000)
    soundfile.write(tmp_path / "short.wav", np.full(100, 0.1), 8000)
    soundfile.write(tmp_path / "nan.wav", np.full(8000, np.nan), 8000, subtype="FLOAT")
    names = ["missing", "empty", "text", "long", "short", "nan"]
    bad = [tmp_path / f"{name}.wav" for name in names]
    answers = list(recogniser.transcribe([recordings[0], *bad, recordings[1]]))
    assert [answer.text for answer in answers] == [expected[0], *[None] * 6, expected[1]]
    reasons = ["missing_file", "empty_file", "not_audio", "too_long", "too_short", "not_finite"]
    assert [answer.reason for answer in answers[1:-1]] == reasons
    assert answers[4].message == "lasts 3 s, the model takes up to 2 s"


def test_stereo_at_another_rate_is_mixed_and_resampled(recogniser: OnnxRecogniser, tmp_path: Path) -> None:
    time = np.arange(44100) / 44100
    tone = 0.3 * np.sin(2 * np.pi * 500 * time)
    soundfile.write(tmp_path / "stereo.flac", np.stack([tone, 0.5 * tone], 1), 44100)
    (answer,) = recogniser.transcribe([tmp_path / "stereo.flac"])
    assert answer.text is not None
    assert answer.seconds == pytest.approx(1.0)


def test_silence_is_heard_as_something(recogniser: OnnxRecogniser, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros(8000), 8000)
    (answer,) = recogniser.transcribe([tmp_path / "silence.wav"])
    assert isinstance(answer.text, str)


def test_numbers_that_are_none_are_no_text(recogniser: OnnxRecogniser) -> None:
    scores_TV = np.zeros((3, 8), np.float32)
    assert recogniser._text([0, 1], scores_TV) == "ab"
    assert isinstance(recogniser._text([0], scores_TV + np.inf), NoAnswer)
    assert "does not have" in str(recogniser._text([31], scores_TV))


# --- files that are no model ---


def test_a_file_that_is_no_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = tmp_path / "model.onnx"
    for content in (b"", b"nonsense" * 20, bytes(range(256)) * 9):
        wrong.write_bytes(content)
        with pytest.raises(BadModelFile, match="onnxruntime refuses it"):
            OnnxRecogniser(wrong)
    with pytest.raises(BadModelFile, match="no such file"):
        OnnxRecogniser(tmp_path / "absent.onnx")
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(BadModelFile, match=r"directory|regular"):
        OnnxRecogniser(tmp_path / "folder.onnx")
    monkeypatch.setattr(onnx_session, "LARGEST_BYTES", 100)
    with pytest.raises(BadModelFile, match="larger than"):
        OnnxRecogniser(wrong)


def test_a_truncated_or_changed_model_is_refused_or_runs(exported: Any, tmp_path: Path) -> None:
    """Whatever bytes change, an answer or BadModelFile comes; never another error."""
    content = exported.path.read_bytes()
    rng = np.random.default_rng(5)
    path = tmp_path / "model.onnx"
    for number in range(60):
        damaged = bytearray(content)
        if number % 3 == 0:
            del damaged[int(rng.integers(len(damaged))) :]
        else:
            damaged[int(rng.integers(len(damaged)))] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            OnnxRecogniser(path).recognise(exported.clips[:1])
        except BadModelFile:
            continue


def test_weights_outside_of_the_file_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_bytes(np.arange(4, dtype=np.float32).tobytes())
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="secret")
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "g", [x], [y], [tensor])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(BadModelFile, match="does not exist"):
        OnnxRecogniser(tmp_path / "model.onnx")


def test_a_model_of_another_make_is_refused(exported: Any, tmp_path: Path) -> None:
    model = onnx.load(exported.path)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(BadModelFile, match="not exported by s2sc"):
        OnnxRecogniser(tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("format", "2", "written in format 2"),
        ("format", "one", "format is not understood"),
        ("rate", "0", "rate is not understood"),
        ("rate", None, "rate is missing"),
        ("batch", "[2]", "batch is not understood"),
        ("seconds", "[3, 1]", "seconds is not understood"),
        ("seconds", "[0.1, NaN]", "seconds is not understood"),
        ("seconds", "[0.1, Infinity]", "seconds is not understood"),
        ("vocabulary", '"abc"', "vocabulary is not understood"),
        ("vocabulary", "[1]", "vocabulary is not understood"),
        ("vocabulary", "[" * 100000, "vocabulary is not understood"),
        ("search", "{}", "search is not understood"),
        ("search", '{"kind": "beam", "blank": 4, "scores": "a", "lengths": "b"}', "search 'beam' is not known"),
        ("search", '{"kind": "greedy_ctc", "blank": 9, "scores": "a", "lengths": "b"}', "search is not understood"),
    ],
)
def test_facts_that_make_no_sense_are_refused(
    recogniser: OnnxRecogniser, key: str, value: str | None, said: str
) -> None:
    properties = recogniser.metadata.to_properties()
    assert read_metadata(properties) == recogniser.metadata
    if value is None:
        del properties[f"s2sc.{key}"]
    else:
        properties[f"s2sc.{key}"] = value
    with pytest.raises(BadModelFile, match=said):
        read_metadata(properties)


def test_scores_of_another_name_are_refused(exported: Any, tmp_path: Path) -> None:
    model = onnx.load(exported.path)
    for one in model.metadata_props:
        one.value = one.value.replace('"log_probs"', '"logits"')
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(BadModelFile, match="lacks the output logits"):
        OnnxRecogniser(tmp_path / "model.onnx")


def test_facts_without_a_search_say_so(recogniser: OnnxRecogniser) -> None:
    properties = recogniser.metadata.to_properties()
    del properties["s2sc.search"]
    found: Metadata = read_metadata(properties)
    assert found.search is None


# --- manifests ---

Transcribed = Callable[[str], tuple[list[str], Any]]


@pytest.fixture
def transcribed(recogniser: OnnxRecogniser, recordings: list[Path]) -> Transcribed:
    """Write a manifest beside the recordings and transcribe it."""
    folder = recordings[0].parent

    def run(text: str) -> tuple[list[str], Any]:
        (folder / "list.jsonl").write_text(text, encoding="utf-8")
        lines: list[str] = []
        outcome = transcribe_manifest(folder / "list.jsonl", recogniser.transcribe, lines.append)
        return lines, outcome

    return run


def test_a_manifest_comes_back_in_its_order_with_what_was_heard(transcribed: Transcribed, expected: list[str]) -> None:
    records = [{"text": "ü", "audio": f"clip{number}.wav", "speaker": number} for number in (3, 0, 5, 0)]
    lines, outcome = transcribed("\n".join(map(json.dumps, records)))
    heard = [expected[number] for number in (3, 0, 5, 0)]
    found = [json.loads(line) for line in lines]
    assert found == [{**record, "hypothesis": text} for record, text in zip(records, heard, strict=True)]
    assert list(found[0]) == ["text", "audio", "speaker", "hypothesis"]
    assert "ü" in lines[0]
    assert outcome.transcribed == 4
    assert outcome.problems == ()


def test_bad_records_are_named_with_their_lines_and_the_others_go_on(
    transcribed: Transcribed, expected: list[str]
) -> None:
    lines, outcome = transcribed(
        '{"audio": "clip0.wav"}\n'
        "not json\n"
        '{"audio": "../secret.wav"}\n'
        '{"audio": "absent.wav", "id": 7}\n'
        '{"text": "a"}\n'
        "\n"
        '{"audio": "clip1.wav"}\n'
    )
    assert [json.loads(line)["hypothesis"] for line in lines] == [expected[0], None, expected[1]]
    assert outcome.transcribed == 2
    found = [(problem.line, problem.reason) for problem in outcome.problems]
    assert found == [(2, "not_json"), (3, "outside_root"), (4, "missing_file"), (5, "missing_field")]


def test_a_link_out_of_the_folder_is_not_followed(
    recogniser: OnnxRecogniser, recordings: list[Path], tmp_path: Path
) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link.wav").symlink_to(recordings[0])
    (inside / "list.jsonl").write_text('{"audio": "link.wav"}')
    outcome = transcribe_manifest(inside / "list.jsonl", recogniser.transcribe, lambda line: None)
    assert [problem.reason for problem in outcome.problems] == ["outside_root"]


def test_a_manifest_that_is_not_there_is_named(recogniser: OnnxRecogniser, tmp_path: Path) -> None:
    with pytest.raises(BadManifest, match="no such file"):
        transcribe_manifest(tmp_path / "absent.jsonl", recogniser.transcribe, lambda line: None)


def test_the_file_of_transcripts_appears_whole(tmp_path: Path) -> None:
    file = WholeFile(tmp_path / "out.jsonl")
    file.write("one")
    file.write("two")
    assert not (tmp_path / "out.jsonl").exists()
    file.finish()
    assert (tmp_path / "out.jsonl").read_text() == "one\ntwo\n"
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StorageError):
        WholeFile(tmp_path / "taken" / "out.jsonl").finish()
