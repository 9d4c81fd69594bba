"""Weights with their length apart are torch's parametrization, in results and in gradients."""

from __future__ import annotations

import pytest
import torch
from s2sc.runtime.layers.conv1d import Conv1d
from s2sc.runtime.layers.linear import Linear
from torch import nn
from torch.nn.utils.parametrizations import weight_norm


def pair(kind: str) -> tuple[Linear | Conv1d, nn.Module, torch.Tensor]:
    if kind == "linear":
        return Linear(in_features=5, size=4, weight_norm=True), nn.Linear(5, 4), torch.randn(3, 7, 5)
    ours = Conv1d(in_channels=6, channels=4, kernel=3, groups=2, weight_norm=True)
    return ours, nn.Conv1d(6, 4, 3, padding=1, groups=2), torch.randn(3, 6, 7)


@pytest.mark.parametrize("kind", ["linear", "conv1d"])
def test_it_is_torchs(kind: str) -> None:
    torch.manual_seed(0)
    ours, plain, x = pair(kind)
    assert ours.weight is not None
    assert ours.gain is not None
    assert ours.bias is not None
    plain.load_state_dict({"weight": ours.weight, "bias": ours.bias})
    # it starts as the weight itself
    torch.testing.assert_close(ours(x), plain(x))
    nn.init.uniform_(ours.gain, 0.5, 2.0)
    theirs = weight_norm(plain)
    lengths, directions = theirs.parametrizations.weight.original0, theirs.parametrizations.weight.original1
    lengths.data = ours.gain.detach().view_as(lengths).clone()
    ours_y, theirs_y = ours(x), theirs(x)
    torch.testing.assert_close(ours_y, theirs_y)
    for y in (ours_y, theirs_y):
        y.square().sum().backward()
    torch.testing.assert_close(ours.gain.grad, lengths.grad.flatten(), atol=1e-4, rtol=1e-5)
    torch.testing.assert_close(ours.weight.grad, directions.grad, atol=1e-4, rtol=1e-5)
