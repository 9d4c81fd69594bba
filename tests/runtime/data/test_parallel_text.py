"""Parallel text as batches: what they hold, how large they are, and that they are the same again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from s2sc.compiler.part import Part
from s2sc.compiler.parts.data.parallel_text import ParallelText
from s2sc.compiler.parts.data.reversal import Reversal
from s2sc.compiler.parts.text.sentencepiece import SentencePiece
from s2sc.compiler.parts.text.words import Words
from s2sc.dsl.values import EnvironmentPath, PairOf, Quantity, Range, SplitOf
from s2sc.runtime.data.batch import Batch
from s2sc.runtime.data.parallel_text import ParallelTextData, open_parallel_text
from s2sc.runtime.data.tally import BAD_LIMIT, BadData, BadLimit

TRAIN = PairOf("train.en", "train.de")
VALID = PairOf("valid.en", "valid.de")
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def write(folder: Path, name: str, pairs: Sequence[tuple[str, str]]) -> None:
    (folder / f"{name}.en").write_text("".join(f"{source}\n" for source, _ in pairs), encoding="utf-8")
    (folder / f"{name}.de").write_text("".join(f"{target}\n" for _, target in pairs), encoding="utf-8")


def made_up(count: int, *, seed: int = 0) -> list[tuple[str, str]]:
    """Number words on one side, digits on the other, of different lengths."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        digits = random.integers(0, 10, random.integers(1, 30))
        source = " ".join(DIGITS[digit] for digit in digits)
        found.append((source, " ".join(str(digit) for digit in digits[: random.integers(1, len(digits) + 1)])))
    return found


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    write(tmp_path, "train", made_up(300))
    write(tmp_path, "valid", made_up(20, seed=1))
    return tmp_path


def opened(
    folder: Path,
    *,
    splits: Sequence[str] | None = None,
    tokens_of: Path | None = None,
    warn: Callable[[str], None] = lambda message: None,
    limit: BadLimit = BAD_LIMIT,
    **settings: Any,
) -> ParallelTextData:
    given: dict[str, Any] = {
        "source": Words(size=13),
        "target": Words(size=13),
        "train": (TRAIN,),
        "valid": (VALID,),
        "on_bad": "fail",
        "buckets": 4,
    }
    return open_parallel_text(
        ParallelText(**(given | settings)),
        base=folder,
        environment={"S2SC_CACHE": str(folder / "cache")},
        splits=splits,
        tokens=tokens_of,
        warn=warn,
        limit=limit,
    )


def tokens(amount: int) -> Quantity:
    return Quantity(amount, "tokens", f"{amount} tokens")


def all_of(data: ParallelTextData, split: str = "train", **more: Any) -> list[Batch]:
    return list(data.batches(split, **({"batch": 16} | more)))


def same(one: Batch, other: Batch) -> bool:
    return (one.ids, one.texts, one.number) == (other.ids, other.texts, other.number) and all(
        torch.equal(one.inputs[path], other.inputs[path]) and torch.equal(one.lengths[path], other.lengths[path])
        for path in one.inputs
    )


# ---------------------------------------------------------------- what a batch holds


def test_a_batch_has_marks_around_its_texts_and_zeros_behind(tmp_path: Path) -> None:
    write(tmp_path, "train", [("a b c", "x"), ("b", "y x"), ("b", "x y x")])
    data = opened(tmp_path, valid=None, source=Words(size=6), target=Words(size=5), shuffle=False, buckets=1)
    (batch,) = all_of(data, shuffle=True)
    # by frequency, then by name: b is 3, a 4, c 5; x is 3, y 4
    assert batch.inputs["data.source"].tolist() == [[4, 3, 5, 2], [3, 2, 0, 0], [3, 2, 0, 0]]
    assert batch.inputs["data.target"].tolist() == [[3, 2, 0, 0], [4, 3, 2, 0], [3, 4, 3, 2]]
    assert batch.inputs["data.target.shifted"].tolist() == [[1, 3, 0, 0], [1, 4, 3, 0], [1, 3, 4, 3]]
    assert batch.lengths["data.source"].tolist() == [4, 2, 2]
    assert batch.lengths["data.target"].tolist() == batch.lengths["data.target.shifted"].tolist() == [2, 3, 4]
    assert {value.dtype for value in (*batch.inputs.values(), *batch.lengths.values())} == {torch.int64}
    assert batch.ids == ("train.de:1", "train.de:2", "train.de:3")
    assert batch.texts == ("x", "y x", "x y x")
    assert len(batch) == 3
    assert batch.seconds == ()


def test_references_are_the_lines_of_the_file_composed_and_not_cut(tmp_path: Path) -> None:
    write(tmp_path, "train", [("a", "Cafe\u0301,  ja!"), ("b", "nein")])
    data = opened(tmp_path, valid=None, target=Words(size=5, lower=True), source=Words(size=5))
    found = {text for batch in all_of(data) for text in batch.texts}
    assert found == {"Caf\u00e9,  ja!", "nein"}


def test_a_search_of_the_target_gives_its_text(corpus: Path) -> None:
    data = opened(corpus)
    for batch in all_of(data, "valid"):
        rows = zip(batch.inputs["data.target"].tolist(), batch.lengths["data.target"].tolist(), strict=True)
        assert tuple(data.decode(row[:length]) for row, length in rows) == batch.texts


def test_every_pair_stands_in_one_batch(corpus: Path) -> None:
    data = opened(corpus)
    for batch in (16, tokens(200)):
        for shuffle in (False, True):
            ids = [id for one in all_of(data, batch=batch, shuffle=shuffle) for id in one.ids]
            assert len(ids) == 300
            assert len(set(ids)) == 300


# ---------------------------------------------------------------- how large it is


def test_a_budget_of_tokens_is_never_passed(corpus: Path) -> None:
    data = opened(corpus)
    for shuffle in (False, True):
        for batch in all_of(data, batch=tokens(128), shuffle=shuffle, epoch=3):
            longest = max(batch.inputs["data.source"].shape[1], batch.inputs["data.target"].shape[1])
            assert len(batch) * longest <= 128


def test_the_number_of_batches_is_known_before(corpus: Path) -> None:
    data = opened(corpus)
    for size in (16, 7, tokens(200)):
        for shuffle in (False, True):
            assert data.num_batches("train", batch=size, shuffle=shuffle) == len(
                all_of(data, batch=size, shuffle=shuffle)
            )


def test_evaluation_starts_with_the_longest(corpus: Path) -> None:
    lengths = [batch.inputs["data.source"].shape[1] for batch in all_of(opened(corpus), "valid", batch=4)]
    assert lengths == sorted(lengths, reverse=True)


def test_texts_have_no_seconds(corpus: Path) -> None:
    with pytest.raises(BadData, match="no length in seconds"):
        all_of(opened(corpus), batch=Quantity(320, "time", "320s"))


def test_little_is_padding(corpus: Path) -> None:
    in_buckets, in_one = (
        real_share(all_of(opened(corpus, buckets=buckets), batch=tokens(256), shuffle=True)) for buckets in (50, 1)
    )
    assert in_buckets > in_one


def real_share(batches: Iterable[Batch]) -> float:
    """The share of tokens that are no padding, both sides taken together."""
    real = padded = 0
    for batch in batches:
        for path in ("data.source", "data.target"):
            real += int(batch.lengths[path].sum())
            padded += batch.inputs[path].numel()
    return real / padded


# ---------------------------------------------------------------- the same again


def test_an_epoch_is_a_function_of_seed_and_epoch(corpus: Path) -> None:
    first, second = opened(corpus), opened(corpus)
    all_of(second, shuffle=True, epoch=7)
    for batch in (16, tokens(200)):
        one = all_of(first, batch=batch, shuffle=True, seed=3, epoch=2, num_workers=0)
        other = all_of(second, batch=batch, shuffle=True, seed=3, epoch=2, num_workers=2)
        assert len(one) == len(other)
        assert all(map(same, one, other))
        for seed, epoch in ((4, 2), (3, 3)):
            changed = all_of(first, batch=batch, shuffle=True, seed=seed, epoch=epoch)
            assert [found.ids for found in changed] != [found.ids for found in one]


def test_resume_at_batch_k_gives_batch_k(corpus: Path) -> None:
    data = opened(corpus)
    for batch in (16, tokens(200)):
        whole = all_of(data, batch=batch, shuffle=True, epoch=1)
        for start in (0, 1, 5, len(whole) - 1, len(whole)):
            rest = all_of(opened(corpus), batch=batch, shuffle=True, epoch=1, start_batch=start)
            assert len(rest) == len(whole) - start
            assert all(map(same, rest, whole[start:]))


# ---------------------------------------------------------------- what is left out


def test_keep_leaves_out_of_train_and_counts(tmp_path: Path) -> None:
    pairs = [("a", "a a"), ("a a", "a a a"), ("a a a a", "a a"), ("a a", "a a a a a"), ("a a a", "a a a")]
    write(tmp_path, "train", pairs)
    write(tmp_path, "valid", pairs)
    data = opened(tmp_path, source=Words(size=4), target=Words(size=4), keep=Range(2, 3))
    assert data.num_examples("train") == 2
    assert data.num_examples("valid") == 5, "what is measured does not depend on what was trained with"
    assert data.tally.lines() == [
        "left out 2 of train: longer than `keep` allows",
        "left out 1 of train: shorter than `keep` allows",
    ]
    assert [one.identity for one in data.examples("train")] == ["train.de:2", "train.de:5"]
    assert next(iter(data.examples("train"))).target == (3, 3, 3)


def test_nothing_left_is_said_with_the_reason(corpus: Path) -> None:
    write(corpus, "train", [("one two", "1 2")] * 300)
    with pytest.raises(BadData, match=r"nothing is left of train: left out 300 of train: longer than `keep` allows"):
        opened(corpus, keep=Range(1, 1), source=Words(size=5), target=Words(size=5))


def test_a_share_of_train_is_taken_out_of_it(corpus: Path) -> None:
    data = opened(corpus, valid=SplitOf("train", 0.1))
    again = opened(corpus, valid=SplitOf("train", 0.1), splits=["valid"])
    assert (data.num_examples("train"), data.num_examples("valid")) == (270, 30)
    chosen = [one.identity for one in data.examples("valid")]
    assert not set(chosen) & {one.identity for one in data.examples("train")}
    assert [one.identity for one in again.examples("valid")] == chosen
    assert again.splits == ("valid",)


def test_pairs_of_valid_that_stand_in_train_are_told(corpus: Path) -> None:
    said: list[str] = []
    write(corpus, "valid", [*made_up(3), ("ten", "10")])
    opened(corpus, warn=said.append)
    assert said == ["3 pairs of valid are in train too, so valid shows less than it seems to"]


# ---------------------------------------------------------------- bad input


def test_a_bad_line_stops_with_its_file_and_line(corpus: Path) -> None:
    with (corpus / "train.de").open("r+b") as file:
        file.write(b"\xff")
    with pytest.raises(BadData) as caught:
        opened(corpus)
    assert caught.value.code == "bad_records"
    assert str(caught.value).splitlines()[1].startswith("train.de:1: not_utf8")


def test_bad_lines_are_skipped_and_counted_where_the_spec_says_so(corpus: Path) -> None:
    pairs = made_up(300)
    pairs[4], pairs[9] = ("", "1"), ("one", "a\x07b")
    write(corpus, "train", pairs)
    said: list[str] = []
    data = opened(corpus, on_bad="skip", warn=said.append)
    assert data.num_examples("train") == 298
    assert said == [
        "skipped train.en:5: empty_text: an empty line",
        "skipped train.de:10: control_character: U+0007 at character 2",
    ]
    assert data.tally.by_reason() == {"empty_text": 1, "control_character": 1}
    assert data.tally.records == 320
    by_id = {one.identity: one.text for one in data.examples("train")}
    assert by_id["train.de:11"] == pairs[10][1], "what follows a bad line is not moved"


def test_too_many_bad_lines_stop(corpus: Path) -> None:
    write(corpus, "train", [("", "x")] * 30 + made_up(100))
    with pytest.raises(BadData, match="30 of 150 records are bad"):
        opened(corpus, on_bad="skip", limit=BadLimit(share=0.01, count=10))


def test_files_of_different_lengths_stop_whatever_on_bad_says(corpus: Path) -> None:
    (corpus / "train.de").write_text("1\n2\n")
    with pytest.raises(BadData, match=r"train.en has 300 lines and train.de has 2") as caught:
        opened(corpus, on_bad="skip")
    assert caught.value.code == "bad_text_file"
    assert f"(in {corpus})" in str(caught.value), "the files' names are relative to the root"


def test_a_missing_root_names_its_variable(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="set CORPUS to the folder"):
        opened(tmp_path, root=EnvironmentPath("CORPUS", "nowhere"))
    with pytest.raises(BadData, match=r"train.en: there is no such file"):
        opened(tmp_path)


def test_an_empty_file_leaves_nothing_to_train_on(corpus: Path) -> None:
    write(corpus, "train", [])
    with pytest.raises(BadData, match="nothing is left of train"):
        opened(corpus)


# ---------------------------------------------------------------- tokenizers of a run


def test_a_run_is_measured_with_its_own_tokenizers_and_no_training_text(corpus: Path, tmp_path: Path) -> None:
    data = opened(corpus)
    data.save_codecs(tmp_path / "run" / "tokens")
    for name in ("train.en", "train.de"):
        (corpus / name).unlink()
    again = opened(corpus, splits=["valid"], tokens_of=tmp_path / "run" / "tokens")
    assert again.splits == ("valid",)
    assert all(map(same, all_of(again, "valid"), all_of(data, "valid")))
    with pytest.raises(BadData, match=r"the run's tokenizers cannot be used.*or train anew"):
        opened(corpus, splits=["valid"], tokens_of=tmp_path / "nothing")
    with pytest.raises(BadData, match="the spec says words of 14"):
        opened(corpus, splits=["valid"], tokens_of=tmp_path / "run" / "tokens", source=Words(size=14))


# ---------------------------------------------------------------- corpora


def of_corpus(part: Part, folder: Path) -> ParallelTextData:
    return opened(folder, corpus=part, train=None, valid=None, tokens=Words(size=13), source=None, target=None)


def test_reversals_are_made_on_first_use(tmp_path: Path) -> None:
    data = of_corpus(Reversal(examples=100, longest=5), tmp_path)
    assert data.splits == ("train", "valid", "test")
    assert [data.num_examples(split) for split in data.splits] == [100, 5, 5]
    seen: dict[str, str] = {}
    for split in data.splits:
        for one in data.examples(split):
            source = data.codecs.source.decode(one.source)
            assert source.split() == one.text.split()[::-1]
            assert 1 <= len(source.split()) <= 5
            assert seen.setdefault(source, split) == split
    assert not data.tally.lines()


def multi30k() -> Path:
    root = os.environ.get("S2SC_DATA")
    if not root or not (Path(root) / "multi30k").is_dir():
        pytest.skip("S2SC_DATA does not say where Multi30k is")
    return Path(root) / "multi30k"


def test_little_of_multi30k_is_padding(tmp_path: Path) -> None:
    data = open_parallel_text(
        ParallelText(
            root=str(multi30k()),
            tokens=SentencePiece(size=8000),
            train=(PairOf("train.en.gz", "train.de.gz"),),
            valid=(PairOf("val.en.gz", "val.de.gz"),),
            test=(PairOf("test_2016_flickr.en.gz", "test_2016_flickr.de.gz"),),
        ),
        base=tmp_path,
        environment={"S2SC_CACHE": str(tmp_path / "cache")},
    )
    assert [data.num_examples(split) for split in data.splits] == [29000, 1014, 1000]
    assert not data.tally.lines()
    for epoch in (0, 1):
        assert real_share(data.batches("train", batch=tokens(4096), epoch=epoch, shuffle=True)) > 0.9
    for one in data.examples("test"):
        assert data.decode(one.target) == " ".join(one.text.split())
        assert 0 not in one.target or "⁇" in data.decode(one.target)
