"""Fixes: applied to a fixed point, refused where they would change the model, written whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from s2sc.cli.main import main
from s2sc.compiler.lint.edits import apply
from s2sc.compiler.lint.fixing import Fixed, fix_all
from s2sc.compiler.lint.linter import Linted, Linter
from s2sc.compiler.rulebook import complete
from s2sc.dsl.diagnostics import Diagnostic, Edit, Fix
from s2sc.dsl.source import Source, Span


def fixed(spec: Path, *, unsafe: bool = False) -> Fixed:
    linter = Linter()
    (one,) = fix_all(linter, [linter.lint(spec)], unsafe=unsafe)
    return one


def finding(source: Source, start: int, end: int, text: str, *, safe: bool = True) -> Diagnostic:
    fix = Fix("do it", (Edit(Span(source, start, end), text),), safe)
    return Diagnostic("S2S210", "warning", "something", Span(source, start, end), fixes=(fix,))


def test_edits_that_touch_wait_for_the_next_round() -> None:
    source = Source("a.s2s", "abcdef")
    found = [finding(source, 0, 2, "X"), finding(source, 1, 3, "Y"), finding(source, 4, 5, "Z")]
    done = apply(found, source, unsafe=False)
    assert (done.text, len(done.fixes)) == ("XcdZf", 2)


def test_unsafe_fixes_are_taken_when_asked_for() -> None:
    source = Source("a.s2s", "abc")
    found = [finding(source, 0, 1, "X", safe=False)]
    assert apply(found, source, unsafe=False).text == "abc"
    assert apply(found, source, unsafe=True).text == "Xbc"


def test_edits_of_other_files_are_left_alone() -> None:
    source = Source("a.s2s", "abc")
    assert apply([finding(Source("b.s2s", "abc"), 0, 1, "X")], source, unsafe=True).text == "abc"


def test_a_comment_that_allows_nothing_is_removed(tmp_path: Path) -> None:
    spec = tmp_path / "spec.s2s"
    text = complete("let size = 16\n").replace("conv1d(16,", "conv1d(size,")
    for comment in ("# s2sc: allow S2S601 -- no\nlet size = 16\n", "let size = 16   # s2sc: allow S2S601 -- no\n"):
        spec.write_text(text.replace("let size = 16\n", comment))
        done = fixed(spec)
        assert (done.new, len(done.fixes), done.refused) == (text, 1, "")
        assert spec.read_text() != text
        done.write()
        assert spec.read_text() == text


def test_line_ends_a_mark_and_rights_stay(tmp_path: Path) -> None:
    spec, link = tmp_path / "spec.s2s", tmp_path / "link.s2s"
    text = complete("").replace("\n", "\r\n").replace("seed = 17", "seed = 17  # s2sc: allow S2S601 -- no")
    spec.write_bytes(b"\xef\xbb\xbf" + text.encode())
    spec.chmod(0o640)
    link.symlink_to(spec)
    fixed(link).write()
    assert spec.read_bytes() == b"\xef\xbb\xbf" + complete("").replace("\n", "\r\n").encode()
    assert spec.stat().st_mode & 0o777 == 0o640
    assert link.is_symlink()


def test_a_link_out_of_the_project_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = tmp_path / "outside.s2s"
    text = complete("").replace("seed = 17", "seed = 17  # s2sc: allow S2S601 -- no")
    outside.write_text(text)
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    Path("link.s2s").symlink_to(outside)
    assert main(["lint", "link.s2s", "--fix"]) == 1
    assert "link.s2s: leads out of the project, so it is left alone" in capsys.readouterr().err
    with pytest.raises(OSError, match="out of the project"):
        fixed(Path("link.s2s")).write()
    assert outside.read_text() == text
    assert Path("link.s2s").is_symlink()


@pytest.mark.parametrize(
    ("words", "instead", "said"),
    [
        ("kernel = 5", "kernel = 7", "the architecture would change"),
        ("lr = 1e-3", "lr = 2e-3", "`hyperparameters.optimizer.lr` would change"),
        ("stop = 10 epochs", "stop = 10 epocks", "there would be an error"),
        ("stop = 10 epochs", "stop = (10 epochs", "there would be an error"),
    ],
)
def test_a_fix_that_is_not_as_safe_as_it_says_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, instead: str, said: str
) -> None:
    spec = tmp_path / "spec.s2s"
    spec.write_text(complete(""))
    really = Linter.lint

    def lint(self: Linter, path: Path) -> Linted:
        linted = really(self, path)
        start = linted.source.text.find(words)
        if start < 0 or instead in linted.source.text:
            return linted
        return replace(linted, findings=[finding(linted.source, start, start + len(words), instead), *linted.findings])

    monkeypatch.setattr(Linter, "lint", lint)
    done = fixed(spec)
    assert done.refused.startswith(said)
    assert done.new == done.old == complete("")


def test_a_file_is_left_alone_for_the_sake_of_those_that_import_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, spec = tmp_path / "parts.s2s", tmp_path / "spec.s2s"
    parts.write_text("edition 1\nlet size = 16\n")
    spec.write_text(complete('import "parts.s2s" as parts\n').replace("conv1d(16,", "conv1d(parts.size,"))
    really = Linter.lint

    def lint(self: Linter, path: Path) -> Linted:
        linted = really(self, path)
        start = linted.source.text.find("size = 16")
        if path != parts or start < 0:
            return linted
        return replace(linted, findings=[finding(linted.source, start, start + 9, "size = 24")])

    monkeypatch.setattr(Linter, "lint", lint)
    linter = Linter()
    (done,) = fix_all(linter, [linter.lint(parts), linter.lint(spec)], unsafe=False)
    assert done.refused == f"the architecture would change in {spec}"
    (done,) = fix_all(linter, [linter.lint(parts), linter.lint(spec)], unsafe=True)
    assert done.new == "edition 1\nlet size = 24\n"
