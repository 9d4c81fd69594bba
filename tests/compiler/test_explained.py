"""`s2sc explain` knows every name of the language, and its examples are sound."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from s2sc.cli.main import main
from s2sc.compiler.catalogue import builtin
from s2sc.compiler.pages.explained import UnknownName, everything, explain, names
from s2sc.compiler.pages.parts import FAMILIES
from s2sc.compiler.pages.sample import sample
from s2sc.compiler.pages.words import WORDS
from s2sc.compiler.part import Part
from s2sc.dsl.diagnostics import Findings
from s2sc.dsl.functions import SIGNATURES
from s2sc.dsl.lexing import KEYWORDS
from s2sc.dsl.parser import parse
from s2sc.dsl.source import Source

PARTS = [cls for cls in builtin().classes() if cls.family != "internal"]


@pytest.mark.parametrize("name", names())
def test_every_name_is_explained_in_both_forms(name: str) -> None:
    found = explain(name)
    assert name in found.text
    assert json.loads(json.dumps(found.facts))["kind"]


@pytest.mark.parametrize("word", sorted(KEYWORDS | set(SIGNATURES)))
def test_every_word_of_the_language_is_explained(word: str) -> None:
    assert explain(word.lower()).facts["kind"] == "word"


@pytest.mark.parametrize("word", WORDS)
def test_the_example_of_a_word_can_be_read(word: str) -> None:
    findings = Findings()
    example = re.sub(r"\{ … \}", "{ | a |\n | 1 | }" if word == "of" else "{ }", WORDS[word].example)
    parse(Source("example.s2s", f"edition 1\n{example}\n" if word != "edition" else example), findings)
    # what stands in a section is shown without it
    assert [one.message for one in findings if "stands at the top" not in one.message] == []


def test_all_of_them_are_listed() -> None:
    text = everything().text
    for cls in PARTS:
        assert cls.family in FAMILIES
        assert f" {cls.name} " in text
    assert "S2S402" in text


@pytest.mark.parametrize("cls", PARTS, ids=lambda cls: cls.name)
def test_the_sample_of_a_part_can_be_read(cls: type[Part]) -> None:
    findings = Findings()
    parse(Source("example.s2s", f"edition 1\n{sample(cls)}\n"), findings)
    assert list(findings) == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("n_mels", "bins"),
        ("num_heads", "heads"),
        ("self_atention", "self_attention"),
        ("S2S499", None),
        ("zzzzzz", None),
    ],
)
def test_what_was_meant_by_an_unknown_name(name: str, meant: str | None) -> None:
    with pytest.raises(UnknownName) as error:
        explain(name)
    assert meant is None or error.value.meant == meant


def test_the_verbs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["explain", "S2S402"]) == 0
    assert "Bad:" in capsys.readouterr().out
    assert main(["explain", "lstm", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"][0]["name"] == "size"
    assert main(["explain", "num_heads"]) == 2
    assert "did you mean heads?" in capsys.readouterr().err
    assert main(["docs", "--out", str(tmp_path / "docs")]) == 0
    assert sorted(file.name for file in (tmp_path / "docs").iterdir()) == sorted(
        ["parts.md", "rules.md", "graph.schema.json", "findings.schema.json"]
    )
