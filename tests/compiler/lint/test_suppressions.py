"""What `# s2sc: allow` covers, and what it does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from s2sc.compiler.lint.choice import Choice
from s2sc.compiler.lint.linter import Linter
from s2sc.compiler.rulebook import complete

SEED = """hyperparameters {HEAD
  batch = 16 examples
  optimizer = adam(lr = 1e-3)
  stop = 10 epochs
}
"""


def found(tmp_path: Path, text: str, **choice: object) -> list[str]:
    spec = tmp_path / "spec.s2s"
    spec.write_text(text)
    linter = Linter(Choice(**choice))  # type: ignore[arg-type]  # the tests' own words
    return [f"{one.code} {one.span.line if one.span else '-'}" for one in linter.lint(spec).findings]


def with_head(head: str, before: str = "") -> str:
    return complete(before + SEED.replace("HEAD", head))


def test_without_a_comment_it_is_found(tmp_path: Path) -> None:
    assert found(tmp_path, with_head("")) == ["S2S601 2"]


@pytest.mark.parametrize(
    "comment",
    ["# s2sc: allow S2S601 -- a demo", "#s2sc:allow S2S601,S2S601 -- a demo", "## s2sc: allow S2S601 -- a -- b"],
)
def test_at_the_end_of_a_line_it_covers_the_line(tmp_path: Path, comment: str) -> None:
    assert found(tmp_path, with_head(f" {comment}")) == []


def test_alone_on_a_line_it_covers_the_next_statement(tmp_path: Path) -> None:
    comment = "# s2sc: allow S2S601 -- a demo\n"
    assert found(tmp_path, f"edition 1\n{comment}\n# more\n{with_head('').removeprefix('edition 1')}") == []


def test_before_a_block_it_covers_all_of_it(tmp_path: Path) -> None:
    text = with_head("  # s2sc: allow S2S601 -- a demo")
    unused = "# s2sc: allow S2S210 -- for later\nblock b(x: seq, size, other) => y {\n  y = x -> relu\n}\n"
    spec = text.replace("edition 1\n", f"edition 1\n{unused}")
    assert found(tmp_path, spec) == []
    assert "S2S210 2" in found(tmp_path, spec.replace("# s2sc: allow S2S210 -- for later\n", ""))


def test_in_a_string_it_is_a_string(tmp_path: Path) -> None:
    text = with_head("").replace('"train.jsonl"', '"# s2sc: allow S2S601 -- no"')
    assert found(tmp_path, text) == ["S2S601 2"]


def test_an_error_cannot_be_allowed(tmp_path: Path) -> None:
    text = with_head("  # s2sc: allow S2S601 -- a demo").replace("lr = 1e-3)", "lrr = 1e-3) # s2sc: allow S2S202 -- no")
    assert found(tmp_path, text) == ["S2S202 4", "S2S903 4"]


def test_without_a_reason_it_holds_and_is_found(tmp_path: Path) -> None:
    assert found(tmp_path, with_head("  # s2sc: allow S2S601")) == ["S2S902 2"]


def test_what_is_not_needed_is_found(tmp_path: Path) -> None:
    assert found(tmp_path, with_head("  # s2sc: allow S2S601, S2S507 -- a demo")) == ["S2S901 2"]


@pytest.mark.parametrize("comment", ["allow S2S999 -- x", "allow", "alow S2S601", "", "allow -- why"])
def test_what_names_no_code_is_found(tmp_path: Path, comment: str) -> None:
    assert found(tmp_path, with_head(f"  # s2sc: {comment}")) == ["S2S601 2", "S2S903 2"]


def test_while_there_are_errors_nothing_is_called_unused(tmp_path: Path) -> None:
    text = with_head("  # s2sc: allow S2S601 -- a demo").replace("lr = 1e-3", "lrr = 1e-3")
    assert found(tmp_path, text) == ["S2S202 4"]


def test_the_comments_of_an_imported_file_count_there(tmp_path: Path) -> None:
    (tmp_path / "s2sc.toml").touch()
    body = 'edition 1\nimport "lib/rnn.s2s" as lib{}\nlet size = 16\n'
    spec = complete('import "parts.s2s" as parts\nlet size = parts.size\n')
    spec = spec.replace("conv1d(16,", "conv1d(size,")
    (tmp_path / "parts.s2s").write_text(body.format(""))
    assert found(tmp_path, spec) == ["S2S210 2"]
    (tmp_path / "parts.s2s").write_text(body.format("  # s2sc: allow S2S210 -- for later"))
    assert found(tmp_path, spec) == []


NUMBERS = """encoder {
  out = data.audio -> conv1d(48, kernel = 5, stride = 2) -> linear(48) -> linear(48)
}
"""
ALLOWED = "  # s2sc: allow S2S906 -- they mean three things\n"


@pytest.mark.parametrize(
    ("select", "codes"),
    [(None, []), (("S2S6",), []), (("S2S906",), ["S2S906 3"]), (("S2S9",), ["S2S906 3"]), (("S2S",), ["S2S906 3"])],
)
def test_style_is_found_where_it_is_asked_for(tmp_path: Path, select: tuple[str, ...] | None, codes: list[str]) -> None:
    assert found(tmp_path, complete(NUMBERS), select=select) == codes


@pytest.mark.parametrize("select", [None, ("S2S906",)])
def test_style_that_is_not_asked_for_may_be_allowed(tmp_path: Path, select: tuple[str, ...] | None) -> None:
    assert found(tmp_path, complete(NUMBERS.replace("\n  out", f"\n{ALLOWED}  out")), select=select) == []


def test_style_that_is_allowed_for_nothing_is_said_where_it_is_asked_for(tmp_path: Path) -> None:
    text = complete(NUMBERS.replace("\n  out", f"\n{ALLOWED}  out").replace("linear(48)", "relu"))
    assert found(tmp_path, text) == []
    assert found(tmp_path, text, select=("S2S9",)) == ["S2S901 3"]
