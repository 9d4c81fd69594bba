"""A worker that dies, hangs or raises costs no batch and repeats none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from s2sc.runtime.data.batch import Batch
from s2sc.runtime.data.loader import Made, WorkerFailed, load


def batch(number: int) -> Batch:
    return Batch({"x": torch.full((2, 3), float(number))}, {"x": torch.tensor([3, 3])}, ("a", "b"), ("", ""), 0, number)


class Maker:
    """Makes batches; the first worker that gets to `number` meets with an accident."""

    def __init__(self, folder: Path, number: int = -1, accident: str = "", *, always: bool = False) -> None:
        self.mark = folder / "happened"
        self.number = number
        self.accident = accident
        self.always = always

    def __call__(self, number: int) -> Made:
        if number == self.number and (self.always or not self.mark.exists()):
            self.mark.touch()
            if self.accident == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.accident == "stop":
                os.kill(os.getpid(), signal.SIGSTOP)
            if self.accident == "hang":
                time.sleep(1000)
            if self.accident == "raise":
                raise ValueError("an accident")
        return Made(batch(number))


def numbers(made: Iterator[Made]) -> list[int]:
    return [int(piece.batch.inputs["x"][0, 0]) for piece in made if piece.batch is not None]


@pytest.mark.parametrize("accident", ["kill", "stop", "hang"])
@pytest.mark.parametrize("at", [0, 7, 19])
def test_no_batch_is_lost_or_repeated(tmp_path: Path, accident: str, at: int) -> None:
    told: list[str] = []
    made = load(Maker(tmp_path, at, accident), range(20), num_workers=2, timeout_seconds=1.5, warn=told.append)
    assert numbers(made) == list(range(20))
    assert len(told) == 1
    assert ("died" if accident == "kill" else "nothing for 1.5 s") in told[0]


def test_workers_that_fail_again_and_again_are_an_error(tmp_path: Path) -> None:
    seen: list[int] = []
    made = load(Maker(tmp_path, 3, "kill", always=True), range(20), num_workers=2)
    with pytest.raises(WorkerFailed, match="4 times in a row, at batch"):
        seen.extend(piece.batch.number for piece in made if piece.batch is not None)
    assert seen == list(range(len(seen)))
    assert len(seen) <= 3


@pytest.mark.parametrize("num_workers", [0, 2])
def test_what_a_worker_raises_is_raised_here(tmp_path: Path, num_workers: int) -> None:
    with pytest.raises(ValueError, match="an accident"):
        numbers(load(Maker(tmp_path, 3, "raise"), range(20), num_workers=num_workers))


def test_workers_end_when_nobody_wants_more(tmp_path: Path) -> None:
    made = load(Maker(tmp_path), range(1000), num_workers=2)
    next(made)
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    if not children.exists():
        pytest.skip("only Linux tells of a process's children, in /proc")
    assert len(children.read_text().split()) >= 2
    made.close()
    assert children.read_text().split() == []


def test_interrupting_the_whole_group_leaves_workers_at_work(tmp_path: Path) -> None:
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    if not children.exists():
        pytest.skip("only Linux tells of a process's children, in /proc")
    told: list[str] = []
    made = load(Maker(tmp_path), range(30), num_workers=2, warn=told.append)
    assert next(made).batch is not None
    for child in children.read_text().split():
        os.kill(int(child), signal.SIGINT)
    assert numbers(made) == list(range(1, 30))
    assert told == []


def test_workers_end_with_a_killed_trainer() -> None:
    code = """
import os, time
from s2sc.runtime.data.loader import Made, load
made = load(lambda number: Made(None) if number == 0 else time.sleep(1000), range(9), num_workers=2)
next(made)
print(open(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read(), flush=True)
time.sleep(1000)
"""
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux tells of a process's children, in /proc")
    trainer = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert trainer.stdout is not None
    workers = [int(number) for number in trainer.stdout.readline().split()]
    trainer.kill()
    trainer.wait()
    assert len(workers) >= 2
    for _ in range(200):
        if not any(is_running(worker) for worker in workers):
            return
        time.sleep(0.05)
    pytest.fail("a worker still runs")


def is_running(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
