"""The formatter: one format, reached in one step, in which every word and comment still stands and means the same."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import fields, is_dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from s2sc.compiler.front import analyse
from s2sc.compiler.graph_file import graph_json
from s2sc.dsl.diagnostics import Findings
from s2sc.dsl.format.formatter import format_source
from s2sc.dsl.format.widths import columns
from s2sc.dsl.limits import LIMITS
from s2sc.dsl.loading import FileLoader
from s2sc.dsl.parser import parse
from s2sc.dsl.source import Source, Span
from s2sc.tests.dsl import generated_specs

ROOT = Path(__file__).parents[2]
BEFORE = Path(__file__).parent / "formatted" / "before"
SHIPPED = sorted((ROOT / "specs").rglob("*.s2s"))
SOUND = [*(path for path in SHIPPED if path.parent.name != "lib"), *sorted((ROOT / "tests/golden").glob("*.s2s"))]
WRONG = sorted(path for path in (ROOT / "tests/ui").rglob("*.s2s") if path.is_file())
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
FENCE = re.compile(r"^```s2s[^\n]*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def names(paths: list[Path]) -> list[Any]:
    return [pytest.param(path, id=path.relative_to(ROOT).as_posix()) for path in paths]


def formatted(text: str) -> str:
    found = format_source(Source("spec.s2s", text), findings := Findings())
    assert found is not None, [problem.message for problem in findings]
    return found


def read(text: str) -> tuple[Any, Counter[str]]:
    """The tree of a text without its spans, and its comments."""
    findings = Findings()
    document = parse(Source("spec.s2s", text), findings)
    assert not findings.has_errors
    return without_spans(document.statements), Counter(comment.text.rstrip() for comment in document.comments)


def without_spans(node: Any) -> Any:
    if isinstance(node, tuple):
        return tuple(map(without_spans, node))
    if not is_dataclass(node):
        return node
    parts = ((field.name, getattr(node, field.name)) for field in fields(node))
    return (
        type(node).__name__,
        *((name, without_spans(part)) for name, part in parts if not isinstance(part, Span) and name != "row_spans"),
    )


def plain(text: str) -> str:
    """A text as it is read from a file."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def check(text: str) -> str:
    """Format a text that parses, and hold the result to all that is promised."""
    result = formatted(text)
    assert formatted(result) == result
    assert read(result) == read(text)
    assert result.endswith("\n")
    assert not result.endswith("\n\n")
    assert "\n\n\n" not in result
    assert all(line == line.rstrip() for line in result.split("\n"))
    return result


# ---------------------------------------------------------------- whatever is written


@pytest.mark.parametrize("start", range(0, 500, 50))
def test_generated_specs_keep_their_words_and_need_one_step(start: int) -> None:
    for seed in range(start, start + 50):
        check(plain(generated_specs.generate(Random(seed))))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(generated_specs.specs)
def test_specs_that_hypothesis_shrinks(text: str) -> None:
    check(plain(text))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(generated_specs.broken_specs)
def test_a_text_that_does_not_parse_is_refused_with_its_findings(text: str) -> None:
    text = plain(text)
    if re.search("[\0\r]", text):
        return
    result = format_source(Source("spec.s2s", text), findings := Findings())
    assert (result is None) == findings.has_errors
    if result is not None:
        check(text)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(some.text(max_size=200))
def test_any_text_is_formatted_or_refused(text: str) -> None:
    result = format_source(Source("spec.s2s", "edition 1\n" + text), findings := Findings())
    assert (result is None) == findings.has_errors


# ---------------------------------------------------------------- what it means


@pytest.mark.parametrize("path", names(SOUND))
def test_a_model_is_the_same_in_any_layout(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    graph = graph_of(text, path)
    scattered = plain(generated_specs.scattered(Random(len(text)), text))
    assert scattered != text
    assert graph_of(scattered, path) == graph
    assert graph_of(check(scattered), path) == graph


def graph_of(text: str, path: Path) -> bytes:
    source = Source(path.name, text)
    checked = analyse(source, loader=FileLoader(source, path)).checked
    assert checked is not None
    return graph_json(checked)


# ---------------------------------------------------------------- what it looks like


@pytest.mark.parametrize("before", names(sorted(BEFORE.glob("*.s2s"))))
def test_a_spec_gets_this_format(before: Path) -> None:
    after = before.parent.parent / "after" / before.name
    assert check(before.read_text(encoding="utf-8")) == after.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", names(SHIPPED))
def test_the_specs_that_come_along_are_formatted(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert check(text) == text, f"run s2sc fmt {path.relative_to(ROOT)}"


@pytest.mark.parametrize("page", names(list(PAGES)))
def test_the_examples_of_the_documentation_are_formatted(page: Path) -> None:
    for found in FENCE.finditer(page.read_text(encoding="utf-8")):
        text = found["text"]
        head = "" if text.startswith("edition") else "edition 1\n\n"
        result = format_source(Source(page.name, head + text), Findings())
        # some examples show what does not parse
        assert result in (None, head + text)


@pytest.mark.parametrize("path", names(WRONG))
def test_wrong_specs_are_formatted_where_they_parse(path: Path) -> None:
    text = plain(path.read_text(encoding="utf-8"))
    result = format_source(Source(path.name, text), findings := Findings())
    assert (result is None) == findings.has_errors
    if result is not None:
        check(text)


def test_no_line_of_a_shipped_spec_is_too_long() -> None:
    for path in SHIPPED:
        for line in path.read_text(encoding="utf-8").splitlines():
            assert columns(line) <= 120 or line.lstrip().startswith("#")


# ---------------------------------------------------------------- bounds


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "(" * LIMITS.nesting + "1" + ")" * LIMITS.nesting,
        "x = " + "f(a, b, " * 60 + "1" + ")" * 60,
        "x = " + "repeat 2 { # c\n a -> " * 60 + "1" + " }" * 60,
        "a { " * LIMITS.nesting + "b = 1" + " }" * LIMITS.nesting,
        "x = " + "if a then b else " * (LIMITS.expression_depth - 2) + "1",
        "x = [" + "1,\n# c\n" * 4096 + "]",
        "x {" + "a=1;" * 6_000 + "}",
        "#\n" * 60_000,
        "x {\ntable t of b {\n|a|b|\n|1|" + f'"{"x" * 4000}"|\n' + "|1|2|\n" * 4_000 + "}\n}",
    ],
    ids=["groups", "calls", "repeats", "sections", "choices", "list", "assignments", "comments", "table"],
)
def test_large_and_deep_texts_stay_in_bounds(text: str) -> None:
    result = formatted(f"edition 1\n{text}\n")
    assert formatted(result) == result
    assert len(result) < 4 * len(text) + 60_000


@pytest.mark.parametrize(
    ("text", "width"), [("abc", 3), ("漢字", 4), ("é", 1), ("e\u0301", 1), ("ｈ", 2), ("😀", 2), ("", 0)]
)
def test_a_width_is_what_a_terminal_shows(text: str, width: int) -> None:
    assert columns(text) == width
