"""What is known is not shown again, wherever it moves; errors and new findings are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from s2sc.compiler.lint.baseline import BadBaseline, read_baseline, write_baseline
from s2sc.compiler.lint.linter import Linter
from s2sc.compiler.rulebook import complete

UNUSED = "let one = 1\nlet two = 2\n"


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "specs" / "model.s2s"
    path.parent.mkdir()
    path.write_text(complete(UNUSED))
    return path


def codes(spec: Path, baseline: Path | None = None) -> list[str]:
    linter = Linter(baseline=read_baseline(baseline) if baseline else None)
    linted = linter.lint(spec)
    return [f"{one.severity} {one.code}" for one in [*linted.findings, *linter.gone([linted])]]


def known(spec: Path) -> Path:
    path = spec.parent.parent / "known.json"
    write_baseline(path, Linter().lint(spec).findings)
    return path


def test_what_is_known_is_known_on_another_line(spec: Path) -> None:
    baseline = known(spec)
    assert codes(spec) == ["warning S2S210"] * 2
    spec.write_text("# moved\n\n\n" + spec.read_text())
    assert codes(spec, baseline) == []
    entries = json.loads(baseline.read_text())["findings"]
    assert [entry["file"] for entry in entries] == ["specs/model.s2s"] * 2


def test_the_baseline_moves_with_its_specs(spec: Path) -> None:
    baseline = known(spec)
    root = spec.parent.parent
    moved = root.rename(root.with_name("elsewhere"))
    assert codes(moved / "specs" / "model.s2s", moved / baseline.name) == []


def test_one_more_of_the_same_is_new(spec: Path) -> None:
    baseline = known(spec)
    spec.write_text(spec.read_text().replace("let one = 1\n", "let one = 1\nlet three = 3\n"))
    assert codes(spec, baseline) == ["warning S2S210"]


def test_what_is_gone_is_a_remark(spec: Path) -> None:
    baseline = known(spec)
    spec.write_text(spec.read_text().replace("let one = 1\n", ""))
    assert codes(spec, baseline) == ["info S2S901"]


def test_errors_are_never_known(spec: Path) -> None:
    spec.write_text(spec.read_text().replace("lr = 1e-3", "lrr = 1e-3"))
    baseline = known(spec)
    assert json.loads(baseline.read_text())["findings"] == []
    baseline.write_text('{"version": 1, "findings": [{"file": "specs/model.s2s", "code": "S2S202", "place": "x"}]}')
    found = Linter().lint(spec).findings
    text = {"file": "specs/model.s2s", "code": found[0].code, "place": found[0].place or found[0].message, "count": 9}
    baseline.write_text(json.dumps({"version": 1, "findings": [text]}))
    assert codes(spec, baseline)[0] == "error S2S202"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[" * 100_000, "nested deeper"),
        (b"[]", "is no baseline"),
        (b'{"version": 2, "findings": []}', "another version"),
        (b'{"version": 1, "findings": [1]}', "entry 1"),
        (b'{"version": 1, "findings": [{"file": "a", "code": "S2S210", "place": 1}]}', "entry 1"),
        (b'{"version": 1, "findings": [{"file": "a", "code": "S2S210", "place": "b", "count": -1}]}', "entry 1"),
        (b'{"version": 1, "findings": [{"file": "a", "code": "b", "place": "c", "count": 1e999}]}', "no finite"),
        (b" " * (5 * 1024 * 1024), "larger than"),
    ],
)
def test_a_hostile_file_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "known.json"
    path.write_bytes(content)
    with pytest.raises(BadBaseline, match=said):
        read_baseline(path)


def test_no_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing.json"):
        with pytest.raises(BadBaseline):
            read_baseline(path)


@pytest.mark.parametrize("content", ["edition 1\n", "[]", "{}", "\xff"])
def test_a_file_that_is_no_baseline_is_not_written_over(content: str, spec: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.s2s"
    path.write_text(content)
    with pytest.raises(BadBaseline, match="is there and is no baseline: remove it or choose another name"):
        write_baseline(path, Linter().lint(spec).findings)
    assert path.read_text() == content


@pytest.mark.parametrize("content", ["", '{"version": 99, "findings": []}'])
def test_a_baseline_of_another_version_is_written_over(content: str, spec: Path, tmp_path: Path) -> None:
    path = tmp_path / "known.json"
    path.write_text(content)
    assert write_baseline(path, Linter().lint(spec).findings) == 2
    assert codes(spec, path) == []
