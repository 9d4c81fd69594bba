"""Arithmetic on static values; every result remembers its operands.

Numbers are exact where they can be: `/` of two integers that divides gives an integer, and no result may pass
2^53 - 1 or the range of a float.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeGuard

from .limits import LIMITS
from .source import Span
from .units import to_quantity
from .values import (
    DType,
    EnvironmentPath,
    JoinedPath,
    Origin,
    OriginKind,
    PairOf,
    PartValue,
    Plain,
    Quantity,
    Range,
    Ref,
    SplitMetric,
    SplitOf,
    Static,
)

Number = int | float
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


class StaticError(Exception):
    """An operation that the values do not allow."""

    def __init__(self, code: str, message: str, help: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help


def unary(operator: str, operand: Static) -> Static:
    """`-x`, `+x`, `not x`."""
    value = operand.value
    if operator == "not":
        if not isinstance(value, bool):
            raise StaticError("S2S301", f"`not` wants true or false, got {describe(operand)}")
        return _computed(not value, "not", operand)
    if is_number(value):
        return _signed(-value if operator == "-" else value, operator, operand)
    if isinstance(value, Quantity):
        sign = "-" if operator == "-" else ""
        amount = -value.amount if operator == "-" else value.amount
        return _signed(Quantity(amount, value.family, f"{sign}{value.text}"), operator, operand)
    raise StaticError("S2S301", f"`{operator}` wants a number, got {describe(operand)}")


def binary(operator: str, left: Static, right: Static) -> Static:
    """A sum, product, power, comparison or logical operation."""
    if operator in ("and", "or"):
        return _logical(operator, left, right)
    if operator in COMPARISONS:
        return _computed(_compare(operator, left, right), operator, left, right)
    a, b = left.value, right.value
    if is_number(a) and is_number(b):
        return _computed(arithmetic(operator, a, b), operator, left, right)
    if isinstance(a, Quantity) or isinstance(b, Quantity):
        return _computed(_quantities(operator, left, right), operator, left, right)
    if isinstance(a, tuple):
        return _computed(_lists(operator, a, right), operator, left, right)
    if isinstance(a, str) and isinstance(b, str) and operator == "+":
        if len(a) + len(b) > LIMITS.string_bytes:
            raise StaticError("S2S110", f"a text may have {LIMITS.string_bytes} characters")
        return _computed(a + b, "+", left, right)
    raise StaticError("S2S301", f"`{operator}` does not work on {describe(left)} and {describe(right)}")


def range_of(low: Static, high: Static) -> Static:
    """`low .. high`; a unit on one end covers both."""
    a, b = low.value, high.value
    if is_number(a) and isinstance(b, Quantity):
        covered = None if high.operands else to_quantity(a, _unit(b))
        if covered is None:
            raise StaticError("S2S302", f"the range starts without a unit and ends with {b.text}")
        a = covered
    if isinstance(a, Quantity) and is_number(b):
        ways = () if low.operands else (f"write {a.text} .. {_with_unit(b, a)}",)
        raise StaticError("S2S302", f"the range starts with {a.text} and ends without a unit", *ways)
    if isinstance(a, Quantity) and isinstance(b, Quantity):
        if a.family != b.family:
            raise StaticError("S2S302", f"a range from {a.text} to {b.text} mixes {a.family} and {b.family}")
        _in_order(a.amount, b.amount, a.text, b.text)
        return _computed(Range(a, b), "..", low, high)
    if is_number(a) and is_number(b):
        _in_order(a, b, str(a), str(b))
        return _computed(Range(a, b), "..", low, high)
    raise StaticError("S2S301", f"a range wants two numbers, got {describe(low)} and {describe(high)}")


def arithmetic(operator: str, a: Number, b: Number) -> Number:
    """Two plain numbers."""
    if operator in ("/", "//") and b == 0:
        raise StaticError("S2S303", "division by zero")
    try:
        result: Number = _ARITHMETIC[operator](a, b)
        return bounded(result)
    except OverflowError:
        raise StaticError("S2S110", f"{a} {operator} {b} is too large") from None


def bounded(value: Number) -> Number:
    """A number within the language's limits; StaticError otherwise."""
    if isinstance(value, int) and abs(value) > LIMITS.integer_magnitude:
        raise StaticError("S2S110", "the result is beyond 2^53 - 1, the largest integer of the language")
    if isinstance(value, float) and not math.isfinite(value):
        raise StaticError("S2S110", "the result is not a finite number")
    return value


def is_number(value: object) -> TypeGuard[int | float]:
    """Int or float, not a bool."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def describe(value: Static) -> str:
    """A static value in words: "the number 17", "the text "same"", "a list"."""
    plain = value.value
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if is_number(plain):
        return f"the number {plain if len(str(plain)) < 10 or isinstance(plain, int) else format(plain, 'g')}"
    if isinstance(plain, Quantity):
        return plain.text
    if isinstance(plain, str):
        return f'the text "{plain}"'
    if plain is None:
        return "none"
    if isinstance(plain, tuple):
        return "a list"
    if isinstance(plain, DType):
        return f"the dtype {plain.name}"
    if isinstance(plain, Range):
        return "a range"
    if isinstance(plain, Ref):
        return "a tensor"
    if isinstance(plain, PairOf):
        return "a pair of files"
    return "a path" if type(plain).__name__.endswith("Path") else "a split"


def _computed(value: Plain | tuple[Static | PartValue, ...], operation: str, *operands: Static) -> Static:
    strongest = max(operands, key=lambda operand: _STRENGTH[operand.origin.kind])
    return Static(value, replace(strongest.origin, owner=""), operation, operands)


def at(span: Span, computed: Static, kind: OriginKind) -> Static:
    """A computed value as it stands in the text: its whole expression; as strong as its strongest operand."""
    kinds = (kind, *(operand.origin.kind for operand in computed.operands)) if computed.operands else (kind,)
    return replace(computed, origin=Origin(max(kinds, key=_STRENGTH.__getitem__), span))


def _signed(value: Plain, operator: str, operand: Static) -> Static:
    # a number with its sign is written as one: -16 comes from -16 and not from 16
    if operand.operands or operand.operation:
        return _computed(value, operator, operand)
    return Static(value, operand.origin)


_STRENGTH = {"default": 0, "imported": 1, "spec": 2, "profile": 3, "set": 4}


def _power(a: Number, b: Number) -> Number:
    if isinstance(a, int) and isinstance(b, int) and b >= 0:
        # the size is known before the number is made: 2^2^40 must not be computed
        if abs(a) > 1 and b * (abs(a).bit_length() - 1) > 53:
            raise OverflowError
        return int(a**b)
    if a == 0:
        raise StaticError("S2S303", "zero to a negative power")
    result: object = float(a) ** float(b)
    if not isinstance(result, float):
        raise StaticError("S2S303", "a negative number to a broken power has no real value")
    return result


def _divide(a: Number, b: Number) -> Number:
    if isinstance(a, int) and isinstance(b, int) and a % b == 0:
        return a // b
    return a / b


_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _divide,
    "//": lambda a, b: a // b,
    "^": _power,
}


def _logical(operator: str, left: Static, right: Static) -> Static:
    for side in (left, right):
        if not isinstance(side.value, bool):
            raise StaticError("S2S301", f"`{operator}` wants true or false, got {describe(side)}")
    value = (left.value and right.value) if operator == "and" else (left.value or right.value)
    return _computed(bool(value), operator, left, right)


def _compare(operator: str, left: Static, right: Static) -> bool:
    a, b = _comparable(left), _comparable(right)
    if operator in ("==", "!="):
        for side in (left, right):
            if type(side.value) in _UNREAD:
                raise StaticError(
                    "S2S301",
                    f"`{operator}` does not compare {describe(side)}",
                    "what a spec computes never depends on the machine" if _is_path(side) else "",
                )
        same = a == b and isinstance(left.value, bool) == isinstance(right.value, bool)
        return same if operator == "==" else not same
    if not (isinstance(a, int | float) and isinstance(b, int | float)) or _family(left) != _family(right):
        raise StaticError("S2S301", f"`{operator}` does not compare {describe(left)} and {describe(right)}")
    return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[operator]


_UNREAD = (EnvironmentPath, JoinedPath, PairOf, SplitOf, SplitMetric, Ref, tuple)


def _is_path(value: Static) -> bool:
    return isinstance(value.value, EnvironmentPath | JoinedPath | PairOf)


def _comparable(value: Static) -> object:
    return value.value.amount if isinstance(value.value, Quantity) else value.value


def _family(value: Static) -> str:
    return value.value.family if isinstance(value.value, Quantity) else ""


def _quantities(operator: str, left: Static, right: Static) -> Plain:
    a, b = left.value, right.value
    if isinstance(a, Quantity) and isinstance(b, Quantity):
        if a.family != b.family:
            raise StaticError("S2S302", f"{a.text} {operator} {b.text} mixes {a.family} and {b.family}")
        if operator in ("+", "-"):
            return Quantity(arithmetic(operator, a.amount, b.amount), a.family, f"{a.text} {operator} {b.text}")
        if operator in ("/", "//"):
            return arithmetic(operator, a.amount, b.amount)
    elif isinstance(a, Quantity) and is_number(b) and operator in ("*", "/", "//"):
        return Quantity(arithmetic(operator, a.amount, b), a.family, f"{a.text} {operator} {b}")
    elif isinstance(b, Quantity) and is_number(a) and operator == "*":
        return Quantity(arithmetic(operator, a, b.amount), b.family, f"{a} {operator} {b.text}")
    raise StaticError("S2S302", f"`{operator}` does not work on {describe(left)} and {describe(right)}")


def _lists(operator: str, items: tuple[Static | PartValue, ...], right: Static) -> tuple[Static | PartValue, ...]:
    other = right.value
    if operator == "*" and isinstance(other, int) and not isinstance(other, bool) and other >= 0:
        if len(items) * other > LIMITS.list_items:
            raise StaticError("S2S412", f"a list may have {LIMITS.list_items} items, this makes {len(items)} * {other}")
        return items * other
    if operator == "+" and isinstance(other, tuple):
        if len(items) + len(other) > LIMITS.list_items:
            raise StaticError("S2S412", f"a list may have {LIMITS.list_items} items")
        return (*items, *other)
    raise StaticError("S2S301", f"`{operator}` does not work on a list and {describe(right)}")


def _in_order(low: Number, high: Number, low_text: str, high_text: str) -> None:
    if low > high:
        raise StaticError(
            "S2S303", f"the range starts at {low_text}, above its end {high_text}", f"write {high_text} .. {low_text}"
        )


def _unit(quantity: Quantity) -> str:
    """The unit of a quantity as it is written."""
    number = _UNIT_BEFORE.match(quantity.text)
    assert number is not None
    return quantity.text[number.end() :]


_UNIT_BEFORE = re.compile(r"-?[0-9._]*(?:[eE][+-]?[0-9]+)? *")


def _with_unit(number: Number, like: Quantity) -> str:
    unit = _unit(like)
    return f"{number} {unit}" if unit.isalpha() and len(unit) > 3 else f"{number}{unit}"
