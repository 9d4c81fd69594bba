"""Right specs and their graphs: what the language means, byte for byte.

S2SC_UPDATE_GOLDEN=1 writes the graphs anew.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from s2sc.compiler.front import Analysis, analyse, analyse_file
from s2sc.compiler.graph_file import graph_json
from s2sc.dsl.source import Source

GOLDEN = Path(__file__).parent.parent / "golden"
SPECS = sorted(path for path in GOLDEN.glob("*.s2s") if path.stem != "residual")
CASES = [*((path, None) for path in SPECS), (GOLDEN / "profiles.s2s", "small")]


def spelt(analysis: Analysis) -> list[str]:
    return [f"{one.code} {one.message}" for one in analysis.findings]


@pytest.mark.parametrize(("path", "profile"), CASES, ids=lambda one: one.stem if isinstance(one, Path) else one or "-")
def test_a_right_spec_has_no_findings_and_the_golden_graph(path: Path, profile: str | None) -> None:
    analysis = analyse_file(path, profile=profile)
    assert spelt(analysis) == []
    assert analysis.checked is not None
    golden = path.with_name(f"{path.stem}{'.' + profile if profile else ''}.graph.json")
    if os.environ.get("S2SC_UPDATE_GOLDEN"):
        golden.write_bytes(graph_json(analysis.checked))
    assert graph_json(analysis.checked) == golden.read_bytes()


@pytest.mark.parametrize("environment", [{"PYTHONHASHSEED": "3"}, {"PYTHONHASHSEED": "99", "LC_ALL": "C"}], ids=str)
def test_the_graphs_are_the_same_elsewhere(environment: dict[str, str], tmp_path: Path) -> None:
    for path in (*SPECS, *(GOLDEN / "files").glob("*.s2s")):
        copy = tmp_path / path.relative_to(GOLDEN)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
    program = (
        "import hashlib, pathlib\n"
        "from s2sc.compiler.front import analyse_file\n"
        "from s2sc.compiler.graph_file import graph_json\n"
        "for path in sorted(pathlib.Path('.').glob('*.s2s')):\n"
        "    print(path.stem, hashlib.sha256(graph_json(analyse_file(path).checked)).hexdigest())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    here = {}
    for path in SPECS:
        checked = analyse_file(path).checked
        assert checked is not None
        here[path.stem] = hashlib.sha256(graph_json(checked)).hexdigest()
    assert dict(line.split() for line in done.stdout.splitlines()) == here


def architecture(text: str, **options: Any) -> str:
    analysis = analyse(Source("spec.s2s", text), **options)
    assert analysis.checked is not None, spelt(analysis)
    return analysis.checked.architecture_hash


PROFILES = (GOLDEN / "profiles.s2s").read_text()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("edition 1", "edition 1  # a comment"),
        ("width", "breadth"),
        ("let width = 32", "let half = 16\nlet width = half * 2"),
        ("lr = 1e-3", "lr = 0.1"),
        ("stop      = 3 epochs", "stop      = 9 epochs"),
        ("let drop  = 0.1", "let drop  = 0.2"),
        ('env("CORPUS"', 'env("OTHER"'),
        ("window = 32ms", "window = 0.032s"),
        ("examples = 4", "examples = 5"),
    ],
)
def test_the_architecture_is_the_same_when_only_words_or_training_change(old: str, new: str) -> None:
    assert old in PROFILES
    assert architecture(PROFILES.replace(old, new)) == architecture(PROFILES)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("let width = 32", "let width = 34"),
        ("stride = 2", "stride = 1"),
        ("-> layer_norm", ""),
        ("bins = 16", "bins = 17"),
        ("hop = 0.016s", "hop = 8ms"),
        ("abc' ", "abcd' "),
    ],
)
def test_the_architecture_changes_with_the_model(old: str, new: str) -> None:
    assert old in PROFILES
    assert architecture(PROFILES.replace(old, new)) != architecture(PROFILES)


def test_the_order_of_statements_makes_no_difference() -> None:
    text = (GOLDEN / "order.s2s").read_text()
    comment, _, body = text.partition("edition 1\n")
    statements = body.strip().split("\n\n")
    turned = comment + "edition 1\n\n" + "\n\n".join(reversed(statements)) + "\n"
    first, second = (analyse(Source("order.s2s", one)).checked for one in (text, turned))
    assert first is not None
    assert second is not None
    ours, theirs = (graph_json(one).replace(one.graph.origins.spec_hash.encode(), b"") for one in (first, second))
    assert ours == theirs
