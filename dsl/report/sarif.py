"""Findings as SARIF 2.1.0, which code scanning services read."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ..diagnostics import Diagnostic, Edit, Fix, Severity
from ..limits import LIMITS
from ..source import Span
from .selection import selected

_LEVEL: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def render(
    diagnostics: Sequence[Diagnostic],
    *,
    colour: bool = False,
    titles: Mapping[str, str] | None = None,
    version: str | None = None,
) -> str:
    """One run. Columns count code points; what is found again after lines moved is known by its place in the model.

    titles   a sentence for each code
    version  of the tool

    https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
    """
    results: list[dict[str, Any]] = []
    size = 0
    for diagnostic in selected(diagnostics):
        result = _result(diagnostic)
        size += len(json.dumps(result))
        if size > LIMITS.shown_characters:
            break
        results.append(result)
    codes = sorted({result["ruleId"] for result in results})
    for result in results:
        result["ruleIndex"] = codes.index(result["ruleId"])
    driver: dict[str, Any] = {"name": "s2sc", "rules": [_rule(code, titles or {}) for code in codes]}
    if version is not None:
        driver["semanticVersion"] = version
    run: dict[str, Any] = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    if len(results) < len(diagnostics):
        run["properties"] = {"leftOut": len(diagnostics) - len(results)}
    text = json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)
    # some CI runners look for their commands anywhere in a line; the value stays the same
    return re.sub(r"##(?=[a-z]*\[)", r"#\\u0023", text) + "\n"


def _rule(code: str, titles: Mapping[str, str]) -> dict[str, Any]:
    rule: dict[str, Any] = {"id": code}
    if code in titles:
        rule["shortDescription"] = {"text": titles[code]}
    return rule


def _result(diagnostic: Diagnostic) -> dict[str, Any]:
    said = [diagnostic.message, diagnostic.at, *diagnostic.notes, *(f"help: {help_}" for help_ in diagnostic.helps)]
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "level": _LEVEL[diagnostic.severity],
        "message": {"text": "\n".join(_text(words) for words in said if words)},
    }
    if diagnostic.span is not None:
        location = _location(diagnostic.span)
        if diagnostic.place:
            location["logicalLocations"] = [{"fullyQualifiedName": _text(diagnostic.place)}]
        result["locations"] = [location]
    if diagnostic.place:
        result["partialFingerprints"] = {"placeInTheModel/v1": _text(f"{diagnostic.code}:{diagnostic.place}")}
    if diagnostic.labels:
        result["relatedLocations"] = [
            {**_location(label.span), "message": {"text": _text(label.text)}} for label in diagnostic.labels
        ]
    if diagnostic.fixes:
        result["fixes"] = [_fix(fix) for fix in diagnostic.fixes]
    return result


def _fix(fix: Fix) -> dict[str, Any]:
    files: dict[str, list[Edit]] = {}
    for edit in fix.edits:
        files.setdefault(edit.span.source.name, []).append(edit)
    return {
        "description": {"text": _text(fix.text)},
        "artifactChanges": [
            {
                "artifactLocation": _artifact(name),
                "replacements": [
                    {"deletedRegion": _region(edit.span), "insertedContent": {"text": _text(edit.text)}}
                    for edit in edits
                ],
            }
            for name, edits in files.items()
        ],
    }


def _location(span: Span) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": _artifact(span.source.name), "region": _region(span)}}


def _artifact(name: str) -> dict[str, Any]:
    path = _text(name).replace(os.sep, "/")
    if os.path.isabs(name):
        return {"uri": f"file://{quote(path)}"}
    # a first segment with a colon would be read as a scheme
    return {"uri": quote(path), "uriBaseId": "%SRCROOT%"}


def _region(span: Span) -> dict[str, int]:
    line, column = span.source.position(span.start)
    end_line, end_column = span.source.position(span.end)
    return {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}


def _text(text: str) -> str:
    # half a surrogate pair is legal in Python and nowhere else
    return text[: LIMITS.string_bytes].encode("utf-8", "replace").decode()
