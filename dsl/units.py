"""Quantities as they are written in a spec: 20ms, 16kHz, 512MiB, 200 epochs, 10%."""

from __future__ import annotations

from .values import Quantity


def to_quantity(value: int | float, unit: str) -> Quantity | None:
    """Reduce a number with a unit to the base unit of its family; None for an unknown unit or a huge amount.

    The amount is computed on the decimals as written, so 20ms is 0.02 and 16kHz the integer 16000.
    """
    if unit not in UNITS:
        return None
    family, numerator, denominator = UNITS[unit]
    try:
        amount = _scaled(value, numerator, denominator)
    except (OverflowError, ValueError):
        return None
    return Quantity(amount, family, f"{value} {unit}" if unit.isalpha() and len(unit) > 3 else f"{value}{unit}")


def family_units(family: str) -> tuple[str, ...]:
    """The units that a family accepts, as they are listed in help texts: time gives ("us", "ms", "s", "min", "h")."""
    return tuple(unit for unit, (its_family, _, _) in UNITS.items() if its_family == family)


# unit: (family, numerator, denominator of the factor to the family's base unit)
UNITS: dict[str, tuple[str, int, int]] = {
    "us": ("time", 1, 1_000_000),
    "ms": ("time", 1, 1000),
    "s": ("time", 1, 1),
    "min": ("time", 60, 1),
    "h": ("time", 3600, 1),
    "Hz": ("frequency", 1, 1),
    "kHz": ("frequency", 1000, 1),
    "MHz": ("frequency", 1_000_000, 1),
    "B": ("bytes", 1, 1),
    "kB": ("bytes", 1000, 1),
    "KiB": ("bytes", 2**10, 1),
    "MB": ("bytes", 10**6, 1),
    "MiB": ("bytes", 2**20, 1),
    "GB": ("bytes", 10**9, 1),
    "GiB": ("bytes", 2**30, 1),
    "epochs": ("epochs", 1, 1),
    "epoch": ("epochs", 1, 1),
    "steps": ("steps", 1, 1),
    "step": ("steps", 1, 1),
    "examples": ("examples", 1, 1),
    "example": ("examples", 1, 1),
    "tokens": ("tokens", 1, 1),
    "token": ("tokens", 1, 1),
    "frames": ("frames", 1, 1),
    "frame": ("frames", 1, 1),
    "%": ("share", 1, 100),
}


def _scaled(value: int | float, numerator: int, denominator: int) -> int | float:
    """`value * numerator / denominator`, exact on the decimals of `value` and rounded once at the end."""
    mantissa, _, exponent = repr(value).partition("e")
    whole, _, decimals = mantissa.partition(".")
    power = int(exponent or "0") - len(decimals)
    numerator *= int(whole + decimals)
    if power >= 0:
        numerator *= 10**power
    else:
        denominator *= 10**-power
    quotient, rest = divmod(numerator, denominator)
    if abs(quotient) > 2**63:
        raise OverflowError
    return numerator / denominator if rest else quotient
