"""The state of one resolution: what was found, what was made, and how much work it took."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from . import syntax
from .diagnostics import Findings, Label
from .limits import LIMITS
from .modules import (
    UNKNOWN,
    ComponentModule,
    Environment,
    LimitReached,
    ModuleValue,
    Namespace,
    PipeModule,
    Scope,
    TensorValue,
    Thunk,
    Unknown,
    Value,
    describe,
)
from .signature import Catalogue
from .source import Source, Span
from .spec import Constraint, Instance
from .suggest import listing
from .values import Origin, OriginKind


@dataclass
class State(ABC):
    """The state of one resolution, and what expanding modules asks of evaluating expressions.

    overrides   expressions of the chosen profile and of `--set` by path; `paths` are all paths that exist
    multiplied  the repeats that are being expanded, and `copies` how many copies they will make of what is inside
    imported    the files that the spec imports
    opened      the blocks that were expanded, by the place of their names
    used_names  by block and parameter or name, whether any use of the block has looked at it
    _mentioned  branches that were not taken and whose names were looked at
    """

    catalogue: Catalogue
    findings: Findings
    overrides: Mapping[str, tuple[syntax.Expression, OriginKind]] = field(default_factory=dict)
    paths: dict[str, Span] = field(default_factory=dict)
    consumed: set[str] = field(default_factory=set)
    instances: list[Instance] = field(default_factory=list)
    constraints: list[Constraint] = field(default_factory=list)
    origin_kind: OriginKind = "spec"
    shared_modules: list[ModuleValue] = field(default_factory=list)
    multiplied: tuple[tuple[str, int], ...] = ()
    copies: int = 1
    imported: frozenset[Source] = frozenset()
    opened: set[Span] = field(default_factory=set)
    used_names: dict[tuple[Span, str], bool] = field(default_factory=dict)
    _mentioned: set[Span] = field(default_factory=set)
    _forcing: list[Thunk] = field(default_factory=list)
    _steps: int = 0
    _depth: int = 0

    def force(self, thunk: Thunk) -> Value:
        """The value of a name, computed once."""
        thunk.used = True
        if thunk.state == "done":
            assert thunk.value is not None
            return thunk.value
        if thunk.state == "computing":
            self._report_loop(self._forcing[self._forcing.index(thunk) :])
            return UNKNOWN
        thunk.state = "computing"
        self._forcing.append(thunk)
        thunk.value = thunk.compute()
        self._forcing.pop()
        thunk.state = "done"
        return thunk.value

    def _report_loop(self, loop: list[Thunk]) -> None:
        """Names that are defined through each other, told from the one that is written first."""
        start = min(range(len(loop)), key=lambda index: loop[index].span.start)
        loop = [*loop[start:], *loop[:start]]
        first, rest = loop[0], loop[1:]
        hops = listing([thunk.spelt for thunk in [*loop, first][:13]], 13).replace(", ", " -> ")
        labels = tuple(Label(thunk.span, f"then `{thunk.spelt}`") for thunk in rest[:4])
        notes = (f"hops: {hops}{' -> …' if len(loop) > 12 else ''}",) if rest else ()
        if any(thunk.edge for thunk in loop):
            message, at = f"`{first.spelt}` needs its own result", "the circle starts here"
            helps: tuple[str, ...] = ("a result of an earlier step comes from a recurrent component, such as lstm",)
            self.findings.error("S2S404", message, first.span, at=at, labels=labels, notes=notes, helps=helps)
            return
        message, at = f"`{first.spelt}` is defined through itself", "the definitions form a loop"
        self.findings.error("S2S205", message, first.span, at=at, labels=labels, notes=notes)

    def multiplication(self, *more: tuple[str, int]) -> tuple[str, ...]:
        """How repeats multiplied, as a note: "repeat 64 x repeat 64 x repeat 3"."""
        path = (*self.multiplied, *more)
        return ("reached through: " + " x ".join(f"{what} {count:,}" for what, count in path),) if path else ()

    def origin(self, span: Span) -> Origin:
        """The origin of a value that is written here."""
        return Origin("imported" if span.source in self.imported else self.origin_kind, span)

    def count_steps(self, number: int, span: Span) -> None:
        """Pay for some work; raises LimitReached when the spec has used up what it may."""
        self._steps += number
        if self._steps > LIMITS.evaluator_steps:
            raise LimitReached(
                "S2S412",
                f"the spec takes more than {LIMITS.evaluator_steps:,} evaluation steps",
                span,
                self.multiplication(),
            )

    def tensor(self, value: Value, span: Span, wanted: str = "a tensor") -> TensorValue | None:
        """A value that must be one tensor; None after an error."""
        if isinstance(value, TensorValue) and value.results:
            return value
        if isinstance(value, TensorValue):
            names = listing(f"{span.text}.{child}" for child in value.children)
            self.findings.error(
                "S2S301", f"expected {wanted}, got a stream of several", span, helps=(f"name one of {names}",)
            )
            return None
        if isinstance(value, ModuleValue):
            self._waits(value, span, wanted)
        else:
            self.wrong_kind(value, wanted, span)
        return None

    def _waits(self, module: ModuleValue, span: Span, wanted: str) -> None:
        """Report a module where a tensor is wanted: an input is missing."""
        missing: list[str] = []
        if isinstance(module, ComponentModule) and module.inputs:
            missing = [one.name for one in module.signature.inputs if one.name not in module.inputs]
        if missing:
            name = module.signature.name if isinstance(module, ComponentModule) else module.what
            self.findings.error(
                "S2S305", f"{name} needs the input `{missing[0]}`", module.span, helps=(f"add {missing[0]} = …",)
            )
            return
        first = module.steps[0] if isinstance(module, PipeModule) else module
        self.findings.error(
            "S2S301",
            f"expected {wanted}, got {describe(module)}",
            span,
            at=f"this is {describe(module)}",
            labels=(Label(first.span, "this has no input yet"),) if first.span != span else (),
            helps=("a module gives a tensor when it is given one: x -> module",),
        )

    def wrong_kind(self, value: Value, wanted: str, span: Span, *more_helps: str) -> None:
        """Report a value of another kind than wanted; silent for what had an error already.

        more_helps  ways out for modules
        """
        if isinstance(value, Unknown):
            return
        helps: tuple[str, ...] = ()
        if isinstance(value, Namespace) and value.names():
            helps = (f"name one of its values: {listing(f'{value.what}.{name}' for name in sorted(value.names()))}",)
        elif isinstance(value, TensorValue) and wanted == "a module" and "(" in span.text:
            helps = ("it has all its inputs; leave out the one that `->` gives",)
        elif isinstance(value, ModuleValue):
            helps = more_helps
        self.findings.error(
            "S2S301",
            f"expected {wanted}, got {describe(value)}",
            span,
            at=f"this is {describe(value)}",
            helps=helps,
        )

    # ------------------------------------------------------------ what the evaluator does

    @abstractmethod
    def evaluate(self, expression: syntax.Expression, environment: Environment, scope: Scope) -> Value:
        """The value of an expression at a place."""

    @abstractmethod
    def lookup(self, name: syntax.Name, environment: Environment) -> Value:
        """What a name stands for."""

    @abstractmethod
    def module(self, value: Value, span: Span) -> ModuleValue | None:
        """A value that must be a module; None after an error."""

    @abstractmethod
    def given_twice(self, name: str, span: Span, first: Span) -> None:
        """Report an argument that is given twice."""
