"""Runs on disk: made, found, begun."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from s2sc.compiler.front import analyse_file
from s2sc.compiler.graph_file import GraphFileError, graph_json
from s2sc.compiler.rulebook import complete
from s2sc.runtime.run_folder import Run, RunError, new_run, newest_run, open_run, safe_name, texts_of
from s2sc.runtime.storage import StorageError


def begun(kit: Any, folder: Path, *, when: int | None = None) -> Run:
    run = Run(folder)
    run.begin(kit.graph_of(), spec_text=kit.SPEC, base=folder.parent, started_with={"device": "cpu"})
    if when is not None:
        os.utime(folder / "graph.json", (when, when))
    return run


def test_runs_are_numbered_and_the_latest_is_pointed_to(tmp_path: Path) -> None:
    runs = [new_run(tmp_path, "digits") for _ in range(3)]
    assert [run.folder.name for run in runs] == ["1", "2", "3"]
    latest = tmp_path / "digits" / "latest"
    assert latest.is_symlink()
    assert os.readlink(latest) == "3"
    (tmp_path / "digits" / "notes").mkdir()
    assert new_run(tmp_path, "digits").folder.name == "4"


def test_a_begun_run_holds_what_it_was_started_with(kit: Any, tmp_path: Path) -> None:
    run = begun(kit, tmp_path / "run")
    assert run.spec.read_text(encoding="utf-8") == kit.SPEC
    assert run.graph().architecture_hash == kit.graph_of().architecture_hash
    assert run.base() == tmp_path.resolve()
    assert json.loads((run.folder / "run.json").read_bytes())["device"] == "cpu"
    assert open_run(run.folder) == run


def test_a_folder_of_runs_stands_for_the_latest(kit: Any, tmp_path: Path) -> None:
    for _ in range(2):
        begun(kit, new_run(tmp_path, "digits").folder)
    assert open_run(tmp_path / "digits").folder == (tmp_path / "digits" / "2").resolve()
    assert open_run(tmp_path / "digits" / "latest").graph() is not None


def test_the_newest_run_is_the_one_started_last(kit: Any, tmp_path: Path) -> None:
    for name, number, when in (("a", "1", 100), ("a", "2", 300), ("b", "1", 200)):
        begun(kit, tmp_path / name / number, when=when)
    assert newest_run(tmp_path).folder == (tmp_path / "a" / "2").resolve()
    assert newest_run(tmp_path, "b").folder == (tmp_path / "b" / "1").resolve()


@pytest.mark.parametrize("what", ["nothing", "empty", "file"])
def test_what_is_no_run_is_named(tmp_path: Path, what: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(RunError, match=what):
        open_run(tmp_path / what)
    with pytest.raises(RunError, match="there is no run below"):
        newest_run(tmp_path)


def test_a_damaged_record_is_named(kit: Any, tmp_path: Path) -> None:
    run = begun(kit, tmp_path / "run")
    for content in (b"", b"[]", b"{}", b'{"base": 3}', b"\xff"):
        (run.folder / "run.json").write_bytes(content)
        with pytest.raises(RunError, match=r"run\.json cannot be read"):
            run.base()


def test_a_folder_that_cannot_be_made_is_a_matter_of_storage(kit: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="file"):
        begun(kit, tmp_path / "file" / "run")
    with pytest.raises(StorageError, match="file"):
        new_run(tmp_path / "file", "digits")


@pytest.mark.parametrize(
    ("name", "safe"),
    [("digits", "digits"), ("a b/c", "a_b_c"), ("..", "spec"), ("", "spec"), ("é", "_"), ("[x]*", "_x_")],
)
def test_a_specs_name_is_a_safe_folder(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_a_run_holds_what_its_spec_imports_so_that_it_is_read_without_them(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "specs").mkdir(parents=True)
    (project / "s2sc.toml").write_text("")
    (project / "common.s2s").write_text("edition 1\nlet width = 12\n")
    spec = project / "specs" / "model.s2s"
    parts = 'import "../common.s2s" as common\nimport "lib/rnn.s2s" as rnn\n'
    fragment = f"{parts}encoder {{ out = data.audio -> linear(common.width) }}\n"
    spec.write_text(complete(fragment))
    analysis = analyse_file(spec)
    assert analysis.checked is not None, [(one.code, one.message) for one in analysis.findings]
    assert analysis.loader is not None
    run = Run(tmp_path / "run")
    texts = texts_of(analysis.loader, spec)
    sources = {"sources/specs/model.s2s", "sources/s2sc.toml", "sources/common.s2s"}
    assert set(texts) == {*sources, "library/rnn.s2s", "library/losses.s2s"}
    run.begin(analysis.checked, spec_text=spec.read_text(), base=spec.parent, started_with={}, texts=texts)
    shutil.rmtree(project)
    again = analyse_file(run.folder / "sources" / "specs" / "model.s2s")
    assert again.checked is not None
    assert graph_json(again.checked) == (run.folder / "graph.json").read_bytes()


def test_a_spec_without_imports_is_kept_once(tmp_path: Path) -> None:
    spec = tmp_path / "model.s2s"
    spec.write_text(complete(""))
    analysis = analyse_file(spec)
    assert analysis.loader is not None
    assert texts_of(analysis.loader, spec) == {}


def test_a_text_that_leads_out_of_the_run_is_never_written(kit: Any, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="leads out of the run"):
        Run(tmp_path / "run").begin(
            kit.graph_of(), spec_text="", base=tmp_path, started_with={}, texts={"../outside.s2s": ""}
        )
    assert not (tmp_path / "outside.s2s").exists()


def test_a_graph_that_was_cut_off_is_refused_with_a_way_out(kit: Any, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.begin(kit.graph_of(), spec_text="", base=tmp_path, started_with={})
    graph = run.folder / "graph.json"
    graph.write_bytes(graph.read_bytes()[:100])
    with pytest.raises(GraphFileError, match="put back the one that training began with, or train anew"):
        run.graph()
