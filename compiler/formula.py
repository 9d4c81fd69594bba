"""Formulas of signature files: expressions over named sizes and parameters, checked once and computed at each use."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from ..dsl import functions, syntax
from ..dsl.diagnostics import Findings
from ..dsl.source import Span
from ..dsl.statics import StaticError, binary, unary
from ..dsl.suggest import did_you_mean, listing
from ..dsl.values import Origin, Plain, Static

FUNCTIONS = ("pad_to", "min", "max")
_LITERALS = (syntax.Number, syntax.Boolean, syntax.String)
# each is computed at every use of its module
MOST_OPERATIONS = 100


class FormulaError(Exception):
    """A formula that has no value for the given numbers."""

    def __init__(self, problem: StaticError, span: Span) -> None:
        super().__init__(problem.message)
        self.code = problem.code
        self.message = problem.message
        self.span = span


def value_of(formula: syntax.Expression, names: Mapping[str, Plain]) -> Plain:
    """The value for given sizes and parameters; `formula` has passed `check_formula`. Raises FormulaError."""
    value = _value(formula, names).value
    assert not isinstance(value, tuple)
    return value


def check_formula(formula: syntax.Expression, known: Collection[str], findings: Findings) -> bool:
    """Report names that are not known and what cannot stand in a formula; True if there is nothing to report."""
    num_before = len(findings)
    num_operations = 0
    for node in _inside(formula):
        num_operations += 1
        if isinstance(node, syntax.Name):
            if node.name not in known:
                helps = did_you_mean(node.name, known) or (f"it can name {listing(known) or 'nothing'}",)
                findings.error("S2S203", f"unknown name `{node.name}`", node.span, at="not defined", helps=helps)
        elif isinstance(node, syntax.Call):
            name = node.function.name if isinstance(node.function, syntax.Name) else ""
            if name not in FUNCTIONS:
                findings.error(
                    "S2S203",
                    f"`{node.function.span.text}` is no function of a formula",
                    node.function.span,
                    helps=(f"it can call {listing(FUNCTIONS)}",),
                )
            for argument in node.arguments:
                if argument.name is not None:
                    findings.error("S2S202", f"`{name}` takes no named values", argument.span)
        elif not isinstance(node, (*_LITERALS, syntax.Unary, syntax.Binary, syntax.If)):
            findings.error(
                "S2S301",
                "this cannot stand in a formula",
                node.span,
                helps=("a formula holds numbers, names of sizes and parameters, and operators",),
            )
    if num_operations > MOST_OPERATIONS:
        findings.error("S2S110", f"a formula has at most {MOST_OPERATIONS} operations and names", formula.span)
    return len(findings) == num_before


def _inside(formula: syntax.Expression) -> Iterator[syntax.Expression]:
    """All of it, outer ones first; nothing inside what cannot stand in a formula."""
    stack = [formula]
    while stack:
        node = stack.pop()
        yield node
        match node:
            case syntax.Unary(operand=operand):
                stack.append(operand)
            case syntax.Binary(left=left, right=right):
                stack += (right, left)
            case syntax.If(condition=condition, then=then, otherwise=otherwise):
                stack += (otherwise, then, condition)
            case syntax.Call(arguments=arguments):
                stack += (argument.value for argument in reversed(arguments))


def _value(node: syntax.Expression, names: Mapping[str, Plain]) -> Static:
    origin = Origin("spec", node.span)
    match node:
        case syntax.Number(value=value) | syntax.Boolean(value=value) | syntax.String(value=value):
            return Static(value, origin)
        case syntax.Name(name=name):
            return Static(names[name], origin)
        case syntax.If(condition=condition, then=then, otherwise=otherwise):
            chosen = _value(condition, names).value
            if not isinstance(chosen, bool):
                raise FormulaError(StaticError("S2S301", "`if` wants true or false"), condition.span)
            return _value(then if chosen else otherwise, names)
    try:
        match node:
            case syntax.Unary(operator=operator, operand=operand):
                return unary(operator, _value(operand, names))
            case syntax.Binary(operator=operator, left=left, right=right):
                return binary(operator, _value(left, names), _value(right, names))
            case syntax.Call(function=syntax.Name(name=name), arguments=arguments):
                given = [_value(argument.value, names) for argument in arguments]
                return functions.call(name, given, {}, origin)
    except StaticError as problem:
        raise FormulaError(problem, node.span) from None
    raise AssertionError(f"no formula: {node.span.text}")
