"""SIGINT, SIGTERM and SIGUSR1 at any moment: no step is lost; a second one ends at once and the checkpoints load."""

from __future__ import annotations

import mmap
import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest
import torch
from s2sc.runtime.checkpoint import checkpoint_steps, load_checkpoint
from s2sc.runtime.training.ended import Stopped
from s2sc.runtime.training.state import is_finite
from s2sc.runtime.training.stopping import StopRequest

from ..nightly import tries
from ..runtime.training import conftest as kit

STOPPED, INTERRUPTED = 75, 130
NUM_SIGNALS = tries(40, 1000)
SETS = tuple(
    f"hyperparameters.{one}"
    for one in ("stop=40 steps", "log=1 steps", "evaluate=10 steps", "checkpoint.every=7 steps", "workers=0")
)


class Heeding:
    """What a child tells: whether it is where it listens to signals. Before and after, they do what they always do."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, mmap.PAGESIZE)

    @property
    def now(self) -> bool:
        return self._shared[0] == 1

    def tell(self, now: bool) -> None:
        self._shared[0] = now


def start(corpus: Path, run: Path, heeding: Heeding) -> int:
    """A forked child that trains; torch is loaded and starts no thread before it."""
    heeding.tell(False)
    child = os.fork()
    if child:
        return child
    code = 70
    enter, leave = StopRequest.__enter__, StopRequest.__exit__

    def entered(self: StopRequest) -> StopRequest:
        enter(self)
        heeding.tell(True)
        return self

    def left(self: StopRequest, *exception: object) -> None:
        heeding.tell(False)
        leave(self, *exception)

    StopRequest.__enter__, StopRequest.__exit__ = entered, left  # type: ignore[method-assign]  # of this child alone
    try:
        torch.set_num_threads(1)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        kit.trained(corpus, run, *SETS, resume=True)
        code = 0
    except Stopped:
        code = STOPPED
    except KeyboardInterrupt:
        code = INTERRUPTED
    finally:
        os._exit(code)


def has_ended(child: int) -> bool:
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kit.write_corpus(tmp_path_factory.mktemp("tones"))


@pytest.mark.skipif(sys.platform != "linux", reason="children are forks")
@pytest.mark.timeout(3600)
def test_signals_lose_no_step(corpus: Path, tmp_path: Path) -> None:
    began = time.monotonic()
    kit.trained(corpus, tmp_path / "whole", *SETS)
    seconds = time.monotonic() - began
    expected = kit.state_of(kit.newest(tmp_path / "whole")), kit.metrics_of(tmp_path / "whole")
    chance = random.Random(5)
    sent = runs = twice = 0
    heeding = Heeding()
    while sent < NUM_SIGNALS:
        run = tmp_path / f"run {runs}"
        runs += 1
        while True:
            child = start(corpus, run, heeding)
            while not heeding.now and not has_ended(child):
                time.sleep(0.001)
            time.sleep(chance.uniform(0, 0.4) * seconds)
            number = chance.choice((signal.SIGINT, signal.SIGTERM, signal.SIGUSR1))
            second = chance.choice((signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)) if chance.random() < 0.25 else None
            heeded = heeding.now
            # who ended already is a zombie until it is waited for: its number is nobody else's
            os.kill(child, number)
            if second:
                time.sleep(chance.uniform(0, 0.01))
                os.kill(child, second)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            # where the machine is faster or slower than it was at first
            seconds *= 0.9 if code == 0 else 1.05
            if code == 0:
                break
            if not heeded or code == -number:
                # it came just before or after
                assert code in (-number, INTERRUPTED)
                continue
            sent += 1
            twice += code != STOPPED
            if code == STOPPED:
                newest = kit.newest(run)
                steps = [line["step"] for line in kit.metrics_of(run) if "split" not in line]
                assert steps == list(range(1, newest.step + 1))
            else:
                # the second one may come when the first has been heeded, and then it does what it always does
                assert second is not None
                assert code in (INTERRUPTED, -second)
            for step in checkpoint_steps(run / "checkpoints"):
                found = load_checkpoint(run / "checkpoints", step=step)
                assert found is not None
                assert is_finite(found)
        assert (kit.state_of(kit.newest(run)), kit.metrics_of(run)) == expected
    assert sent - twice >= NUM_SIGNALS // 2
