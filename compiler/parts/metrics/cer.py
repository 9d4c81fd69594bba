"""Character error rate."""

from __future__ import annotations

from collections.abc import Mapping

from ....dsl.values import Plain
from ...part import Part, part


@part("cer", family="metric")
class Cer(Part):
    """Character error rate: the least characters to replace, drop and add, divided by the characters that were said.

    Pooled over the whole split; 0 is best and it can pass 1. A split without characters has no rate.
    """

    def facts(self) -> Mapping[str, Plain]:
        return {"direction": "min", "measures": "texts"}
