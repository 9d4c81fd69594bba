"""Perplexity."""

from __future__ import annotations

import math
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

    def merge(self, other: TokenLikelihood) -> None:
        """Take in another part of the data."""
        self.total += other.total
        self.tokens += other.tokens

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
