"""Parameters and values in words: what one takes, its default as a spec would write it, its range."""

from __future__ import annotations

from dataclasses import replace

from ...dsl.signature import Param
from ...dsl.units import UNITS
from ...dsl.values import DType, Quantity, Range


def kind_of(one: Param) -> str:
    """What a parameter takes, in words."""
    if one.or_flag:
        return f"true or false, or {kind_of(replace(one, or_flag=False))}"
    words = {"int": "whole number", "bool": "true or false", "str": "text", "files": "paths, or split(…)"}
    if one.units:
        return "quantity: " + " or ".join(one.units)
    if one.type == "part":
        return " or ".join((*one.choices, *(("number",) if one.or_number else ()), *one.families))
    if one.type == "list":
        return f"list of {' or '.join(one.families) if one.families else words.get(one.item, one.item)}s"
    if one.choices:
        return " or ".join(f'`"{choice}"`' if one.type == "str" else f"`{choice}`" for choice in one.choices)
    return words.get(one.type, one.type)


def default_of(one: Param) -> str:
    """Its default as a spec would write it."""
    if one.required:
        return "**required**"
    if "section" in one.families:
        return "its own"
    if one.units == ("bytes",) and isinstance(one.default, int):
        unit = next(unit for unit in ("GiB", "MiB", "KiB", "B") if one.default % UNITS[unit][1] == 0)
        return f"`{one.default // UNITS[unit][1]} {unit}`"
    return f"`{spelt(one.default)}`"


def spelt(value: object) -> str:
    """A default as a spec would write it."""
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    if isinstance(value, Quantity):
        return value.text
    if isinstance(value, DType):
        return value.name
    if isinstance(value, Range):
        return f"{spelt(value.low)} .. {spelt(value.high)}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(spelt, value))}]"
    return f'"{value}"' if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)


def bounds_of(one: Param) -> str:
    """Its least and greatest value: " (at least 1)"; empty without."""
    low, high = one.minimum, one.maximum
    words = [f"{_number(low)} to {_number(high)}"] if low is not None and high is not None else []
    if not words:
        words += [f"at least {_number(low)}"] if low is not None else []
        words += [f"at most {_number(high)}"] if high is not None else []
    words += [f"above {_number(one.above)}"] if one.above is not None else []
    words += [f"below {_number(one.below)}"] if one.below is not None else []
    return f" ({', '.join(words)})" if words else ""


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
