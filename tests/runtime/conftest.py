"""Small models, from text to checked graph."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from s2sc.compiler.front import analyse
from s2sc.compiler.graph import CheckedGraph
from s2sc.dsl.source import Source
from torch import Tensor

Compile = Callable[..., CheckedGraph]

CONVOLUTIONS = """
encoder tdnn {
  table stack of conv {
    | channels | kernel | stride | dilation | repeat |
    | 8        | 5      | 2      | 1        | 1      |
    | 8        | 4      | 1      | 2        | 2      |
  }
  out = data.audio -> stack
}
"""

SPEC = """
edition 1
let chars = alphabet("abc")
data speech {
  audio   = logmel(rate = 8kHz, bins = 8, window = 20ms, hop = 10ms, dither = 1e-5)
  text    = chars
  train   = ["train.jsonl"]
  augment = [spec_augment(freq_masks = 1, freq_width = 2, time_masks = 1, time_width = 4)]
}
block conv(x: seq[batch, time, _], channels, kernel, stride, dilation) => y {
  y = x -> conv1d(channels, kernel = kernel, stride = stride, dilation = dilation, bias = false)
        -> batch_norm -> relu(max = 20) -> dropout(0.1)
}
ENCODER
decoder ctc {
  logits    = encoder.out -> linear(pad_to(8, chars.size + 1))
  log_probs = logits -> log_softmax
  infer     = log_probs -> greedy_ctc(blank = chars.size)
}
loss = ctc_loss(logits = decoder.logits, target = data.text, blank = chars.size)
hyperparameters {
  batch = 16 examples; stop = 1 epochs; seed = 1; optimizer = adam(lr = 1e-3); precision = PRECISION
}
"""


@pytest.fixture(scope="session")
def compile_model() -> Compile:
    """A checked graph of a small CTC model; `encoder` is the text of its encoder section."""

    def compile_text(*, encoder: str = CONVOLUTIONS, precision: str = "fp32") -> CheckedGraph:
        text = SPEC.replace("ENCODER", encoder).replace("PRECISION", precision)
        analysis = analyse(Source("model.s2s", text))
        assert analysis.checked is not None, [diagnostic.message for diagnostic in analysis.findings]
        return analysis.checked

    return compile_text


@pytest.fixture
def batch() -> dict[str, Tensor]:
    """Three clips of noise: 2400, 4000 and 801 samples."""
    generator = torch.Generator().manual_seed(5)
    return {
        "audio_waveform": torch.rand(3, 4000, generator=generator) - 0.5,
        "audio_waveform_lengths": torch.tensor([2400, 4000, 801]),
    }
