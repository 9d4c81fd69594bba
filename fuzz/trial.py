"""One input: linted, formatted and planned in this process, and held to what is promised of any bytes.

What is promised is written in docs/security.md. A broken promise is raised as `Broken`; anything else that is raised is
one, too: the project's own answers are findings and `Unreadable`, and no exception is among them.
"""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any
from zlib import crc32

from ..compiler.front import Analysis
from ..compiler.graph import CheckedGraph
from ..compiler.graph_file import graph_json
from ..compiler.lint.linter import Linter
from ..compiler.plan import plan
from ..dsl.diagnostics import Diagnostic, Findings
from ..dsl.format.formatter import format_source
from ..dsl.limits import LIMITS
from ..dsl.reading import Unreadable, source_of
from ..dsl.report import concise, full, github, junit, sarif
from ..dsl.report import json as json_report
from ..dsl.source import Source

NAME = "any.s2s"
# CPU seconds of linting, formatting or planning one input
MOST_SECONDS = 2.0

# characters that a terminal, a log or an editor acts on; a newline ends a line, and only `fmt` keeps a tab
_ACTIVE = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
# what no text of a spec may have, whatever else its comments hold
_CONTROL = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# what runners take for a command: a line that begins so, or has the other one anywhere
_COMMAND = re.compile(r"^\s*::|##[a-z]*\[", re.MULTILINE)
_ANNOTATION = re.compile(r"::(error|warning|notice) [^\n]*::[^\n]*")
_LINTER = Linter()


class Broken(Exception):
    """A promise that an input broke."""


class Slow(Broken):
    """More time than one verb may have."""


class TooSlow(BaseException):
    """The time of one input is over; no handler of what is tested catches it."""


@dataclass(frozen=True)
class Outcome:
    """How far an input came: read as text, past the parser, to a checked graph."""

    read: bool
    parsed: bool = False
    planned: bool = False


def attempt(content: bytes) -> Outcome:
    """Lint, format and plan these bytes. Raises Broken, and whatever else a bug raises."""
    try:
        source = source_of(content, NAME)
    except Unreadable as refused:
        _inert(f"s2sc: {refused.message}", "a refusal")
        return Outcome(read=False)
    with limited("lint"):
        findings, analyses = _lint(source)
        _shown(findings, crc32(content))
    with limited("fmt"):
        formatted = _format(source, findings)
    checked = analyses[0].checked
    if (checked is None) != any(one.severity == "error" for one in analyses[0].findings) and analyses[0].graph:
        raise Broken("a graph and errors, or neither")
    if checked is not None:
        with limited("plan"):
            _plan(checked)
        assert formatted is not None, "what has a graph parses"
        # longer than a spec may be, it would not be written
        if formatted != source.text and len(formatted.encode()) <= LIMITS.file_bytes:
            _same_graph(checked, formatted)
    return Outcome(read=True, parsed=formatted is not None, planned=checked is not None)


@contextmanager
def limited(what: str) -> Iterator[None]:
    """So much CPU time for one verb."""
    before = signal.signal(signal.SIGPROF, _alarm)
    signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
    try:
        yield
    except TooSlow:
        raise Slow(f"{what} takes more than {MOST_SECONDS} s") from None
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _alarm(number: int, frame: FrameType | None) -> None:
    raise TooSlow


# ---------------------------------------------------------------- the verbs


def _lint(source: Source) -> tuple[list[Diagnostic], Sequence[Analysis]]:
    linter = Linter(_projects=_LINTER._projects)
    linted = linter.lint(Path(NAME), source)
    for one in linted.findings:
        if not re.fullmatch(r"S2S\d{3}", one.code) or not one.message:
            raise Broken(f"a finding without a code or a message: {one.code}")
        if one.span is not None and not 0 <= one.span.start <= one.span.end <= len(one.span.source.text):
            raise Broken(f"{one.code} is about a place that is none")
    return linted.findings, linted.analyses


def _shown(findings: list[Diagnostic], pick: int) -> None:
    """The form that people read, and one of the others."""
    _inert(full.render(findings), "full")
    match pick % 5:
        case 0:
            _inert(concise.render(findings), "concise")
        case 1:
            lines = github.render(findings).splitlines(keepends=True)
            for line in lines[:-1]:
                if not _ANNOTATION.fullmatch(line.rstrip("\n")):
                    raise Broken("github: a line that is no annotation")
                _inert(line.removeprefix("::"), "github")
            _inert(lines[-1], "github")
        case 2:
            _valid_json(json_report.render(findings), "json")
        case 3:
            _valid_json(sarif.render(findings, titles={}, version="0"), "sarif")
        case 4:
            _inert(junit.render(findings, files=[NAME]), "junit")


def _format(source: Source, findings: Sequence[Diagnostic]) -> str | None:
    """The text in its format, which `format_source` formats twice; None where it does not parse: lint says so, too."""
    problems = Findings()
    text = format_source(source, problems)
    if text is None:
        if not problems.has_errors:
            raise Broken("fmt gives nothing and says nothing")
        if not any(one.severity == "error" for one in findings):
            raise Broken("fmt finds an error that lint does not")
        return None
    if _CONTROL.search(text):
        raise Broken("fmt: an active character")
    return text


def _plan(checked: CheckedGraph) -> None:
    made = plan(checked)
    _inert(made.to_text(), "plan")
    _valid_json(json.dumps(made.to_json(), allow_nan=False), "plan --json")


def _same_graph(checked: CheckedGraph, formatted: str) -> None:
    again = _lint(Source(NAME, formatted))[1][0].checked
    if again is None or graph_json(again) != graph_json(checked):
        raise Broken("formatting changes the graph")


# ---------------------------------------------------------------- output


def _inert(text: str, what: str) -> None:
    active = _ACTIVE.search(text)
    if active:
        raise Broken(f"{what}: an active character, U+{ord(active[0]):04X}")
    if "\t" in text:
        raise Broken(f"{what}: a tab")
    if _COMMAND.search(text):
        raise Broken(f"{what}: what a CI runner takes for a command")
    # a plan is as long as its model
    if what != "plan" and len(text) > LIMITS.shown_characters + 2048:
        raise Broken(f"{what}: {len(text)} characters")


def _valid_json(text: str, what: str) -> None:
    def number(written: str) -> Any:
        raise Broken(f"{what}: {written} is no JSON")

    json.loads(text, parse_constant=number)
    active = _ACTIVE.search(text)
    if active:
        raise Broken(f"{what}: an active character, U+{ord(active[0]):04X}")
