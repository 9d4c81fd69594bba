"""Speech that starts a little later or earlier."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ....compiler.part import Part

if TYPE_CHECKING:
    from ..audio import Samples


def apply(settings: Part, samples_N: Samples, random: np.random.Generator, *, rate: int) -> Samples:
    """Move the clip by a time uniform over -max .. max; its length stays, what leaves is replaced by silence."""
    most = min(round(settings.values()["max"] * rate), len(samples_N) - 1)
    later = int(random.integers(-most, most + 1))
    shifted_N = np.zeros_like(samples_N)
    if later >= 0:
        shifted_N[later:] = samples_N[: len(samples_N) - later]
    else:
        shifted_N[:later] = samples_N[-later:]
    return shifted_N
