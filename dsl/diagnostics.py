"""What is wrong with a spec: the place, the facts that disagree, a way out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal

from .source import Span

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Label:
    """A second place that belongs to a diagnostic, with a few words on why."""

    span: Span
    text: str


@dataclass(frozen=True)
class Edit:
    """What stands at a place, replaced; an empty span is where text is put in."""

    span: Span
    text: str


@dataclass(frozen=True)
class Fix:
    """A way out that a program can take.

    text   what it does, as an order in lower case ("write `lr`")
    safe   neither the architecture nor what training does can change by it
    """

    text: str
    edits: tuple[Edit, ...]
    safe: bool


@dataclass(frozen=True)
class Diagnostic:
    """One finding. `message`, `note` and `help` are lower case and have no full stop.

    code     "S2S202"
    at       the words under the carets ("needs channels % heads == 0"), may be empty
    place    path in the model, "encoder.stack.3.1.conv1d", or empty
    labels   other places (where a number came from)
    notes    facts, a line each ("shapes: x is seq[batch, time, 1000]")
    helps    ways out, a line each
    reached  the blocks on the way to the place, outermost first
    fixes    ways out that a program can take, the best first
    """

    code: str
    severity: Severity
    message: str
    span: Span | None = None
    at: str = ""
    place: str = ""
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    helps: tuple[str, ...] = ()
    reached: tuple[str, ...] = ()
    fixes: tuple[Fix, ...] = ()


@dataclass
class Findings:
    """Gathers diagnostics; the same fault at the same place is kept once and its copies are counted.

    A fault inside an imported file gets a label at the place of the spec that uses what is at fault.

    _use   where the spec uses the imported block that is being expanded
    _uses  the same of every finished place in the model
    """

    _found: dict[tuple[object, ...], Diagnostic] = field(default_factory=dict)
    _copies: dict[tuple[object, ...], list[str]] = field(default_factory=dict)

    _use: Span | None = None
    _uses: dict[str, Span] = field(default_factory=dict)

    @contextmanager
    def using(self, span: Span) -> Iterator[None]:
        """Everything found meanwhile comes from this use of an imported block; the outermost use counts."""
        outer, self._use = self._use, self._use or span
        try:
            yield
        finally:
            self._use = outer

    def made(self, place: str) -> None:
        """What will be found at this place of the model comes from the use that is being expanded."""
        if self._use is not None:
            self._uses[place] = self._use

    def add(self, diagnostic: Diagnostic) -> None:
        """Keep a diagnostic."""
        diagnostic = _used_at(diagnostic, self._use)
        span = diagnostic.span
        place = None if span is None else (id(span.source), span.start, span.end)
        key = (diagnostic.code, diagnostic.message, place)
        if key not in self._found:
            self._found[key] = diagnostic
            self._copies[key] = []
        elif diagnostic.place and diagnostic.place != self._found[key].place:
            self._copies[key].append(diagnostic.place)

    def error(
        self,
        code: str,
        message: str,
        span: Span | None,
        *,
        at: str = "",
        place: str = "",
        labels: tuple[Label, ...] = (),
        notes: tuple[str, ...] = (),
        helps: tuple[str, ...] = (),
        fixes: tuple[Fix, ...] = (),
    ) -> None:
        """Add an error."""
        self.add(Diagnostic(code, "error", message, span, at, place, labels, notes, helps, fixes=fixes))

    def warning(
        self,
        code: str,
        message: str,
        span: Span | None,
        *,
        at: str = "",
        place: str = "",
        labels: tuple[Label, ...] = (),
        notes: tuple[str, ...] = (),
        helps: tuple[str, ...] = (),
        fixes: tuple[Fix, ...] = (),
    ) -> None:
        """Add a warning."""
        self.add(Diagnostic(code, "warning", message, span, at, place, labels, notes, helps, fixes=fixes))

    def take(self, other: Findings, *, unless: Callable[[str], bool]) -> None:
        """Add what another stage gathered, leaving out the places for which `unless` holds."""
        for key, diagnostic in other._found.items():
            for place in (diagnostic.place, *other._copies[key]):
                if not unless(place):
                    self.add(replace(diagnostic, place=place))

    @property
    def has_errors(self) -> bool:
        return any(diagnostic.severity == "error" for diagnostic in self._found.values())

    def __iter__(self) -> Iterator[Diagnostic]:
        """All diagnostics in file order, each with a note on the way there and its further copies."""
        ordered = sorted(self._found.items(), key=lambda item: _file_order(item[1]))
        for key, diagnostic in ordered:
            yield _with_way(_used_at(diagnostic, self._uses.get(diagnostic.place)), len(self._copies[key]))

    def __len__(self) -> int:
        return len(self._found)


def _file_order(diagnostic: Diagnostic) -> tuple[str, int, str]:
    if diagnostic.span is None:
        return ("", 0, diagnostic.code)
    return (diagnostic.span.source.name, diagnostic.span.start, diagnostic.code)


def _used_at(diagnostic: Diagnostic, use: Span | None) -> Diagnostic:
    """With a label at the use of what is at fault, if that is in another file."""
    if use is None or diagnostic.span is None or diagnostic.span.source is use.source:
        return diagnostic
    if any(label.span == use for label in diagnostic.labels):
        return diagnostic
    return replace(diagnostic, labels=(*diagnostic.labels, Label(use, "used here")))


def _with_way(diagnostic: Diagnostic, num_copies: int) -> Diagnostic:
    if not num_copies and not diagnostic.reached:
        return diagnostic
    note = f"reached through: {diagnostic.place}"
    if num_copies:
        note += f" (and {num_copies} more {'copy' if num_copies == 1 else 'copies'})"
    if diagnostic.reached:
        note += f", block {' in '.join(reversed(diagnostic.reached))}"
    return replace(diagnostic, notes=(*diagnostic.notes, note))
