"""A graph.json from somebody else is the graph that it says it is, or refused by name."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from s2sc.cli.main import main
from s2sc.compiler.graph_file import GraphFileError, graph_from_json, graph_json
from s2sc.tests.small_spec import SPEC, analysed

ODD: list[Any] = [
    *(None, True, -1, 0, 2**63, 2**53, 1e308, -0.0, "", "a" * 5000, "\0", "\x1b[31m", "\u202e", "\ud800", "../../x"),
    *("__class__", "os.system", "::error::a", [], {}, [[]], {"part": "os.system"}, {"tensor": "gone"}, [None] * 1000),
]
VERBS = ("eval RUN", "infer RUN a.wav", "export RUN --onnx", "report RUN", "plan --against RUN/graph.json small.s2s")


def content() -> Any:
    checked = analysed().checked
    assert checked is not None
    return json.loads(graph_json(checked))


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The ways to everything within."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*way, key)
        yield from places(inner, (*way, key))


def mutant(random: Random, whole: Any) -> Any:
    """One thing put in another's place, left out, doubled or renamed."""
    made = copy.deepcopy(whole)
    *way, last = random.choice(list(places(made)))
    inner = made
    for key in way:
        inner = inner[key]
    match random.randrange(4):
        case 0:
            del inner[last]
        case 1 if isinstance(inner, dict):
            inner[random.choice([str(last) + "x", "__class__", ""])] = inner.pop(last)
        case 2 if isinstance(inner, list):
            inner.insert(last, copy.deepcopy(inner[last]))
        case _:
            inner[last] = random.choice(ODD)
    return made


@pytest.mark.parametrize("group", range(5))
def test_a_changed_graph_is_sound_or_refused(group: int) -> None:
    random, whole = Random(f"graphs {group}"), content()
    refused = 0
    for _ in range(100):
        made = mutant(random, whole)
        try:
            found = graph_from_json(json.dumps(made).encode())
        except GraphFileError:
            refused += 1
        else:
            # data and settings may be others; what is left out and has a default has it
            assert json.loads(graph_json(found))["nodes"] in (made["nodes"], whole["nodes"])
    assert refused >= 70


KINDS = ("pipe", "folder", "device", "large", "deep", "bytes", "elsewhere", "mutant", "nothing")


def put(kind: str, path: Path) -> None:
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "device":
            path.symlink_to("/dev/zero")
        case "large":
            with path.open("wb") as file:
                file.truncate(1 << 40)
        case "deep":
            path.write_bytes(b"[" * 200_000)
        case "bytes":
            path.write_bytes(os.urandom(5000))
        case "elsewhere":
            path.symlink_to("/etc/passwd")
        case "mutant":
            made = content()
            made["nodes"][0]["operation"]["part"] = "os.system"
            path.write_text(json.dumps(made))


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_verb_that_reads_one_names_what_is_wrong(
    kind: str, verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    (run / "run.json").write_text(json.dumps({"base": str(tmp_path)}))
    (tmp_path / "small.s2s").write_text(SPEC)
    put(kind, run / "graph.json")
    code = main(verb.replace("RUN", "run").split())
    told = capsys.readouterr()
    if verb.startswith("report"):
        # a report shows what there is, and says what cannot be read
        assert code == 0
    else:
        assert code in (1, 2)
    shown = told.out + told.err + ((run / "report.html").read_text() if verb.startswith("report") else "")
    assert "graph.json" in shown or "no checkpoint" in shown
    assert "Traceback" not in shown
    assert "root:" not in shown
