"""Migrating specs to a newer edition: there is one today, so the tests bring a second one with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from s2sc.cli.main import main
from s2sc.compiler.front import analyse
from s2sc.compiler.graph_file import graph_json
from s2sc.compiler.rulebook import complete
from s2sc.dsl import migration
from s2sc.dsl.diagnostics import Edit, Findings
from s2sc.dsl.editions import EDITIONS, newest
from s2sc.dsl.migration import CannotMigrate, Step, edited, migrate, renamed_callable, renamed_parameter
from s2sc.dsl.parser import parse
from s2sc.dsl.source import Source, Span

OLD = complete(
    """# what it is for
encoder {
  # the first layer
  out = data.audio -> convolution(16, width = 5,   stride = 2)   # not `width` of anything else
    -> relu -> conv1d(16, width = 3)
}
"""
)
NEW = (
    OLD.replace("edition 1", "edition 2")
    .replace("convolution(", "conv1d(")
    .replace("width = 5", "kernel = 5")
    .replace("width = 3", "kernel = 3")
)
STEPS = (
    Step(2, "convolution is called conv1d", renamed_callable("convolution", "conv1d")),
    Step(2, "conv1d's `width` is called `kernel`", renamed_parameter("conv1d", "width", "kernel")),
)
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def second_edition(monkeypatch: pytest.MonkeyPatch) -> None:
    """A language whose second edition renamed a component and a parameter."""
    monkeypatch.setitem(EDITIONS, 2, "conv1d")
    monkeypatch.setattr(migration, "STEPS", STEPS)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run s2sc migrate in a folder of its own; exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def command(*words: str) -> tuple[int, str, str]:
        code = main(["migrate", *words])
        return code, *capsys.readouterr()

    return command


def test_today_there_is_nothing_to_migrate(run: Run) -> None:
    Path("model.s2s").write_text(complete(""))
    assert newest() == 1
    assert run("model.s2s") == (0, "", "model.s2s is of edition 1 already\n")
    assert run("model.s2s", "--check")[0] == 0
    assert migration.STEPS == ()


@pytest.mark.usefixtures("second_edition")
def test_a_spec_is_rewritten_and_everything_else_in_it_stays(run: Run) -> None:
    Path("model.s2s").write_text(OLD)
    code, _, said = run("model.s2s")
    assert code == 0, said
    assert Path("model.s2s").read_text() == NEW
    assert "convolution is called conv1d (1 place)" in said
    assert "conv1d's `width` is called `kernel` (2 places)" in said
    assert run("model.s2s")[2] == "model.s2s is of edition 2 already\n"


@pytest.mark.usefixtures("second_edition")
def test_it_means_what_was_meant() -> None:
    migrated = analyse(migrate(Source("model.s2s", OLD)).source).checked
    written = analyse(Source("model.s2s", NEW)).checked
    assert migrated is not None
    assert written is not None
    assert graph_json(migrated) == graph_json(written)


@pytest.mark.usefixtures("second_edition")
def test_check_and_diff_write_nothing(run: Run) -> None:
    Path("model.s2s").write_text(OLD)
    assert run("model.s2s", "--check")[0] == 1
    code, shown, _ = run("model.s2s", "--diff")
    assert code == 0
    assert "-edition 1\n+edition 2\n" in shown
    assert "+    -> relu -> conv1d(16, kernel = 3)\n" in shown
    assert Path("model.s2s").read_text() == OLD


@pytest.mark.usefixtures("second_edition")
def test_an_older_edition_is_an_error_that_names_the_way() -> None:
    (found,) = (one for one in analyse(Source("model.s2s", OLD)).findings if one.code == "S2S108")
    assert found.message == "edition 1 is older than this s2sc, which reads edition 2"
    assert found.helps == ("s2sc migrate model.s2s rewrites the file",)


@pytest.mark.usefixtures("second_edition")
def test_what_a_step_cannot_rewrite_is_named(run: Run) -> None:
    text = OLD + "profile wide { encoder.out.width = 7 }\n"
    found = migrate(Source("model.s2s", text))
    (words,) = found.by_hand
    assert words.startswith("model.s2s:")
    assert words.endswith("`encoder.out.width` is called …kernel now if it is of conv1d")
    Path("model.s2s").write_text(text)
    code, _, said = run("model.s2s")
    # a profile that sets what is not there any more would be an error: nothing is written
    assert (code, "look at model.s2s:" in said, "nothing was written" in said) == (1, True, True)
    assert Path("model.s2s").read_text() == text


@pytest.mark.usefixtures("second_edition")
def test_a_name_of_the_file_s_own_is_left_alone() -> None:
    text = "edition 1\nblock conv1d(x: seq, width) => y { y = x -> linear(width) }\nlet z = conv1d(width = 3)\n"
    assert migrate(Source("blocks.s2s", text)).source.text == text.replace("edition 1", "edition 2")


@pytest.mark.usefixtures("second_edition")
def test_a_spec_and_what_it_imports_are_rewritten_together(run: Run) -> None:
    block = "edition 1\nblock layer(x: seq[batch, time, _]) => y { y = x -> conv1d(16, width = 3) }\n"
    Path("own.s2s").write_text(block)
    spec = complete('import "own.s2s" as own\nencoder { out = data.audio -> own.layer }\n')
    Path("model.s2s").write_text(spec)
    code, _, said = run("model.s2s")
    assert (code, "own.s2s" in said) == (1, True), "its import is of the older edition"
    assert Path("model.s2s").read_text() == spec
    assert run("model.s2s", "own.s2s")[0] == 0
    assert Path("own.s2s").read_text() == block.replace("edition 1", "edition 2").replace("width", "kernel")


@pytest.mark.usefixtures("second_edition")
def test_a_link_out_of_the_project_is_not_rewritten(run: Run) -> None:
    outside = Path("../outside.s2s")
    outside.write_text(OLD)
    Path("model.s2s").symlink_to(outside)
    code, _, err = run("model.s2s")
    assert code == 1
    assert "model.s2s: leads out of the project, so it is left alone" in err
    assert outside.read_text() == OLD


@pytest.mark.usefixtures("second_edition")
def test_line_ends_and_the_mark_at_the_start_stay(run: Run) -> None:
    Path("model.s2s").write_bytes(b"\xef\xbb\xbf" + OLD.replace("\n", "\r\n").encode())
    assert run("model.s2s")[0] == 0
    assert Path("model.s2s").read_bytes() == b"\xef\xbb\xbf" + NEW.replace("\n", "\r\n").encode()


@pytest.mark.usefixtures("second_edition")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("let x = 3\n", "does not say of which edition it is: write `edition 1`"),
        ("edition 7\nlet x = 3\n", "is of edition 7, which is newer than this s2sc"),
        ("edition 0\nlet x = 3\n", "is of edition 0, which is none of the language's"),
        ("edition 1\nlet x = = 3\n", "has errors, mend them first: model.s2s:2:9"),
    ],
)
def test_what_cannot_be_migrated_is_said_so(run: Run, text: str, said: str) -> None:
    Path("model.s2s").write_text(text)
    code, _, shown = run("model.s2s")
    assert (code, said in shown) == (1, True), shown
    assert Path("model.s2s").read_text() == text


@pytest.mark.usefixtures("second_edition")
def test_there_is_no_way_back_and_none_beyond() -> None:
    with pytest.raises(CannotMigrate, match="no way back to 1"):
        migrate(Source("model.s2s", NEW), to=1)
    with pytest.raises(CannotMigrate, match="there is no edition 3"):
        migrate(Source("model.s2s", OLD), to=3)
    assert not migrate(Source("model.s2s", OLD), to=1).changed


def test_steps_of_several_editions_are_made_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (2, 3):
        monkeypatch.setitem(EDITIONS, number, "")
    steps = (
        Step(3, "second", renamed_parameter("lstm", "units", "size")),
        Step(2, "first", renamed_parameter("lstm", "n", "units")),
    )
    text = "edition 1 # of the language\nlet layer = lstm(n = 3)\n"
    found = migrate(Source("a.s2s", text), steps=steps)
    assert found.source.text == "edition 3 # of the language\nlet layer = lstm(size = 3)\n"
    assert [one.step.what for one in found.made] == ["first", "second"]


def test_edits_are_made_from_the_start_to_the_end_and_never_overlap() -> None:
    source = Source("a.s2s", "abcdef")
    edits = [Edit(Span(source, 4, 5), "E"), Edit(Span(source, 0, 1), "A"), Edit(Span(source, 2, 2), "-")]
    assert edited(source, edits).text == "Ab-cdEf"
    with pytest.raises(AssertionError, match="same characters"):
        edited(source, [Edit(Span(source, 0, 3), ""), Edit(Span(source, 2, 4), "")])


def test_a_file_without_an_edition_gets_one_by_its_fix() -> None:
    findings = Findings()
    source = Source("a.s2s", "# a comment\nlet x = 3\n")
    parse(source, findings)
    (found,) = findings
    (fix,) = found.fixes
    assert fix.safe
    again = Findings()
    assert edited(source, fix.edits).text == "# a comment\nedition 1\n\nlet x = 3\n"
    parse(edited(source, fix.edits), again)
    assert not list(again)
