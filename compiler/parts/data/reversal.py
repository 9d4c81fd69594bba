"""Strings of digits and their reversals, made on first use."""

from __future__ import annotations

from ...part import Part, param, part


@part("reversal", family="corpus")
class Reversal(Part):
    """Pairs of lines such as "3 1 4" and "4 1 3", for trying out models that translate.

    The same for the same seed; a string of digits stands in one split only.
    """

    examples: int = param(
        default=10000,
        doc="pairs to train on; valid and test have a twentieth each",
        unit_doc="pairs",
        minimum=20,
        maximum=1000000,
    )
    longest: int = param(default=12, doc="digits of the longest string", unit_doc="digits", minimum=3, maximum=100)
    seed: int = param(default=0, doc="start of every random number", minimum=0, maximum=2**31 - 1)
