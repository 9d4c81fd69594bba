"""The order of examples in a run that goes on with other numbers of processes and of data workers."""

from __future__ import annotations

import random
from itertools import zip_longest
from pathlib import Path

import pytest
from s2sc.runtime.distributed import ALONE
from s2sc.tests.nightly import NIGHTLY
from s2sc.tests.processes import together
from s2sc.tests.runtime.distributed.work import samples
from s2sc.tests.runtime.training.conftest import write_corpus

# processes and data workers of each session: six changes of both
SESSIONS = [(1, 0), (2, 2), (1, 1), (3, 0), (2, 1), (3, 2), (1, 0)]
if NIGHTLY:
    chance = random.Random(1)
    SESSIONS += [(chance.choice((1, 2, 3)), chance.choice((0, 1, 2))) for _ in range(54)]
STEPS = 3


@pytest.mark.timeout(3600)
def test_it_is_that_of_one_process_that_was_never_stopped(tmp_path: Path) -> None:
    """Epochs of eight examples in batches of six and two: every other session begins in the middle of one."""
    corpus = str(write_corpus(tmp_path / "tones"))
    common = ("hyperparameters.evaluate=100 steps", "hyperparameters.optimizer=momentum(lr = 0.001)")
    whole = (f"hyperparameters.stop={STEPS * len(SESSIONS)} steps", "hyperparameters.batch=6 examples", *common)
    expected = samples(ALONE, corpus, str(tmp_path / "whole"), whole, False)
    assert {len(step) for step in expected} == {6, 2}
    found: list[list[str]] = []
    for number, (size, workers) in enumerate(SESSIONS, start=1):
        stop, batch = STEPS * number, 6 // size
        sets = (f"hyperparameters.stop={stop} steps", f"hyperparameters.batch={batch} examples", *common)
        given = corpus, str(tmp_path / "resumed"), (*sets, f"hyperparameters.workers={workers}"), number > 1
        seen = [samples(ALONE, *given)] if size == 1 else together(samples, size, tmp_path, *given)
        assert [len(one) for one in seen] == [STEPS] * size
        # each process takes every `size`-th row
        for parts in zip(*seen, strict=True):
            found.append([one for row in zip_longest(*parts) for one in row if one is not None])
    assert found == expected
