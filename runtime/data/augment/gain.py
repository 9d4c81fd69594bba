"""Louder and softer speech."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ....compiler.part import Part

if TYPE_CHECKING:
    from ..audio import Samples


def apply(settings: Part, samples_N: Samples, random: np.random.Generator, *, rate: int) -> Samples:
    """Change the level by a number of decibels uniform over `level`."""
    level = settings.values()["level"]
    return samples_N * np.float32(10 ** (random.uniform(level.low, level.high) / 20))
