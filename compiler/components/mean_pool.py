"""Averaging over time."""

from __future__ import annotations

from collections.abc import Mapping

from ..component import component
from ..pooling import Pooling


@component("mean_pool")
class MeanPool(Pooling):
    """Average the real frames: of the whole sequence (gives [B,D]), or of windows of `kernel` frames.

    Window t holds the frames t * stride … t * stride + kernel - 1 and there are ceil(T / stride) windows; one that
    reaches past the end of its sequence is the sum over its real frames divided by their number.
    An empty sequence gives zero.
    """

    saves = ()
    exact = True

    def bounds(self, inputs: Mapping[str, tuple[float, ...]]) -> Mapping[str, float]:
        return {"y": inputs["x"][0]}
