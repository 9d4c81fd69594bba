"""Every wrong spec says on its own lines what is found in it.

`# error[S2S101]: words` expects a finding on its line whose message contains the words; `# ^ error[…]: words` expects
it on the line before, one line up for each `^`. Folders called `files` hold what the specs beside them import, which
says on its lines what is found in it too. `# locked with …` speaks of the lock that a spec is held against.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from s2sc.compiler.front import analyse
from s2sc.compiler.rulebook import pages
from s2sc.dsl.loading import FileLoader
from s2sc.dsl.reading import read_source
from s2sc.tests.examples import less_allowed, lock_of

HERE = Path(__file__).parent
EXPECTED = re.compile(r"# (\^*) ?(error|warning|info)\[(S2S\d{3})\]: ([^#\n]*)")


SPECS = sorted(path for path in HERE.rglob("*.s2s") if path.parent.name != "files")


def test_every_code_is_expected_at_three_places_or_more() -> None:
    files = [path for path in HERE.rglob("*.s2s*") if path.is_file()]
    counts = Counter(code for path in files for _, _, code, _ in EXPECTED.findall(read_source(path).text))
    assert counts.total() >= 400
    assert [page.code for page in pages() if counts[page.code] < 3] == []


@pytest.mark.parametrize("path", SPECS, ids=lambda path: str(path.relative_to(HERE)))
def test_the_findings_are_those_on_the_lines(path: Path) -> None:
    source = read_source(path)
    loader = FileLoader(source, path)
    # style is looked for in its own folder, as with --select S2S9
    style = path.parent.name == "style"
    lock = lock_of(source.text)
    select = ["S2S9"] if style else []
    findings = less_allowed(analyse(source, loader=loader, blocks_too=style, select=select, locked=lock))
    expected = sorted(
        (one.name, number - len(up), severity, code, words.strip())
        for one in loader.sources
        for number in range(1, one.num_lines + 1)
        for up, severity, code, words in EXPECTED.findall(one.line(number))
    )
    assert expected, "a wrong spec says what is wrong with it"
    found = sorted(
        (
            finding.span.source.name if finding.span else source.name,
            finding.span.line if finding.span else 1,
            finding.severity,
            finding.code,
            finding.message,
        )
        for finding in findings
    )
    assert [entry[:4] for entry in found] == [entry[:4] for entry in expected]
    by_place: dict[tuple[str, int, str, str], list[str]] = {}
    for name, line, severity, code, message in found:
        by_place.setdefault((name, line, severity, code), []).append(message)
    for name, line, severity, code, words in expected:
        messages = by_place[name, line, severity, code]
        assert any(words in message for message in messages), (line, code, words, messages)
