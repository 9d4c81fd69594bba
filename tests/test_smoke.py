"""The shortest way through text and meaning: seconds, no torch."""

from __future__ import annotations

from pathlib import Path

import pytest
import s2sc
from s2sc.compiler.graph_file import graph_json
from s2sc.compiler.plan import plan

SPECS = Path(__file__).parent.parent / "specs"
RECIPES = sorted(path for path in SPECS.rglob("*.s2s") if path.parent.name != "lib")
FACTS = ("purpose", "data", "hardware", "time", "expected")


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda file: file.stem)
def test_a_recipe_is_clean(recipe: Path) -> None:
    assert s2sc.lint(recipe) == []


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda file: file.stem)
def test_a_recipe_says_what_it_is_for(recipe: Path) -> None:
    head = recipe.read_text(encoding="utf-8").split("\n\n")[0]
    title, *lines = [line.removeprefix("#").strip() for line in head.splitlines() if line != "#"]
    assert title.endswith(".")
    named = [line.split()[0] for line in lines if line.split()[0] in FACTS]
    assert tuple(named) == FACTS


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda file: file.stem)
def test_a_recipe_can_be_planned(recipe: Path) -> None:
    made = plan(s2sc.compile(recipe))
    assert made.parameters == sum(row.parameters for row in made.rows)
    assert str(made.name) in made.to_text()


def test_the_same_spec_gives_the_same_graph() -> None:
    first, second = (graph_json(s2sc.compile(SPECS / "wav2letter.s2s")) for _ in range(2))
    assert first == second


def test_wave2letter_plus_has_the_published_size() -> None:
    assert plan(s2sc.compile(SPECS / "speech" / "wav2letter_plus.s2s")).parameters == 106_499_360


def test_what_is_wrong_is_said_in_full(tmp_path: Path) -> None:
    spec = tmp_path / "wrong.s2s"
    spec.write_text("edition 1\n\nendoder { }\n", encoding="utf-8")
    with pytest.raises(s2sc.SpecError, match="did you mean `encoder`") as caught:
        s2sc.compile(spec)
    assert [found.code for found in caught.value.diagnostics] == [found.code for found in s2sc.lint(spec)]
