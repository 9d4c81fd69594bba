"""A corpus that is named instead of files is made once and then read like any other data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from s2sc.compiler.parts.data.spoken_numbers import SpokenNumbers
from s2sc.dsl.values import Range
from s2sc.runtime.data.corpus import cache_folder
from s2sc.runtime.data.speech import open_speech
from s2sc.runtime.data.tally import BadData
from s2sc.runtime.storage import StorageError


def test_the_cache_is_where_the_environment_says() -> None:
    assert cache_folder({"S2SC_CACHE": "/c", "XDG_CACHE_HOME": "/x", "HOME": "/h"}) == Path("/c")
    assert cache_folder({"XDG_CACHE_HOME": "/x", "HOME": "/h"}) == Path("/x/s2sc")
    assert cache_folder({"HOME": "/h"}) == Path("/h/.cache/s2sc")


def test_a_corpus_is_made_on_first_use_and_found_again(kit: Any, tmp_path: Path) -> None:
    settings = kit.speech(train=None, corpus=SpokenNumbers(train=12, valid=3, test=3), on_bad="fail")
    seen: list[tuple[str, int, int]] = []
    options: Any = {"base": tmp_path, "environment": {"S2SC_CACHE": str(tmp_path / "cache")}}
    data = open_speech(settings, on_progress=lambda *progress: seen.append(progress), **options)
    assert {split: data.num_examples(split) for split in data.splits} == {"train": 12, "valid": 3, "test": 3}
    assert ("making spoken_numbers", 18, 18) in seen
    assert sum(len(batch) for batch in data.batches("test", batch=2)) == 3
    seen.clear()
    open_speech(settings, on_progress=lambda *progress: seen.append(progress), **options)
    assert {what for what, _, _ in seen} == {"reading recordings"}
    other = kit.speech(train=None, corpus=SpokenNumbers(train=13, valid=3, test=3))
    assert open_speech(other, **options).num_examples("train") == 13
    folders = [path for path in (tmp_path / "cache").iterdir() if path.is_dir()]
    assert len(folders) == 2


def test_a_corpus_that_cannot_be_made_is_an_error_of_the_data(kit: Any, tmp_path: Path) -> None:
    settings = kit.speech(train=None, corpus=SpokenNumbers(digits=Range(1, 1)))
    with pytest.raises(BadData, match="2 digits") as caught:
        open_speech(settings, base=tmp_path, environment={"S2SC_CACHE": str(tmp_path)})
    assert caught.value.code == "no_corpus"


def test_a_cache_that_cannot_be_written_is_named_with_its_variable(kit: Any, tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"")
    settings = kit.speech(train=None, corpus=SpokenNumbers(train=12, valid=3, test=3))
    with pytest.raises(StorageError, match=r"cannot make .*cache/spoken_numbers-\w+ \(\$S2SC_CACHE may name"):
        open_speech(settings, base=tmp_path, environment={"S2SC_CACHE": str(tmp_path / "cache")})
