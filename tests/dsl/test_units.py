"""Quantities: exact amounts in the base unit of their family."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from s2sc.dsl.units import UNITS, family_units, to_quantity


@pytest.mark.parametrize(
    ("value", "unit", "amount", "family"),
    [
        (20, "ms", 0.02, "time"),
        (16.7, "s", 16.7, "time"),
        (30, "min", 1800, "time"),
        (1.5, "h", 5400, "time"),
        (16, "kHz", 16000, "frequency"),
        (44.1, "kHz", 44100, "frequency"),
        (512, "MiB", 512 * 2**20, "bytes"),
        (1, "GB", 10**9, "bytes"),
        (200, "epochs", 200, "epochs"),
        (1, "epoch", 1, "epochs"),
        (2000, "steps", 2000, "steps"),
        (64, "examples", 64, "examples"),
        (8192, "tokens", 8192, "tokens"),
        (3, "frames", 3, "frames"),
        (10, "%", 0.1, "share"),
        (0.1, "%", 0.001, "share"),
        (100, "%", 1, "share"),
        (1e-3, "ms", 1e-6, "time"),
    ],
)
def test_amounts_are_exact_and_whole_where_they_can_be(value: float, unit: str, amount: float, family: str) -> None:
    quantity = to_quantity(value, unit)
    assert quantity is not None
    assert (quantity.amount, type(quantity.amount), quantity.family) == (amount, type(amount), family)


def test_the_text_is_as_one_writes_it() -> None:
    texts = [
        quantity.text
        for value, unit in ((20, "ms"), (200, "epochs"), (10, "%"))
        if (quantity := to_quantity(value, unit))
    ]
    assert texts == ["20ms", "200 epochs", "10%"]


def test_an_unknown_unit_or_a_huge_amount_is_no_quantity() -> None:
    assert to_quantity(1, "furlongs") is None
    assert to_quantity(1e300, "h") is None
    assert to_quantity(10**400, "s") is None


def test_a_family_knows_its_units() -> None:
    assert family_units("time") == ("us", "ms", "s", "min", "h")
    assert family_units("share") == ("%",)
    assert family_units("colour") == ()


@given(st.integers(0, 10**9), st.sampled_from(sorted(UNITS)))
def test_an_amount_is_the_nearest_float_to_the_true_one(value: int, unit: str) -> None:
    quantity = to_quantity(value, unit)
    assert quantity is not None
    _, numerator, denominator = UNITS[unit]
    assert quantity.amount == value * numerator / denominator
