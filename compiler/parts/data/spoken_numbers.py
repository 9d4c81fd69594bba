"""Spoken number strings, made on first use."""

from __future__ import annotations

from ....dsl.values import Range
from ...part import Part, param, part


@part("spoken_numbers", family="corpus")
class SpokenNumbers(Part):
    """Strings of English digits spoken by a speech synthesiser in several voices, speeds and pitches, with noise.

    The same for the same seed. The test split has strings and one voice that training never hears.
    """

    train: int = param(default=2000, doc="clips to train on", unit_doc="clips", minimum=1, maximum=100000)
    valid: int = param(default=200, doc="clips to choose by", unit_doc="clips", minimum=1, maximum=100000)
    test: int = param(default=200, doc="clips to test on", unit_doc="clips", minimum=1, maximum=100000)
    digits: Range = param(default=Range(1, 5), doc="digits in a string", unit_doc="digits", minimum=1, maximum=20)
    seed: int = param(default=0, doc="start of every random number", minimum=0, maximum=2**31 - 1)
