"""What leaves as a file: its content, its nearness to the model, and that a wrong one never leaves."""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import soundfile
import torch
from s2sc.compiler.graph import CheckedGraph
from s2sc.runtime.checkpoint import Checkpoint, save_checkpoint
from s2sc.runtime.export.failed import ExportFailed
from s2sc.runtime.export.fold import fold_batch_norms
from s2sc.runtime.export.onnx import ExportReport, export_onnx
from s2sc.runtime.export.precision import largest_results
from s2sc.runtime.export.prepare import form, output_names, trained_module
from s2sc.runtime.export.program import make_program
from s2sc.runtime.export.run import export_run
from s2sc.runtime.onnx_recogniser import OnnxRecogniser, padded
from s2sc.runtime.onnx_session import open_session
from s2sc.runtime.run_folder import Run
from s2sc.runtime.storage import Storage, StorageError
from torch import Tensor

Compile = Callable[..., CheckedGraph]
Weights = Callable[[CheckedGraph], dict[str, Tensor]]


# --- the file ---


def test_the_file_is_near_the_model_and_the_report_says_how_near(exported: Any) -> None:
    found = json.loads((exported.path.parent / "parity.json").read_text())
    assert found == exported.report.to_json()
    assert found["passed"]
    # float32 would be at 1e-6: this is half, and it is far from the 2e-2 that the spec allows
    assert 1e-6 < found["probabilities"]["max_abs_diff"] < 5e-3
    assert found["greedy_tokens"]["equal_share"] >= 0.98
    assert found["wer"]["delta"] == found["wer"]["onnx"] - found["wer"]["torch"]
    assert found["clips"] == {"compared": 3, "wer": 6}
    assert found["model"]["sha256"] == hashlib.sha256(exported.path.read_bytes()).hexdigest()
    assert found["bytes"]["model"] == exported.path.stat().st_size < found["bytes"]["fp32"]
    assert found["weights"]["overflowed"] == found["weights"]["vanished"] == 0
    assert found["longest"]["finite"]
    assert 0 < found["longest"]["largest_half_result"] < 65504
    assert sorted(path.name for path in exported.path.parent.iterdir()) == ["model.onnx", "parity.json"]
    assert str(exported.path) in exported.report.to_text()


def test_every_weight_that_may_be_half_is_half(exported: Any) -> None:
    model = onnx.load(exported.path, load_external_data=False)
    half = sum(np.prod(t.dims) for t in model.graph.initializer if t.data_type == onnx.TensorProto.FLOAT16)
    names = {t.name for t in model.graph.initializer}
    assert half >= exported.report.weights.halved == 5 * 8 * 16 + 2 * 4 * 16 * 16 + 16 * 16 + 8 * 16 + 16 * 4 + 8
    assert not [name for name in names if "batch_norm" in name]
    assert len(exported.report.folded) == 4


def test_the_file_names_its_inputs_outputs_and_facts(exported: Any) -> None:
    model = onnx.load(exported.path, load_external_data=False)
    onnx.checker.check_model(model, full_check=True)
    assert [given.name for given in model.graph.input] == ["audio_waveform", "audio_waveform_lengths"]
    assert [given.name for given in model.graph.output] == ["log_probs", "log_probs_lengths"]
    assert [(one.domain, one.version) for one in model.opset_import] == [("", 20)]
    assert not model.functions
    facts = {one.key: one.value for one in model.metadata_props}
    assert json.loads(facts["s2sc.vocabulary"]) == ["a", "b", "c", " "]
    assert json.loads(facts["s2sc.search"])["blank"] == 4
    assert facts["s2sc.rate"] == "8000"
    assert facts["s2sc.licence"] == "CC0-1.0"
    assert facts["s2sc.architecture"] == exported.checked.architecture_hash
    assert facts["s2sc.spec"] == exported.checked.graph.origins.spec_hash != ""
    assert json.loads(facts["s2sc.batch"]) == [1, 4]
    assert json.loads(facts["s2sc.seconds"]) == [0.1, 2]


def test_the_file_says_nothing_of_the_machine(exported: Any) -> None:
    content = exported.path.read_bytes()
    for told in (os.getcwd(), str(Path.home()), str(exported.path.parent), "def ", ".py", "Traceback", "torch"):
        assert told.encode() not in content, told
    user = getpass.getuser()
    assert len(user) < 5 or user.encode() not in content


def test_the_file_is_the_same_from_another_folder_with_another_hash_seed(exported: Any, tmp_path: Path) -> None:
    from s2sc.compiler.graph_file import write_graph
    from safetensors.torch import save_file

    write_graph(exported.checked, tmp_path)
    save_file({name: tensor.contiguous() for name, tensor in exported.state.items()}, tmp_path / "weights")
    np.savez(tmp_path / "clips.npz", *exported.clips)
    script = """
import sys
from pathlib import Path
import numpy as np
from safetensors.torch import load_file
from s2sc.compiler.graph_file import read_graph
from s2sc.runtime.export import onnx
made = []
make = onnx.make_program
# the second export is for the size in float32 only
onnx.make_program = lambda *a, **o: made[0] if made else made.append(make(*a, **o)) or made[0]
here = Path.cwd()
clips = list(np.load(here / "clips.npz").values())
checked, state = read_graph(here / "graph.json"), load_file(here / "weights")
onnx.export_onnx(checked, state, waveforms=clips, references=["a"] * 6, folder=here / "out", spec_hash=sys.argv[1])
"""
    environment = {**os.environ, "PYTHONHASHSEED": "99", "HOME": str(tmp_path)}
    arguments = [sys.executable, "-c", script, exported.checked.graph.origins.spec_hash]
    subprocess.run(arguments, cwd=tmp_path, env=environment, check=True, timeout=240)
    assert (tmp_path / "out" / "model.onnx").read_bytes() == exported.path.read_bytes()


def test_batches_and_lengths_that_were_not_exported_run(exported: Any) -> None:
    recogniser = OnnxRecogniser(exported.path)
    long = np.resize(exported.clips[1], 16000)
    together = recogniser.scores([*exported.clips, *exported.clips, long])
    for place, clip in enumerate([*exported.clips, *exported.clips, long]):
        alone, length = recogniser.scores([clip])
        frames = int(length[0])
        assert together[1][place] == frames == -(-len(clip) // 160)
        # a shorter sum runs in another order, and half rounds
        np.testing.assert_allclose(together[0][place, :frames], alone[0, :frames], atol=2e-2)


def test_padding_of_the_waveform_changes_nothing(exported: Any) -> None:
    session = open_session(exported.path.read_bytes())
    feeds = padded(exported.clips)
    expected, lengths = session.run(None, feeds)
    for row, clip in zip(feeds["audio_waveform"], exported.clips, strict=True):
        row[len(clip) :] = 1e4
    found, _ = session.run(None, feeds)
    for row, length in enumerate(lengths):
        np.testing.assert_array_equal(found[row, :length], expected[row, :length])


def test_folding_changes_no_result(exported: Any) -> None:
    checked = form(exported.checked, "onnx", "fp32")
    outputs = output_names(checked.graph, "onnx")
    whole, folded = (trained_module(checked, outputs, exported.state).module for _ in range(2))
    assert len(fold_batch_norms(folded)) == 4
    inputs = [torch.from_numpy(value) for value in padded(exported.clips).values()]
    with torch.no_grad():
        expected, found = whole(*inputs), folded(*inputs)
    for name in expected:
        # log probabilities of some units; the fold is done in float64
        torch.testing.assert_close(found[name], expected[name], atol=1e-4, rtol=1e-5)


def test_a_batch_norm_is_not_folded_into_what_others_read(compile_spec: Compile, weights: Weights) -> None:
    branch = "h = data.audio -> conv1d(8, kernel = 3)\n  out = ((h -> batch_norm), h) -> concat"
    checked = compile_spec(("out = data.audio -> stack -> linear(16) -> batch_norm -> relu", branch))
    exported = form(checked, "onnx", "fp32")
    lowered = trained_module(exported, output_names(exported.graph, "onnx"), weights(checked))
    assert fold_batch_norms(lowered.module) == []


def test_a_batch_norm_is_folded_into_the_lengths_of_normalised_weights(compile_spec: Compile, weights: Weights) -> None:
    normalised = "out = data.audio -> conv1d(16, kernel = 3, weight_norm = true) -> batch_norm -> relu"
    checked = compile_spec(("out = data.audio -> stack -> linear(16) -> batch_norm -> relu", normalised))
    exported = form(checked, "onnx", "fp32")
    outputs = output_names(exported.graph, "onnx")
    state = weights(checked)
    whole, folded = (trained_module(exported, outputs, state).module for _ in range(2))
    assert len(fold_batch_norms(folded)) == 1
    inputs = [torch.randn(2, 8000), torch.tensor([8000, 6000])]
    with torch.no_grad():
        expected, found = whole(*inputs), folded(*inputs)
    for name in expected:
        # log probabilities of some units; the fold is done in float64
        torch.testing.assert_close(found[name], expected[name], atol=1e-4, rtol=1e-5)


# --- refusals ---


class _Refusal:
    def __init__(self, exported: Any, folder: Path) -> None:
        self.exported, self.folder = exported, folder
        # an earlier export lies there: it must not outlive the failure
        (folder / "model.onnx").write_bytes(b"old")

    def __call__(self, state: dict[str, Tensor], checked: CheckedGraph | None = None, **options: Any) -> ExportFailed:
        one = self.exported
        with pytest.raises(ExportFailed) as caught:
            export_onnx(
                checked or one.checked,
                {**one.state, **state},
                waveforms=options.get("waveforms", one.clips),
                references=options.get("references", one.references),
                folder=self.folder,
            )
        assert not (self.folder / "model.onnx").exists()
        assert not list(self.folder.glob(".*"))
        return caught.value


@pytest.fixture
def refused(exported: Any, tmp_path: Path) -> _Refusal:
    return _Refusal(exported, tmp_path)


def test_a_weight_that_half_cannot_hold_is_named(refused: _Refusal, exported: Any) -> None:
    name = "encoder.stack.1.1.conv1d.weight"
    tensor = exported.state[name].clone()
    tensor[0, 0, 0] = 1e8
    # the norm behind it makes it small again, were it not for one channel's scale
    error = refused({name: tensor, "encoder.stack.1.1.batch_norm.weight": torch.full((16,), 1e-3)})
    assert error.node == "encoder.stack.1.1.conv1d"
    assert "overflows half precision" in error.message


def test_a_result_that_half_cannot_hold_is_named(refused: _Refusal) -> None:
    """Weights that fit, whose sum does not; onnxruntime on a CPU would not notice."""
    error = refused({"encoder.out.linear.weight": torch.full((16, 16), 4e4)})
    assert error.node == "encoder.out.linear"
    assert "its results reach" in error.message


def test_not_a_number_is_named(refused: _Refusal, exported: Any) -> None:
    name = "decoder.logits.linear.bias"
    tensor = exported.state[name].clone()
    tensor[1] = float("nan")
    assert refused({name: tensor}).node.startswith("decoder.logits")


def test_a_checkpoint_that_lacks_a_weight_is_named(exported: Any, tmp_path: Path) -> None:
    state = {name: tensor for name, tensor in exported.state.items() if name != "decoder.logits.linear.bias"}
    with pytest.raises(ExportFailed, match=r"lacks decoder\.logits\.linear\.bias"):
        export_onnx(exported.checked, state, waveforms=exported.clips, references=[], folder=tmp_path)


def test_a_file_that_is_too_far_off_is_refused_with_the_first_node_that_drifts(
    refused: _Refusal, compile_spec: Compile
) -> None:
    error = refused({}, compile_spec(("max_abs_diff = 2e-2", "max_abs_diff = 1e-5")))
    assert error.node == "encoder.stack.0.0.conv1d"
    assert "the spec allows 1e-05; the first node that drifts is encoder.stack.0.0.conv1d" in error.message
    assert json.loads((refused.folder / "parity.json").read_text())["passed"] is False


def test_outputs_without_lengths_are_refused(refused: _Refusal, compile_spec: Compile) -> None:
    checked = compile_spec()
    export = checked.graph.exports["onnx"]
    # lint says so of a spec; a graph.json may hold it
    lacking = {"onnx": export.changed(outputs=export.values()["outputs"][:1])}
    error = refused({}, replace(checked, graph=replace(checked.graph, exports=lacking)))
    assert "the outputs must hold decoder.log_probs and decoder.log_probs.lengths" in error.message


def test_without_recordings_nothing_leaves(refused: _Refusal) -> None:
    assert "no recordings" in refused({}, waveforms=[], references=[]).message


def test_weights_that_become_zero_are_counted(exported: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _export_once(exported, monkeypatch)
    name = "decoder.logits.linear.weight"
    tensor = exported.state[name].clone()
    tensor[0, :3] = 1e-9
    state = {**exported.state, name: tensor}
    report = export_onnx(
        exported.checked, state, waveforms=exported.clips, references=exported.references, folder=tmp_path
    )
    assert report.weights.vanished == {name: 3}
    assert "3 became 0" in report.to_text()


def test_the_range_of_half_precision_is_watched_without_the_masked_classes(exported: Any) -> None:
    checked = form(exported.checked, "onnx", "fp16")
    lowered = trained_module(checked, output_names(checked.graph, "onnx"), exported.state)
    inputs = {name: torch.from_numpy(value) for name, value in padded(exported.clips[:2]).items()}
    found = largest_results(lowered.module, inputs)
    assert next(iter(found)) == "encoder.stack.0.0.conv1d.cast_x"
    assert "decoder.logits.linear" in found
    # softmax, loss and features are float32: half never holds them
    assert not {"decoder.log_probs.log_softmax", "data.audio.logmel"} & found.keys()
    assert max(found.values()) < 1e4


# --- writing ---


class _Failing(Storage):
    """Fails at one operation; a kill there would leave the same."""

    def __init__(self, at: int) -> None:
        self.left = at
        self.failed = False

    def _count(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.failed = True
            raise OSError(28, "No space left on device")

    def write(self, path: Path, content: bytes) -> None:
        self._count()
        super().write(path, content)

    def rename(self, old: Path, new: Path) -> None:
        self._count()
        super().rename(old, new)

    def sync_folder(self, folder: Path) -> None:
        self._count()
        super().sync_folder(folder)


def test_a_write_that_fails_anywhere_leaves_no_file_beside_another_report(
    exported: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _export_once(exported, monkeypatch)
    for at in range(1, 50):
        folder = tmp_path / str(at)
        folder.mkdir()
        (folder / "model.onnx").write_bytes(b"old")
        (folder / "parity.json").write_text('{"model": {"sha256": "old"}}')
        storage = _Failing(at)
        options = {"waveforms": exported.clips[:2], "references": exported.references[:2]}
        with contextlib.suppress(StorageError):
            export_onnx(exported.checked, exported.state, folder=folder, storage=storage, **options)
        if not storage.failed:
            assert at > 6
            break
        model = folder / "model.onnx"
        told = json.loads((folder / "parity.json").read_text())["model"]["sha256"]
        if model.exists():
            content = model.read_bytes()
            assert told == ("old" if content == b"old" else hashlib.sha256(content).hexdigest())
        assert not list(folder.glob(".*.tmp"))
    else:
        raise AssertionError("the export never succeeded")


def test_what_a_killed_export_left_is_removed(exported: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _export_once(exported, monkeypatch)
    (tmp_path / ".model.onnx.123.tmp").write_bytes(b"half of it")
    texts = exported.references
    export_onnx(exported.checked, exported.state, waveforms=exported.clips, references=texts, folder=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.onnx", "parity.json"]


def _export_once(exported: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the program of the first export for all that follow in this test: it is what takes the time."""
    made: dict[str, Any] = {}
    make = make_program

    def remember(*arguments: Any, **options: Any) -> Any:
        precision = options["properties"]["s2sc.precision"]
        if precision not in made:
            made[precision] = make(*arguments, **options)
        return made[precision]

    monkeypatch.setattr("s2sc.runtime.export.onnx.make_program", remember)


# --- other forms ---


def test_float32_leaves_as_float32(exported: Any, compile_spec: Compile, tmp_path: Path) -> None:
    checked = compile_spec(("precision = fp16", "precision = fp32"))
    report = export_onnx(
        checked, exported.state, waveforms=exported.clips, references=exported.references, folder=tmp_path
    )
    assert report.parity.max_abs_diff < 1e-5
    assert report.weights.halved == 0
    assert report.bytes == report.bytes_fp32
    assert OnnxRecogniser(report.path).metadata.precision == "fp32"


def test_a_run_leaves_with_its_best_weights(exported: Any, tmp_path: Path) -> None:
    data, run = tmp_path / "data", Run(tmp_path / "run")
    data.mkdir()
    lines = []
    for number, clip in enumerate(exported.clips):
        soundfile.write(data / f"{number}.wav", clip, 8000, subtype="FLOAT")
        lines.append(json.dumps({"audio": f"{number}.wav", "text": "ab c"}))
    for split in ("train", "valid"):
        (data / f"{split}.jsonl").write_text("\n".join(lines))
    run.begin(exported.checked, spec_text="the spec", base=data, started_with={})
    architecture = exported.checked.architecture_hash
    state = {"architecture": architecture, "made_with": {"architecture": architecture}}
    groups = {"model": exported.state, "optimizer": {}, "random": {}}
    save_checkpoint(run.checkpoints, Checkpoint(3, groups, state), keep=3)
    said: list[str] = []
    report = export_run(run, environment={}, on_progress=said.append)
    assert isinstance(report, ExportReport)
    assert report.path == run.folder / "model.onnx"
    assert report.split == "valid"
    assert report.parity.read == len(exported.clips)
    assert any("onnxruntime" in line for line in said)
    assert OnnxRecogniser(report.path).metadata.spec == hashlib.sha256(b"the spec").hexdigest()
