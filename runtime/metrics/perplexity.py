"""Perplexity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ...compiler.parts.metrics.perplexity import Perplexity


@dataclass
class TokenLikelihood:
    """Negative log likelihoods and the number of tokens that they are of; both add up."""

    total: float = 0.0
    tokens: int = 0

    def update_likelihood(self, total: float, tokens: int) -> None:
        """Count the sum over some tokens, in nats."""
        self.total += total
        self.tokens += tokens

    @property
    def counts(self) -> list[float]:
        """The sum in nats and the number of tokens."""
        return [self.total, self.tokens]

    def merge(self, counts: Sequence[float]) -> None:
        """Take in the counts of another part of the data."""
        total, tokens = counts
        self.total += total
        self.tokens += int(tokens)

    @property
    def value(self) -> float | None:
        """The perplexity; None where there was no token, infinite where it cannot be said."""
        if not self.tokens:
            return None
        mean = self.total / self.tokens
        return math.exp(mean) if mean < 700 else math.inf


def build(part: Perplexity) -> TokenLikelihood:
    """An empty count."""
    return TokenLikelihood()
