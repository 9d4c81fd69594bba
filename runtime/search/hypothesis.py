"""A text that a search has found, as tokens."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Hypothesis:
    """A finished text.

    tokens           without marks
    log_probability  natural logarithm, the end mark's counted; what a search does not weigh costs nothing
    score            what texts of the same sentence are compared by, the best is the largest
    """

    tokens: tuple[int, ...]
    log_probability: float
    score: float
