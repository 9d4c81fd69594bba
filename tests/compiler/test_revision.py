"""Specs are read as they were at a revision, without a shell and without a way for the revision to be an option."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from s2sc.cli.main import main
from s2sc.compiler.front import analyse
from s2sc.compiler.revision import NoRevision, RevisionLoader, revision_of
from s2sc.compiler.rulebook import complete
from s2sc.dsl.limits import LIMITS
from s2sc.dsl.reading import Unreadable

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="revisions are read with git")

SPEC = """edition 1
import "parts/own.s2s" as own
import "lib/rnn.s2s" as lib

data reversal {
  symbols = 8
  keep = 1 .. 8 tokens
  train = 10
  valid = 2
}
"""


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits: a spec with an import, then both changed; afterwards the import is deleted on disk."""
    root = tmp_path / "repository"
    (root / "specs" / "parts").mkdir(parents=True)
    git(root, "init", "-q")
    (root / "specs" / "model.s2s").write_text(SPEC)
    (root / "specs" / "parts" / "own.s2s").write_text("edition 1\nlet size = 8\n")
    (root / "specs" / "parts" / "link.s2s").symlink_to("own.s2s")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "one")
    (root / "specs" / "model.s2s").write_text(SPEC + "# more\n")
    (root / "specs" / "parts" / "own.s2s").write_text("edition 1\nlet size = 16\n")
    git(root, "commit", "-q", "-a", "-m", "two")
    (root / "specs" / "parts" / "own.s2s").unlink()
    return root


def loader_at(repository: Path, name: str) -> RevisionLoader:
    spec = repository / "specs" / "model.s2s"
    return RevisionLoader(revision_of(spec, name), spec)


def test_the_spec_and_its_imports_are_those_of_the_revision(repository: Path) -> None:
    for name, size, tail in (("HEAD~1", "size = 8", "}\n"), ("main", "size = 16", "# more\n")):
        loader = loader_at(repository, name)
        assert loader.spec.text.endswith(tail)
        imported = loader.load("parts/own.s2s", loader.spec)
        assert size in imported.text
        assert imported is loader.load("./parts/../parts/own.s2s", loader.spec)
        assert imported.name == str(repository / "specs" / "parts" / "own.s2s")


def test_the_library_is_reached(repository: Path) -> None:
    loader = loader_at(repository, "HEAD")
    assert loader.load("lib/rnn.s2s", loader.spec).name == "lib/rnn.s2s"


@pytest.mark.parametrize("path", ["../../outside.s2s", "../up.s2s", "parts/none.s2s", "parts/link.s2s", "/etc/passwd"])
def test_what_is_not_a_file_of_the_project_is_refused(repository: Path, path: str) -> None:
    text = SPEC.replace("parts/own.s2s", path)
    (repository / "specs" / "model.s2s").write_text(text)
    git(repository, "commit", "-q", "-a", "-m", "three")
    loader = loader_at(repository, "HEAD")
    assert "S2S206" in {one.code for one in analyse(loader.spec, loader=loader).findings}


def test_a_project_file_in_the_revision_widens_the_root(repository: Path) -> None:
    (repository / "up.s2s").write_text("edition 1\nlet size = 4\n")
    git(repository, "add", "up.s2s")
    git(repository, "commit", "-q", "-m", "three")
    (repository / "s2sc.toml").write_text("")
    git(repository, "add", "s2sc.toml")
    git(repository, "commit", "-q", "-m", "four")
    at_four, at_three = loader_at(repository, "HEAD"), loader_at(repository, "HEAD~1")
    assert "size = 4" in at_four.load("../up.s2s", at_four.spec).text
    with pytest.raises(Exception, match="leads out of the project"):
        at_three.load("../up.s2s", at_three.spec)


@pytest.mark.parametrize(
    "name", ["--output=here", "-p", "", "HEAD HEAD", "HEAD:specs/model.s2s", "nobody", "HEAD..HEAD", "a\nb", "x" * 999]
)
def test_what_is_no_revision_is_refused(repository: Path, name: str) -> None:
    with pytest.raises(NoRevision):
        revision_of(repository, name)
    assert not (repository / "here").exists()


def test_outside_a_repository_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(NoRevision, match="is in no repository of git"):
        revision_of(tmp_path, "HEAD")


def test_a_file_that_was_not_there_is_named(repository: Path) -> None:
    with pytest.raises(Unreadable, match=r"new\.s2s: there is no such file at HEAD"):
        RevisionLoader(revision_of(repository, "HEAD"), repository / "specs" / "new.s2s")


def test_a_file_of_another_place_is_refused(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(NoRevision, match="is not in the repository"):
        RevisionLoader(revision_of(repository, "HEAD"), tmp_path / "model.s2s")


def test_a_large_file_is_refused(repository: Path) -> None:
    (repository / "specs" / "model.s2s").write_text("#" * (LIMITS.file_bytes + 1))
    git(repository, "commit", "-q", "-a", "-m", "large")
    with pytest.raises(Unreadable) as refused:
        loader_at(repository, "HEAD")
    assert refused.value.too_large


def test_what_steers_git_is_not_handed_on(repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    witness = tmp_path / "ran"
    (repository / ".git" / "hooks" / "post-checkout").write_text(f"#!/bin/sh\ntouch {witness}\n")
    os.chmod(repository / ".git" / "hooks" / "post-checkout", 0o755)
    git(repository, "config", "core.pager", f"touch {witness}")
    git(repository, "config", "core.fsmonitor", f"touch {witness}")
    git(repository, "config", "diff.spec.textconv", f"touch {witness}")
    (repository / ".gitattributes").write_text("*.s2s diff=spec filter=spec\n")
    git(repository, "config", "filter.spec.smudge", f"touch {witness}")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", f"touch {witness}")
    assert loader_at(repository, "HEAD").spec.text.endswith("# more\n")
    assert not witness.exists()


def test_a_plan_against_a_revision_names_what_differs(
    repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = repository / "specs" / "toy.s2s"
    spec.write_text(complete("encoder { out = data.audio -> linear(8) }"))
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "a model")
    spec.write_text(complete("encoder { out = data.audio -> linear(16) }"))
    monkeypatch.chdir(repository / "specs")
    assert main(["plan", "toy.s2s", "--against", "HEAD"]) == 0
    shown = capsys.readouterr().out
    assert "encoder.out.linear.size" in shown
    assert "8 (HEAD:toy.s2s:" in shown
    assert main(["plan", "toy.s2s", "--against", "HEAD~1"]) == 2
    assert "there is no such file at HEAD~1" in capsys.readouterr().err
    assert main(["plan", "toy.s2s", "--against=--output=x"]) == 2
