"""The syntax tree: what was written, before anything is known about what it means.

Every node is frozen and carries the span of the text it came from.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .source import Source, Span

# ---------------------------------------------------------------- expressions


@dataclass(frozen=True)
class Number:
    """`17`, `340_000`, `1e-5`: an int where it was written as one."""

    value: int | float
    span: Span


@dataclass(frozen=True)
class QuantityLiteral:
    """`20ms`, `16 kHz`, `200 epochs`, `10%`: a number and a unit, as written."""

    value: int | float
    unit: str
    span: Span


@dataclass(frozen=True)
class String:
    """A quoted string, escapes already replaced."""

    value: str
    span: Span


@dataclass(frozen=True)
class Boolean:
    value: bool
    span: Span


@dataclass(frozen=True)
class NoneLiteral:
    span: Span


@dataclass(frozen=True)
class Name:
    """A bare name; `_` and (in axes only) `..` are names too."""

    name: str
    span: Span


@dataclass(frozen=True)
class Attribute:
    """`value.name`."""

    value: Expression
    name: str
    name_span: Span
    span: Span


@dataclass(frozen=True)
class Argument:
    """A call's argument; `name` is None for a positional one."""

    name: str | None
    value: Expression
    name_span: Span | None
    span: Span


@dataclass(frozen=True)
class Call:
    function: Expression
    arguments: tuple[Argument, ...]
    span: Span


@dataclass(frozen=True)
class ListLiteral:
    items: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True)
class Tuple:
    """`(x, ctx)`: feeds several inputs."""

    items: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True)
class Unary:
    """`-x`, `+x` or `not x`."""

    operator: str
    operand: Expression
    span: Span


@dataclass(frozen=True)
class Binary:
    """`operator` is one of + - * / // ^ == != < <= > >= and or."""

    operator: str
    left: Expression
    right: Expression
    span: Span


@dataclass(frozen=True)
class RangeLiteral:
    """`low .. high`, both ends included."""

    low: Expression
    high: Expression
    span: Span


@dataclass(frozen=True)
class If:
    condition: Expression
    then: Expression
    otherwise: Expression
    span: Span


@dataclass(frozen=True)
class Pipe:
    """`left -> right`; a chain leans to the left."""

    left: Expression
    right: Expression
    span: Span


@dataclass(frozen=True)
class Repeat:
    """`repeat count as index { body }`."""

    count: Expression
    index: str | None
    body: Expression
    span: Span


Expression = (
    Number
    | QuantityLiteral
    | String
    | Boolean
    | NoneLiteral
    | Name
    | Attribute
    | Call
    | ListLiteral
    | Tuple
    | Unary
    | Binary
    | RangeLiteral
    | If
    | Pipe
    | Repeat
)

# ---------------------------------------------------------------- types


@dataclass(frozen=True)
class TypeExpression:
    """`seq[batch, time, _]`, `[N, B, H*dirs]` (kind "tensor"), `seq` (axes None), `bool` ….

    Axes are expressions of names and numbers; `_` is inferred, `..` stands for any leading axes.
    """

    kind: str
    axes: tuple[Expression, ...] | None
    span: Span


@dataclass(frozen=True)
class Parameter:
    """A parameter of a block or of a signature; `variadic` for `*x`."""

    name: str
    type: TypeExpression | None
    default: Expression | None
    span: Span
    variadic: bool = False


@dataclass(frozen=True)
class Result:
    name: str
    type: TypeExpression | None
    span: Span


# ---------------------------------------------------------------- statements


@dataclass(frozen=True)
class Edition:
    number: int
    span: Span


@dataclass(frozen=True)
class Import:
    """`import "lib/gnmt.s2s" as gnmt`."""

    path: str
    path_span: Span
    alias: str
    alias_span: Span
    span: Span


@dataclass(frozen=True)
class Use:
    """`use acme_layers.rotary as acme`."""

    module: str
    module_span: Span
    alias: str
    alias_span: Span
    span: Span


@dataclass(frozen=True)
class Let:
    name: str
    name_span: Span
    value: Expression
    span: Span


@dataclass(frozen=True)
class Assign:
    """`name = value`, `shared name = value`; in a profile the name may be a dotted path."""

    path: tuple[str, ...]
    name_span: Span
    value: Expression
    shared: bool
    span: Span

    @property
    def name(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True)
class Table:
    """`table stack of conv { | kernel | repeat | … }`; a column is a name with its span.

    `block` is a name, or one of an imported file: `gnmt.conv`.
    """

    name: str
    name_span: Span
    block: Name | Attribute
    columns: tuple[Name, ...]
    rows: tuple[tuple[Expression, ...], ...]
    row_spans: tuple[Span, ...]
    span: Span


@dataclass(frozen=True)
class Section:
    """`kind label { … }`: data, encoder, hyperparameters, checkpoint, export, profile …."""

    kind: str
    kind_span: Span
    label: str | None
    label_span: Span | None
    body: tuple[Statement, ...]
    span: Span


@dataclass(frozen=True)
class Block:
    """`block name(parameters) => results { body }`."""

    name: str
    name_span: Span
    parameters: tuple[Parameter, ...]
    results: tuple[Result, ...]
    body: tuple[Statement, ...]
    span: Span


@dataclass(frozen=True)
class Module:
    """`module name(parameters) => results { facts }`: the one statement of a signature file."""

    name: str
    name_span: Span
    parameters: tuple[Parameter, ...]
    results: tuple[Result, ...]
    body: tuple[Statement, ...]
    span: Span


Statement = Edition | Import | Use | Let | Assign | Table | Section | Block | Module


@dataclass(frozen=True)
class Comment:
    """`# …`, kept for the formatter and for `# s2sc: allow`."""

    text: str
    span: Span


@dataclass(frozen=True)
class Document:
    """A whole file, in the order in which it was written."""

    source: Source
    statements: tuple[Statement, ...]
    comments: tuple[Comment, ...] = field(default=())
