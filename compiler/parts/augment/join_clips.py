"""Several clips made into one."""

from __future__ import annotations

from ...part import Part, param, part


@part("join_clips", family="augment")
class JoinClips(Part):
    """Join a clip with others of its split, texts included, where the whole stays within the limits of `keep`.

    The number of clips is uniform over 1 … max.
    """

    max: int = param(default=3, doc="greatest number of clips in one", minimum=1, maximum=100, training=True)
    chance: float = param(default=0.5, doc="share of clips", minimum=0, maximum=1, training=True)
