"""Findings as log commands of GitHub Actions, which shows them beside the lines that they are about."""

from __future__ import annotations

from collections.abc import Sequence

from ..diagnostics import Diagnostic, Severity
from ..escapes import clipped
from ..limits import LIMITS
from .selection import selected, summary

_COMMAND: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "notice"}


def render(diagnostics: Sequence[Diagnostic], *, colour: bool = False) -> str:
    """One command a finding, errors first, because a step shows ten of each kind; the last line counts them all.

    https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    """
    ordered = sorted(selected(diagnostics), key=lambda diagnostic: list(_COMMAND).index(diagnostic.severity))
    lines: list[str] = []
    size = 0
    for diagnostic in ordered:
        line = _command(diagnostic)
        size += len(line) + 1
        if size > LIMITS.shown_characters:
            break
        lines.append(line)
    return "".join(f"{line}\n" for line in [*lines, summary(diagnostics)])


def _command(diagnostic: Diagnostic) -> str:
    facts = {"title": f"s2sc {diagnostic.code}"}
    if diagnostic.span is not None:
        source = diagnostic.span.source
        line, column = source.position(diagnostic.span.start)
        end_line, end_column = source.position(diagnostic.span.end)
        facts |= {"file": clipped(source.name), "line": str(line), "endLine": str(end_line)}
        if end_line == line:
            facts |= {"col": str(column), "endColumn": str(max(end_column, column + 1))}
    said = [diagnostic.message, *([diagnostic.at] if diagnostic.at else []), *diagnostic.notes]
    said += [f"help: {help_}" for help_ in diagnostic.helps]
    properties = ",".join(f"{name}={_property(value)}" for name, value in facts.items())
    return f"::{_COMMAND[diagnostic.severity]} {properties}::{_data(chr(10).join(map(clipped, said)))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
