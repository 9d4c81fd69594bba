"""The four kinds of value: static, part, module (in dsl.modules), tensor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from .source import Span

OriginKind = Literal["default", "imported", "spec", "profile", "set"]


@dataclass(frozen=True)
class Origin:
    """Who said a value, from weakest to strongest: default < imported < spec < profile < set.

    `owner` names the declaration of a default ("conv1d.bias"); `span` is where the value is written.
    """

    kind: OriginKind
    span: Span | None = None
    owner: str = ""


@dataclass(frozen=True)
class Quantity:
    """A number with a unit, reduced to the base unit of its family.

    `amount` is in `base` (seconds, hertz, bytes, steps, …); `text` is how it was written ("20ms").
    """

    amount: int | float
    family: str
    text: str


@dataclass(frozen=True)
class Range:
    """`low .. high`, both ends included; ends are Quantity or both plain numbers, of one family."""

    low: int | float | Quantity
    high: int | float | Quantity


@dataclass(frozen=True)
class DType:
    """`fp32`, `fp16`, `bf16` or `tf32`."""

    name: str


@dataclass(frozen=True)
class EnvironmentPath:
    """`env("NAME", default = "…")`: read when data is opened, never by the compiler."""

    variable: str
    default: str


@dataclass(frozen=True)
class JoinedPath:
    """`path("a", env("B", default = "b"))`: joined when data is opened."""

    pieces: tuple[str | EnvironmentPath, ...]


@dataclass(frozen=True)
class PairOf:
    """`pair("train.en", "train.de")`: two files whose lines belong together, line by line."""

    source: str | EnvironmentPath | JoinedPath
    target: str | EnvironmentPath | JoinedPath


@dataclass(frozen=True)
class SplitOf:
    """`split(train, 10%)`: that share of another split's examples, taken away from it."""

    split: str
    share: float


@dataclass(frozen=True)
class SplitMetric:
    """`valid.wer`: a metric on a split; with a direction ("min" or "max") once it is inside `min(…)` or `max(…)`."""

    split: str
    metric: str
    direction: str = ""


@dataclass(frozen=True)
class Ref:
    """A tensor: one output of one instance, or a stream of the data layer (`path` "data.audio", `port` "").

    `lengths` is true for `x.lengths`: the int64 lengths of the sequence instead of the sequence.
    """

    path: str
    port: str = ""
    lengths: bool = field(default=False)


Plain = (
    int
    | float
    | bool
    | str
    | None
    | Quantity
    | Range
    | DType
    | EnvironmentPath
    | JoinedPath
    | PairOf
    | SplitOf
    | SplitMetric
    | Ref
)


@dataclass(frozen=True)
class Static:
    """A value known before anything runs, with where it came from.

    `operation` and `operands` tell how it was computed ("//", "pad_to", …); both are empty for a written value.
    Lists are tuples of Static or PartValue in `value`.
    """

    value: Plain | tuple[Static | PartValue, ...]
    origin: Origin
    operation: str = ""
    operands: tuple[Static, ...] = ()

    def sources(self) -> Iterator[Static]:
        """The written values that this one was computed from (itself if it was written), each once."""
        seen: set[int] = set()
        stack: list[Static] = [self]
        while stack:
            value = stack.pop()
            if id(value) in seen:
                continue
            seen.add(id(value))
            if value.operands:
                stack.extend(reversed(value.operands))
            else:
                yield value


@dataclass(frozen=True)
class ModuleReference:
    """A module given as a parameter (`tie = encoder.emb`): the path of its weights."""

    weights: str
    span: Span


@dataclass(frozen=True)
class PartValue:
    """A part with all its parameters bound: `alphabet("abc")`, `adam(lr = 1e-3)`, a section's settings.

    `family` is the catalogue's ("tokenizer", "optimizer", "section" …); defaults are filled in: `params` is complete.
    """

    name: str
    family: str
    params: Mapping[str, Static | PartValue | ModuleReference]
    span: Span
    origin: Origin

    def behind(self, fact: Plain) -> tuple[Static, ...]:
        """The settings that a fact of the part comes from: the one that is the fact itself, or else all."""
        settings = [value for value in self.params.values() if isinstance(value, Static)]
        itself = [value for value in settings if value.value == fact and not isinstance(value.value, bool)]
        return tuple(itself or settings)
