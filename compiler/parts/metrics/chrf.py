"""Character n-gram F-score."""

from __future__ import annotations

from collections.abc import Mapping

from ....dsl.values import Plain
from ...part import Part, param, part


@part("chrf", family="metric")
class Chrf(Part):
    """chrF over the whole split, 0 to 100, as sacrebleu computes it (Popović 2015); chrF++ with words = 2."""

    words: int = param(
        default=0, doc="longest n-gram of words besides those of letters", minimum=0, maximum=4, training=True
    )

    def facts(self) -> Mapping[str, Plain]:
        return {"direction": "max", "measures": "texts"}
