"""The corpus of reversals: the same bytes for the same seed, whole or not there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from s2sc.runtime.data.corpus import CorpusError
from s2sc.runtime.data.reversal import make_corpus, split_of


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_the_same_seed_gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    here = make_corpus(tmp_path / "here", seed=3, examples=60, longest=6)
    code = (
        "import sys; from pathlib import Path; from s2sc.runtime.data.reversal import make_corpus;"
        "make_corpus(Path(sys.argv[1]), seed=3, examples=60, longest=6)"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "there")], check=True, env=environment)
    assert content(tmp_path / "there") == content(here)
    assert content(make_corpus(tmp_path / "other", seed=4, examples=60, longest=6)) != content(here)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["here", "other", "there"], "nothing is left behind"


@pytest.mark.parametrize("longest", [3, 12])
def test_a_string_stands_in_one_split_only(tmp_path: Path, longest: int) -> None:
    folder = make_corpus(tmp_path / "corpus", examples=400, longest=longest)
    for split, count in (("train", 400), ("valid", 20), ("test", 20)):
        sources = (folder / f"{split}.source").read_text().splitlines()
        targets = (folder / f"{split}.target").read_text().splitlines()
        assert len(sources) == len(targets) == count
        for source, target in zip(sources, targets, strict=True):
            assert split_of(source) == split
            assert target.split() == source.split()[::-1]
            assert 1 <= len(source.split()) <= longest


def test_what_is_there_is_used_and_what_is_incomplete_or_older_made_again(tmp_path: Path) -> None:
    folder = make_corpus(tmp_path / "corpus", examples=40)
    made = content(folder)
    times = {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}
    make_corpus(folder, examples=40)
    assert {file.name: file.stat().st_mtime_ns for file in folder.iterdir()} == times
    description = json.loads(made["corpus.json"])
    (folder / "corpus.json").write_text(json.dumps(description | {"version": 0}))
    (folder / "train.source").write_text("older")
    assert content(make_corpus(folder, examples=40)) == made


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(CorpusError, match="is not a corpus of reversals"):
        make_corpus(tmp_path, examples=40)
    assert content(tmp_path) == {"thesis.tex": b"years of work"}
