"""The bounds of a loss scale, held against each other."""

from __future__ import annotations

from .part import Mismatch


def check_bounds(name: str, least: float, largest: float) -> None:
    """Raise Mismatch where the least scale is above the largest."""
    if least > largest:
        raise Mismatch(
            "S2S303", f"{name} has a least scale of {least:g}, above its largest of {largest:g}", param="min"
        )
