"""Findings that a spec allows: `# s2sc: allow S2S507 -- the vocabulary is fixed by the checkpoint`."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...dsl.diagnostics import Diagnostic, Edit, Fix, Label
from ...dsl.escapes import clipped
from ...dsl.source import Source, Span
from ...dsl.suggest import did_you_mean
from ...dsl.syntax import Comment, Document

MARK = "s2sc:"
_DIRECTIVE = re.compile(r"#+\s*s2sc:\s*(?P<verb>\w+)?(?P<rest>.*)")
_FORM = "write `# s2sc: allow CODE -- reason`"


@dataclass(eq=False)
class Suppression:
    """One comment that allows findings.

    codes    what it allows, each with its place
    first    where what it covers begins, and where that ends: a finding that begins in between is allowed
    used     codes that allowed something
    errors   findings that it names and cannot allow
    """

    span: Span
    codes: tuple[tuple[str, Span], ...]
    reason: str
    first: int
    last: int
    alone: bool
    used: set[str] = field(default_factory=set)
    errors: list[Diagnostic] = field(default_factory=list)

    def covers(self, diagnostic: Diagnostic) -> bool:
        """Whether a finding is about what stands here."""
        span = diagnostic.span
        return (
            span is not None
            and span.source is self.span.source
            and self.first <= span.start <= self.last
            and any(code == diagnostic.code for code, _ in self.codes)
        )


class Suppressions:
    """The suppressions of all files of a run, and what they allowed in any of its specs."""

    def __init__(self, is_known: Callable[[str], bool], known: Callable[[], Collection[str]]) -> None:
        self._is_known = is_known
        self._known = known
        self._of: dict[Source, tuple[list[Suppression], list[Diagnostic]]] = {}

    def remaining(self, findings: Sequence[Diagnostic], document: Callable[[Source], Document]) -> list[Diagnostic]:
        """The findings that no comment of their file allows."""
        return [finding for finding in findings if not self._allowed(finding, document)]

    def problems(
        self, source: Source, document: Document, *, finished: bool, looked_for: Callable[[str], bool] | None = None
    ) -> Iterator[Diagnostic]:
        """What is wrong with a file's own suppressions.

        finished    all checks of the file ran: what allowed nothing allows nothing
        looked_for  the codes that were: not all are, unless asked for; None for all
        """
        found, wrong = self._read(source, document)
        yield from wrong
        for one in found:
            for error in one.errors:
                yield Diagnostic(
                    "S2S903",
                    "warning",
                    f"an error cannot be allowed: `{error.code}`",
                    next(span for code, span in one.codes if code == error.code),
                    labels=() if error.span is None else (Label(error.span, "this is an error"),),
                    helps=("put right what it is about",),
                )
            if not one.reason:
                yield Diagnostic(
                    "S2S902",
                    "warning",
                    "this suppression says no reason",
                    one.span,
                    helps=("write the reason behind the code: # s2sc: allow CODE -- reason",),
                )
            if finished:
                yield from self._unused(one, looked_for or self._is_known)

    def _unused(self, one: Suppression, looked_for: Callable[[str], bool]) -> Iterator[Diagnostic]:
        failed = {error.code for error in one.errors}
        unused = [(code, span) for code, span in one.codes if code not in one.used | failed]
        kept = [code for code, _ in one.codes if code in one.used | failed]
        for code, span in unused:
            if not self._is_known(code) or not looked_for(code):
                continue
            yield Diagnostic(
                "S2S901",
                "warning",
                f"nothing is allowed by this: there is no `{code}` here",
                span,
                at="unused",
                helps=("remove it",),
                fixes=(Fix("remove it", (_removed(one, kept),), safe=True),),
            )

    def _allowed(self, finding: Diagnostic, document: Callable[[Source], Document]) -> bool:
        if finding.span is None or MARK not in finding.span.source.text:
            return False
        source = finding.span.source
        covering = [one for one in self._read(source, document(source))[0] if one.covers(finding)]
        for one in covering:
            if finding.severity == "error":
                one.errors = [*one.errors, finding] if finding not in one.errors else one.errors
            else:
                one.used.add(finding.code)
        return bool(covering) and finding.severity != "error"

    def _read(self, source: Source, document: Document) -> tuple[list[Suppression], list[Diagnostic]]:
        if source not in self._of:
            found: list[Suppression] = []
            wrong: list[Diagnostic] = []
            for comment in document.comments if MARK in source.text else ():
                match = _DIRECTIVE.fullmatch(comment.text)
                if match:
                    self._directive(match, comment, document, found, wrong)
            self._of[source] = found, wrong
        return self._of[source]

    def _directive(
        self,
        match: re.Match[str],
        comment: Comment,
        document: Document,
        found: list[Suppression],
        wrong: list[Diagnostic],
    ) -> None:
        if match["verb"] != "allow":
            said = clipped(match["verb"] or "", 40)
            message = f"there is no `s2sc: {said}`" if said else "this comment allows nothing"
            wrong.append(Diagnostic("S2S903", "warning", message, comment.span, helps=(_FORM,)))
            return
        written, _, reason = match["rest"].partition("--")
        codes: list[tuple[str, Span]] = []
        offset = comment.span.start + match.start("rest")
        for word in re.finditer(r"[^\s,]+", written):
            span = Span(comment.span.source, offset + word.start(), offset + word.end())
            codes.append((word[0], span))
            if not self._is_known(word[0]):
                helps = did_you_mean(word[0], self._known())
                message = f"there is no code `{clipped(word[0], 40)}`"
                wrong.append(Diagnostic("S2S903", "warning", message, span, at="unknown", helps=helps or (_FORM,)))
        if not codes:
            message = "this comment names no code"
            wrong.append(Diagnostic("S2S903", "warning", message, comment.span, helps=(_FORM,)))
            return
        first, last, alone = _extent(comment.span, document)
        found.append(Suppression(comment.span, tuple(codes), reason.strip(), first, last, alone))


def _extent(span: Span, document: Document) -> tuple[int, int, bool]:
    """What a comment covers: its line; alone on a line, the statement or table row that begins after it."""
    text = span.source.text
    begin = text.rfind("\n", 0, span.start) + 1
    if text[begin : span.start].strip():
        return begin, _line_end(text, span.start), False
    following = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*").match(text, span.end)
    assert following is not None
    start = following.end()
    whole = _beginning_at(start, document.statements)
    return start, max(_line_end(text, start), whole), True


def _line_end(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    return len(text) if end < 0 else end


def _beginning_at(start: int, statements: Sequence[Any]) -> int:
    """The end of the outermost statement or row that begins at a place; 0 where none does."""
    for statement in statements:
        span: Span = statement.span
        if span.start == start:
            return span.end
        if span.start < start < span.end:
            rows = [row.end for row in getattr(statement, "row_spans", ()) if row.start == start]
            return rows[0] if rows else _beginning_at(start, getattr(statement, "body", ()))
    return 0


def _removed(one: Suppression, kept: Sequence[str]) -> Edit:
    """Without the codes that are not needed; without the comment if none is, and without its line if it has one."""
    source, text = one.span.source, one.span.source.text
    if kept:
        first, last = one.codes[0][1], one.codes[-1][1]
        return Edit(first.to(last), ", ".join(kept))
    begin = text.rfind("\n", 0, one.span.start) + 1
    if one.alone:
        return Edit(Span(source, begin, min(len(text), _line_end(text, one.span.end) + 1)), "")
    start = begin + len(text[begin : one.span.start].rstrip())
    return Edit(Span(source, start, one.span.end), "")
