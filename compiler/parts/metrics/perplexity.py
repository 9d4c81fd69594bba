"""Perplexity."""

from __future__ import annotations

from collections.abc import Mapping

from ....dsl.values import Plain
from ...part import Part, part


@part("perplexity", family="metric")
class Perplexity(Part):
    """exp of the mean negative log likelihood of a target's token, end marks counted, without label smoothing.

    Each token is predicted from the true ones before it; it needs a loss that knows likelihoods, as cross_entropy does.
    """

    def facts(self) -> Mapping[str, Plain]:
        return {"direction": "min", "measures": "likelihoods"}
