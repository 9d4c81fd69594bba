"""Specs in the one format there is."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..dsl.diagnostics import Diagnostic, Findings
from ..dsl.escapes import visible
from ..dsl.format.formatter import format_source
from ..dsl.limits import LIMITS
from ..dsl.reading import Unreadable, read_bytes, source_of
from .failures import FINDINGS, OK, Refused
from .replacing import refuse_outside, replace_text
from .terminal import colour, note, say, write

STDIN = "-"

EXAMPLES = """examples:
  s2sc fmt specs/
  s2sc fmt --check
  s2sc fmt --diff model.s2s
  s2sc fmt - < model.s2s"""


def add(verb: argparse.ArgumentParser) -> None:
    """Its options."""
    verb.add_argument(
        "paths",
        nargs="*",
        default=["."],
        metavar="PATH",
        help="specs, folders that are searched for *.s2s, or - for stdin; the current folder if there is none",
    )
    verb.add_argument("--check", action="store_true", help="write nothing; exit 1 and name the files that would change")
    verb.add_argument("--diff", action="store_true", help="write nothing; exit 1 and show what would change")


@dataclass(frozen=True)
class _Formatted:
    """A spec as it was and as it is to be; `text` is None where it does not parse."""

    path: str
    content: bytes
    before: str
    text: str | None

    @property
    def changes(self) -> bool:
        return self.text is not None and self.text.encode() != self.content


def run(options: argparse.Namespace) -> int:
    """Format every file, or say which ones are not formatted."""
    findings: list[Diagnostic] = []
    changed = unchanged = 0
    code = OK
    for path in _specs(options.paths):
        try:
            formatted = _format(path, findings)
            if formatted.text is None:
                code = max(code, FINDINGS)
                continue
            if path == STDIN and not (options.check or options.diff):
                sys.stdout.buffer.write(formatted.text.encode())
                continue
            if not formatted.changes:
                unchanged += 1
                continue
            if options.check or options.diff:
                code = max(code, FINDINGS)
                _show(formatted, diff=options.diff)
            else:
                replace_text(Path(path), formatted.text.encode())
            changed += 1
        except (Unreadable, Refused) as error:
            code = max(code, say(str(error), error.exit_code if isinstance(error, Unreadable) else error.code))
    if findings:
        from ..dsl.report.full import render

        print(render(findings, colour=colour(sys.stderr)).rstrip("\n"), file=sys.stderr)
    if changed or unchanged:
        note(_summary(changed, unchanged, would=options.check or options.diff))
    return code


def _specs(paths: Sequence[str]) -> Iterator[str]:
    if STDIN in paths and len(paths) > 1:
        raise Refused("- stands alone: stdin is one spec")
    seen: set[str] = set()
    for path in paths:
        found = [path]
        # a name that is too long is none, and is named when it is read
        if path != STDIN and os.path.isdir(path):
            found = sorted(str(one) for one in Path(path).rglob("*.s2s") if not one.is_dir())
            if not found:
                raise Refused(f"there is no .s2s file below {path}")
        for one in found:
            real = os.path.realpath(one) if "\0" not in one else one
            if real not in seen:
                seen.add(real)
                yield one


def _format(path: str, findings: list[Diagnostic]) -> _Formatted:
    if path == STDIN:
        name = "<stdin>"
        content = sys.stdin.buffer.read(LIMITS.file_bytes + 1)
    else:
        name = path
        if os.path.islink(path):
            refuse_outside(Path(path))
        content = read_bytes(Path(path), path)
    source = source_of(content, name)
    problems = Findings()
    text = format_source(source, problems)
    findings.extend(one for one in problems if one.severity == "error")
    if text is not None and len(text.encode()) > LIMITS.file_bytes:
        raise Refused(f"{name}: formatted it would be larger than {LIMITS.file_bytes // 1024} KiB, so it is left alone")
    return _Formatted(name, content, source.text, text)


def _show(formatted: _Formatted, *, diff: bool) -> None:
    assert formatted.text is not None
    if not diff:
        write(f"would be formatted: {visible(formatted.path)}")
        return
    from difflib import unified_diff

    # what differs in line ends or a byte order mark only shows no line
    before, after = formatted.before.splitlines(keepends=True), formatted.text.splitlines(keepends=True)
    if before and not before[-1].endswith("\n"):
        before[-1] += "\n\\ No newline at end of file\n"
    path = visible(formatted.path)
    # a comment may hold what a CI runner takes for a command
    shown = "".join(_inert(line) for line in unified_diff(before, after, path, path))
    write(shown or f"--- {path}\n+++ {path}\n(line ends or the byte order mark)")


def _inert(lines: str) -> str:
    return "".join(f"{visible(line)}\n" for line in lines.removesuffix("\n").split("\n"))


def _summary(changed: int, unchanged: int, *, would: bool) -> str:
    words = []
    if changed:
        words.append(f"{_files(changed)} {'would be ' if would else ''}formatted")
    if unchanged:
        words.append(f"{_files(unchanged)} {'is' if unchanged == 1 else 'are'} formatted already")
    return ", ".join(words)


def _files(number: int) -> str:
    return f"{number} file{'' if number == 1 else 's'}"
