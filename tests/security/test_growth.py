"""Twice the text is about twice the work: calls are counted, so that no other load on the machine matters."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from s2sc.fuzz.trial import attempt
from s2sc.tests.security.families import FAMILIES

SMALL, LARGE = 1_500, 6_000
# work grows at most with this power of the size, beyond what any text costs
EXPONENT = 1.2


def calls(text: str) -> int:
    """Calls of functions, those of C too, while a text is linted, formatted and planned."""
    count = 0

    def seen(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        if event in ("call", "c_call"):
            count += 1

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        attempt(text.encode())
    finally:
        sys.setprofile(before)
    return count


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    attempt(b"edition 1\n")


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in FAMILIES.items()])
def test_work_grows_with_the_text(make: Callable[[int], str]) -> None:
    small, large = make(SMALL), make(LARGE)
    attempt(small.encode())
    fewer, more = calls(small), calls(large)
    exponent = math.log(max(1, more) / fewer) / math.log(len(large) / len(small))
    assert exponent <= EXPONENT, f"{fewer} calls for {len(small)} characters, {more} for {len(large)}"


def test_there_are_enough_families() -> None:
    assert len(FAMILIES) >= 40
    assert all(SMALL * 0.5 <= len(make(SMALL)) <= SMALL * 2 + 1000 for make in FAMILIES.values())
