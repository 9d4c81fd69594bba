"""Several clips made into one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ....compiler.part import Part

if TYPE_CHECKING:
    from ..audio import Samples

LONGEST_PAUSE = 0.1  # seconds


def num_followers(settings: Part, random: np.random.Generator) -> int:
    """Draw how many clips are joined to one: 0 but for a share of `chance`, else uniform over 0 .. max - 1."""
    if random.random() >= settings.values()["chance"]:
        return 0
    return int(random.integers(0, settings.values()["max"]))


def join(clips: Sequence[Samples], random: np.random.Generator, *, rate: int) -> Samples:
    """Put clips behind each other with a pause uniform over 0 .. LONGEST_PAUSE between them."""
    pieces: list[Samples] = [clips[0]]
    for clip_N in clips[1:]:
        pieces.append(np.zeros(int(random.uniform(0, LONGEST_PAUSE) * rate), np.float32))
        pieces.append(clip_N)
    return np.concatenate(pieces)
