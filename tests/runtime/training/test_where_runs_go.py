"""What is in the way of a new run's folder is named, with a way out, before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from s2sc.cli import main as cli
from s2sc.tests.runtime.training.conftest import write_corpus


@pytest.mark.parametrize("kind", ["file", "link", "taken", "checkpoints"])
def test_a_run_needs_a_folder_of_its_own(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus, out = write_corpus(tmp_path / "tones"), tmp_path / "out"
    if kind == "file":
        out.write_text("mine")
        said = "is a file, and a run needs a folder: name another --out"
    elif kind == "link":
        out.symlink_to(tmp_path / "nowhere")
        said = "is a link that leads nowhere: name another --out"
    elif kind == "taken":
        out.mkdir()
        (out / "graph.json").write_text("{}")
        said = "holds a run already: --resume goes on with it, another --out starts anew"
    else:
        (out / "checkpoints").mkdir(parents=True)
        said = "holds another run's checkpoints: name another --out"
    before = sorted(path.name for path in tmp_path.rglob("*"))
    words = ["compile", str(corpus / "tones.s2s"), "--train", "--device", "cpu", "--out", str(out)]
    assert cli.main(words) == 2
    assert f"{out} {said}" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.rglob("*")) == before
