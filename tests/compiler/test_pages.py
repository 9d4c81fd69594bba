"""Every code has a page: its bad example has the code on the marked lines, its good example has nothing."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from s2sc.compiler.rulebook import FOLDER, Page, complete, marks, pages
from s2sc.dsl.diagnostics import Diagnostic
from s2sc.tests.examples import findings_of_example

PAGES = [pytest.param(page, id=f"{page.code}-{page.name}") for page in pages()]


def findings(text: str, *select: str) -> list[Diagnostic]:
    return findings_of_example(text, select)


@pytest.mark.parametrize("fragment", ["", "# data parallel_text\n"])
def test_what_completes_an_example_is_clean(fragment: str) -> None:
    assert findings(complete(fragment)) == []


@pytest.mark.parametrize("page", PAGES)
def test_bad_example_has_the_code_on_the_marked_lines(page: Page) -> None:
    text = complete(page.example("bad"))
    marked = sorted(marks(text))
    assert marked, "the example marks no line"
    found = [(one.span.line, one.severity, one.code) for one in findings(text, page.code) if one.span is not None]
    assert sorted(found) == marked
    assert {mark.code for mark in marked} == {page.code}


@pytest.mark.parametrize("page", PAGES)
def test_good_example_has_nothing(page: Page) -> None:
    assert findings(complete(page.example("good")), page.code) == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_what_and_why(page: Page) -> None:
    assert page.doc.startswith(f"{page.code}: ")
    assert page.title[0] in "`<" or page.title[0].islower() or page.title.startswith("CTC")
    assert page.paragraph("What it does")
    assert page.paragraph("Why it is bad")


def test_every_code_has_one_page_and_every_page_a_code() -> None:
    sources = [*(FOLDER.parent / "dsl").rglob("*.py"), *FOLDER.rglob("*.py")]
    raised: set[str] = set()
    for source in sources:
        if source.parent.name != "codes":
            # what a docstring or a comment speaks of is not raised by it
            raised |= set(re.findall(r'"(S2S\d{3})"', source.read_text(encoding="utf-8")))
    codes = [page.code for page in pages()]
    assert len(codes) == len(set(codes))
    assert set(codes) == raised


def test_linting_reads_no_page() -> None:
    lines = [
        "import sys",
        "from s2sc.compiler.front import analyse",
        "from s2sc.dsl.source import Source",
        "analyse(Source('a.s2s', ''))",
        "print([name for name in sys.modules if '.codes.' in name])",
    ]
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("code", ["S2S103", "S2S104", "S2S106", "S2S109", "S2S201", "S2S202"])
def test_what_leaves_no_choice_has_a_fix_that_puts_it_right(code: str) -> None:
    (page,) = (page for page in pages() if page.code == code)
    text = complete(page.example("bad"))
    edits = [edit for one in findings(text) for fix in one.fixes for edit in fix.edits]
    assert edits
    assert all(fix.safe for one in findings(text) for fix in one.fixes)
    for edit in sorted(edits, key=lambda edit: edit.span.start, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    assert code not in {one.code for one in findings(text)}
