"""Noise added to speech."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ....compiler.part import Part

if TYPE_CHECKING:
    from ..audio import Samples


def apply(settings: Part, samples_N: Samples, random: np.random.Generator, *, rate: int) -> Samples:
    """Add white Gaussian noise at a signal-to-noise ratio in dB uniform over `snr`, measured over the whole clip."""
    snr = settings.values()["snr"]
    power = float(np.mean(np.square(samples_N, dtype=np.float64)))
    deviation = np.sqrt(power) * 10 ** (-random.uniform(snr.low, snr.high) / 20)
    return samples_N + random.standard_normal(len(samples_N), dtype=np.float32) * np.float32(deviation)
