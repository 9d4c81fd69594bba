"""Imports: which files are read, how often, and what of them a spec sees."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from s2sc.compiler.front import Analysis, analyse, analyse_file
from s2sc.compiler.graph_file import graph_json
from s2sc.dsl import imports, loading
from s2sc.dsl.diagnostics import Findings
from s2sc.dsl.imports import Parsed
from s2sc.dsl.limits import LIMITS
from s2sc.dsl.loading import Files
from s2sc.dsl.parser import parse
from s2sc.dsl.reading import read_source
from s2sc.dsl.source import Source
from s2sc.dsl.syntax import Document
from s2sc.dsl.values import Static
from s2sc.tests.small_spec import OUT, before_data, changed

BLOCKS = """edition 1

let width = 8

block conv(x: seq, channels = width) => y { y = x -> conv1d(channels, kernel = 3) }
"""
USE = (OUT, "out = data.audio -> parts.conv -> conv(width, kernel = 3, stride = 2)")


def project(folder: Path, files: Mapping[str, str | bytes], statement: str = 'import "blocks.s2s" as parts') -> Path:
    """A spec that imports, and the files beside it."""
    spec = folder / "spec.s2s"
    all_files = {"blocks.s2s": BLOCKS, "spec.s2s": changed(before_data(statement), USE), **files}
    for name, text in all_files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return spec


def said(analysis: Analysis) -> list[str]:
    return [f"{one.code} {one.message}" for one in analysis.findings]


def only(analysis: Analysis) -> str:
    (found,) = said(analysis)
    return found


def channels_of(analysis: Analysis) -> object:
    """The channels of the convolution in the imported block."""
    assert said(analysis) == []
    assert analysis.spec is not None
    channels = next(one for one in analysis.spec.instances if one.component == "conv1d").params["channels"]
    assert isinstance(channels, Static)
    return channels.value


# ---------------------------------------------------------------- what a spec sees


def test_values_of_an_imported_file_say_so(tmp_path: Path) -> None:
    analysis = analyse_file(project(tmp_path, {}))
    assert said(analysis) == []
    assert analysis.spec is not None
    first, own = (one.params for one in analysis.spec.instances if one.component == "conv1d")
    channels, kernel, width = first["channels"], first["kernel"], own["channels"]
    assert isinstance(channels, Static)
    assert isinstance(kernel, Static)
    assert isinstance(width, Static)
    assert (channels.origin.kind, kernel.origin.kind, width.origin.kind) == ("imported", "imported", "spec")
    assert channels.origin.span is not None
    assert Path(channels.origin.span.source.name).name == "blocks.s2s"


def test_the_spec_comes_first_among_the_files_that_its_hash_covers(tmp_path: Path) -> None:
    spec = project(tmp_path, {})
    before = analyse_file(spec)
    assert before.spec is not None
    assert [Path(source.name).name for source in before.spec.sources] == ["spec.s2s", "blocks.s2s"]
    assert before.graph is not None
    project(tmp_path, {"blocks.s2s": BLOCKS + "# a comment\n"})
    after = analyse_file(spec)
    assert after.graph is not None
    assert before.graph.origins.spec_hash != after.graph.origins.spec_hash
    assert before.checked is not None
    assert after.checked is not None
    assert before.checked.architecture_hash == after.checked.architecture_hash


def test_an_imported_block_makes_the_graph_that_its_own_text_would_make(tmp_path: Path) -> None:
    block = "block other(x: seq, channels = 8) => y { y = x -> conv1d(channels, kernel = 3) }"
    inside = (OUT, "out = data.audio -> other -> conv(width, kernel = 3, stride = 2)")
    theirs = analyse(Source("spec.s2s", changed(before_data(block), inside))).checked
    renamed = {"blocks.s2s": BLOCKS.replace("block conv", "block other")}
    spec = project(tmp_path, renamed)
    spec.write_text(spec.read_text().replace("parts.conv", "parts.other"))
    ours = analyse_file(spec).checked
    assert ours is not None
    assert theirs is not None
    ours_json, theirs_json = (
        graph_json(one).replace(one.graph.origins.spec_hash.encode(), b"") for one in (ours, theirs)
    )
    assert ours_json == theirs_json


def test_imported_files_read_the_hyperparameters_of_the_spec(tmp_path: Path) -> None:
    reads = "edition 1\nblock conv(x: seq) => y { y = x -> conv1d(hyperparameters.seed + 4, kernel = 3) }\n"
    assert channels_of(analyse_file(project(tmp_path, {"blocks.s2s": reads}))) == 5


def test_a_profile_reaches_an_imported_block_through_its_arguments(tmp_path: Path) -> None:
    spec = project(tmp_path, {})
    spec.write_text(spec.read_text().replace("parts.conv ->", "parts.conv(width) ->"))
    assert channels_of(analyse_file(spec, sets=["width=4"])) == 4


def test_names_of_what_an_imported_file_imports_are_its_own_affair(tmp_path: Path) -> None:
    files = {"blocks.s2s": BLOCKS.replace("let width = 8", 'import "more.s2s" as more\nlet width = more.half * 2')}
    files["more.s2s"] = "edition 1\nlet half = 4\n"
    spec = project(tmp_path, files)
    assert said(analyse_file(spec)) == []
    spec.write_text(spec.read_text().replace("let width = 16", "let width = parts.more.half"))
    assert only(analyse_file(spec)) == "S2S202 `parts` has no `more`"


# ---------------------------------------------------------------- which files


def test_only_files_of_the_project_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / "project"
    (tmp_path / "secret.s2s").write_text(BLOCKS)
    spec = project(inside, {})
    (inside / "link.s2s").symlink_to(tmp_path / "secret.s2s")
    (inside / "folder").symlink_to(tmp_path)
    opened: list[str] = []
    really = os.open

    def watched(path: Any, *arguments: Any, **options: Any) -> int:
        opened.append(os.path.realpath(path))
        return really(path, *arguments, **options)

    monkeypatch.setattr(os, "open", watched)
    for name in ("../secret.s2s", "link.s2s", "folder/secret.s2s", "folder/../../secret.s2s", "../nothing.s2s"):
        project(inside, {}, f'import "{name}" as parts')
        assert only(analyse_file(spec)) == f"S2S206 `{name}` leads out of the project"
    assert set(opened) == {str(spec)}


def test_the_project_is_the_nearest_folder_above_with_its_file(tmp_path: Path) -> None:
    spec = project(tmp_path / "recipes" / "small", {}, 'import "../common.s2s" as parts')
    (tmp_path / "recipes" / "common.s2s").write_text(BLOCKS)
    assert only(analyse_file(spec)) == "S2S206 `../common.s2s` leads out of the project"
    (tmp_path / "s2sc.toml").touch()
    assert said(analyse_file(spec)) == []
    (spec.parent / "s2sc.toml").touch()
    assert only(analyse_file(spec)) == "S2S206 `../common.s2s` leads out of the project"


def test_a_link_inside_the_project_is_the_file_that_it_leads_to(tmp_path: Path) -> None:
    spec = project(tmp_path, {"blocks.s2s": 'edition 1\nimport "link.s2s" as round\nlet width = 1\n'})
    (tmp_path / "link.s2s").symlink_to("blocks.s2s")
    assert said(analyse_file(spec))[0].endswith("blocks.s2s` imports itself")


def test_a_link_to_another_kind_of_file_is_not_followed(tmp_path: Path) -> None:
    spec = project(tmp_path, {"keys.env": "TOKEN = 1"}, 'import "keys.s2s" as parts')
    (tmp_path / "keys.s2s").symlink_to("keys.env")
    assert only(analyse_file(spec)) == "S2S206 `keys.s2s` leads to a file that is no .s2s file"


def test_a_library_is_not_replaced_by_a_folder_of_the_project(tmp_path: Path) -> None:
    spec = project(tmp_path, {"lib/mine.s2s": BLOCKS}, 'import "lib/mine.s2s" as parts')
    assert only(analyse_file(spec)) == "S2S206 the library of s2sc has no `mine.s2s`"
    project(tmp_path, {}, 'import "./lib/mine.s2s" as parts')
    assert said(analyse_file(spec)) == []


def test_a_text_without_a_file_imports_from_the_library_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = changed(before_data('import "blocks.s2s" as parts'), USE)
    (found,) = analyse(Source("spec.s2s", text)).findings
    assert found.message == "`blocks.s2s` cannot be found from a text that stands in no file"
    assert found.helps == ("save the spec as a file, or import from the library: lib/…",)
    (tmp_path / "blocks.s2s").write_text(BLOCKS)
    monkeypatch.setattr(loading, "LIBRARY", tmp_path)
    analysis = analyse(Source("spec.s2s", text.replace('"blocks', '"lib/blocks')))
    assert said(analysis) == []
    assert analysis.spec is not None
    assert [source.name for source in analysis.spec.sources] == ["spec.s2s", "lib/blocks.s2s"]


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"edition 1\nlet a = \xff", "S2S206", "2:9: not UTF-8 text (byte 0xff)"),
        (b"edition 1\0", "S2S206", "a NUL character has no place in a spec"),
        (b"#" * (LIMITS.file_bytes + 1), "S2S110", "larger than 128 KiB"),
    ],
    ids=["bytes", "NUL", "size"],
)
def test_a_file_that_is_no_text_is_named_where_it_is_imported(
    tmp_path: Path, content: bytes, code: str, words: str
) -> None:
    (found,) = analyse_file(project(tmp_path, {"blocks.s2s": content})).findings
    assert found.code == code
    assert words in found.message
    assert found.span is not None
    assert found.span.text == '"blocks.s2s"'


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    spec = project(tmp_path, {}, 'import "pipe.s2s" as parts')
    os.mkfifo(tmp_path / "pipe.s2s")
    assert only(analyse_file(spec)).endswith("pipe.s2s: not a regular file")


@pytest.mark.parametrize("name", ["a\\0b.s2s", "x" * 3000 + ".s2s", "a/" * 2000 + "b.s2s", "con:stream.s2s"])
def test_a_strange_name_is_only_a_file_that_is_not_there(tmp_path: Path, name: str) -> None:
    (found,) = analyse_file(project(tmp_path, {}, f'import "{name}" as parts')).findings
    assert found.code in ("S2S206", "S2S105")


def test_names_in_messages_lead_from_where_the_name_of_the_spec_leads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "s2sc.toml").touch()
    project(tmp_path / "recipes", {}, 'import "../common/blocks.s2s" as parts')
    project(tmp_path / "common", {"blocks.s2s": BLOCKS + "let wrong = 1 +\n"})
    monkeypatch.chdir(tmp_path)
    (found,) = analyse_file(Path("recipes/spec.s2s")).findings
    assert found.span is not None
    assert found.span.source.name == "common/blocks.s2s"


# ---------------------------------------------------------------- how much


class Counting:
    """A loader of texts that counts how often each one is asked for and made."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.sources = {name: Source(name, text) for name, text in texts.items()}
        self.asked = 0

    def load(self, path: str, importer: Source) -> Source:
        self.asked += 1
        return self.sources[path]

    def load_signature(self, module: str, importer: Source) -> Source:
        raise AssertionError("no spec here uses a module")

    def parse(self, source: Source) -> Parsed:
        return imports.parsed(source)


def diamonds(depth: int) -> dict[str, str]:
    """Each file imports the next one twice: 2^depth ways, depth + 1 files."""
    files = {
        f"{number}.s2s": f'edition 1\nimport "{number + 1}.s2s" as a\nimport "{number + 1}.s2s" as b\n'
        f"let width = a.width + b.width - a.width\n"
        for number in range(depth)
    }
    return {**files, f"{depth}.s2s": BLOCKS.replace("conv(", "last(")}


def test_a_tower_of_diamonds_is_parsed_once_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "LIMITS", replace(LIMITS, include_depth=40))
    loader = Counting(diamonds(30))
    parsed: list[str] = []

    def watched(source: Source, findings: Findings) -> Document:
        parsed.append(source.name)
        return parse(source, findings)

    monkeypatch.setattr(imports, "parse", watched)
    text = changed(before_data('import "0.s2s" as parts'), ("let width = 16", "let width = parts.width"))
    analysis = analyse(Source("spec.s2s", text), loader=loader)
    assert said(analysis) == []
    assert parsed == ["spec.s2s", *(f"{number}.s2s" for number in range(31))]
    assert loader.asked == 61


def test_imports_that_go_too_deep_show_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    text = changed(before_data('import "0.s2s" as parts'), ("let width = 16", "let width = parts.width"))
    assert said(analyse(Source("spec.s2s", text), loader=Counting(diamonds(7)))) == []
    (found,) = analyse(Source("spec.s2s", text), loader=Counting(diamonds(8))).findings
    assert (found.code, found.message) == ("S2S110", "imports are 9 deep, the most is 8")
    assert found.notes == ("hops: spec.s2s -> " + " -> ".join(f"{number}.s2s" for number in range(9)),)


def test_too_many_files_end_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {f"{number}.s2s": "edition 1\nlet width = 1\n" for number in range(LIMITS.includes + 5)}
    lines = [f'import "{name}" as a{name[:-4]}' for name in files]
    text = changed(before_data(*lines))
    loader = Counting(files)
    found = [one for one in said(analyse(Source("spec.s2s", text), loader=loader)) if "never used" not in one]
    assert found == ["S2S110 a spec imports at most 32 files"]
    assert loader.asked == LIMITS.includes + 1


def test_all_files_together_have_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "LIMITS", replace(LIMITS, total_bytes=2048))
    files = {f"{number}.s2s": f"edition 1\n{'#' * 1000}\nlet width = 1\n" for number in range(3)}
    text = changed(before_data(*(f'import "{name}" as a{name[:-4]}' for name in files)))
    found = said(analyse(Source("spec.s2s", text), loader=Counting(files)))
    assert found == ["S2S110 a spec and what it imports have at most 2 KiB"]


def test_all_files_together_may_have_that_size(monkeypatch: pytest.MonkeyPatch) -> None:
    text = changed(before_data('import "blocks.s2s" as parts'), USE)
    together = len(text.encode()) + len(BLOCKS.encode())
    loader = Counting({"blocks.s2s": BLOCKS})
    monkeypatch.setattr(imports, "LIMITS", replace(LIMITS, total_bytes=together))
    assert said(analyse(Source("spec.s2s", text), loader=loader)) == []
    monkeypatch.setattr(imports, "LIMITS", replace(LIMITS, total_bytes=together - 1))
    assert said(analyse(Source("spec.s2s", text), loader=loader))[0].startswith("S2S110 a spec and what it imports")


def test_a_circle_leaves_nothing_on_the_way_of_what_is_imported_next() -> None:
    files = {
        "a.s2s": 'edition 1\nimport "a.s2s" as one\nimport "a.s2s" as two\nlet width = 8\n',
        "m.s2s": 'edition 1\nimport "a.s2s" as a\nlet width = a.width\n',
        "k.s2s": 'edition 1\nimport "m.s2s" as m\nlet width = m.width\n',
    }
    text = changed(before_data('import "m.s2s" as m', 'import "k.s2s" as k'))
    found = [one for one in analyse(Source("spec.s2s", text), loader=Counting(files)).findings if one.code == "S2S206"]
    assert [one.message for one in found] == ["`a.s2s` imports itself"] * 2


def test_a_mistake_in_a_file_is_said_once_however_many_import_it() -> None:
    broken = diamonds(3)
    broken["3.s2s"] += "let wrong = 1 +\n"
    text = changed(before_data('import "0.s2s" as parts'), ("let width = 16", "let width = parts.width"))
    (found,) = analyse(Source("spec.s2s", text), loader=Counting(broken)).findings
    assert found.code == "S2S101"


# ---------------------------------------------------------------- files of blocks by themselves


def test_a_file_of_blocks_is_looked_at_alone(tmp_path: Path) -> None:
    path = tmp_path / "blocks.s2s"
    path.write_text(BLOCKS)
    assert said(analyse_file(path, blocks_too=True)) == []
    assert {one.code for one in analyse_file(path).findings} == {"S2S305"}
    path.write_text(BLOCKS.replace("kernel", "kernal") + "block reads(x: seq) => y { y = x + data.audio }\n")
    assert said(analyse_file(path, blocks_too=True)) == [
        "S2S202 conv1d has no parameter `kernal`",
        "S2S203 an imported file does not see `data`",
    ]


# ---------------------------------------------------------------- blocks that bring modules


TIED = """edition 1

block enc(x: seq, size) => (out, emb) {
  shared emb = linear(size, bias = false)
  out = x -> emb
}

block dec(x: seq, size, emb = none) => (logits, log_probs, infer) {
  logits    = x -> if emb == none then linear(size) else linear(size, tie = emb, bias = false)
  log_probs = logits -> log_softmax
  infer     = log_probs -> greedy_ctc(blank = 5)
}
"""


def test_blocks_stand_for_whole_sections_and_hand_on_their_modules(tmp_path: Path) -> None:
    text = changed(before_data('import "blocks.s2s" as parts'))
    head, _, rest = text.partition("block conv(")
    end = rest[rest.index("loss = ") :]
    for tied, weights in (("emb = encoder.emb", "encoder.emb.linear"), ("emb = none", "decoder.linear")):
        sections = f"encoder = parts.enc(data.audio, 8)\ndecoder = parts.dec(encoder.out, 8, {tied})\n\n"
        spec = project(tmp_path, {"blocks.s2s": TIED, "spec.s2s": head.replace("let width = 16", "") + sections + end})
        analysis = analyse_file(spec)
        assert said(analysis) == []
        assert analysis.spec is not None
        assert set(analysis.spec.names) == {"encoder.out", "decoder.logits", "decoder.log_probs", "decoder.infer"}
        assert analysis.spec.infer is not None
        (last,) = (one for one in analysis.spec.instances if one.path == "decoder.linear")
        tie = last.params["tie"]
        assert getattr(tie, "weights", last.weights) == weights


def test_a_name_of_an_imported_file_is_found_for_who_forgot_the_alias(tmp_path: Path) -> None:
    spec = project(tmp_path, {})
    spec.write_text(spec.read_text().replace("let width = 16\n", "").replace("conv(width,", "conv(9 * width,"))
    (found,) = analyse_file(spec).findings
    assert (found.message, found.helps) == ("unknown name `width`", ("write `parts.width`",))


# ---------------------------------------------------------------- names of one file


def test_a_file_with_several_names_is_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"blocks": "parts", "link": "link", "hard": "hard", "more/m": "more"}
    statement = "\n".join(f'import "{name}.s2s" as {alias}' for name, alias in names.items())
    use = (OUT, "out = data.audio -> parts.conv -> link.conv -> hard.conv -> more.again -> conv(width, kernel = 3)")
    more = 'edition 1\nimport "../blocks.s2s" as b\nblock again(x: seq) => y { y = x -> b.conv }\n'
    spec = project(tmp_path, {"more/m.s2s": more, "spec.s2s": changed(before_data(statement), use)})
    (tmp_path / "link.s2s").symlink_to("blocks.s2s")
    os.link(tmp_path / "blocks.s2s", tmp_path / "hard.s2s")
    parsed: list[str] = []

    def watched(source: Source, findings: Findings) -> Document:
        parsed.append(Path(source.name).name)
        return parse(source, findings)

    monkeypatch.setattr(imports, "parse", watched)
    assert said(analyse_file(spec)) == []
    assert sorted(parsed) == ["blocks.s2s", "m.s2s", "spec.s2s"]


def test_specs_share_what_they_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = project(tmp_path, {})
    other = spec.with_name("other.s2s")
    other.write_text(spec.read_text())
    parsed: list[str] = []

    def watched(source: Source, findings: Findings) -> Document:
        parsed.append(Path(source.name).name)
        return parse(source, findings)

    monkeypatch.setattr(imports, "parse", watched)
    files = Files()
    assert [said(analyse_file(path, files=files)) for path in (spec, other, spec)] == [[], [], []]
    assert sorted(parsed) == ["blocks.s2s", "other.s2s", "spec.s2s"]
    (tmp_path / "blocks.s2s").write_text(BLOCKS + "let a = 1 +\n")
    assert only(analyse_file(spec, files=files)).startswith("S2S101")


def test_a_hard_link_to_a_file_elsewhere_is_not_opened(tmp_path: Path) -> None:
    inside = tmp_path / "project"
    (tmp_path / "secret.s2s").write_text("edition 1\nlet secret = 1 +\n")
    spec = project(inside, {}, 'import "hard.s2s" as parts')
    os.link(tmp_path / "secret.s2s", inside / "hard.s2s")
    assert only(analyse_file(spec)) == "S2S206 `hard.s2s` is a file that has another name outside of the project"


def test_a_device_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = project(tmp_path, {}, 'import "tape.s2s" as parts')
    (tmp_path / "tape.s2s").write_text("")
    really = os.stat

    def device(path: Any, *arguments: Any, **options: Any) -> os.stat_result:
        found = really(path, *arguments, **options)
        if str(path).endswith("tape.s2s"):
            return os.stat_result((stat.S_IFCHR | 0o600, *tuple(found)[1:]))
        return found

    opened: list[str] = []
    opens = os.open

    def watched(path: Any, *arguments: Any, **options: Any) -> int:
        opened.append(str(path))
        return opens(path, *arguments, **options)

    monkeypatch.setattr(os, "stat", device)
    monkeypatch.setattr(os, "open", watched)
    assert only(analyse_file(spec)).endswith("tape.s2s: not a regular file")
    assert not any(path.endswith("tape.s2s") for path in opened)


@pytest.mark.parametrize("place", ["last", "folder"])
def test_a_link_that_appears_while_a_file_is_opened_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    inside = tmp_path / "project"
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "blocks.s2s").write_text("edition 1\nlet secret = 1 +\n")
    spec = project(inside, {"parts/blocks.s2s": BLOCKS}, 'import "parts/blocks.s2s" as parts')
    really = read_source

    def late(path: Path, **options: Any) -> Source:
        if path.name == "blocks.s2s":
            # after all checks, right before it is opened
            (inside / "parts" / "blocks.s2s").unlink()
            if place == "last":
                (inside / "parts" / "blocks.s2s").symlink_to(outside / "blocks.s2s")
            else:
                (inside / "parts").rmdir()
                (inside / "parts").symlink_to(outside)
        return really(path, **options)

    monkeypatch.setattr(loading, "read_source", late)
    found = only(analyse_file(spec))
    assert found.startswith("S2S206")
    assert "secret" not in found


@pytest.mark.parametrize("name", ["/proc/self/environ", "../../../../../../proc/self/environ.s2s", "environ.s2s"])
def test_the_system_is_no_project(tmp_path: Path, name: str) -> None:
    spec = project(tmp_path, {}, f'import "{name}" as parts')
    (tmp_path / "environ.s2s").symlink_to("/proc/self/environ")
    assert only(analyse_file(spec)).startswith("S2S206")


def test_a_name_is_spelt_as_it_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = project(tmp_path, {"Blocks.s2s": BLOCKS})
    (tmp_path / "blocks.s2s").unlink()
    assert only(analyse_file(spec)) == "S2S206 there is no file `blocks.s2s`"
    # a disk that takes both for one
    really, exists, stats = os.path.samefile, os.path.exists, os.lstat

    def real(path: Any) -> Any:
        return str(path)[: -len("blocks.s2s")] + "Blocks.s2s" if str(path).lower().endswith("/blocks.s2s") else path

    monkeypatch.setattr(os.path, "samefile", lambda a, b: a.lower() == b.lower() or really(a, b))
    monkeypatch.setattr(os.path, "exists", lambda path: exists(real(path)))
    monkeypatch.setattr(os, "lstat", lambda path, **options: stats(real(path), **options))
    assert only(analyse_file(spec)) == "S2S206 `blocks.s2s` is spelt `Blocks.s2s` on the disk"
