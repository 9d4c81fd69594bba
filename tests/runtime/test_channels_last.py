"""Convolutions with channels last: the same numbers up to rounding, and an order that stays between them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from s2sc.compiler.front import analyse_file
from s2sc.runtime.convolution import ConvolutionLayer, channels_last
from s2sc.runtime.data.generated import generated_data
from s2sc.runtime.layers.batch_norm import BatchNorm
from s2sc.runtime.layers.conv1d import Conv1d
from s2sc.runtime.layers.sep_conv1d import SepConv1d
from s2sc.runtime.model import build_model
from torch import Tensor, nn

SPEC = Path(__file__).parents[2] / "specs/wav2letter.s2s"

LAYERS: dict[str, Callable[[], ConvolutionLayer]] = {
    "plain": lambda: Conv1d(in_channels=6, channels=8, kernel=5),
    "strided": lambda: Conv1d(in_channels=6, channels=8, kernel=5, stride=2),
    "dilated": lambda: Conv1d(in_channels=6, channels=8, kernel=3, dilation=4),
    "grouped": lambda: Conv1d(in_channels=6, channels=8, kernel=3, groups=2),
    "one frame": lambda: Conv1d(in_channels=6, channels=8, kernel=1),
    "causal": lambda: Conv1d(in_channels=6, channels=8, kernel=4, pad="causal"),
    "weight norm": lambda: Conv1d(in_channels=6, channels=8, kernel=3, weight_norm=True),
    "separable": lambda: SepConv1d(in_channels=6, channels=8, kernel=5, stride=2),
}


def is_last(x_BCT: Tensor) -> bool:
    return x_BCT.unsqueeze(2).is_contiguous(memory_format=torch.channels_last) and not x_BCT.is_contiguous()


def passes(module: nn.Module, x_BCT: Tensor) -> tuple[Tensor, list[Tensor]]:
    x_BCT = x_BCT.clone().requires_grad_()
    y_BCT = module(x_BCT)
    weights = [x_BCT, *module.parameters()]
    return y_BCT, list(torch.autograd.grad((y_BCT * torch.linspace(-1, 1, y_BCT.shape[2])).sum(), weights))


@pytest.mark.parametrize("kind", LAYERS)
def test_a_convolution_gives_the_same(kind: str) -> None:
    torch.manual_seed(0)
    layer = LAYERS[kind]()
    x_BCT = torch.randn(3, 6, 23)
    expected, by_weight = passes(layer, x_BCT)
    channels_last(layer)
    found, gradients = passes(layer, x_BCT)
    assert is_last(found)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    for one, other in zip(gradients, by_weight, strict=True):
        assert one.shape == other.shape
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_normalisation_keeps_the_order_and_gives_the_same(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    norms = [BatchNorm(features=8) for _ in range(2)]
    x_BCT = (3 * torch.randn(4, 8, 19) + 5).to(dtype)
    x_last = x_BCT.unsqueeze(2).contiguous(memory_format=torch.channels_last).squeeze(2)
    mask_B1T = (torch.arange(19) < torch.tensor([19, 7, 1, 12]).unsqueeze(1)).unsqueeze(1)
    given, gradients = [], []
    for norm, x in zip(norms, (x_BCT, x_last), strict=True):
        x = x.detach().requires_grad_()
        y_BCT = norm(x, mask=mask_B1T)
        torch.autograd.backward((y_BCT * mask_B1T * torch.linspace(-1, 1, 19)).sum())
        assert x.grad is not None
        assert is_last(y_BCT) == is_last(x)
        given.append(y_BCT * mask_B1T)
        gradients.append(x.grad * mask_B1T)
    rounding = 1e-5 if dtype == torch.float32 else 2e-2
    for one, other in (given, gradients):
        torch.testing.assert_close(one, other, rtol=rounding, atol=rounding)
    for name in ("running_mean", "running_var"):
        torch.testing.assert_close(getattr(norms[1], name), getattr(norms[0], name), rtol=1e-4, atol=1e-5)


def test_a_recogniser_keeps_the_order_from_its_first_convolution_to_its_last() -> None:
    checked = analyse_file(SPEC).checked
    assert checked is not None
    batch = next(iter(generated_data(checked).batches("train", batch=4)))
    torch.manual_seed(0)
    model = build_model(checked)
    model.module.train()
    losses, seen = [], []
    for last in (False, True):
        if last:
            channels_last(model.module)
            for layer in model.module.modules():
                if isinstance(layer, ConvolutionLayer):
                    layer.register_forward_pre_hook(lambda _, given: seen.append(is_last(given[0])))
        torch.manual_seed(1)
        losses.append(model.loss(model(batch), batch))
    torch.testing.assert_close(losses[1], losses[0], rtol=1e-4, atol=1e-3)
    # the first one gets features, which are as they were made
    assert len(seen) > 2
    assert seen[1:] == [True] * (len(seen) - 1)
