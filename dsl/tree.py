"""From rules of the grammar to the syntax tree: one method a rule, called when the rule is complete.

`children` are tokens and the results of inner rules, in the order in which they were written.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from . import syntax
from .source import Span
from .syntax import Expression, Name
from .tokens import Token

Children = list[Any]


class TreeBuilder:
    """Makes syntax nodes. A statement with a faulty head becomes None and is left out of its body."""

    def document(self, children: Children) -> tuple[syntax.Statement, ...]:
        return _statements(children)

    def body(self, children: Children) -> tuple[syntax.Statement, ...]:
        return _statements(children)

    # ------------------------------------------------------------ statements

    def edition(self, children: Children) -> syntax.Edition | None:
        number = children[1].value
        # what is no known edition has been reported by then
        return syntax.Edition(number, _span(children)) if isinstance(number, int) else None

    def import_(self, children: Children) -> syntax.Import:
        _, path, _, alias = children
        return syntax.Import(path.value, path.span, alias.text, alias.span, _span(children))

    def use(self, children: Children) -> syntax.Use:
        _, module, _, alias = children
        span = module[0].span.to(module[-1].span)
        return syntax.Use(_dotted(module), span, alias.text, alias.span, _span(children))

    def let(self, children: Children) -> syntax.Let:
        _, name, _, value = children
        return syntax.Let(name.text, name.span, value, _span(children))

    def assign(self, children: Children) -> syntax.Assign:
        path, _, value = children
        name_span = path[0].span.to(path[-1].span)
        return syntax.Assign(tuple(name.text for name in path), name_span, value, False, name_span.to(value.span))

    def shared(self, children: Children) -> syntax.Assign:
        _, name, _, value = children
        return syntax.Assign((name.text,), name.span, value, True, _span(children))

    def section(self, children: Children) -> syntax.Section | None:
        kind, _, body, _ = children
        if kind.faulty:
            return None
        return syntax.Section(kind.text, kind.span, None, None, body, _span(children))

    def labelled_section(self, children: Children) -> syntax.Section:
        kind, label, _, body, _ = children
        return syntax.Section(kind.text, kind.span, label.text, label.span, body, _span(children))

    def block(self, children: Children) -> syntax.Block:
        name = children[1]
        parameters = children[3] if isinstance(children[3], tuple) else ()
        results, _, body, _ = children[-4:]
        return syntax.Block(name.text, name.span, parameters, results, body, _span(children))

    def module(self, children: Children) -> syntax.Module:
        return syntax.Module(**vars(self.block(children)))

    def table(self, children: Children) -> syntax.Table | None:
        keyword, name, _, block, _, *lines, _ = children
        if keyword.faulty:
            return None
        columns, *rows = [line for line in lines if isinstance(line, tuple)] or [((), None)]
        return syntax.Table(
            name.text,
            name.span,
            _reference(block),
            columns[0],
            tuple(cells for cells, _ in rows),
            tuple(span for _, span in rows),
            _span(children),
        )

    def header(self, children: Children) -> tuple[tuple[Name, ...], Span]:
        names = tuple(Name(token.text, token.span) for token in children if token.type == "NAME")
        return names, children[0].span.to(children[-2].span)

    def row(self, children: Children) -> tuple[tuple[Expression, ...], Span]:
        return tuple(children[1::2]), _span(children)

    def path(self, children: Children) -> list[Token]:
        return children[::2]

    # ------------------------------------------------------------ signatures

    def parameters(self, children: Children) -> tuple[syntax.Parameter, ...]:
        return _without_tokens(children)

    def parameter(self, children: Children) -> syntax.Parameter:
        variadic = children[0].type == "STAR"
        name = children[1] if variadic else children[0]
        type_ = next((child for child in children if isinstance(child, syntax.TypeExpression)), None)
        last = children[-1]
        default = None if isinstance(last, (Token, syntax.TypeExpression)) else last
        return syntax.Parameter(name.text, type_, default, _span(children), variadic)

    def results(self, children: Children) -> tuple[syntax.Result, ...]:
        return _without_tokens(children)

    def result(self, children: Children) -> syntax.Result:
        type_ = children[2] if len(children) > 1 else None
        return syntax.Result(children[0].text, type_, _span(children))

    def bare_type(self, children: Children) -> syntax.TypeExpression:
        return syntax.TypeExpression(children[0].text, None, children[0].span)

    def named_type(self, children: Children) -> syntax.TypeExpression:
        axes = children[2] if isinstance(children[2], tuple) else ()
        return syntax.TypeExpression(children[0].text, axes, _span(children))

    def tensor_type(self, children: Children) -> syntax.TypeExpression:
        axes = children[1] if isinstance(children[1], tuple) else ()
        return syntax.TypeExpression("tensor", axes, _span(children))

    def axes(self, children: Children) -> tuple[Expression, ...]:
        return _without_tokens(children)

    def any_axes(self, children: Children) -> Name:
        return Name("..", children[0].span)

    # ------------------------------------------------------------ expressions

    def pipe(self, children: Children) -> syntax.Pipe:
        left, _, right = children
        return syntax.Pipe(left, right, _span(children))

    def if_(self, children: Children) -> syntax.If:
        return syntax.If(children[1], children[3], children[5], _span(children))

    def range_(self, children: Children) -> syntax.RangeLiteral:
        low, _, high = children
        return syntax.RangeLiteral(low, high, _span(children))

    def binary(self, children: Children) -> syntax.Binary:
        left, operator, right = children
        return syntax.Binary(operator.text, left, right, _span(children))

    def unary(self, children: Children) -> syntax.Unary:
        operator, operand = children
        return syntax.Unary(operator.text, operand, _span(children))

    def attribute(self, children: Children) -> syntax.Attribute:
        value, _, name = children
        return syntax.Attribute(value, name.text, name.span, _span(children))

    def call(self, children: Children) -> syntax.Call:
        arguments = children[2] if isinstance(children[2], tuple) else ()
        return syntax.Call(children[0], arguments, _span(children))

    def arguments(self, children: Children) -> tuple[syntax.Argument, ...]:
        return _without_tokens(children)

    def argument(self, children: Children) -> syntax.Argument:
        return syntax.Argument(None, children[0], None, children[0].span)

    def named_argument(self, children: Children) -> syntax.Argument:
        name, _, value = children
        return syntax.Argument(name.text, value, name.span, _span(children))

    def name(self, children: Children) -> Name:
        return Name(children[0].text, children[0].span)

    def number(self, children: Children) -> syntax.Number:
        return syntax.Number(children[0].value, children[0].span)

    def quantity(self, children: Children) -> syntax.QuantityLiteral:
        return syntax.QuantityLiteral(children[0].value, children[0].unit, children[0].span)

    def string(self, children: Children) -> syntax.String:
        return syntax.String(children[0].value, children[0].span)

    def true(self, children: Children) -> syntax.Boolean:
        return syntax.Boolean(True, children[0].span)

    def false(self, children: Children) -> syntax.Boolean:
        return syntax.Boolean(False, children[0].span)

    def none(self, children: Children) -> syntax.NoneLiteral:
        return syntax.NoneLiteral(children[0].span)

    def group(self, children: Children) -> Expression:
        # a group has no node of its own; its brackets belong to the span of what they hold
        inner: Expression = replace(children[1], span=_span(children))
        return inner

    def tuple_(self, children: Children) -> syntax.Tuple:
        rest = children[3] if isinstance(children[3], tuple) else ()
        return syntax.Tuple((children[1], *rest), _span(children))

    def list_(self, children: Children) -> syntax.ListLiteral:
        items = children[1] if isinstance(children[1], tuple) else ()
        return syntax.ListLiteral(items, _span(children))

    def items(self, children: Children) -> tuple[Expression, ...]:
        return _without_tokens(children)

    def repeat(self, children: Children) -> syntax.Repeat:
        index = children[3].text if len(children) == 7 else None
        return syntax.Repeat(children[1], index, children[-2], _span(children))


def _statements(children: Children) -> tuple[syntax.Statement, ...]:
    return tuple(child for child in children if child is not None and not isinstance(child, Token))


def _without_tokens(children: Children) -> tuple[Any, ...]:
    return tuple(child for child in children if not isinstance(child, Token))


def _dotted(path: list[Token]) -> str:
    return ".".join(name.text for name in path)


def _reference(path: list[Token]) -> Name | syntax.Attribute:
    """A dotted path as the expression that it stands for."""
    first, *rest = path
    found: Name | syntax.Attribute = Name(first.text, first.span)
    for token in rest:
        found = syntax.Attribute(found, token.text, token.span, first.span.to(token.span))
    return found


def _span(children: Children) -> Span:
    first, last = children[0].span, children[-1].span
    return Span(first.source, first.start, last.end)
