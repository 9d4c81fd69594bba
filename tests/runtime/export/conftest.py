"""A small model, exported once, with recordings to hold it against."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from s2sc.compiler.front import analyse
from s2sc.compiler.graph import CheckedGraph
from s2sc.dsl.source import Source
from s2sc.runtime.export.onnx import ExportReport, export_onnx
from s2sc.runtime.lower import lower
from torch import Tensor
from torch.onnx._internal.exporter._registration import ONNXRegistry

RATE = 8000
SPEC = """
edition 1
let chars = alphabet("abc ")
data speech {
  audio   = logmel(rate = 8kHz, bins = 8, window = 20ms, hop = 10ms, dither = 1e-5)
  text    = chars
  train   = ["train.jsonl"]
  valid   = ["valid.jsonl"]
  keep    = 0.1s .. 2s
  augment = [spec_augment(freq_masks = 1, freq_width = 2, time_masks = 1, time_width = 4)]
}
block conv(x: seq[batch, time, _], channels, kernel, stride, dilation) => y {
  y = x -> conv1d(channels, kernel = kernel, stride = stride, dilation = dilation, bias = false)
        -> batch_norm -> relu(max = 20) -> dropout(0.1)
}
encoder tdnn {
  table stack of conv {
    | channels | kernel | stride | dilation | repeat |
    | 16       | 5      | 2      | 1        | 1      |
    | 16       | 4      | 1      | 2        | 2      |
  }
  out = data.audio -> stack -> linear(16) -> batch_norm -> relu
}
decoder ctc {
  logits    = encoder.out -> linear(pad_to(8, chars.size + 1))
  log_probs = logits -> log_softmax
  infer     = log_probs -> greedy_ctc(blank = chars.size)
}
loss = ctc_loss(logits = decoder.logits, target = data.text, blank = chars.size)
hyperparameters {
  batch = 16 examples; stop = 1 epochs; seed = 1; optimizer = adam(lr = 1e-3); precision = autocast(bf16)
  metrics = [wer]
}
export onnx {
  precision = fp16
  outputs   = [decoder.log_probs, decoder.log_probs.lengths]
  licence   = "CC0-1.0"
  dynamic { batch = 1 .. 4; time = 0.1s .. 2s }
  check   { examples = 3; max_abs_diff = 2e-2 }
}
"""


@dataclass(frozen=True)
class Exported:
    """A model with weights, recordings as samples and as files, and what its export gave."""

    checked: CheckedGraph
    state: Mapping[str, Tensor]
    clips: list[Any]
    references: list[str]
    report: ExportReport

    @property
    def path(self) -> Path:
        return self.report.path


@pytest.fixture(scope="session", autouse=True)
def _one_registry() -> Iterator[None]:
    """The exporter reads its table of operators anew for every export, which takes longer than a small export."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ONNXRegistry, "from_torchlib", staticmethod(cache(ONNXRegistry.from_torchlib)))
        # thousands of records that pytest would keep
        patch.setattr(logging.getLogger("torch.__trace"), "disabled", True)
        yield


@pytest.fixture(scope="session")
def compile_spec() -> Callable[..., CheckedGraph]:
    """The checked graph of the small model, with pieces of its text replaced."""

    def compile_text(*changes: tuple[str, str]) -> CheckedGraph:
        text = SPEC
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        analysis = analyse(Source("model.s2s", text))
        assert analysis.checked is not None, [diagnostic.message for diagnostic in analysis.findings]
        return analysis.checked

    return compile_text


@pytest.fixture(scope="session")
def weights() -> Callable[[CheckedGraph], dict[str, Tensor]]:
    """Weights as training leaves them: statistics that are not 0 and 1, and logits that choose many classes."""

    def make(checked: CheckedGraph) -> dict[str, Tensor]:
        torch.manual_seed(3)
        state = dict(lower(checked).module.state_dict())
        for name, tensor in state.items():
            if name.endswith(("running_var", "norm.weight")):
                state[name] = torch.empty_like(tensor).uniform_(0.5, 1.5)
            elif "norm" in name:
                state[name] = torch.empty_like(tensor).uniform_(-0.5, 0.5)
            elif name.endswith("bias"):
                state[name] = torch.zeros_like(tensor)
            else:
                # as He et al. (2015): what goes in comes out as varied, layer after layer
                gain = 4 if name.startswith("decoder.logits") else 2
                state[name] = torch.randn_like(tensor) * (gain / tensor[0].numel()) ** 0.5
        return state

    return make


@pytest.fixture(scope="session")
def clips() -> list[Any]:
    """Sweeps with noise, between 0.125 and 1.5 seconds."""
    rng = np.random.default_rng(11)
    found = []
    for number, seconds in enumerate((0.6, 1.5, 0.125, 1.1, 0.3, 0.9)):
        time = np.arange(int(seconds * RATE)) / RATE
        sweep = np.sin(2 * np.pi * (200 + 150 * number + 900 * time) * time) * np.sin(7 * time) ** 2
        found.append((0.3 * sweep + 0.01 * rng.standard_normal(len(time))).astype(np.float32))
    return found


@pytest.fixture(scope="session")
def exported(
    compile_spec: Callable[..., CheckedGraph],
    weights: Callable[[CheckedGraph], dict[str, Tensor]],
    clips: list[Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Exported:
    """The small model, exported in half precision."""
    checked = compile_spec()
    references = ["ab c", "a", "b", "cab a", "c", "b b"]
    state = weights(checked)
    folder = tmp_path_factory.mktemp("exported")
    report = export_onnx(checked, state, waveforms=clips, references=references, folder=folder)
    return Exported(checked, state, clips, references, report)


@pytest.fixture
def recordings(clips: list[Any], tmp_path: Path) -> list[Path]:
    """The clips as WAV files of floats, which hold them exactly."""
    paths = [tmp_path / f"clip{number}.wav" for number in range(len(clips))]
    for path, clip in zip(paths, clips, strict=True):
        soundfile.write(path, clip, RATE, subtype="FLOAT")
    return paths
