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


def schema() -> dict[str, Any]:
    """The JSON Schema of what `render` writes (Draft 2020-12)."""
    text = {"type": "string"}
    count = {"type": "integer", "minimum": 0}
    # null where a finding is about no file
    number = {"type": ["integer", "null"], "minimum": 1}
    place = {"file": {"type": ["string", "null"]}} | dict.fromkeys(("line", "column", "end_line", "end_column"), number)
    fix = _object({"text": text, "safe": {"type": "boolean"}, "edits": _list(_object({"text": text, **place}))})
    finding = {
        "code": {"type": "string", "pattern": "^S2S[0-9]{3}$"},
        "severity": {"enum": list(_SEVERITIES)},
        **dict.fromkeys(("message", "at", "place"), text),
        **place,
        "labels": _list(_object({"text": text, **place})),
        "notes": _list(text),
        "helps": _list(text),
        "fixes": _list(fix),
    }
    counts = {**{f"{severity}s": count for severity in _SEVERITIES}, "left_out": count}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Findings of s2sc lint --format json",
        "description": "Lines and columns count from 1, in code points; an end is the place after the last character.",
        **_object({"version": {"const": VERSION}, "findings": _list(_object(finding)), "counts": _object(counts)}),
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


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
        "fixes": [
            {
                "text": _text(fix.text),
                "safe": fix.safe,
                "edits": [{"text": _text(edit.text), **_place(edit.span)} for edit in fix.edits],
            }
            for fix in diagnostic.fixes
        ],
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
