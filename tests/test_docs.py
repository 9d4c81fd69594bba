"""What the documentation shows is what s2sc does."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from s2sc.compiler.plan import plan

ROOT = Path(__file__).parent.parent
_found = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
assert _found is not None
assert _found.loader is not None
generate = importlib.util.module_from_spec(_found)
_found.loader.exec_module(generate)

PAGES = [pytest.param(page, id=page.relative_to(ROOT).as_posix()) for page in generate.PAGES]


def _examples() -> Iterator[object]:
    for page in generate.PAGES:
        for number, (facts, text) in enumerate(generate.specs(page.read_text(encoding="utf-8"))):
            yield pytest.param(facts, text, id=f"{page.stem}-{facts.get('name', number)}")


@pytest.mark.parametrize(("facts", "text"), list(_examples()))
def test_an_example_means_what_the_page_says(facts: dict[str, str], text: str) -> None:
    found = generate.analysis(facts.get("name", "example"), text)
    expected = sorted(code for kind in ("error", "warning") for code in facts.get(kind, "").split(",") if code)
    assert sorted(one.code for one in found.findings if one.severity != "info") == expected
    assert (found.checked is None) == ("error" in facts)
    if found.checked is not None:
        assert plan(found.checked).to_text()


@pytest.mark.parametrize("page", PAGES)
def test_generated_blocks_are_fresh(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert generate.fresh(text) == text, "run `make docs`"


def test_generated_files_are_fresh() -> None:
    for file, text in generate.files():
        assert file.read_text(encoding="utf-8") == text, f"{file.name} is old: run `make docs`"


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{page.name} links to {target}"
        if anchor:
            headings = re.findall(r"(?m)^#+ (.*)$", linked.read_text(encoding="utf-8"))
            assert anchor in {_anchor(heading) for heading in headings}, f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES)
def test_files_that_a_page_names_exist(page: Path) -> None:
    text = generate.FENCE.sub("", page.read_text(encoding="utf-8"))
    names = re.findall(r"`((?:dsl|compiler|runtime|specs|tests|docs|benchmarks)/[\w./-]*)`", text)
    # NAME stands for a file that a reader would add
    assert [name for name in names if "NAME" not in name and not (ROOT / name).exists()] == []


def _anchor(heading: str) -> str:
    """The anchor that a heading gets: lower case, no punctuation, a dash for each blank."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
