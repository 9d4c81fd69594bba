"""Bilingual evaluation understudy."""

from __future__ import annotations

from collections.abc import Mapping

from ....dsl.values import Plain
from ...part import Part, param, part


@part("bleu", family="metric")
class Bleu(Part):
    """BLEU over the whole split, 0 to 100, as sacrebleu computes it (Papineni et al. 2002; Post 2018).

    Texts are compared detokenised; the result carries sacrebleu's signature, so that figures can be told apart.
    """

    tokenize: str = param(
        default="13a",
        doc="how sacrebleu cuts texts into words",
        choices=("13a", "intl", "char", "none", "zh"),
        training=True,
    )
    lowercase: bool = param(default=False, doc="ignore the case", training=True)

    def facts(self) -> Mapping[str, Plain]:
        return {"direction": "max", "measures": "texts"}
