"""Data workers that are killed or frozen while they read: every sample comes once, in its order."""

from __future__ import annotations

import os
import random
import signal
import sys
from pathlib import Path

import pytest
from s2sc.runtime.data.speech import SpeechData, open_speech

from ..nightly import tries
from ..runtime.data import conftest as kit

NUM_TRIALS = tries(20, 500)


def ledger(data: SpeechData, *, epoch: int, num_workers: int, accident: tuple[int, signal.Signals] | None) -> list[str]:
    """The ids of an epoch's samples as they are handed over; after some batches one worker meets with an accident."""
    found: list[str] = []
    # what lives already, such as another test's server of processes, is no worker
    others = children()
    batches = data.batches("train", batch=3, epoch=epoch, shuffle=True, num_workers=num_workers, timeout_seconds=1.0)
    for number, batch in enumerate(batches):
        found.extend(batch.ids)
        if accident is not None and number == accident[0]:
            os.kill(min(children() - others), accident[1])
    return found


def children() -> set[int]:
    return {int(child) for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


@pytest.mark.skipif(sys.platform != "linux", reason="children are found in /proc")
@pytest.mark.timeout(3600)
def test_accidents_lose_and_repeat_no_sample(tmp_path: Path) -> None:
    num_clips = len(kit.write_corpus(tmp_path, 48))
    told: list[str] = []
    data = open_speech(kit.speech(), base=tmp_path, environment={}, kept_bytes=0, warn=told.append)
    chance = random.Random(3)
    for epoch in range(NUM_TRIALS):
        expected = ledger(data, epoch=epoch, num_workers=0, accident=None)
        assert len(set(expected)) == num_clips
        # two workers are four batches ahead, so that one of the last ten has work to do
        accident = chance.randrange(10), signal.SIGSTOP if epoch % 5 == 0 else signal.SIGKILL
        assert ledger(data, epoch=epoch, num_workers=2, accident=accident) == expected
    assert 1 <= len(told) <= NUM_TRIALS
    assert all("the workers are started again" in line for line in told)
