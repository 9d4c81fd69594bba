"""Word error rate."""

from __future__ import annotations

from collections.abc import Mapping

from ....dsl.values import Plain
from ...part import Part, part


@part("wer", family="metric")
class Wer(Part):
    """Word error rate: the least words to replace, drop and add, divided by the words that were said.

    Pooled over the whole split; 0 is best and it can pass 1. A split without words has no rate.
    """

    def facts(self) -> Mapping[str, Plain]:
        return {"direction": "min", "measures": "texts"}
