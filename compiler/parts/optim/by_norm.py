"""Clipping by the norm of the whole gradient."""

from __future__ import annotations

from ...part import Part, param, part


@part("by_norm", family="clip")
class ByNorm(Part):
    """Make the whole gradient shorter where its norm over all weights is above `most` (Pascanu et al. 2013).

    g = g * min(1, most / (|g| + 1e-6)), with one |g| for all weights together; a number in its place is `most`
    """

    most: float = param(doc="greatest norm of the whole gradient", above=0, training=True)
