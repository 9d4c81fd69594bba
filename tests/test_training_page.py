"""docs/training.md: a row for each hyperparameter, with its default and an example that a spec takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from s2sc.compiler.front import analyse_file
from s2sc.compiler.pages.spelling import default_of
from s2sc.compiler.parts.sections.hyperparameters import Hyperparameters

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/training.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+)` \| ([^|]+) \| `([^|]+)` \|", PAGE, re.MULTILINE)
# which ask for something else beside them
BESIDE = {
    "patience": ["hyperparameters.checkpoint.best=min(valid.wer)"],
    "freeze": [],
}


def test_every_hyperparameter_has_its_row_with_its_default_in_the_order_of_declaration() -> None:
    assert [(name, default) for name, default, _ in ROWS] == [
        (one.name, default_of(one)) for one in Hyperparameters.params
    ]


@pytest.mark.parametrize(("name", "example"), [(name, example) for name, _, example in ROWS])
def test_the_example_is_taken(name: str, example: str) -> None:
    sets = [f"hyperparameters.{name}={example}"]
    if example.startswith(f"{name} {{"):
        inside = example.removeprefix(f"{name} {{").removesuffix("}").split(";")
        sets = [f"hyperparameters.{name}.{one.strip().replace(' = ', '=')}" for one in inside]
    found = analyse_file(ROOT / "specs/wav2letter.s2s", sets=[*sets, *BESIDE.get(name, [])])
    assert found.checked is not None, [finding.message for finding in found.findings]
