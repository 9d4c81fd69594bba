"""Comparison of an exported file with the model that was trained."""

from __future__ import annotations

from ...part import Part, param, part


@part("check", family="section")
class Check(Part):
    """How many real clips or sentences are compared, and how far probabilities may differ."""

    examples: int = param(
        default=16, doc="clips or sentences that are compared", minimum=1, maximum=100000, training=True
    )
    max_abs_diff: float = param(
        default=2e-2, doc="greatest difference of a probability", above=0, maximum=1, training=True
    )
