"""Faster and slower speech."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ....compiler.part import Part
from ...extras import extra

with extra("speech", "speed_perturb"):
    import soxr

if TYPE_CHECKING:
    from ..audio import Samples


def apply(settings: Part, samples_N: Samples, random: np.random.Generator, *, rate: int) -> Samples:
    """Resample by a factor uniform over `speed`, so that pitch moves with tempo; above 1 the clip gets shorter."""
    speed = settings.values()["speed"]
    factor = random.uniform(speed.low, speed.high)
    # medium quality: a fifth of the time of the recording's own resampling, and the loss is far below the noise
    faster_N: Samples = soxr.resample(samples_N, rate * factor, rate, quality="MQ")
    return faster_N if len(faster_N) else samples_N
