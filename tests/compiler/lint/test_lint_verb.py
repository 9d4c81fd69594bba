"""The verb: which files, which findings, what is written, which exit code."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from s2sc.cli.main import main
from s2sc.compiler.lint.fixing import Fixed
from s2sc.compiler.rulebook import complete

UNUSED = complete("let one = 1\nlet two = 2\n")
Lint = Callable[..., tuple[int, list[str], str]]


@pytest.fixture
def lint(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Lint:
    """Runs the verb in a folder of its own; gives exit code, the lines of stdout (less the last) and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, list[str], str]:
        code = main(["lint", "--format", "concise", *words])
        out, err = capsys.readouterr()
        return code, out.splitlines(), err

    return run


def write(name: str, text: str) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def codes(lines: list[str]) -> list[str]:
    return [line.split("[")[1][:6] for line in lines if "[S2S" in line]


# ---------------------------------------------------------------- which findings


def test_select_and_ignore_leave_warnings_out_and_never_errors(lint: Lint) -> None:
    write("a.s2s", UNUSED.replace("seed = 17", ""))
    assert codes(lint("a.s2s")[1]) == ["S2S210", "S2S210", "S2S601"]
    assert codes(lint("a.s2s", "--select", "S2S6")[1]) == ["S2S601"]
    assert codes(lint("a.s2s", "--ignore", "S2S210,S2S5")[1]) == ["S2S601"]
    write("a.s2s", UNUSED.replace("lr = ", "lrr = "))
    code, lines, _ = lint("a.s2s", "--ignore", "S2S", "--select", "S2S6")
    assert (code, codes(lines)) == (1, ["S2S202"])


@pytest.mark.parametrize("words", [["--select", "S2S999"], ["--ignore", "unused"], ["--baseline", "none.json"]])
def test_what_means_nothing_is_a_matter_of_usage(lint: Lint, words: list[str]) -> None:
    write("a.s2s", UNUSED)
    assert lint("a.s2s", *words)[0] == 2


def test_a_baseline_is_written_and_read(lint: Lint) -> None:
    write("specs/a.s2s", UNUSED)
    code, lines, err = lint("specs", "--write-baseline", "known.json")
    assert (code, lines, err) == (0, [], "wrote 2 findings to known.json\n")
    assert lint("specs", "--baseline", "known.json", "--fail-on", "info")[:2] == (0, [])
    write("specs/a.s2s", complete("let one = 1\nlet three = 3\n"))
    code, lines, _ = lint("specs", "--baseline", "known.json", "--fail-on", "warning")
    assert (code, codes(lines)) == (1, ["S2S210", "S2S901"])


def test_errors_stay_when_a_baseline_is_written(lint: Lint) -> None:
    write("a.s2s", UNUSED.replace("lr = ", "lrr = "))
    code, lines, err = lint("a.s2s", "--write-baseline", "known.json")
    assert (code, codes(lines)) == (1, ["S2S202"])
    assert "errors are never taken for known" in err


# ---------------------------------------------------------------- s2sc.toml


def test_the_project_says_what_is_asked_for(lint: Lint) -> None:
    write("s2sc.toml", '[lint]\nignore = ["S2S210"]\nfail_on = "warning"\n')
    write("specs/a.s2s", UNUSED.replace("seed = 17", ""))
    code, lines, _ = lint("specs")
    assert (code, codes(lines)) == (1, ["S2S601"])
    assert lint("specs", "--fail-on", "error")[0] == 0
    write("s2sc.toml", '[lint]\nselect = ["S2S2"]\n')
    assert codes(lint("specs")[1]) == ["S2S210", "S2S210"]
    assert codes(lint("specs", "--select", "S2S6")[1]) == ["S2S601"]


def test_the_project_names_its_baseline(lint: Lint) -> None:
    write("s2sc.toml", '[lint]\nbaseline = "known.json"\n')
    write("a.s2s", UNUSED)
    code, lines, _ = lint("a.s2s")
    assert (code, codes(lines)) == (1, ["S2S605", "S2S210", "S2S210"])
    assert lint("a.s2s", "--write-baseline", "known.json")[0] == 0
    assert lint("a.s2s")[:2] == (0, [])


def test_limits_can_be_lowered(lint: Lint) -> None:
    write("a.s2s", complete(""))
    write("s2sc.toml", "[lint.limits]\nfile_bytes = 100\n")
    assert lint("a.s2s")[0] == 2
    write("s2sc.toml", "[lint.limits]\ntokens = 20\n")
    code, lines, _ = lint("a.s2s")
    assert (code, codes(lines)) == (1, ["S2S110"])
    Path("s2sc.toml").write_text("")
    assert lint("a.s2s")[:2] == (0, [])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[lint]\nselekt = []\n", "s2sc.toml:2:1: error[S2S202] [lint] has no `selekt`"),
        ("[lynt]\n", "s2sc.toml:1:2: error[S2S202] unknown table `lynt`"),
        ('[lint]\nselect = "S2S5"\n', "s2sc.toml:2:1: error[S2S301] `select` is a list of codes"),
        ('[lint]\nselect = ["unused"]\n', "s2sc.toml:2:1: error[S2S301] `unused` is none of the codes"),
        ('[lint]\nignore = ["S2S999"]\n', "s2sc.toml:2:1: warning[S2S903] `ignore` names `S2S999`"),
        ('[lint]\nfail_on = "never"\n', "s2sc.toml:2:1: error[S2S301] `fail_on` is one of error, warning, info"),
        ("lint = 1\n", "s2sc.toml:1:1: error[S2S301] `lint` is a table"),
        ("[lint.limits]\nnodes = 20_000\n", "s2sc.toml:2:1: error[S2S303] `nodes` is at most 10000"),
        ("[lint.limits]\nnodes = true\n", "s2sc.toml:2:1: error[S2S301] `nodes` is a whole number"),
        ("[lint.limits]\nnotes = 1\n", "s2sc.toml:2:1: error[S2S202] [lint.limits] has no `notes`"),
        ('[lint]\nbaseline = "../known.json"\n', "s2sc.toml:2:1: error[S2S604] the baseline is a file of the project"),
        ("[lint\n", "s2sc.toml:1:6: error[S2S101] s2sc.toml is no TOML"),
        ("a = " + "[" * 5000, "s2sc.toml:1:1: error[S2S110] s2sc.toml is nested too deeply"),
        ("a = " + "9" * 5000, "s2sc.toml:1:1: error[S2S101] s2sc.toml is no TOML"),
        ('[plugins]\nallow = ["a b"]\n', "s2sc.toml:2:1: error[S2S301] `a b` is none of the names of packages"),
        ("[lint]\na = '\x00'\n", "error[S2S101] s2sc.toml:2:6: a NUL character"),
        ("#" * 140_000, "error[S2S101] s2sc.toml: larger than 128 KiB"),
    ],
)
def test_a_fault_of_the_project_file_is_found_once_with_its_place(lint: Lint, text: str, found: str) -> None:
    write("a.s2s", complete(""))
    write("b.s2s", complete(""))
    write("s2sc.toml", text)
    _, lines, _ = lint("a.s2s", "b.s2s")
    assert next(line for line in lines if "[S2S" in line).startswith(found)
    assert len(codes(lines)) == 1


# ---------------------------------------------------------------- which files


def test_stdin_is_linted_as_the_file_that_it_will_be(lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    write("parts.s2s", "edition 1\nlet size = 16\n")
    text = complete('import "parts.s2s" as parts\n').replace("conv1d(16,", "conv1d(parts.size,")

    def feed(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    feed(text.encode())
    assert lint("-", "--stdin-filename", "draft.s2s")[:2] == (0, [])
    feed(text.replace("seed = 17", "").encode())
    assert lint("-", "--stdin-filename", "draft.s2s")[1][0].startswith("draft.s2s:24:")
    feed(text.encode())
    assert lint("-")[:2] == (0, []), "without a name, it stands in the current folder"
    feed(b"\xff")
    assert lint("-")[0] == 1
    feed(b"#" * 200_000)
    assert lint("-")[0] == 2
    assert lint("-", "--fix")[0] == 2


def test_a_finding_in_a_shared_file_is_reported_once(lint: Lint) -> None:
    write("parts.s2s", 'edition 1\nimport "lib/rnn.s2s" as library\nlet size = 16\n')
    for name in ("a.s2s", "b.s2s"):
        write(name, complete('import "parts.s2s" as parts\n').replace("conv1d(16,", "conv1d(parts.size,"))
    for words in (["a.s2s", "b.s2s"], ["."], ["./b.s2s", "parts.s2s", "a.s2s", "a.s2s"]):
        assert codes(lint(*words)[1]) == ["S2S210"]


def test_what_a_search_finds_outside_of_the_project_is_not_opened(
    lint: Lint, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.s2s"
    secret.write_text("a secret")
    write("specs/a.s2s", complete(""))
    Path("specs/link.s2s").symlink_to(secret)
    Path("specs/device.s2s").symlink_to("/dev/zero")
    Path("specs/nothing.s2s").symlink_to("gone.s2s")
    os.mkfifo("specs/pipe.s2s")
    write("specs/.hidden/b.s2s", "not looked at")
    opened: list[str] = []
    really = os.open

    def watched(path: Any, *arguments: Any, **options: Any) -> int:
        opened.append(os.path.basename(path))
        return really(path, *arguments, **options)

    monkeypatch.setattr(os, "open", watched)
    code, lines, _ = lint("specs")
    assert (code, codes(lines)) == (1, ["S2S206"] * 4)
    assert "secret" not in "".join(lines)
    assert not {"link.s2s", "secret.s2s", "zero", "pipe.s2s"} & set(opened)


def test_a_folder_says_which_files_lack_the_profile(lint: Lint) -> None:
    write("specs/a.s2s", complete("profile quick { hyperparameters.stop = 2 epochs }\n"))
    write("specs/b.s2s", complete(""))
    code, lines, _ = lint("specs", "--profile", "quick")
    assert (code, lines[:1]) == (1, ["specs/b.s2s:1:1: error[S2S203] unknown profile `quick`"])


def test_profiles_are_applied_together_unless_they_set_the_same(lint: Lint) -> None:
    profiles = "profile a { hyperparameters.stop = 2 epochs }\nprofile b { hyperparameters.seed = 2 }\n"
    write("a.s2s", complete(profiles + "profile c { hyperparameters.stop = 3 epochs }\n"))
    assert lint("a.s2s", "--profile", "a", "--profile", "b", "--profile", "a")[0] == 0
    code, lines, _ = lint("a.s2s", "--profile", "a", "--profile", "c")
    assert code == 1
    assert "`hyperparameters.stop` is set by profile `a` and by profile `c`" in lines[0]


def test_all_profiles_are_looked_at(lint: Lint) -> None:
    profiles = 'profile a { hyperparameters.stop = "no" }\nprofile b { encoder.out = data.audio -> relu(1, 2, 3) }\n'
    write("a.s2s", complete(profiles))
    assert lint("a.s2s")[0] == 0
    code, lines, _ = lint("a.s2s", "--all-profiles")
    assert code == 1
    assert len({line.split(":")[1] for line in lines if "error" in line}) == 2
    assert lint("a.s2s", "--all-profiles", "--profile", "a")[0] == 2


# ---------------------------------------------------------------- fixes


def test_fixes_are_shown_and_written(lint: Lint) -> None:
    text = complete("").replace("seed = 17", "seed = 17  # s2sc: allow S2S601 -- no")
    write("a.s2s", text)
    code, lines, err = lint("a.s2s", "--diff")
    assert (code, err) == (1, "would fix 1 problem\n")
    assert lines[:2] == ["--- a.s2s", "+++ a.s2s"]
    assert Path("a.s2s").read_text() == text
    code, lines, err = lint("a.s2s", "--fix")
    assert (code, lines, err) == (0, [], "fixed 1 problem\n")
    assert Path("a.s2s").read_text() == complete("")


def test_what_cannot_be_written_is_a_matter_of_usage(lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    write("a.s2s", complete("").replace("seed = 17", "seed = 17  # s2sc: allow S2S601 -- no"))
    code, _, err = lint("a.s2s", "--write-baseline", "nowhere/known.json")
    assert (code, err) == (2, "s2sc: cannot write nowhere/known.json: No such file or directory\n")
    really = Fixed.write

    def late(self: Fixed) -> None:
        write("a.s2s", "somebody else's")
        really(self)

    monkeypatch.setattr(Fixed, "write", late)
    code, _, err = lint("a.s2s", "--fix")
    assert (code, err) == (2, "s2sc: cannot write a.s2s: it was changed meanwhile\n")
    assert Path("a.s2s").read_text() == "somebody else's"


# ---------------------------------------------------------------- since


@pytest.mark.skipif(shutil.which("git") is None, reason="revisions are read with git")
def test_since_a_revision_only_what_is_new_is_shown(lint: Lint) -> None:
    def git(*words: str) -> None:
        who = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
        subprocess.run(["git", *who, *words], check=True, capture_output=True)

    write("parts.s2s", "edition 1\nlet size = 16\n")
    write("a.s2s", complete('import "parts.s2s" as parts\nlet one = 1\n').replace("conv1d(16,", "conv1d(parts.size,"))
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "one")
    assert codes(lint("a.s2s")[1]) == ["S2S210"]
    assert lint("a.s2s", "--since", "HEAD", "--fail-on", "warning")[:2] == (0, [])
    write("a.s2s", "# moved\n" + Path("a.s2s").read_text().replace("let one = 1\n", "let one = 1\nlet two = 2\n"))
    write("parts.s2s", 'edition 1\nimport "lib/rnn.s2s" as library\nlet size = 16\n')
    code, lines, _ = lint("a.s2s", "--since", "HEAD", "--fail-on", "warning")
    assert (code, codes(lines)) == (1, ["S2S210"] * 2)
    assert {line.split(":")[0] for line in lines if "[S2S" in line} == {"a.s2s", "parts.s2s"}
    write("new.s2s", UNUSED)
    assert codes(lint("new.s2s", "--since", "HEAD")[1]) == ["S2S210"] * 2
    for revision, said in (("nothing", "has no revision"), ("--help", "is no revision"), ("a b", "is no revision")):
        code, _, err = lint("a.s2s", f"--since={revision}")
        assert code == 2
        assert said in err


def test_since_needs_a_repository(lint: Lint) -> None:
    write("a.s2s", UNUSED)
    code, _, err = lint("a.s2s", "--since", "HEAD")
    assert code == 2
    assert "git" in err


def test_every_format_takes_the_findings_of_the_project(lint: Lint, capsys: pytest.CaptureFixture[str]) -> None:
    write("a.s2s", complete(""))
    write("s2sc.toml", "[lint]\nselekt = []\n")
    for form in ("full", "json", "github", "sarif", "junit"):
        assert main(["lint", "a.s2s", "--format", form]) == 1
        out = capsys.readouterr().out
        assert "selekt" in out
        if form in ("json", "sarif"):
            json.loads(out)
