"""Specs of an older edition rewritten for a newer one: small edits of the text, so comments and layout stay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from . import syntax
from .diagnostics import Diagnostic, Edit, Findings
from .editions import EDITIONS, newest, oldest
from .escapes import clipped
from .parser import parse
from .source import Source, Span
from .tree_walk import walk


class CannotMigrate(ValueError):
    """A text that cannot be migrated: which edition it is of is not known, or not one that can be left."""


@dataclass(frozen=True)
class ByHand:
    """A place that a step cannot rewrite, and what its author has to look at."""

    span: Span
    message: str


@dataclass(frozen=True)
class Step:
    """One change that an edition brought.

    edition  the edition that the text has afterwards
    what     in words: "adam's `learning_rate` is called `lr`"
    rewrite  the edits of a file, and the places that a person has to look at; it keeps what the file means
    """

    edition: int
    what: str
    rewrite: Callable[[syntax.Document], Iterable[Edit | ByHand]]


# A step for everything that an edition renamed or took away, in the order in which they are made.
STEPS: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Made:
    """A step that changed something, and at how many places."""

    step: Step
    places: int


@dataclass(frozen=True)
class Migrated:
    """A migrated text.

    before, after  the editions
    made           the steps that changed something
    by_hand        "line: what to look at", places in the new text's predecessor of the step's edition
    """

    source: Source
    before: int
    after: int
    made: tuple[Made, ...]
    by_hand: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether there was anything to do."""
        return self.before != self.after


def migrate(source: Source, *, to: int | None = None, steps: Sequence[Step] | None = None) -> Migrated:
    """Rewrite a text for an edition, by default the newest. Raises CannotMigrate."""
    steps = STEPS if steps is None else steps
    wanted = newest() if to is None else to
    if wanted not in EDITIONS:
        raise CannotMigrate(f"there is no edition {wanted} in this version of s2sc, which knows up to {newest()}")
    before = _edition(source)
    if before > wanted:
        raise CannotMigrate(f"{source.name} is of edition {before}, and there is no way back to {wanted}")
    made: list[Made] = []
    by_hand: list[str] = []
    for edition in range(before + 1, wanted + 1):
        for step in (one for one in steps if one.edition == edition):
            found = list(step.rewrite(_document(source)))
            edits = [one for one in found if isinstance(one, Edit)]
            by_hand += [f"{_place(one.span)}: {one.message}" for one in found if isinstance(one, ByHand)]
            if edits:
                source = edited(source, edits)
                made.append(Made(step, len(edits)))
        source = _with_edition(source, edition)
    return Migrated(source, before, max(before, wanted), tuple(made), tuple(by_hand))


def edited(source: Source, edits: Iterable[Edit]) -> Source:
    """The text with some edits made; no two of them may touch the same characters."""
    pieces: list[str] = []
    end = 0
    for edit in sorted(edits, key=lambda one: (one.span.start, one.span.end)):
        assert edit.span.source is source, "an edit of another text"
        assert edit.span.start >= end, "two edits of the same characters"
        pieces += [source.text[end : edit.span.start], edit.text]
        end = edit.span.end
    return replace(source, text="".join([*pieces, source.text[end:]]))


def faults(source: Source) -> list[Diagnostic]:
    """What is wrong with the syntax of a text, whichever known edition it is of."""
    findings = Findings()
    document = parse(source, findings)
    known = any(isinstance(one, syntax.Edition) and one.number in EDITIONS for one in document.statements)
    return [one for one in findings if one.severity == "error" and not (known and one.code == "S2S108")]


def renamed_parameter(owner: str, before: str, after: str) -> Callable[[syntax.Document], Iterator[Edit | ByHand]]:
    """A step's rewriting: a parameter of a component or a part has another name.

    Where a profile sets a path that ends so, the path does not say whose it is: its author looks at it.
    """

    def rewrite(document: syntax.Document) -> Iterator[Edit | ByHand]:
        own = {one.name for one in document.statements if isinstance(one, syntax.Let | syntax.Block)}
        for node in walk(document.statements):
            if isinstance(node, syntax.Call) and _is_named(node.function, owner) and owner not in own:
                for argument in node.arguments:
                    if argument.name == before and argument.name_span is not None:
                        yield Edit(argument.name_span, after)
        for profile in _profiles(document):
            for node in walk(profile.body):
                if isinstance(node, syntax.Assign) and node.path[-1] == before and len(node.path) > 1:
                    words = f"`{clipped(node.name, 100)}` is called …{after} now if it is of {owner}"
                    yield ByHand(node.name_span, words)

    return rewrite


def renamed_callable(before: str, after: str) -> Callable[[syntax.Document], Iterator[Edit | ByHand]]:
    """A step's rewriting: a component or a part has another name."""

    def rewrite(document: syntax.Document) -> Iterator[Edit | ByHand]:
        own = {one.name for one in document.statements if isinstance(one, syntax.Let | syntax.Block)}
        if before in own:
            return
        for node in walk(document.statements):
            if isinstance(node, syntax.Name) and node.name == before:
                yield Edit(node.span, after)

    return rewrite


def _profiles(document: syntax.Document) -> Iterator[syntax.Section]:
    for statement in document.statements:
        if isinstance(statement, syntax.Section) and statement.kind == "profile":
            yield statement


def _is_named(function: Any, name: str) -> bool:
    return isinstance(function, syntax.Name) and function.name == name


def _document(source: Source) -> syntax.Document:
    return parse(source, Findings())


def _statement(source: Source) -> syntax.Edition:
    found = next((one for one in _document(source).statements if isinstance(one, syntax.Edition)), None)
    if found is None:
        raise CannotMigrate(
            f"{source.name} does not say of which edition it is: write `edition {oldest()}` if it is of the first"
        )
    return found


def _edition(source: Source) -> int:
    problems = faults(source)
    number = _statement(source).number
    if number not in EDITIONS:
        what = "newer than this s2sc" if number > newest() else "none of the language's"
        raise CannotMigrate(f"{source.name} is of edition {number}, which is {what}")
    if problems:
        first = problems[0]
        place = f"{_place(first.span)}: " if first.span else ""
        raise CannotMigrate(f"{source.name} has errors, mend them first: {place}{first.message} [{first.code}]")
    return number


def _with_edition(source: Source, number: int) -> Source:
    """With another number behind the word `edition`; what stands between the two stays."""
    span = _statement(source).span
    digits = len(span.text) - len(span.text.rstrip("0123456789_"))
    return edited(source, [Edit(Span(source, span.end - digits, span.end), str(number))])


def _place(span: Span) -> str:
    return f"{span.source.name}:{span.line}:{span.column}"
