"""Users' modules in a graph: found, declared, kept in graph.json, and never imported."""

from __future__ import annotations

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
from s2sc.compiler.front import Analysis, analyse, analyse_file
from s2sc.compiler.graph import CheckedGraph
from s2sc.compiler.graph_file import GraphFileError, graph_from_json, graph_json
from s2sc.compiler.plan import plan
from s2sc.compiler.revision import RevisionLoader, revision_of
from s2sc.compiler.rulebook import complete
from s2sc.dsl.loading import FileLoader

SIGNATURE = """edition 1
module gate(x: seq[batch, time, d], ratio: int = 4) => y: seq[batch, time, d] {
  class    = "Gate"
  requires = d // ratio * ratio == d
  params   = 2 * d * (d // ratio) + d // ratio + d     # two matrices, two biases
  macs     = 2 * batch * time * d * (d // ratio)
  fp16     = "half"
  onnx     = 18
}
"""
SPEC = complete("use acme_layers.layers as acme\nencoder { out = data.audio -> conv1d(16, kernel = 5) -> acme.gate }\n")
ALLOW = '[plugins]\nallow = ["acme_layers"]\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a package and a spec that uses it."""
    folder = tmp_path / "project"
    (folder / "acme_layers").mkdir(parents=True)
    (folder / "s2sc.toml").write_text(ALLOW)
    (folder / "acme_layers" / "layers.s2s-sig").write_text(SIGNATURE)
    (folder / "spec.s2s").write_text(SPEC)
    return folder


def checked(project: Path) -> CheckedGraph:
    found = analyse_file(project / "spec.s2s")
    assert found.checked is not None, [one.message for one in found.findings]
    return found.checked


def codes(found: Analysis) -> list[str]:
    return [one.code for one in found.findings]


# ---------------------------------------------------------------- in the graph


def test_a_user_module_is_planned_as_any_component(project: Path) -> None:
    node = checked(project).graph.nodes["encoder.out.gate"]
    assert str(node.outputs["y"]) == "seq[B, T, 16]"
    assert node.cost.parameters == 2 * 16 * 4 + 4 + 16
    assert node.cost.macs == 2 * 1000 * 16 * 4, "of ten seconds, a frame every ten milliseconds"
    assert "gate" in plan(checked(project)).to_text()


def test_a_graph_is_read_again_without_the_package(project: Path) -> None:
    one = checked(project)
    written = graph_json(one)
    shutil.rmtree(project)
    again = graph_from_json(written)
    assert graph_json(again) == written
    assert again.architecture_hash == one.architecture_hash
    assert "two matrices" not in written.decode(), "comments stay at home"


def test_a_graph_without_user_modules_says_nothing_of_them(project: Path) -> None:
    (project / "spec.s2s").write_text(complete(""))
    assert "modules" not in json.loads(graph_json(checked(project)))


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (("2 * batch * time", "3 * batch * time"), True),
        (("onnx     = 18", "onnx     = none"), True),
        (("# two matrices, two biases", ""), True),
        (("2 * d * (d // ratio)", "3 * d * (d // ratio)"), False),
        (('"Gate"', '"Other"'), False),
        (("onnx     = 18", 'needs = "mask"'), False),
    ],
)
def test_the_architecture_is_what_decides_weights_and_the_call(
    project: Path, change: tuple[str, str], same: bool
) -> None:
    before = checked(project).architecture_hash
    assert change[0] in SIGNATURE
    (project / "acme_layers" / "layers.s2s-sig").write_text(SIGNATURE.replace(*change))
    assert (checked(project).architecture_hash == before) == same


def test_a_signature_belongs_to_the_hash_of_its_spec(project: Path) -> None:
    before = checked(project).graph.origins.spec_hash
    (project / "acme_layers" / "layers.s2s-sig").write_text(SIGNATURE + "# more\n")
    assert checked(project).graph.origins.spec_hash != before


CHANGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no modules": lambda content: content.pop("modules"),
    "a list": lambda content: content.update(modules=[]),
    "a number": lambda content: content.update(modules={"acme_layers.layers": 3}),
    "a path": lambda content: content.update(modules={"../acme": SIGNATURE}),
    "a name of ours": lambda content: content.update(
        modules={**content["modules"], "data.speech": SIGNATURE.replace("gate", "speech")}
    ),
    "no text of the language": lambda content: content.update(modules={"acme_layers.layers": "{{{"}),
    "another signature": lambda content: content.update(
        modules={"acme_layers.layers": content["modules"]["acme_layers.layers"].replace("2 * d *", "3 * d *")}
    ),
    "one more": lambda content: content["modules"].update({"acme_layers.more": SIGNATURE}),
    "many": lambda content: content.update(modules={f"acme.m{number}": SIGNATURE for number in range(100)}),
}


@pytest.mark.parametrize("what", CHANGES)
def test_signatures_that_were_changed_by_hand_are_refused(project: Path, what: str) -> None:
    content = json.loads(graph_json(checked(project)))
    CHANGES[what](content)
    with pytest.raises(GraphFileError):
        graph_from_json(json.dumps(content).encode())


def test_formulas_are_bounded(project: Path) -> None:
    long = SIGNATURE.replace("2 * batch", " * ".join(["2"] * 60) + " * batch")
    (project / "acme_layers" / "layers.s2s-sig").write_text(long)
    assert codes(analyse_file(project / "spec.s2s")) == ["S2S110"]
    (project / "acme_layers" / "layers.s2s-sig").write_text(SIGNATURE.replace("ratio == d", "ratio == d ^ 10 ^ 10"))
    assert codes(analyse_file(project / "spec.s2s")) == ["S2S110"]


def test_an_imported_file_uses_modules_too(project: Path) -> None:
    (project / "blocks.s2s").write_text(
        "edition 1\nuse acme_layers.layers as acme\nblock wide(x: seq) => y { y = x -> acme.gate(2) }\n"
    )
    spec = complete('import "blocks.s2s" as blocks\nencoder { out = data.audio -> blocks.wide }\n')
    (project / "spec.s2s").write_text(spec)
    assert "encoder.out.wide.gate" in checked(project).graph.nodes
    found = analyse_file(project / "blocks.s2s", blocks_too=True)
    assert codes(found) == []


def test_a_signature_file_is_linted_by_itself(project: Path) -> None:
    file = project / "acme_layers" / "layers.s2s-sig"
    assert codes(analyse_file(file, blocks_too=True)) == []
    file.write_text(SIGNATURE.replace("ratio == d", "rate == d"))
    assert codes(analyse_file(file, blocks_too=True)) == ["S2S203"]


# ---------------------------------------------------------------- where it is


def test_a_link_out_of_the_project_is_not_followed(project: Path, tmp_path: Path) -> None:
    file = project / "acme_layers" / "layers.s2s-sig"
    file.rename(tmp_path / "elsewhere.s2s-sig")
    file.symlink_to(tmp_path / "elsewhere.s2s-sig")
    (found,) = analyse_file(project / "spec.s2s").findings
    assert (found.code, found.message) == ("S2S213", "`acme_layers/layers.s2s-sig` leads out of the project")
    file.unlink()
    file.symlink_to(tmp_path / "nowhere")
    assert codes(analyse_file(project / "spec.s2s")) == ["S2S213"]


def test_a_file_with_a_name_outside_of_the_project_is_not_read(project: Path, tmp_path: Path) -> None:
    file = project / "acme_layers" / "layers.s2s-sig"
    file.rename(tmp_path / "elsewhere.s2s-sig")
    file.hardlink_to(tmp_path / "elsewhere.s2s-sig")
    (found,) = analyse_file(project / "spec.s2s").findings
    assert found.message == "`acme_layers/layers.s2s-sig` is a file that has another name outside of the project"


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * 200_000, b"a\0b"])
def test_bytes_that_are_no_text_are_a_finding(project: Path, content: bytes) -> None:
    (project / "acme_layers" / "layers.s2s-sig").write_bytes(content)
    (found,) = analyse_file(project / "spec.s2s").findings
    assert found.code == ("S2S110" if len(content) > 1000 else "S2S213")
    assert found.span is not None
    assert found.span.source.name.endswith("spec.s2s")


def test_a_text_without_a_file_has_no_packages() -> None:
    from s2sc.dsl.source import Source

    (found,) = analyse(Source("spec.s2s", SPEC)).findings
    assert found.code == "S2S213"
    assert "stands in no project" in found.message


def test_a_spec_uses_so_many_files(project: Path) -> None:
    for number in range(40):
        text = SIGNATURE.replace("gate", f"gate{number}")
        (project / "acme_layers" / f"m{number}.s2s-sig").write_text(text)
    lines = "".join(f"use acme_layers.m{number} as m{number}\n" for number in range(40))
    (project / "spec.s2s").write_text(complete(lines))
    assert "S2S110" in codes(analyse_file(project / "spec.s2s"))


def test_signature_files_together_have_an_end(project: Path) -> None:
    for number in range(6):
        text = SIGNATURE.replace("gate", f"gate{number}") + "#" * 100_000
        (project / "acme_layers" / f"m{number}.s2s-sig").write_text(text)
    lines = "".join(f"use acme_layers.m{number} as m{number}\n" for number in range(6))
    (project / "spec.s2s").write_text(complete(lines))
    assert codes(analyse_file(project / "spec.s2s")) == ["S2S110"]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on Python's path with a distribution that brings signature files, as an installer leaves it."""
    folder = tmp_path / "site"
    (folder / "acme_layers").mkdir(parents=True)
    (folder / "acme_layers" / "__init__.py").write_text("raise SystemExit('imported')\n")
    (folder / "acme_layers" / "layers.s2s-sig").write_text(SIGNATURE)
    about = folder / "acme_things-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-things\nVersion: 1.0\n")
    (about / "RECORD").write_text("acme_layers/__init__.py,,\nacme_layers/layers.s2s-sig,,\n")
    monkeypatch.syspath_prepend(str(folder))
    return folder


def test_an_installed_package_is_found_and_not_imported(project: Path, site: Path) -> None:
    shutil.rmtree(project / "acme_layers")
    assert checked(project).graph.nodes["encoder.out.gate"].cost.parameters == 148
    assert "acme_layers" not in sys.modules


def test_the_project_comes_before_what_is_installed(project: Path, site: Path) -> None:
    (site / "acme_layers" / "layers.s2s-sig").write_text("not the language at all")
    checked(project)


def test_what_is_installed_wants_to_be_allowed_too(project: Path, site: Path) -> None:
    shutil.rmtree(project / "acme_layers")
    (project / "s2sc.toml").write_text("")
    (found,) = analyse_file(project / "spec.s2s").findings
    assert (found.code, found.helps) == (
        "S2S213",
        ('write into s2sc.toml, if you trust it: [plugins] allow = ["acme_layers"]',),
    )


def test_a_spec_of_a_revision_has_the_signatures_of_that_revision(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def git(*words: str) -> None:
        who = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org", "-c", "init.defaultBranch=main")
        subprocess.run(["git", *who, *words], cwd=project, check=True, capture_output=True)

    git("init")
    git("add", ".")
    git("commit", "-m", "one")
    spec = project / "spec.s2s"
    (project / "acme_layers" / "layers.s2s-sig").write_text(SIGNATURE.replace("ratio + d", "ratio + 2 * d"))
    loader = RevisionLoader(revision_of(spec, "HEAD"), spec)
    before = analyse(loader.spec, loader=loader).checked
    assert before is not None
    assert before.graph.nodes["encoder.out.gate"].cost.parameters == 148
    assert checked(project).graph.nodes["encoder.out.gate"].cost.parameters == 164
    assert main(["plan", str(spec), "--against", "HEAD"]) == 0
    assert "164" in capsys.readouterr().out


# ---------------------------------------------------------------- nothing is imported

WATCHED = """
import sys
seen = []
def watch(event, arguments):
    if event == "import" and str(arguments[0]).startswith("acme_layers"):
        seen.append(arguments[0])
    if event == "open" and "acme_layers" in str(arguments[0]) and str(arguments[0]).endswith((".py", ".pyc")):
        seen.append(arguments[0])
    # the file that code comes from: its text may speak of packages
    name = arguments[1] if event == "compile" else arguments[0].co_filename if event == "exec" else ""
    if "acme_layers" in str(name):
        seen.append(event)
sys.addaudithook(watch)
sys.path.insert(0, sys.argv[1])
from s2sc.cli.main import main
code = main(sys.argv[2:])
print("SEEN", seen)
sys.exit(code)
"""


@pytest.mark.parametrize(
    "words",
    [
        ["lint", "spec.s2s"],
        ["lint", "."],
        ["lint", "acme_layers/layers.s2s-sig"],
        ["plan", "spec.s2s"],
        ["plan", "spec.s2s", "--json"],
        ["fmt", "--check", "spec.s2s"],
        ["compile", "spec.s2s", "--out", "build"],
        ["lock", "spec.s2s"],
    ],
    ids=" ".join,
)
def test_nothing_of_a_package_is_imported_or_opened(project: Path, words: list[str]) -> None:
    trap = "raise SystemExit('imported')\n"
    (project / "acme_layers" / "__init__.py").write_text(trap)
    (project / "acme_layers" / "layers.py").write_text(trap)
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(project), *words],
        cwd=project,
        text=True,
        capture_output=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode in (0, 1), done.stderr
    assert "SEEN []" in done.stdout


def test_the_watch_sees_an_import(project: Path) -> None:
    (project / "acme_layers" / "__init__.py").write_text("")
    done = subprocess.run(
        [sys.executable, "-c", WATCHED.replace("print(", "import acme_layers; print("), str(project), "lint", "."],
        cwd=project,
        text=True,
        capture_output=True,
        check=False,
    )
    assert "acme_layers'" in done.stdout


def test_the_loader_names_all_that_was_read(project: Path) -> None:
    from s2sc.dsl.reading import read_source

    source = read_source(project / "spec.s2s")
    loader = FileLoader(source, project / "spec.s2s")
    assert analyse(source, loader=loader).checked is not None
    assert [one.name.rpartition("/")[2] for one in loader.sources] == ["spec.s2s", "layers.s2s-sig"]
    assert [(path, library) for _, path, library in loader.places] == [("acme_layers/layers.s2s-sig", False)]
