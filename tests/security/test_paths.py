"""Ways to name a file that is not the project's: none of them is opened, by any spelling."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from s2sc.compiler.front import analyse_file
from s2sc.tests.small_spec import analysed, before_data, changed

# ways out of the project's folder, as far as the fixture makes them; {outside} is an absolute path
WAYS = (
    "../",
    "./../",
    ".././",
    "..//",
    "inner/../../",
    "inner/./.././../",
    "nothing/../../",
    "../project/../",
    "folder/",
    "folder/./",
    "folder/../",
    "inner/up/",
    "inner/up/project/../",
    "folder/project/folder/",
    "{outside}/",
    "/{outside}/",
    "{outside}/project/../",
    "lib/../../",
    "lib/../../../",
    "../../../../../../../../{outside}/",
)
FILES = ("secret.s2s", "SECRET.S2S", "secret.S2s", "nothing.s2s", "secret.s2s/", "./secret.s2s")
SINGLE = (
    *("link.s2s", "hard.s2s", "pipe.s2s", "device.s2s", "chain.s2s", "circle.s2s", "inner/link.s2s", "folder.s2s"),
    *("/proc/self/environ", "/proc/self/cwd/../secret.s2s", "/dev/zero", "/dev/stdin", "/dev/fd/0", "/proc/1/root"),
    *("~/secret.s2s", "$HOME/secret.s2s", "${HOME}/secret.s2s", "%HOME%/secret.s2s", "`pwd`.s2s", "$(pwd).s2s"),
    *("file:///etc/passwd", "http://localhost/a.s2s", "C:\\\\secret.s2s", "\\\\\\\\host\\\\a.s2s", "..\\\\secret.s2s"),
    *("", ".", "..", "/", "*", "*.s2s", "?.s2s", "{a,b}.s2s", "a\\0.s2s", "../secret.s2s\\0.txt", "secret.s2s#a"),
    *("x" * 3000 + ".s2s", "../" * 900 + "secret.s2s", "%2e%2e/secret.s2s", "..%2fsecret.s2s", "\\u{2025}/secret.s2s"),
    *(
        "\\u{ff0e}\\u{ff0e}/secret.s2s",
        "..\\u{2215}secret.s2s",
        "con.s2s",
        "nul",
        "secret.s2s:stream",
        " ../secret.s2s",
    ),
)
SPELLINGS = (*(way + file for way in WAYS for file in FILES), *SINGLE)

_opened: list[str] | None = None


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if _opened is not None and event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
        _opened.append(os.fsdecode(arguments[0]))


@contextmanager
def watched() -> Iterator[list[str]]:
    """The names of files that are opened meanwhile."""
    global _opened
    if not getattr(sys, "_s2sc_paths_watched", False):
        # a hook stays for good: one is enough
        sys.addaudithook(_hook)
        sys._s2sc_paths_watched = True  # type: ignore[attr-defined] # a mark of this test's own
    found: list[str] = []
    _opened = found
    try:
        yield found
    finally:
        _opened = None


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    outside = tmp_path_factory.mktemp("outside")
    inside = outside / "project"
    (inside / "inner").mkdir(parents=True)
    (outside / "secret.s2s").write_text("edition 1\nlet a = 1\n")
    for link, target in (
        ("link.s2s", "../secret.s2s"),
        ("chain.s2s", "link.s2s"),
        ("circle.s2s", "circle.s2s"),
        ("inner/link.s2s", "../../secret.s2s"),
        ("folder", ".."),
        ("folder.s2s", ".."),
        ("inner/up", "../.."),
        ("device.s2s", "/dev/zero"),
    ):
        (inside / link).symlink_to(target)
    os.link(outside / "secret.s2s", inside / "hard.s2s")
    os.mkfifo(inside / "pipe.s2s")
    # what s2sc itself reads once
    analysed()
    return inside


@pytest.mark.parametrize("number", range(len(SPELLINGS)), ids=lambda number: SPELLINGS[number][:40])
def test_no_spelling_opens_a_file_elsewhere(number: int, project: Path) -> None:
    written = SPELLINGS[number].replace("{outside}", str(project.parent))
    spec = project / "spec.s2s"
    text = changed(before_data(f'import "{written}" as away'), ('"train.jsonl"', f'"{written}"'))
    spec.write_text(text)
    with watched() as opened:
        analysis = analyse_file(spec)
    assert analysis.checked is None
    line = text.splitlines().index(f'import "{written}" as away') + 1
    assert any(one.span and one.span.line == line for one in analysis.findings)
    # the folder is opened to look at the pipe in it
    assert set(opened) <= {str(spec), str(project)}


def test_a_spelling_that_stays_inside_is_opened(project: Path) -> None:
    spec = project / "spec.s2s"
    (project / "inner" / "mine.s2s").write_text("edition 1\nlet a = 1\n")
    spec.write_text(changed(before_data('import "inner/../inner/mine.s2s" as mine')))
    with watched() as opened:
        assert analyse_file(spec).checked is not None
    # folder by folder, each below the one before
    assert [Path(one).name for one in opened] == ["spec.s2s", "project", "inner", "mine.s2s"]


def test_there_are_enough_spellings() -> None:
    assert len(set(SPELLINGS)) >= 120
