"""Every lint rule: its bad example raises its code on the marked line, its good example raises nothing."""

from __future__ import annotations

import re

import pytest
from s2sc.compiler.front import analyse
from s2sc.compiler.rulebook import Rule, complete, rules
from s2sc.dsl.diagnostics import Diagnostic
from s2sc.dsl.source import Source

_MARK = re.compile(r"# (error|warning|info)\[(S2S\d+)\]")


def findings(text: str) -> list[Diagnostic]:
    return list(analyse(Source("example.s2s", text)).findings)


def test_the_prelude_is_clean() -> None:
    assert findings(complete("")) == []


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)
def test_bad_example_raises_the_code_on_the_marked_line(rule: Rule) -> None:
    text = complete(rule.example("bad"))
    marked = [
        (number, match[2], match[1])
        for number, line in enumerate(text.splitlines(), 1)
        for match in _MARK.finditer(line)
    ]
    assert marked, "the example marks no line"
    assert [(one.span and one.span.line, one.code, one.severity) for one in findings(text)] == marked
    assert {code for _, code, _ in marked} == {rule.code}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)
def test_good_example_raises_nothing(rule: Rule) -> None:
    assert findings(complete(rule.example("good"))) == []


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)
def test_rule_says_what_it_does_and_why(rule: Rule) -> None:
    assert rule.doc.startswith(f"{rule.code}: ")
    assert "\nWhat it does: " in rule.doc
    assert "\nWhy it is bad: " in rule.doc


def test_codes_are_unique() -> None:
    codes = [rule.code for rule in rules()]
    assert len(codes) == len(set(codes))
