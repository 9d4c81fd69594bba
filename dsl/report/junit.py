"""Findings as JUnit XML, which CI servers show as tests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from ..diagnostics import Diagnostic
from ..escapes import clipped
from ..limits import LIMITS
from .selection import selected, summary

# what XML 1.0 cannot hold
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(diagnostics: Sequence[Diagnostic], *, colour: bool = False, files: Sequence[str] = ()) -> str:
    """A suite for each file and a test for each finding in it; a file in which nothing is wrong is a test that passed.

    files  all that were looked at

    A remark is a test that passed, with what it says as its output.
    """
    suites: dict[str, list[str]] = {name: [] for name in files}
    failed: dict[str, int] = {}
    size = 0
    for diagnostic in selected(diagnostics):
        name = diagnostic.span.source.name if diagnostic.span else ""
        case = _case(diagnostic, name)
        size += len(case)
        if size > LIMITS.shown_characters:
            break
        suites.setdefault(name, []).append(case)
        failed[name] = failed.get(name, 0) + (diagnostic.severity != "info")
    tests = sum(len(cases) or 1 for cases in suites.values())
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="s2sc lint" tests="{tests}" failures="{sum(failed.values())}">',
    ]
    for name, cases in suites.items():
        attributes = f'name={_attribute(name or "s2sc")} tests="{len(cases) or 1}" failures="{failed.get(name, 0)}"'
        lines += [f"  <testsuite {attributes}>", *(cases or [_passed(name)]), "  </testsuite>"]
    return "\n".join([*lines, f"  <!-- {summary(diagnostics)} -->", "</testsuites>"]) + "\n"


def _passed(name: str) -> str:
    return f'    <testcase classname={_attribute(name)} name="lint"/>'


def _case(diagnostic: Diagnostic, name: str) -> str:
    span = diagnostic.span
    place = f"{clipped(name)}:{span.line}:{span.column}" if span else "s2sc"
    title = f"{diagnostic.code} at {span.line}:{span.column}" if span else diagnostic.code
    said = [f"{place}: {diagnostic.severity}[{diagnostic.code}]: {clipped(diagnostic.message)}"]
    said += [clipped(words) for words in (diagnostic.at, *diagnostic.notes) if words]
    said += [f"help: {clipped(help_)}" for help_ in diagnostic.helps]
    text = escape(_legal("\n".join(said)))
    begin = f"    <testcase classname={_attribute(name or 's2sc')} name={_attribute(title)}>"
    if diagnostic.severity == "info":
        return f"{begin}<system-out>{text}</system-out></testcase>"
    facts = f'type="{diagnostic.severity}" message={_attribute(diagnostic.message)}'
    return f"{begin}<failure {facts}>{text}</failure></testcase>"


def _attribute(text: str) -> str:
    return quoteattr(_legal(clipped(text)))


def _legal(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
