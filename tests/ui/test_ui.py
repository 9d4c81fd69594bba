"""Every wrong spec says on its own lines what is found in it.

`# error[S2S101]: words` expects a finding on its line whose message contains the words; `# ^ error[…]: words` expects
it on the line before, one line up for each `^`.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from s2sc.compiler.front import analyse
from s2sc.dsl.reading import read_source

HERE = Path(__file__).parent
EXPECTED = re.compile(r"# (\^*) ?(error|warning|info)\[(S2S\d{3})\]: ([^#\n]*)")


@pytest.mark.parametrize("path", sorted(HERE.rglob("*.s2s")), ids=lambda path: str(path.relative_to(HERE)))
def test_the_findings_are_those_on_the_lines(path: Path) -> None:
    source = read_source(path)
    expected = sorted(
        (number - len(up), severity, code, words.strip())
        for number in range(1, source.num_lines + 1)
        for up, severity, code, words in EXPECTED.findall(source.line(number))
    )
    assert expected, "a wrong spec says what is wrong with it"
    found = sorted(
        (finding.span.line if finding.span else 1, finding.severity, finding.code, finding.message)
        for finding in analyse(source).findings
    )
    assert [entry[:3] for entry in found] == [entry[:3] for entry in expected]
    by_place: dict[tuple[int, str, str], list[str]] = {}
    for line, severity, code, message in found:
        by_place.setdefault((line, severity, code), []).append(message)
    for line, severity, code, words in expected:
        messages = by_place[line, severity, code]
        assert any(words in message for message in messages), (line, code, words, messages)
