"""One line a finding: path:line:column: error[S2S101] message."""

from __future__ import annotations

from collections.abc import Sequence

from ..diagnostics import Diagnostic
from ..escapes import clipped
from ..limits import LIMITS
from .selection import left_out, selected


def render(diagnostics: Sequence[Diagnostic], *, colour: bool = False) -> str:
    """One line a finding; `colour` is taken for the sake of the other formats and changes nothing."""
    lines: list[str] = []
    size = 0
    for diagnostic in selected(diagnostics):
        line = _line(diagnostic)
        size += len(line) + 1
        if size > LIMITS.shown_characters:
            break
        lines.append(line)
    if len(lines) < len(diagnostics):
        lines.append(left_out(len(diagnostics) - len(lines)))
    return "".join(f"{line}\n" for line in lines)


def _line(diagnostic: Diagnostic) -> str:
    text = f"{diagnostic.severity}[{diagnostic.code}] {clipped(diagnostic.message)}"
    span = diagnostic.span
    if span is None:
        return text
    name = clipped(span.source.name)
    # a line that begins with :: is a command to GitHub's log
    return f"{'./' if name.lstrip().startswith(':') else ''}{name}:{span.line}:{span.column}: {text}"
