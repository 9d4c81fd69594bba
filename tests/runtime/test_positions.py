"""Encodings of places are those of the formula, place by place."""

from __future__ import annotations

import math

import pytest
import torch
from s2sc.runtime.layers.positions import Positions


@pytest.mark.parametrize("features", [4, 6, 512])
def test_sines_stand_before_cosines_and_slow_down_to_a_ten_thousandth(features: int) -> None:
    found_TC = Positions(features=features, kind="sinusoidal", max_tokens=1)(torch.zeros(1, 50, features))[0]
    half = features // 2
    rates = [10000.0 ** -(i / (half - 1)) for i in range(half)]
    assert (rates[0], rates[-1]) == pytest.approx((1.0, 1e-4))
    expected_TC = torch.tensor([[f(t * rate) for f in (math.sin, math.cos) for rate in rates] for t in range(50)])
    # angles up to 50 in float32, whose last bit is 4e-6 there
    torch.testing.assert_close(found_TC, expected_TC, atol=2e-5, rtol=0)


def test_each_place_has_its_trained_vector() -> None:
    layer = Positions(features=5, kind="learned", max_tokens=8)
    assert layer.weight is not None
    x_BTC = torch.randn(2, 6, 5)
    torch.testing.assert_close(layer(x_BTC), x_BTC + layer.weight[:6])
    layer(x_BTC).sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad[:6].eq(2.0).all()
    assert not layer.weight.grad[6:].any()
