"""First specs lint clean, for data that is made and for a folder of data."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from s2sc.compiler.front import analyse_file
from s2sc.compiler.starter import TASKS, NoData, starter

PAIRS = "a man\ntwo dogs\n" * 600


def written(text: str, folder: Path) -> Path:
    spec = folder / "model.s2s"
    spec.write_text(text, encoding="utf-8")
    return spec


def pair(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        content = PAIRS.encode()
        (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)


@pytest.mark.parametrize("task", TASKS)
def test_without_data_it_lints_clean(task: str, tmp_path: Path) -> None:
    analysis = analyse_file(written(starter(task).text, tmp_path))
    assert list(analysis.findings) == []
    assert analysis.checked is not None


def test_speech_takes_the_letters_of_the_training_texts(tmp_path: Path) -> None:
    data = tmp_path / "clips"
    data.mkdir()
    texts = ["Hé, you", 'say "no" \\ a\tb', "x\u202ey"]
    lines = [json.dumps({"audio": "a.wav", "text": text}) for text in texts]
    (data / "train.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (data / "dev.jsonl").write_text(lines[0], encoding="utf-8")
    made = starter("speech", data, base=tmp_path)
    analysis = analyse_file(written(made.text, tmp_path))
    assert list(analysis.findings) == []
    assert 'let letters = alphabet(" \\",\\\\abhnosuxyé")' in made.text
    assert 'root  = "clips"' in made.text
    assert 'valid = "dev.jsonl"' in made.text
    assert "test" not in made.text.partition("data speech")[2].partition("}")[0]
    assert "not measured yet" in made.text


@pytest.mark.parametrize(
    ("names", "source", "expected"),
    [
        (("train.de", "train.en", "val.de", "val.en"), None, 'pair("train.de", "train.en")'),
        (("train.de", "train.en", "val.de", "val.en"), "en", 'pair("train.en", "train.de")'),
        (("train.en.gz", "train.de.gz"), "en", 'pair("train.en.gz", "train.de.gz")'),
        (("train.tsv", "valid.tsv", "test.tsv"), None, 'train  = "train.tsv"'),
    ],
)
def test_translation_finds_pairs(names: tuple[str, ...], source: str | None, expected: str, tmp_path: Path) -> None:
    pair(tmp_path / "corpus", *names)
    made = starter("translation", tmp_path / "corpus", base=tmp_path, source=source)
    analysis = analyse_file(written(made.text, tmp_path))
    assert list(analysis.findings) == []
    assert expected in made.text
    assert "sentencepiece(size = 296" in made.text
    assert ("split(train, 5%)" in made.text) == (len(names) == 2)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoData, match=r"holds no train\.jsonl: one JSON object a line"):
        starter("speech", tmp_path)
    with pytest.raises(NoData, match=r"neither a pair of files .* nor train\.tsv .* nor train\.jsonl"):
        starter("translation", tmp_path)
    pair(tmp_path, "train.de", "train.en")
    with pytest.raises(NoData, match="has texts in de and en, none in fr"):
        starter("translation", tmp_path, source="fr")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[1]\n", r"train\.jsonl:1: not a JSON object with `text`"),
        (b'{"text": "a"}\n{"text": 3}\n', r"train\.jsonl:2: `text` is no string"),
        (b"[" * 50_000, r"train\.jsonl:1: not a JSON object"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"", "holds no text"),
    ],
)
def test_odd_manifests_are_named(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_bytes(content)
    with pytest.raises(NoData, match=message):
        starter("speech", tmp_path)


def test_a_damaged_archive_is_named(tmp_path: Path) -> None:
    pair(tmp_path, "train.en.gz", "train.de.gz")
    for name in ("train.en.gz", "train.de.gz"):
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-20])
    with pytest.raises(NoData, match=r"train\.de\.gz cannot be read"):
        starter("translation", tmp_path)
