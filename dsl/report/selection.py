"""Which findings are shown when there are very many, and the sentence that counts all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..diagnostics import Diagnostic, Severity
from ..limits import LIMITS


def selected(diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
    """All findings in their order, or the first hundred of them, errors before the others."""
    most = LIMITS.shown_diagnostics
    if len(diagnostics) <= most:
        return list(diagnostics)
    kept = set(sorted(range(len(diagnostics)), key=lambda index: (_RANK[diagnostics[index].severity], index))[:most])
    return [diagnostic for index, diagnostic in enumerate(diagnostics) if index in kept]


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """One line: "found 2 errors and 1 warning in 1 file"."""
    counts = Counter(diagnostic.severity for diagnostic in diagnostics)
    if not counts:
        return "found nothing wrong"
    parts = [_counted(counts[severity], _WORD[severity]) for severity in _RANK if counts[severity]]
    what = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    files = {diagnostic.span.source.name for diagnostic in diagnostics if diagnostic.span}
    return f"found {what} in {_counted(len(files), 'file')}" if files else f"found {what}"


def left_out(number: int) -> str:
    """The line that stands for findings that are not shown."""
    return f"{_counted(number, 'more finding')} not shown"


_RANK: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}
_WORD: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "remark"}


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
