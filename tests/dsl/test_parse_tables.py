"""The parse tables that are shipped, and what happens without them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from s2sc.dsl import grammar, parse_tables
from s2sc.dsl.diagnostics import Findings
from s2sc.dsl.parser import parse
from s2sc.dsl.source import Source
from s2sc.dsl.syntax import Document

SPECS = sorted((Path(parse_tables.__file__).parents[1] / "specs").rglob("*.s2s"))


def test_the_tables_are_those_of_the_grammar() -> None:
    assert parse_tables.TABLES.read_text(encoding="utf-8") == parse_tables.tables_json(), "run `make docs`"


@pytest.mark.parametrize("kept", [None, "", "{}", "[]", '{"made_from": "another grammar"}'])
def test_missing_or_stale_tables_are_made_anew(
    kept: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = parse_tables.parse_tables()
    file = tmp_path / "s2s.tables.json"
    if kept is not None:
        file.write_text(kept, encoding="utf-8")
    monkeypatch.setattr(parse_tables, "TABLES", file)
    assert parse_tables.parse_tables() == shipped


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_shipped_tables_and_lark_read_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = path.read_text(encoding="utf-8")
    sources = [Source("spec.s2s", text), Source("spec.s2s", text.replace("=", "", 3))]
    shipped = _read(sources)
    made = grammar.Grammar(parse_tables.made_tables(parse_tables.GRAMMAR.read_text(encoding="utf-8")))
    monkeypatch.setattr("s2sc.dsl.parser.grammar", lambda: made)
    assert _read(sources) == shipped


def _read(sources: list[Source]) -> list[tuple[Document, list[str]]]:
    found = []
    for source in sources:
        findings = Findings()
        document = parse(source, findings)
        found.append((document, [finding.message for finding in findings]))
    return found


def test_no_group_repeats_possessively() -> None:
    """Python before 3.11.5 goes on behind the part of such a group that did match: `1e` was a number."""
    patterns = json.loads(parse_tables.TABLES.read_text(encoding="utf-8"))["patterns"]
    assert [name for name, pattern in patterns.items() if re.search(r"\)(?:[*+?]|\{[^}]*\})\+|\(\?>", pattern)] == []
