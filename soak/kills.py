"""kill -9 at random moments of a run, which is then started again, until it ends; and that nothing was lost by it.

The process that kills has torch loaded and has trained once, so that each trial is a fork. It runs one thread and
starts none that outlives a run: a fork carries only the thread that forks.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import random
import shutil
import signal
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ..compiler.front import analyse
from ..compiler.graph import CheckedGraph
from ..dsl.source import Source
from ..runtime.checkpoint import Checkpoint, CheckpointError, checkpoint_steps, load_checkpoint, save_checkpoint
from ..runtime.data.opening import open_data
from ..runtime.run_folder import Run
from ..runtime.training import keeping
from ..runtime.training.quiet import QuietProgress
from ..runtime.training.trainer import train
from .tones import SPEC, write_tones

# Of the kills, those that wait for a write of a checkpoint to begin; the others fall anywhere.
AIMED = 0.25
# Kills in a row without a new checkpoint, after which twice as long is waited for, and after which none will come.
STUCK_FOR_TWICE = 8
MOST_WITHOUT_PROGRESS = 200
_TIMES = ("seconds", "examples_per_second")


@dataclass
class Tally:
    """What came of the kills.

    kills       processes that were killed while they trained
    inside      of them, those that were writing a checkpoint
    runs        runs that were started again until they ended; on a slow machine some end before a kill comes
    mismatches  what was lost, torn, doubled or other than in the run that nobody killed
    """

    kills: int = 0
    inside: int = 0
    runs: int = 0
    mismatches: list[str] = field(default_factory=list)


class Watched:
    """What a process tells the one that kills it: is a checkpoint being written, and which one was committed last."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, mmap.PAGESIZE)
        self.clear()

    def clear(self) -> None:
        self._shared[:9] = bytes(9)

    @property
    def writing(self) -> bool:
        return self._shared[0] == 1

    @property
    def committed(self) -> int:
        return int.from_bytes(self._shared[1:9], "little") - 1

    def save(self, folder: Path, checkpoint: Checkpoint, **settings: Any) -> Path:
        """save_checkpoint, watched."""
        self._shared[0] = 1
        path = save_checkpoint(folder, checkpoint, **settings)
        self._shared[1:9] = (checkpoint.step + 1).to_bytes(8, "little")
        self._shared[0] = 0
        return path


def killing(folder: Path, *, seed: int) -> Iterator[Tally]:
    """Kill runs in a folder of their own, without an end: gives the tally so far after each run."""
    torch.set_num_threads(1)
    chance = random.Random(seed)
    corpus = folder / "corpus"
    write_tones(corpus)
    checked = analyse(Source("tones.s2s", SPEC)).checked
    assert checked is not None
    # the first run loads what torch loads late
    _train(checked, corpus, folder / "first")
    began = time.monotonic()
    _train(checked, corpus, folder / "whole")
    whole_seconds = time.monotonic() - began
    expected = trace_of(folder / "whole")
    tally = Tally()
    while True:
        _one_run(checked, corpus, folder / "killed", expected, whole_seconds, chance, tally)
        shutil.rmtree(folder / "killed")
        yield tally


def _one_run(
    checked: CheckedGraph,
    corpus: Path,
    run: Path,
    expected: dict[str, Any],
    whole_seconds: float,
    chance: random.Random,
    tally: Tally,
) -> None:
    watched = Watched()
    newest, stuck = -1, 0
    while True:
        watched.clear()
        child = os.fork()
        if child == 0:
            _child(checked, corpus, run, watched)
        aimed = chance.random() < AIMED
        # where others take the processor a run needs longer to come to its first step
        longest = whole_seconds * (1 + stuck / STUCK_FOR_TWICE)
        ended = _wait(child, chance.uniform(0, longest / 2), watched, aimed=aimed)
        if ended is None:
            if aimed:
                time.sleep(chance.uniform(0, longest / 60))
            os.kill(child, signal.SIGKILL)
            ended = os.waitpid(child, 0)[1]
        if os.WIFSIGNALED(ended) and os.WTERMSIG(ended) == signal.SIGKILL:
            tally.kills += 1
            tally.inside += watched.writing
            newest, before = check_killed(run, max(newest, watched.committed), tally), newest
            stuck = 0 if newest > before else stuck + 1
            if stuck > MOST_WITHOUT_PROGRESS:
                tally.mismatches.append(f"no progress in {stuck} kills after step {newest}")
                break
            continue
        if ended:
            tally.mismatches.append(f"a run that went on after a kill ended with {os.waitstatus_to_exitcode(ended)}")
            break
        found = trace_of(run)
        tally.mismatches += [
            f"{name} is other than in the whole run" for name in expected if found[name] != expected[name]
        ]
        break
    tally.runs += 1


def _child(checked: CheckedGraph, corpus: Path, run: Path, watched: Watched) -> None:
    code = 1
    try:
        vars(keeping)["save_checkpoint"] = watched.save
        _train(checked, corpus, run)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        # nothing of the parent's is to be flushed or closed here
        os._exit(code)


def _train(checked: CheckedGraph, corpus: Path, folder: Path) -> None:
    run = Run(folder)
    if not (folder / "graph.json").is_file():
        run.begin(checked, spec_text=SPEC, base=corpus, started_with={})
    with run.held():
        data = open_data(checked, base=corpus, environment={})
        train(checked, run, data, device=torch.device("cpu"), progress=QuietProgress(), resume=True)


def _wait(child: int, seconds: float, watched: Watched, *, aimed: bool) -> int | None:
    """Until the time has passed, or a write of a checkpoint began where that is aimed at, or the process ended: how."""
    until = time.monotonic() + (60 if aimed else seconds)
    while time.monotonic() < until and not (aimed and watched.writing):
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status
        time.sleep(0.0005)
    return None


def check_killed(run: Path, committed: int, tally: Tally) -> int:
    """What a kill left: all checkpoints whole, none lost that was committed, no line of metrics torn but the last."""
    folder = run / "checkpoints"
    steps = checkpoint_steps(folder)
    for step in steps:
        try:
            load_checkpoint(folder, step=step)
        except CheckpointError as error:
            tally.mismatches.append(f"a checkpoint is half: {error}")
    newest = steps[-1] if steps else -1
    if newest < committed:
        tally.mismatches.append(f"step {committed} was committed and the newest is {newest}")
    if (run / "metrics.jsonl").exists():
        for line in (run / "metrics.jsonl").read_bytes().split(b"\n")[:-1]:
            try:
                json.loads(line)
            except ValueError:
                tally.mismatches.append(f"a line of metrics is torn: {line[:80]!r}")
    return max(newest, committed)


def trace_of(run: Path) -> dict[str, Any]:
    """All that a run leaves which must be the same to the bit: the newest state, its metrics, samples and result."""
    newest = load_checkpoint(run / "checkpoints")
    assert newest is not None
    tensors = {
        f"{group}/{name}": hashlib.sha256(bytes(tensor.contiguous().view(-1).view(torch.uint8).tolist())).hexdigest()
        for group, held in newest.tensors.items()
        for name, tensor in held.items()
    }
    return {
        "the step": newest.step,
        "the state": _timeless(newest.state),
        "a tensor": tensors,
        "metrics.jsonl": [_timeless(json.loads(line)) for line in (run / "metrics.jsonl").read_bytes().splitlines()],
        "samples.jsonl": [_timeless(json.loads(line)) for line in (run / "samples.jsonl").read_bytes().splitlines()],
        "result.json": _timeless(json.loads((run / "result.json").read_bytes())),
    }


def _timeless(record: Any) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in _TIMES}
