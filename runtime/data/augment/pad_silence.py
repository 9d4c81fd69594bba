"""Silence before and after speech."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ....compiler.part import Part

if TYPE_CHECKING:
    from ..audio import Samples


def apply(settings: Part, samples_N: Samples, random: np.random.Generator, *, rate: int) -> Samples:
    """Put zeros on both sides, their numbers uniform over 0 … max."""
    most = round(settings.values()["max"] * rate)
    before, after = random.integers(0, most + 1, size=2)
    return np.pad(samples_N, (int(before), int(after)))
