"""Several processes train and measure as one does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from s2sc.runtime.distributed import ALONE
from s2sc.tests.processes import together
from s2sc.tests.runtime.distributed.work import (
    averaging,
    bucket_bytes,
    jumping,
    measuring,
    speed,
    steps,
    training,
    training_on_bad_records,
)
from s2sc.tests.runtime.training.conftest import write_corpus

# float32 sums over six rows in another order, twelve steps on end: what rounding alone makes of them. Not with adam,
# which makes a whole step of a gradient that is zero but for rounding.
TOLERANCE = 2e-4
MOMENTUM = "hyperparameters.optimizer=momentum(lr = 0.01)"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_corpus(tmp_path_factory.mktemp("tones")))


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("more", [(), ("hyperparameters.accumulate=2",)], ids=["", "accumulated"])
def test_losses_are_those_of_one_process_on_the_same_global_batches(
    corpus: str, tmp_path: Path, more: tuple[str, ...]
) -> None:
    """Eight examples in batches of six: of the last two, the third process has none."""
    common = ("hyperparameters.stop=12 steps", "hyperparameters.log=1 steps", MOMENTUM, *more)
    alone = training(ALONE, corpus, str(tmp_path / "1"), ("hyperparameters.batch=6 examples", *common))
    losses = [line["loss"] for line in lines(tmp_path / "1") if "split" not in line]
    assert len(losses) == 12
    for size in (2, 3):
        sets = (f"hyperparameters.batch={6 // size} examples", *common)
        found = together(training, size, tmp_path, corpus, str(tmp_path / f"{size}"), sets)
        assert [line["loss"] for line in lines(tmp_path / f"{size}") if "split" not in line] == pytest.approx(
            losses, rel=TOLERANCE
        )
        assert all(one["valid"] == found[0]["valid"] for one in found)
        assert found[0]["valid"]["loss"] == pytest.approx(alone["valid"]["loss"], rel=10 * TOLERANCE)
        assert found[0]["valid"]["examples"] == 8


@pytest.mark.parametrize(
    "precision", ["fp32", "mixed(fp16, loss_scale = backoff(max = 1024))", "mixed(fp16, loss_scale = logmax())"]
)
def test_what_is_not_finite_in_one_process_is_skipped_in_all(corpus: str, tmp_path: Path, precision: str) -> None:
    sets = (f"hyperparameters.precision={precision}", "hyperparameters.batch=2 examples")
    found = together(steps, 2, tmp_path, corpus, str(tmp_path / "run"), sets, (2, 1))
    assert [one["skipped"] for one in found[0]] == [0, 0, 1, 0, 0, 0]
    for mine, other in zip(*found, strict=True):
        # the loss of the bad step is no number, which equals nothing
        assert {name: str(value) for name, value in mine.items()} == {name: str(value) for name, value in other.items()}
    bits = [one["bits"] for one in found[0]]
    assert bits[2] == bits[1]
    assert len(set(bits)) == 5


def test_bad_records_are_accounted_for_whoever_met_them(tmp_path: Path) -> None:
    """Within one epoch, in which each process meets only those of its share."""
    corpus = write_corpus(tmp_path / "tones")
    records = [json.loads(line) for line in (corpus / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    declared = [{**record, "duration": 0.1 * len(record["text"])} for record in records]
    (corpus / "train.jsonl").write_text("".join(json.dumps(record) + "\n" for record in declared), encoding="utf-8")
    for number in (1, 4, 6):
        (corpus / f"{number}.wav").write_bytes(b"")
    sets = ("hyperparameters.batch=2 examples", "hyperparameters.stop=2 steps")
    found = together(training_on_bad_records, 2, tmp_path, str(corpus), str(tmp_path / "run"), sets)
    assert found == [[("empty_file", 2), ("empty_file", 5), ("empty_file", 7)]] * 2


def test_a_process_that_reads_slowly_averages_the_same_checkpoints(corpus: str, tmp_path: Path) -> None:
    """The first process writes the mean, and removes old checkpoints, when all have read what it is made of."""
    mine, other = together(averaging, 2, tmp_path, corpus, str(tmp_path / "run"))
    assert mine["test"] == other["test"]


def test_a_loss_that_jumps_in_one_process_sends_all_back(corpus: str, tmp_path: Path) -> None:
    guard = "hyperparameters.guard=rewind(factor = 5, window = 6 steps)"
    mine, other = together(
        jumping, 2, tmp_path, corpus, str(tmp_path / "run"), (guard, "hyperparameters.batch=2 examples")
    )
    assert mine == {**other, "seconds": mine["seconds"]}
    assert [line.get("rewinds", 0) for line in lines(tmp_path / "run") if "split" not in line][-1] == 1


def test_speed_is_that_of_all_processes(tmp_path: Path) -> None:
    alone = speed(ALONE, ("hyperparameters.batch=3 examples",))
    mine, other = together(speed, 2, tmp_path, ("hyperparameters.batch=3 examples",))
    assert mine == other
    assert (alone["contents"]["examples"], mine["contents"]["examples"]) == (12, 24)
    # of other recordings, so about twice as much
    assert 1.5 < mine["contents"]["flops"] / alone["contents"]["flops"] < 2.5
    assert mine["examples_per_second"] * 4 * mine["step_seconds"]["least"] <= 24


def test_figures_do_not_depend_on_processes_and_batches(corpus: str, tmp_path: Path) -> None:
    expected = measuring(ALONE, corpus, 1)
    assert expected["examples"] == 8
    for size in (1, 2, 3):
        for batch in (1, 2, 3, 5, 7):
            found = (
                [measuring(ALONE, corpus, batch)] if size == 1 else together(measuring, size, tmp_path, corpus, batch)
            )
            for one in found:
                assert one["pairs"] == expected["pairs"]
                assert (one["wer"], one["cer"]) == (expected["wer"], expected["cer"])
                # convolutions of wider batches are summed in another order
                assert one["loss"] == pytest.approx(expected["loss"], rel=1e-6)
                assert (one["examples"], one["infeasible"]) == (8, expected["infeasible"])


@pytest.mark.parametrize(("bucket", "num_bytes"), [((), 25 * 2**20), (("hyperparameters.bucket=3 KiB",), 3072)])
def test_gradients_travel_in_buckets_of_the_size_that_the_spec_says(
    corpus: str, tmp_path: Path, bucket: tuple[str, ...], num_bytes: int
) -> None:
    assert together(bucket_bytes, 2, tmp_path, corpus, bucket) == [num_bytes] * 2
