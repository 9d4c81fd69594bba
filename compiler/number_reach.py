"""What fits into a number of each precision."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reach:
    """Which sizes a precision holds.

    largest    the largest number; `infinite` and beyond become infinity
    normal     the least number with all its digits; below it they are fewer
    vanishing  this and below become 0
    """

    largest: float
    infinite: float
    normal: float
    vanishing: float


FP16 = Reach(65504.0, 65520.0, 2.0**-14, 2.0**-25)
_WIDE = Reach((2 - 2.0**-23) * 2.0**127, (2 - 2.0**-24) * 2.0**127, 2.0**-126, 2.0**-150)
# bf16 has the exponents of float32, and fewer of the least numbers
_BF16 = Reach((2 - 2.0**-7) * 2.0**127, (2 - 2.0**-8) * 2.0**127, 2.0**-126, 2.0**-134)

_BY_NAME = {"fp16": FP16, "bf16": _BF16, "fp32": _WIDE, "tf32": _WIDE}


def reach_of(precision: str) -> Reach:
    """The sizes that a precision by its name ("fp16") holds."""
    return _BY_NAME[precision]
