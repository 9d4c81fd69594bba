"""A clip's result depends neither on padding nor on the other clips of its batch."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from s2sc.compiler.graph import CheckedGraph
from s2sc.runtime.lower import Lowered, lower
from torch import Tensor

Compile = Callable[..., CheckedGraph]
Batch = dict[str, Tensor]

VARIED = """
encoder {
  a   = data.audio -> conv1d(8, kernel = 4, stride = 3) -> layer_norm -> gelu
  b   = a -> sep_conv1d(8, kernel = 6, dilation = 2, pad = "causal") -> batch_norm
  c   = a + b
  d   = c -> conv1d(16, kernel = 3, pad = "valid") -> glu
  e   = (d, d -> relu) -> concat
  f   = e -> max_pool(kernel = 2, stride = 1) -> mean_pool(kernel = 3, stride = 1)
  out = f -> stack_frames(2) -> conv1d(8, kernel = 2, groups = 2)
}
"""

CASES = {"convolutions": {}, "varied": {"encoder": VARIED}}
over_models = pytest.mark.parametrize("model", CASES.values(), ids=CASES.keys())


def _trained(compile_model: Compile, model: dict[str, str]) -> Lowered:
    """A model whose running statistics and affine maps are not the trivial ones."""
    torch.manual_seed(0)
    lowered = lower(compile_model(**model))
    with torch.no_grad():
        for name, tensor in lowered.module.state_dict().items():
            if "batch_norm" in name:
                tensor.copy_(torch.rand_like(tensor) + 0.5)
    return lowered


def _filled(batch: Batch, content: float) -> Batch:
    waveform_BN = batch["audio_waveform"].clone()
    for row, length in enumerate(batch["audio_waveform_lengths"].tolist()):
        waveform_BN[row, length:] = content
    return {**batch, "audio_waveform": waveform_BN}


def _rows(outputs: Batch) -> list[Tensor]:
    """The real frames of each clip."""
    lengths = outputs["decoder.log_probs.lengths"].tolist()
    return [outputs["decoder.log_probs"][row, :length] for row, length in enumerate(lengths)]


@over_models
@pytest.mark.parametrize("content", [1e4, float("nan"), float("inf")])
def test_what_lies_in_the_padding_is_never_read(
    compile_model: Compile, batch: Batch, model: dict[str, str], content: float
) -> None:
    module = _trained(compile_model, model).module.eval()
    zero, filled = module(**_filled(batch, 0.0)), module(**_filled(batch, content))
    for expected, found in zip(_rows(zero), _rows(filled), strict=True):
        assert len(expected) > 0
        assert torch.equal(expected, found)


@over_models
def test_a_clip_alone_gives_the_same_as_in_a_batch(compile_model: Compile, batch: Batch, model: dict[str, str]) -> None:
    module = _trained(compile_model, model).module.eval()
    together = _rows(module(**_filled(batch, 1e4)))
    for row, length in enumerate(batch["audio_waveform_lengths"].tolist()):
        alone = module(batch["audio_waveform"][row : row + 1, :length], torch.tensor([length]))
        # sums over time run in another order when the batch is shorter
        torch.testing.assert_close(_rows(alone)[0], together[row], atol=1e-4, rtol=1e-4)


@over_models
def test_longer_padding_changes_nothing(compile_model: Compile, batch: Batch, model: dict[str, str]) -> None:
    module = _trained(compile_model, model).module.eval()
    longer = {**batch, "audio_waveform": torch.nn.functional.pad(batch["audio_waveform"], (0, 1237), value=1e4)}
    for expected, found in zip(_rows(module(**batch)), _rows(module(**longer)), strict=True):
        torch.testing.assert_close(expected, found, atol=1e-4, rtol=1e-4)


@over_models
def test_training_takes_statistics_over_real_frames_only(
    compile_model: Compile, batch: Batch, model: dict[str, str]
) -> None:
    results = []
    for content in (0.0, 1e4):
        module = _trained(compile_model, model).module.train()
        torch.manual_seed(1)
        outputs = module(**_filled(batch, content))
        torch.autograd.backward(torch.stack([row.sum() for row in _rows(outputs)]).sum())
        gradients = [parameter.grad for parameter in module.parameters()]
        results.append([*_rows(outputs), *module.state_dict().values(), *gradients])
    for expected, found in zip(*results, strict=True):
        assert torch.equal(expected, found)
