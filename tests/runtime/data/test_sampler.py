"""The order of examples is a pure function of seed, epoch and lengths, and loses nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from s2sc.runtime.data.example import Example
from s2sc.runtime.data.sampler import (
    Batches,
    BatchSize,
    bucketed_batches,
    mixed,
    shuffled,
    sorted_batches,
)
from s2sc.runtime.data.splits import take_share

LENGTHS = np.random.default_rng(3).uniform(0.2, 9, 1003)
SIZES = (BatchSize(32), BatchSize(1), BatchSize(5000), BatchSize(60.0, "seconds"), BatchSize(5.0, "seconds"))


def epoch_of(epoch: int, size: BatchSize = SIZES[0], *, seed: int = 1, buckets: int = 10) -> Batches:
    order = shuffled(len(LENGTHS), seed=seed, epoch=epoch)
    return mixed(bucketed_batches(order, LENGTHS, size, buckets=buckets), seed=seed, epoch=epoch)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("buckets", [1, 10])
def test_every_example_comes_exactly_once_in_an_epoch(size: BatchSize, buckets: int) -> None:
    for batches in (epoch_of(0, size, buckets=buckets), sorted_batches(LENGTHS, size)):
        assert Counter(index for batch in batches for index in batch) == Counter(range(len(LENGTHS)))
        assert all(batches)


def test_batches_counted_in_examples_are_full_but_for_one() -> None:
    sizes = Counter(len(batch) for batch in epoch_of(0))
    assert sizes == {32: 31, 11: 1}


def test_a_budget_of_seconds_is_not_passed() -> None:
    batches = epoch_of(0, BatchSize(60.0, "seconds"))
    assert max(len(batch) * LENGTHS[list(batch)].max() for batch in batches) <= 60
    alone = epoch_of(0, BatchSize(5.0, "seconds"))
    assert all(len(batch) == 1 for batch in alone if LENGTHS[list(batch)].max() > 5)


def test_the_order_changes_with_seed_and_epoch_only() -> None:
    assert epoch_of(4) == epoch_of(4)
    assert len({epoch_of(0), epoch_of(1), epoch_of(0, seed=2)}) == 3


def test_the_order_is_the_same_in_every_process() -> None:
    code = "from s2sc.runtime.data.sampler import shuffled; print(shuffled(9, seed=7, epoch=2).tolist())"
    printed = {
        subprocess.check_output([sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed})
        for seed in "12"
    }
    assert printed == {str(shuffled(9, seed=7, epoch=2).tolist()).encode() + b"\n"}
    # this order is a promise to every run that is resumed after an update
    assert shuffled(9, seed=7, epoch=2).tolist() == [7, 5, 2, 3, 4, 6, 1, 0, 8]


@pytest.mark.parametrize(("buckets", "least", "most"), [(1, 0.0, 0.6), (10, 0.85, 1.0)])
def test_buckets_waste_little_padding(buckets: int, least: float, most: float) -> None:
    padded = sum(LENGTHS[list(batch)].max() * len(batch) for batch in epoch_of(0, buckets=buckets))
    assert least < LENGTHS.sum() / padded < most


def test_evaluation_starts_with_the_longest() -> None:
    batches = sorted_batches(LENGTHS, BatchSize(16))
    flat = LENGTHS[[index for batch in batches for index in batch]]
    assert (np.diff(flat) <= 0).all()


def examples(count: int) -> list[Example]:
    return [Example(f"clip{number}", f"clip{number}.wav", "x", (0,), "m", number + 1) for number in range(count)]


def test_a_share_is_exact_disjoint_and_in_order() -> None:
    taken, rest = take_share(examples(1234), 0.1)
    assert len(taken) == 123
    assert sorted((*taken, *rest), key=lambda example: example.line) == examples(1234)
    assert list(taken) == sorted(taken, key=lambda example: example.line)


def test_a_share_depends_on_what_examples_are_and_not_on_where_they_stand() -> None:
    taken, _ = take_share(examples(1000), 0.1)
    turned, _ = take_share(examples(1000)[::-1], 0.1)
    assert set(taken) == set(turned)


def test_a_share_stays_nearly_the_same_when_examples_are_added() -> None:
    before, _ = take_share(examples(1000), 0.1)
    after, _ = take_share(examples(1050), 0.1)
    assert len(set(before) & set(after)) >= 95
