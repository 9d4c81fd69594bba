"""Findings as JSON, for programs."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from ..diagnostics import Diagnostic
from ..limits import LIMITS
from ..source import Span
from .selection import selected

VERSION = 1


def render(diagnostics: Sequence[Diagnostic], *, colour: bool = False) -> str:
    """One object; lines and columns count from 1, in code points, and an end is the place after the last character.

    `counts` counts all findings, also those that are left out of `findings` because there are very many.
    """
    findings: list[dict[str, Any]] = []
    size = 0
    for diagnostic in selected(diagnostics):
        finding = _finding(diagnostic)
        size += len(json.dumps(finding, indent=2))
        if size > LIMITS.shown_characters:
            break
        findings.append(finding)
    counts = {f"{severity}s": sum(d.severity == severity for d in diagnostics) for severity in _SEVERITIES}
    counts["left_out"] = len(diagnostics) - len(findings)
    text = json.dumps({"version": VERSION, "findings": findings, "counts": counts}, indent=2)
    # some CI runners look for their commands anywhere in a line; the value stays the same
    return re.sub(r"##(?=[a-z]*\[)", r"#\\u0023", text) + "\n"


_SEVERITIES = ("error", "warning", "info")


def _finding(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": _text(diagnostic.message),
        **_place(diagnostic.span),
        "at": _text(diagnostic.at),
        "place": _text(diagnostic.place),
        "labels": [{"text": _text(label.text), **_place(label.span)} for label in diagnostic.labels],
        "notes": [_text(note) for note in diagnostic.notes],
        "helps": [_text(help_) for help_ in diagnostic.helps],
    }


def _place(span: Span | None) -> dict[str, Any]:
    if span is None:
        return {"file": None, "line": None, "column": None, "end_line": None, "end_column": None}
    line, column = span.source.position(span.start)
    end_line, end_column = span.source.position(span.end)
    return {
        "file": _text(span.source.name),
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
    }


def _text(text: str) -> str:
    # half a surrogate pair is legal in Python and nowhere else
    return text[: LIMITS.string_bytes].encode("utf-8", "replace").decode()
