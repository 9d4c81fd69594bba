"""Batches are the same whoever makes them, and a run goes on where it stopped."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from s2sc.compiler.parts.augment.gain import Gain
from s2sc.compiler.parts.augment.join_clips import JoinClips
from s2sc.compiler.parts.augment.noise import Noise
from s2sc.compiler.parts.augment.shift import Shift
from s2sc.compiler.parts.augment.speed_perturb import SpeedPerturb
from s2sc.compiler.parts.features.logmel import LogMel
from s2sc.dsl.values import EnvironmentPath, JoinedPath, Quantity, Range, SplitOf
from s2sc.runtime.data.batch import Batch
from s2sc.runtime.data.speech import SpeechData, num_needed, open_speech
from s2sc.runtime.data.tally import BadData

REAL = [("fsdd", "fsdd_wav.zip", 8000), ("speechocean762", "speechocean762_flac.zip", 16000)]
AUGMENT = (SpeedPerturb(), JoinClips(chance=0.8), Gain(), Shift(), Noise(chance=1.0))
SIZES = (
    Quantity(5, "examples", "5 examples"),
    Quantity(2.0, "time", "2s"),
    Quantity(40, "tokens", "40 tokens"),
)
WAVEFORM, TEXT = "data.audio.waveform", "data.text"


def opened(kit: Any, folder: Path, *, environment: dict[str, str] | None = None, **settings: Any) -> SpeechData:
    return open_speech(kit.speech(**settings), base=folder, environment=environment or {})


def same(left: Batch, right: Batch) -> bool:
    return (
        (left.ids, left.texts, left.seconds, left.number) == (right.ids, right.texts, right.seconds, right.number)
        and all(torch.equal(left.inputs[path], right.inputs[path]) for path in left.inputs)
        and all(torch.equal(left.lengths[path], right.lengths[path]) for path in left.lengths)
    )


def ids(batches: Iterator[Batch]) -> list[str]:
    return [name for batch in batches for name in batch.ids]


def global_state() -> list[Any]:
    legacy: Any = np.random.get_state()
    return [torch.get_rng_state().tolist(), legacy[1].tolist(), random.getstate()]


def durations(batches: list[Batch]) -> dict[str, float]:
    return {name: batch.seconds[row] for batch in batches for row, name in enumerate(batch.ids)}


@pytest.fixture
def data(kit: Any, tmp_path: Path) -> SpeechData:
    kit.write_corpus(tmp_path)
    return opened(kit, tmp_path, augment=AUGMENT, valid=SplitOf("train", 0.25))


def test_a_batch_holds_padded_audio_and_text(kit: Any, tmp_path: Path) -> None:
    kit.write_corpus(tmp_path, 3)
    data = opened(kit, tmp_path, pad_to=8)
    (batch,) = data.batches("train", batch=3)
    assert batch.ids == ("train_002.wav", "train_001.wav", "train_000.wav")
    assert batch.texts == ("one two three", "one two", "one")
    assert batch.lengths[WAVEFORM].tolist() == [3200, 2400, 1600]
    assert batch.lengths[TEXT].tolist() == [13, 7, 3]
    assert batch.inputs[WAVEFORM].shape == (3, 3200)
    assert batch.inputs[WAVEFORM].shape[1] % (8 * 80) == 0
    assert (batch.inputs[WAVEFORM].dtype, batch.inputs[TEXT].dtype) == (torch.float32, torch.int64)
    for row, (samples, tokens) in enumerate(zip([3200, 2400, 1600], [13, 7, 3], strict=True)):
        assert batch.inputs[WAVEFORM][row, samples:].count_nonzero() == 0
        assert batch.inputs[WAVEFORM][row, :samples].abs().mean() > 0.1
        assert data.codec.decode(batch.inputs[TEXT][row, :tokens].tolist()) == batch.texts[row]
        assert batch.inputs[TEXT][row, tokens:].count_nonzero() == 0


@pytest.mark.parametrize("size", [5, 1, *SIZES])
@pytest.mark.parametrize("augment", [False, True])
def test_every_example_comes_once_in_every_epoch(data: SpeechData, size: Any, augment: bool) -> None:
    expected = sorted(example.identity for example in data.examples("train"))
    for epoch in range(3):
        batches = list(data.batches("train", batch=size, seed=1, epoch=epoch, shuffle=True, augment=augment))
        assert sorted(name for batch in batches for name in batch.ids) == expected
        count = data.num_batches("train", batch=size, seed=1, epoch=epoch, shuffle=True, augment=augment)
        assert [batch.number for batch in batches] == list(range(count))


def test_workers_change_nothing(data: SpeechData) -> None:
    options: Any = {"batch": 4, "seed": 3, "epoch": 2, "shuffle": True, "augment": True}
    alone = list(data.batches("train", **options))
    for num_workers in (1, 2):
        others = list(data.batches("train", num_workers=num_workers, **options))
        assert len(others) == len(alone)
        assert all(same(left, right) for left, right in zip(alone, others, strict=True))


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_run_goes_on_with_the_batch_that_would_have_been_next(data: SpeechData, num_workers: int) -> None:
    options: Any = {"batch": 4, "seed": 3, "epoch": 1, "shuffle": True, "augment": True}
    whole = list(data.batches("train", **options))
    for start in range(len(whole) + 1):
        rest = list(data.batches("train", start_batch=start, num_workers=num_workers, **options))
        assert [batch.number for batch in rest] == list(range(start, len(whole)))
        assert all(same(left, right) for left, right in zip(whole[start:], rest, strict=True))


def test_epochs_and_seeds_differ_in_order_and_in_what_is_drawn(data: SpeechData) -> None:
    other: Any
    first = list(data.batches("train", batch=4, seed=3, epoch=0, shuffle=True, augment=True))
    for other in ({"seed": 3, "epoch": 1}, {"seed": 4, "epoch": 0}):
        second = list(data.batches("train", batch=4, shuffle=True, augment=True, **other))
        assert [batch.ids for batch in first] != [batch.ids for batch in second]
        of_first, of_second = durations(first), durations(second)
        assert of_first.keys() == of_second.keys()
        assert of_first != of_second


@pytest.mark.parametrize("num_workers", [0, 1])
def test_reading_draws_from_no_global_generator(data: SpeechData, num_workers: int) -> None:
    before = global_state()
    list(data.batches("train", batch=4, shuffle=True, augment=True, num_workers=num_workers))
    after = global_state()
    assert before == after


@pytest.mark.parametrize(("seconds", "labels"), [(1.0, 1000), (10.0, 20)])
def test_joined_clips_carry_the_texts_of_all_and_stay_within_the_limits(
    kit: Any, tmp_path: Path, seconds: float, labels: int
) -> None:
    kit.write_corpus(tmp_path)
    join = JoinClips(chance=1.0, max=6)
    data = opened(kit, tmp_path, augment=(join,), keep=Range(0.1, seconds), labels=labels)
    texts = {example.identity: example.text for example in data.examples("train")}
    joined = 0
    for batch in data.batches("train", batch=5, shuffle=True, augment=True):
        for row, name in enumerate(batch.ids):
            assert batch.texts[row].startswith(texts[name])
            joined += batch.texts[row] != texts[name]
            num_tokens = int(batch.lengths[TEXT][row])
            assert data.codec.decode(batch.inputs[TEXT][row, :num_tokens].tolist()) == batch.texts[row]
            assert batch.seconds[row] <= seconds
            assert num_tokens <= labels
    assert joined > 5


def test_an_example_is_changed_otherwise_in_another_epoch(kit: Any, tmp_path: Path) -> None:
    kit.write_corpus(tmp_path)
    data = opened(kit, tmp_path, augment=(SpeedPerturb(),))
    first, again, other = (
        durations(list(data.batches("train", batch=4, epoch=epoch, augment=True))) for epoch in (0, 0, 1)
    )
    assert first == again
    assert sum(first[name] != other[name] for name in first) > 20


def test_augmentation_is_for_those_who_ask(data: SpeechData) -> None:
    plain = list(data.batches("valid", batch=3))
    assert all(
        same(left, right) for left, right in zip(plain, data.batches("valid", batch=3, seed=9, epoch=9), strict=True)
    )


def test_a_share_is_disjoint_from_the_rest(data: SpeechData) -> None:
    train, valid = ({example.identity for example in data.examples(split)} for split in ("train", "valid"))
    assert (len(train), len(valid)) == (18, 6)
    assert not train & valid


def test_without_shuffling_the_order_of_the_manifest_is_kept(kit: Any, tmp_path: Path) -> None:
    kit.write_corpus(tmp_path, 12)
    data = opened(kit, tmp_path, shuffle=False, buckets=1)
    expected = [f"train_{number:03}.wav" for number in range(12)]
    assert ids(data.batches("train", batch=5, shuffle=True)) == expected
    assert ids(data.batches("train", batch=5, shuffle=True, epoch=3)) == expected


def test_keep_and_labels_leave_out_of_training_only_and_are_counted(kit: Any, tmp_path: Path) -> None:
    kit.write_corpus(tmp_path)
    kit.write_corpus(tmp_path, 6, name="test.jsonl")
    data = opened(kit, tmp_path, keep=Range(0.25, 0.55), labels=10, test=("test.jsonl",))
    assert all(
        0.25 <= (example.seconds or 0) <= 0.55 and len(example.tokens) <= 10 for example in data.examples("train")
    )
    assert data.num_examples("test") == 6
    counted = data.tally.to_json()["left_out"]
    assert counted == {"train": {"too_short": 4, "too_long": 8, "too_many_labels": 4}}
    assert sum(counted["train"].values()) + data.num_examples("train") == 24
    assert len(data.tally.lines()) == 3


def test_infeasible_examples_are_found_with_the_graphs_own_frames(kit: Any, tmp_path: Path) -> None:
    kit.write_corpus(tmp_path, 12)
    data = opened(kit, tmp_path)
    assert num_needed(data.codec.encode("three")[1]) == 6
    assert data.infeasible("train", lambda samples: samples // 80) == ()
    left_out = data.leave_out_infeasible(lambda samples: samples // 400)
    assert {example.text for example in left_out} == {"one two", "one two three"}
    assert all((example.seconds or 0) * 20 < num_needed(example.tokens) for example in left_out)
    assert data.num_examples("train") == 12 - len(left_out)
    assert data.tally.left_out["infeasible", "train"] == len(left_out)
    with pytest.raises(BadData) as caught:
        data.leave_out_infeasible(lambda samples: samples // 8000)
    assert caught.value.code == "empty_split"


def test_durations_come_from_the_recordings_where_no_manifest_says_them(kit: Any, tmp_path: Path) -> None:
    records = kit.write_corpus(tmp_path, 6)
    for record in records:
        del record["duration"]
    kit.write_manifest(tmp_path / "train.jsonl", records)
    for kept_bytes in (0, 2**20):
        data = open_speech(kit.speech(), base=tmp_path, environment={}, kept_bytes=kept_bytes)
        assert [example.seconds for example in data.examples("train")] == pytest.approx([0.2, 0.3, 0.4, 0.5, 0.6, 0.7])


def test_recordings_in_memory_and_on_disk_give_the_same_batches(kit: Any, tmp_path: Path) -> None:
    kit.write_corpus(tmp_path)
    options: Any = {"batch": 4, "seed": 1, "shuffle": True, "augment": True}
    kept, unkept = (
        open_speech(kit.speech(augment=AUGMENT), base=tmp_path, environment={}, kept_bytes=num_bytes)
        for num_bytes in (2**20, 0)
    )
    assert (kept.clips.kept_bytes > 0, unkept.clips.kept_bytes) == (True, 0)
    pairs = zip(kept.batches("train", **options), unkept.batches("train", num_workers=2, **options), strict=True)
    assert all(same(left, right) for left, right in pairs)


def test_paths_follow_the_environment(kit: Any, tmp_path: Path) -> None:
    kit.write_corpus(tmp_path / "there" / "set")
    root = JoinedPath((EnvironmentPath("WHERE", "there"), "set"))
    assert opened(kit, tmp_path, root=root).num_examples("train") == 24
    assert opened(kit, Path("/"), root=root, environment={"WHERE": str(tmp_path / "there")}).num_examples("train") == 24
    with pytest.raises(BadData) as caught:
        opened(kit, tmp_path, root=root, environment={"WHERE": "elsewhere"})
    assert caught.value.code == "no_root"


def test_only_the_wanted_splits_are_read(kit: Any, tmp_path: Path) -> None:
    kit.write_corpus(tmp_path, 6, name="test.jsonl")
    settings = kit.speech(test=("test.jsonl",), valid=SplitOf("train", 0.5))
    assert open_speech(settings, base=tmp_path, environment={}, splits=["test"]).splits == ("test",)
    with pytest.raises(BadData) as caught:
        open_speech(settings, base=tmp_path, environment={}, splits=["valid"])
    assert caught.value.code == "bad_manifest"


def test_a_recording_in_train_and_test_is_told(kit: Any, tmp_path: Path) -> None:
    kit.write_corpus(tmp_path)
    told: list[str] = []
    open_speech(kit.speech(test=("train.jsonl",)), base=tmp_path, environment={}, warn=told.append)
    assert told == ["24 recordings of test are in train too, so test shows less than it seems to"]


def test_another_rate_changes_the_waveform_and_nothing_else(kit: Any, tmp_path: Path) -> None:
    kit.write_corpus(tmp_path, 4)
    slow, fast = (opened(kit, tmp_path, audio=LogMel(rate=rate)) for rate in (8000, 16000))
    for left, right in zip(slow.batches("train", batch=2), fast.batches("train", batch=2), strict=True):
        assert (left.ids, left.texts) == (right.ids, right.texts)
        assert (left.lengths[WAVEFORM] * 2 == right.lengths[WAVEFORM]).all()


@pytest.mark.skipif("S2SC_DATA" not in os.environ, reason="S2SC_DATA does not say where real speech is")
@pytest.mark.parametrize(("name", "archive", "rate"), REAL)
def test_real_speech_is_read_whole(kit: Any, name: str, archive: str, rate: int) -> None:
    root = JoinedPath((EnvironmentPath("S2SC_DATA", "data"), name))
    settings = {"root": root, "archive": archive, "audio": LogMel(rate=rate), "on_bad": "fail", "buckets": 10}
    data = opened(
        kit, Path(), valid=SplitOf("train", 0.1), test=("test.jsonl",), environment=dict(os.environ), **settings
    )
    assert data.tally.refused == []
    counted = sum(data.tally.left_out.values()) + sum(data.num_examples(split) for split in data.splits)
    assert counted == data.tally.records
    epoch = list(data.batches("train", batch=32, shuffle=True))
    num_samples = sum(int(batch.lengths[WAVEFORM].sum()) for batch in epoch)
    assert num_samples > 0.8 * sum(batch.inputs[WAVEFORM].numel() for batch in epoch)
    seen = [batch for split in data.splits for batch in data.batches(split, batch=32)]
    assert sum(len(batch) for batch in seen) == sum(data.num_examples(split) for split in data.splits)
    assert all(batch.inputs[WAVEFORM].isfinite().all() for batch in seen)
