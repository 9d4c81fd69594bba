"""graph.json: the same bytes everywhere, and nothing in it that does not hold is believed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from s2sc.compiler.catalogue import builtin
from s2sc.compiler.front import analyse, analyse_file
from s2sc.compiler.graph import CheckedGraph
from s2sc.compiler.graph_file import (
    GraphFileError,
    graph_from_json,
    graph_json,
    map_json,
    read_graph,
    write_graph,
)
from s2sc.compiler.graph_schema import graph_schema
from s2sc.dsl.source import Source

GOLDEN = Path(__file__).parent.parent / "golden"
SPEC = GOLDEN / "residual.s2s"


@pytest.fixture(scope="module")
def checked() -> CheckedGraph:
    found = analyse_file(SPEC)
    assert found.checked is not None, [(one.code, one.message) for one in found.findings]
    return found.checked


def test_the_golden_spec_is_clean() -> None:
    assert [(one.code, one.message) for one in analyse_file(SPEC).findings] == []


def test_graph_json_is_the_golden_one(checked: CheckedGraph) -> None:
    golden = GOLDEN / "residual.graph.json"
    if os.environ.get("S2SC_UPDATE_GOLDEN"):
        golden.write_bytes(graph_json(checked))
    assert graph_json(checked) == golden.read_bytes()


@pytest.mark.parametrize(
    "environment",
    [{"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "77", "LC_ALL": "C", "PYTHONUTF8": "0"}],
    ids=["seed", "locale"],
)
def test_same_bytes_whatever_the_folder_hash_seed_and_locale(
    environment: dict[str, str], tmp_path: Path, checked: CheckedGraph
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / SPEC.name).write_bytes(SPEC.read_bytes().replace(b"\n", b"\r\n"))
    script = (
        "import sys, pathlib\n"
        "from s2sc.compiler.front import analyse_file\n"
        "from s2sc.compiler.graph_file import graph_json\n"
        f"sys.stdout.buffer.write(graph_json(analyse_file(pathlib.Path({SPEC.name!r})).checked))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, env={**os.environ, **environment}, capture_output=True, check=True
    )
    assert result.stdout == graph_json(checked)


def test_it_reads_back_without_the_spec(checked: CheckedGraph, tmp_path: Path) -> None:
    write_graph(checked, tmp_path / "out")
    again = read_graph(tmp_path / "out" / "graph.json")
    assert again == checked
    assert graph_json(again) == graph_json(checked)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["graph.json", "graph.map.json"]


def test_it_holds_no_texts_spans_or_read_variables(
    checked: CheckedGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORPUS", "/secret/place")
    found = analyse_file(SPEC)
    assert found.checked is not None
    written = graph_json(found.checked)
    assert written == graph_json(checked)
    for text in (b"secret", b"residual model", str(SPEC.parent).encode(), b"chars", b"spec_hash"):
        assert text not in written


def test_the_map_says_where_nodes_and_numbers_stand(checked: CheckedGraph) -> None:
    content = json.loads(map_json(checked))
    place, line, _ = content["nodes"]["encoder.stack.1.1.conv1d"]["at"].rsplit(":", 2)
    assert SPEC.read_text().splitlines()[int(line) - 1].strip().startswith("-> conv1d(")
    assert place.endswith("residual.s2s")
    channels = content["nodes"]["encoder.stack.1.1.conv1d"]["params"]["channels"]
    assert channels["operation"]
    assert len(channels["sources"]) == 2
    assert content["nodes"]["encoder.stack.1.1.conv1d"]["reached"] == ["conv"]
    assert content["hyperparameters"]["params"]["clip"]["from"] == "default"


def test_the_schema_is_a_schema(checked: CheckedGraph) -> None:
    from jsonschema import Draft202012Validator

    schema = graph_schema(builtin())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(graph_json(checked)))


def test_a_write_that_fails_leaves_the_old_file(
    checked: CheckedGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_graph(checked, tmp_path)
    before = (tmp_path / "graph.json").read_bytes()

    def fails(_: int) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="no space"):
        write_graph(checked, tmp_path)
    assert (tmp_path / "graph.json").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 2


# ---------------------------------------------------------------- what is not believed


def changed(checked: CheckedGraph, change: Callable[[Any], None]) -> bytes:
    content = json.loads(graph_json(checked))
    change(content)
    return json.dumps(content).encode()


def node(content: Any, path: str) -> Any:
    return next(one for one in content["nodes"] if one["path"] == path)


CHANGES: dict[str, Callable[[Any], None]] = {
    "another hash": lambda content: content.update(architecture="0" * 64),
    "another type": lambda content: node(content, "decoder.logits.linear")["outputs"]["y"]["axes"][2].update(size=40),
    "another cost": lambda content: node(content, "decoder.logits.linear")["cost"].update(parameters=1),
    "another size": lambda content: node(content, "decoder.logits.linear")["operation"]["params"].update(size=40),
    "another feature": lambda content: node(content, "data.audio.logmel")["operation"]["params"].update(bins=32),
    "no mask": lambda content: content["nodes"].remove(node(content, "decoder.logits.class_mask")),
    "a needless node": lambda content: content["nodes"].append(
        {**node(content, "decoder.logits.class_mask"), "path": "decoder.logits.mask_x"}
    ),
    "another precision": lambda content: node(content, "decoder.logits.linear").update(compute="fp32"),
    "unknown tensor": lambda content: content["loss"].update(tensor="loss.gone"),
    "a cycle": lambda content: node(content, "encoder.stack.0.0.conv1d")["inputs"].update(
        x=[{"tensor": "encoder.h.relu", "port": "y", "lengths": False}]
    ),
    "a circle of derived nodes": lambda content: node(content, "decoder.logits.class_mask")["inputs"].update(
        x=[{"tensor": "decoder.logits.class_mask", "port": "y", "lengths": False}]
    ),
    "an unknown component": lambda content: node(content, "decoder.logits.linear")["operation"].update(
        part="os.system"
    ),
    "a section as a node": lambda content: node(content, "decoder.logits.linear").update(operation=content["data"]),
    "a value out of range": lambda content: node(content, "decoder.logits.linear")["operation"]["params"].update(
        size=0
    ),
    "another key": lambda content: content.update(extra=1),
    "no key": lambda content: content.pop("loss"),
    "another version": lambda content: content.update(version=2),
    "another name of a tensor": lambda content: content["names"].update({"decoder.infer": content["loss"]}),
    "another limit": lambda content: content["symbols"][1].update(maximum=1),
    "another note": lambda content: content["notes"].append("all is well"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_file_is_refused(what: str, checked: CheckedGraph) -> None:
    with pytest.raises(GraphFileError):
        graph_from_json(changed(checked, CHANGES[what]))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff", "not UTF-8"),
        (b"null", "schema"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "Infinity"),
        (b"[" * 100_000, "deeper"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not JSON"),
    ],
    ids=["empty", "cut", "bytes", "null", "duplicate", "nan", "infinity", "deep", "long number"],
)
def test_bad_json_is_refused_by_name(data: bytes, words: str) -> None:
    with pytest.raises(GraphFileError, match=words):
        graph_from_json(data)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(GraphFileError, match=r"graph\.json: no such file"):
        read_graph(tmp_path / "graph.json")


def test_a_cut_file_is_refused(checked: CheckedGraph) -> None:
    written = graph_json(checked)
    for cut in range(0, len(written) - 1, len(written) // 20):
        with pytest.raises(GraphFileError):
            graph_from_json(written[:cut])


def test_an_exponent_too_large_is_refused(checked: CheckedGraph) -> None:
    written = graph_json(checked).replace(b'"rate": 0.0001', b'"rate": 1e999')
    assert b"1e999" in written
    with pytest.raises(GraphFileError):
        graph_from_json(written)


def test_profiles_of_the_text_are_not_needed(checked: CheckedGraph) -> None:
    text = SPEC.read_text() + "\nprofile fast { hyperparameters.seed = 3 }\n"
    found = analyse(Source("residual.s2s", text), profile="fast").checked
    assert found is not None
    assert found.architecture_hash == checked.architecture_hash
    assert graph_json(found) != graph_json(checked)


def test_an_earlier_file_gets_the_defaults_of_parameters_that_came_later(checked: CheckedGraph) -> None:
    """One that is needed, or whose default would be another network, is refused."""

    def earlier(content: Any) -> None:
        for name in ("clip", "workers", "seed"):
            del content["hyperparameters"]["params"][name]
        del content["hyperparameters"]["params"]["checkpoint"]["params"]["keep"]

    found = graph_from_json(changed(checked, earlier)).graph.hyperparameters
    expected = checked.graph.hyperparameters
    assert found is not None
    assert expected is not None
    defaults = {one.name: one.default for one in expected.params}
    assert {name: found.values()[name] for name in ("clip", "workers", "seed")} == {
        name: defaults[name] for name in ("clip", "workers", "seed")
    }
    checkpoint = found.values()["checkpoint"]
    assert checkpoint.keep == next(one.default for one in checkpoint.params if one.name == "keep")
    linear = node(json.loads(graph_json(checked)), "decoder.logits.linear")["operation"]["params"]
    for name in linear:

        def without(content: Any, gone: str = name) -> None:
            node(content, "decoder.logits.linear")["operation"]["params"].pop(gone)

        if linear[name] not in (None, True, False):
            with pytest.raises(GraphFileError):
                graph_from_json(changed(checked, without))
