"""Arithmetic on static values: exact, bounded, and knowing where everything came from."""

from __future__ import annotations

import pytest
from s2sc.dsl.diagnostics import Findings
from s2sc.dsl.parser import parse_expression
from s2sc.dsl.source import Source
from s2sc.dsl.statics import StaticError, binary, range_of, unary
from s2sc.dsl.syntax import (
    Binary,
    Boolean,
    Expression,
    NoneLiteral,
    Number,
    QuantityLiteral,
    RangeLiteral,
    String,
    Unary,
)
from s2sc.dsl.units import to_quantity
from s2sc.dsl.values import Origin, Quantity, Range, Static


def value(text: str) -> Static:
    """An expression of literals."""
    findings = Findings()
    node = parse_expression(Source("t", text), findings)
    assert node is not None, list(findings)
    return computed(node)


def computed(node: Expression) -> Static:
    match node:
        case Number(value=number) | String(value=number) | Boolean(value=number):
            return Static(number, Origin("spec", node.span))
        case NoneLiteral():
            return Static(None, Origin("spec", node.span))
        case QuantityLiteral(value=number, unit=unit):
            return Static(to_quantity(number, unit), Origin("spec", node.span))
        case Unary(operator=operator, operand=operand):
            return unary(operator, computed(operand))
        case Binary(operator=operator, left=left, right=right):
            return binary(operator, computed(left), computed(right))
        case RangeLiteral(low=low, high=high):
            return range_of(computed(low), computed(high))
    raise AssertionError(node)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("7 / 2", 3.5),
        ("8 / 2", 4),
        ("7 // 2", 3),
        ("-7 // 2", -4),
        ("2 ^ 10", 1024),
        ("2 ^ -1", 0.5),
        ("-2 ^ 2", -4),
        ("2 ^ 3 ^ 2", 512),
        ("1 - 2 - 3", -4),
        ("0.1 + 0.2", 0.1 + 0.2),
        ("not true or true", True),
        ("not (true or true)", False),
        ("1 < 2 and 2 >= 2", True),
        ("1 == 1.0", True),
        ("1 == true", False),
        ('"a" == "a"', True),
        ('"a" != "b"', True),
        ("none == none", True),
        ("none == 3", False),
        ('"a" + "b"', "ab"),
        ("20ms < 1s", True),
        ("1s == 1000ms", True),
        ("10ms / 5ms", 2.0),
        ("9007199254740991 + 0", 2**53 - 1),
    ],
)
def test_arithmetic(text: str, expected: object) -> None:
    result = value(text).value
    assert (result, type(result)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("text", "amount"), [("20ms + 10ms", 0.03), ("2 * 20ms", 0.04), ("1s / 4", 0.25), ("-5ms", -0.005), ("30s // 7", 4)]
)
def test_quantities(text: str, amount: float) -> None:
    result = value(text).value
    assert isinstance(result, Quantity)
    assert result.amount == pytest.approx(amount, abs=1e-15)  # sums of binary fractions


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("1 .. 50 tokens", 1, 50), ("0.5 .. 10s", 0.5, 10), ("100 .. 500ms", 0.1, 0.5), ("1ms .. 2s", 0.001, 2)],
)
def test_the_unit_of_a_range_covers_both_ends(text: str, low: float, high: float) -> None:
    result = value(text).value
    assert isinstance(result, Range)
    assert isinstance(result.low, Quantity)
    assert isinstance(result.high, Quantity)
    assert (result.low.amount, result.high.amount, result.low.family) == (low, high, result.high.family)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1 / 0", "S2S303"),
        ("1 // 0", "S2S303"),
        ("1.5 / 0", "S2S303"),
        ("0 ^ -1", "S2S303"),
        ("(-8) ^ 0.5", "S2S303"),
        ("2 ^ 60", "S2S110"),
        ("2 ^ 9007199254740991", "S2S110"),
        ("2.0 ^ 5000", "S2S110"),
        ("9007199254740991 * 2", "S2S110"),
        ("1e300 * 1e300", "S2S110"),
        ("1 + true", "S2S301"),
        ("-none", "S2S301"),
        ("1 and true", "S2S301"),
        ('1 < "a"', "S2S301"),
        ("1s + 1", "S2S302"),
        ("1s + 1 steps", "S2S302"),
        ("1s * 1s", "S2S302"),
        ("1s < 1 steps", "S2S301"),
        ("1s .. 5", "S2S302"),
        ("5s .. 1s", "S2S303"),
        ("1s .. 5kHz", "S2S302"),
        ("1 .. true", "S2S301"),
    ],
)
def test_what_has_no_value_is_an_error(text: str, code: str) -> None:
    with pytest.raises(StaticError) as problem:
        value(text)
    assert problem.value.code == code


def test_a_result_knows_the_written_values_it_came_from() -> None:
    result = value("(3 + 4) * -5 + 3")
    assert [source.value for source in result.sources()] == [3, 4, -5, 3]
    assert [source.origin.span.text for source in result.sources() if source.origin.span] == ["3", "4", "5", "3"]
    assert (result.operation, len(result.operands)) == ("+", 2)


def test_a_long_chain_of_operands_is_walked_without_recursion() -> None:
    result = Static(1, Origin("spec"))
    for _ in range(50_000):
        result = Static(1, Origin("spec"), "+", (result,))
    assert len(list(result.sources())) == 1
