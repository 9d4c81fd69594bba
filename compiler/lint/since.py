"""What was found in a spec at a revision of git."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ...dsl.diagnostics import Diagnostic
from ...dsl.reading import Unreadable
from ..front import analyse
from ..revision import RevisionLoader, revision_of
from .choice import Choice


def findings_at(path: Path, choice: Choice, select: Sequence[str]) -> Iterable[Diagnostic]:
    """The findings of the file and its imports as they were; none if there was no such file. Raises NoRevision."""
    revision = revision_of(path, choice.since)
    try:
        loader = RevisionLoader(revision, path)
    except Unreadable:
        # new since then, or no text: all of today's findings are new
        return ()
    profiles = [choice.profiles]
    if choice.all_profiles:
        # what only a profile brought is told apart by its message and place, like all else
        from ...dsl.syntax import Section

        statements = loader.parse(loader.spec).document.statements
        labels = (one.label for one in statements if isinstance(one, Section) and one.kind == "profile" and one.label)
        profiles = [(), *((label,) for label in dict.fromkeys(labels))]
    found: dict[tuple[object, ...], Diagnostic] = {}
    for profile in profiles:
        analysis = analyse(
            loader.spec, profile=profile, sets=choice.sets, loader=loader, blocks_too=True, select=select
        )
        for one in analysis.findings:
            found.setdefault((one.code, one.message, one.span), one)
    return found.values()
