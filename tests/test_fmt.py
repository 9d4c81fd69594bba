"""`s2sc fmt`: what it writes and what it leaves alone, and its exit codes."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from s2sc.cli import main as cli
from s2sc.dsl.limits import LIMITS

ROUGH = "edition 1\nlet  d=3# why\n"
FINE = "edition 1\nlet d = 3  # why\n"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run `s2sc fmt` in a fresh folder, with a text as stdin; its exit code, stdout and stderr."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")

    def run_command(*words: str, stdin: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = cli.main(("fmt", *words))
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return run_command


def spec(name: str, text: str) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def test_files_and_folders_are_formatted_in_place(run: Run) -> None:
    rough, deep, fine = spec("a.s2s", ROUGH), spec("x/y/b.s2s", ROUGH), spec("x/c.s2s", FINE)
    Path("x/folder.s2s").mkdir()
    assert run() == (0, "", "2 files formatted, 1 file is formatted already\n")
    assert {path.read_text() for path in (rough, deep, fine)} == {FINE}
    assert run("a.s2s", "x") == (0, "", "3 files are formatted already\n")


def test_check_names_what_would_change_and_writes_nothing(run: Run) -> None:
    rough = spec("a.s2s", ROUGH)
    spec("b.s2s", FINE)
    code, out, err = run("--check")
    assert (code, out) == (1, "would be formatted: a.s2s\n")
    assert err == "1 file would be formatted, 1 file is formatted already\n"
    assert rough.read_text() == ROUGH
    assert run("--check", "b.s2s")[0] == 0


def test_diff_shows_what_would_change_and_writes_nothing(run: Run) -> None:
    rough = spec("a.s2s", ROUGH)
    code, out, _ = run("--diff", "a.s2s")
    assert (code, out) == (1, "--- a.s2s\n+++ a.s2s\n@@ -1,2 +1,2 @@\n edition 1\n-let  d=3# why\n+let d = 3  # why\n")
    assert rough.read_text() == ROUGH


def test_what_is_shown_is_no_command_of_a_runner(run: Run) -> None:
    spec("a.s2s", "edition 1\nlet  d = 3  # ##vso[task.setvariable variable=x]y\n# ##[error]z\n")
    _, out, _ = run("--diff", "a.s2s")
    assert "##vso[" not in out
    assert "##[" not in out
    assert "vso[task.setvariable variable=x]y" in out


@pytest.mark.parametrize(
    "text",
    [FINE.replace("\n", "\r\n"), "\ufeff" + FINE, FINE.rstrip("\n"), FINE + "\n\n"],
    ids=["crlf", "bom", "none", "two"],
)
def test_line_ends_and_marks_count_as_format(run: Run, text: str) -> None:
    path = spec("a.s2s", text)
    assert run("--diff")[0] == 1
    assert run("--check")[0] == 1
    assert run()[0] == 0
    assert path.read_bytes() == FINE.encode()


def test_stdin_goes_to_stdout(run: Run) -> None:
    assert run("-", stdin=ROUGH.encode()) == (0, FINE, "")
    assert run("-", "--check", stdin=ROUGH.encode())[0] == 1
    assert run("-", "--check", stdin=FINE.encode())[0] == 0
    assert run("-", stdin='edition 1\nlet a = "é漢"'.encode())[:2] == (0, 'edition 1\nlet a = "é漢"\n')
    code, out, err = run("-", stdin=b"edition 1\nlet = = 3\n")
    assert (code, out) == (1, "")
    assert "<stdin>:2" in err
    assert run("-", "a.s2s")[0] == 2
    assert run("-", stdin=b"\xff")[:2] == (1, "")
    assert run("-", stdin=b"#" * (LIMITS.file_bytes + 1))[:2] == (2, "")


def test_a_spec_that_does_not_parse_is_left_alone_and_the_others_are_not(run: Run) -> None:
    wrong, rough = spec("a.s2s", "edition 1\nlet  x = (\n"), spec("b.s2s", ROUGH)
    code, out, err = run()
    assert (code, out) == (1, "")
    assert "error[S2S102]" in err
    assert wrong.read_text() == "edition 1\nlet  x = (\n"
    assert rough.read_text() == FINE


def test_what_cannot_be_read_is_named(run: Run) -> None:
    assert run("nowhere.s2s") == (2, "", "s2sc: nowhere.s2s: no such file\n")
    assert run() == (2, "", "s2sc: there is no .s2s file below .\n")
    spec("a.s2s", "edition 1\n" + "#" * LIMITS.file_bytes)
    assert run()[0] == 2


def test_a_spec_that_would_grow_beyond_the_limit_is_left_alone(run: Run) -> None:
    text = "edition 1\n" + "a { " * 60 + "b = 1;" * 1000 + "}" * 60
    assert len(text) < 8000
    path = spec("a.s2s", text)
    code, _, err = run()
    assert code == 2
    assert "would be larger than 128 KiB" in err
    assert path.read_text() == text


def test_modes_are_kept_and_nothing_else_is_left(run: Run) -> None:
    path = spec("a.s2s", ROUGH)
    path.chmod(0o640)
    assert run()[0] == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir() == ["a.s2s"]


def test_links_are_followed_inside_the_project_only(run: Run) -> None:
    outside = spec("../outside.s2s", ROUGH)
    target = spec("kept/target.s2s", ROUGH)
    Path("out.s2s").symlink_to("../outside.s2s")
    Path("in.s2s").symlink_to("kept/target.s2s")
    code, _, err = run("out.s2s")
    assert (code, err) == (1, "s2sc: out.s2s: leads out of the project, so it is left alone\n")
    assert outside.read_text() == ROUGH
    assert run("in.s2s")[0] == 0
    assert Path("in.s2s").is_symlink()
    assert target.read_text() == FINE
    # a project file above makes the project larger
    spec("../s2sc.toml", "")
    assert run("out.s2s")[0] == 0
    assert outside.read_text() == FINE


def test_a_failed_write_leaves_the_old_text(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    path = spec("a.s2s", ROUGH)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert run() == (2, "", "s2sc: a.s2s: cannot be written: no space left on device\n")
    assert path.read_text() == ROUGH
    assert os.listdir() == ["a.s2s"]
