"""Dropout as it is on the CPU: the share, the mean, one mask for both directions, and tensors of any kind and shape."""

from __future__ import annotations

import math

import pytest
import torch
from s2sc.runtime.layers.dropout import Dropout
from torch import Tensor


def _dropped(x: Tensor, rate: float, seed: int = 0) -> Tensor:
    torch.manual_seed(seed)
    found: Tensor = Dropout(rate=rate).train()(x)
    return found


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.3, 0.5, 0.9])
def test_the_share_and_the_mean_are_kept(rate: float) -> None:
    """Within five standard deviations of what independent draws give."""
    count = 1_000_001
    y = _dropped(torch.ones(count), rate)
    deviation = math.sqrt(rate * (1 - rate) / count)
    silent = (y == 0).double().mean().item()
    assert silent == pytest.approx(rate, abs=5 * deviation + 2**-17)
    assert y.double().mean().item() == pytest.approx(1.0, abs=5 * deviation / (1 - rate))
    (scale,) = set(y[y != 0].tolist())
    assert scale == pytest.approx(1 / (1 - rate), rel=2**-16 / (1 - rate))


def test_the_four_numbers_of_a_draw_are_independent() -> None:
    """Neighbours are silent together as often as chance has it, and each place as often as any other."""
    rate, count = 0.25, 1_000_000
    silent = (_dropped(torch.ones(count), rate) == 0).double().view(-1, 4)
    places = silent.mean(0)
    torch.testing.assert_close(places, torch.full_like(places, rate), atol=5 * math.sqrt(rate / count * 4), rtol=0)
    together = silent.T @ silent / len(silent)
    off = together[~torch.eye(4, dtype=torch.bool)]
    torch.testing.assert_close(off, torch.full_like(off, rate * rate), atol=5 * math.sqrt(rate**2 / count * 4), rtol=0)


@pytest.mark.parametrize("rate", [1e-9, 1e-6, 1 - 1e-6, 1 - 1e-9])
def test_rates_at_the_ends_stay_finite(rate: float) -> None:
    y = _dropped(torch.ones(1000), rate)
    assert y.isfinite().all()
    assert (y == 0).double().mean().item() == pytest.approx(rate, abs=0.01)


def test_the_gradient_has_the_mask_of_the_result() -> None:
    x = torch.randn(7, 5, 3, dtype=torch.float64).requires_grad_()
    y = _dropped(x, 0.4)
    weight = torch.randn_like(y)
    (gradient,) = torch.autograd.grad(y, x, weight)
    torch.testing.assert_close(gradient, weight * (y / x).detach())
    assert (gradient == 0).any()
    assert (gradient != 0).any()


@pytest.mark.parametrize("shape", [(1,), (3,), (4,), (5, 7), (2, 3, 11), (0,), (3, 0, 2), ()])
def test_tensors_of_any_shape_go_both_ways(shape: tuple[int, ...]) -> None:
    x = torch.ones(shape).requires_grad_()
    y = _dropped(x, 0.5)
    assert y.shape == x.shape
    torch.autograd.backward(y.sum())
    assert x.grad is not None
    assert torch.equal(x.grad, y.detach())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_a_number_is_kept_or_not_whatever_its_type(dtype: torch.dtype) -> None:
    x = torch.randn(64, 33)
    half = x.to(dtype).requires_grad_()
    y, expected = _dropped(half, 0.3), _dropped(x, 0.3)
    assert y.dtype == dtype
    assert torch.equal(y == 0, expected == 0)
    torch.testing.assert_close(y.detach().float(), expected, atol=1e-3, rtol=1e-2)
    (gradient,) = torch.autograd.grad(y.sum(), half)
    assert gradient.dtype == dtype
    assert torch.equal(gradient == 0, y == 0)


def test_a_view_that_is_not_contiguous_gives_what_its_copy_gives() -> None:
    whole = torch.randn(6, 10, 9)
    before = whole.clone()
    for view in (whole.transpose(1, 2), whole[:, ::3], whole[..., 1:4], whole[:1].expand(4, 10, 9)):
        assert not view.is_contiguous()
        assert torch.equal(_dropped(view, 0.5), _dropped(view.contiguous(), 0.5))
        taken = view.detach().requires_grad_()
        y = _dropped(taken, 0.5)
        (gradient,) = torch.autograd.grad(y.transpose(0, 1).sum(), taken)
        assert torch.equal(gradient == 0, y == 0)
    assert torch.equal(whole, before)


def test_the_seed_decides() -> None:
    x = torch.ones(1000)
    assert torch.equal(_dropped(x, 0.5, seed=3), _dropped(x, 0.5, seed=3))
    assert not torch.equal(_dropped(x, 0.5, seed=3), _dropped(x, 0.5, seed=4))
    torch.manual_seed(3)
    layer = Dropout(rate=0.5).train()
    assert not torch.equal(layer(x), layer(x))


def test_nothing_is_silent_in_evaluation_or_at_a_rate_of_zero() -> None:
    x = torch.randn(100)
    state = torch.get_rng_state()
    assert Dropout(rate=0.5).eval()(x) is x
    assert Dropout(rate=0.0).train()(x) is x
    assert torch.equal(torch.get_rng_state(), state)
