"""Fixes applied to a text: those that do not touch each other, one round at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ...dsl.diagnostics import Diagnostic, Edit, Fix
from ...dsl.source import Source


@dataclass(frozen=True)
class Round:
    """A text with some fixes in it.

    text    the new one
    fixes   what was applied, with the finding it is for
    edits   where, in the old text
    """

    text: str
    fixes: tuple[tuple[Diagnostic, Fix], ...]
    edits: tuple[Edit, ...]


def apply(findings: Iterable[Diagnostic], source: Source, *, unsafe: bool, most: int | None = None) -> Round:
    """Apply the first fix of each finding that is allowed and touches no other one; later ones wait for a next round.

    Only fixes of this one file are taken, at most so many.

    unsafe  those too that may change the model or its training
    """
    taken: list[Edit] = []
    fixes: list[tuple[Diagnostic, Fix]] = []
    for finding in findings:
        fix = next((one for one in finding.fixes if _of(one, source) and (one.safe or unsafe)), None)
        if fix is None or any(_touch(edit, other) for edit in fix.edits for other in taken if edit != other):
            continue
        taken += [edit for edit in fix.edits if edit not in taken]
        fixes.append((finding, fix))
        if len(fixes) == most:
            break
    text = source.text
    for edit in sorted(taken, key=lambda one: (one.span.start, one.span.end), reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return Round(text, tuple(fixes), tuple(taken))


def _of(fix: Fix, source: Source) -> bool:
    return bool(fix.edits) and all(edit.span.source is source for edit in fix.edits)


def _touch(one: Edit, other: Edit) -> bool:
    """Whether two edits share a character or a place between two."""
    return one.span.start <= other.span.end and other.span.start <= one.span.end
