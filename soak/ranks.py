"""Two processes that train together: one is killed or freezes, or both are killed; the other notices, the run goes on.

    python -m s2sc.soak.ranks [--trials 60] [--seed N]

Each start is two forks of a process that has torch loaded, which meet in a file over gloo.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import random
import secrets
import shutil
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import torch

from ..compiler.front import analyse
from ..compiler.graph import CheckedGraph
from ..dsl.source import Source
from ..runtime.data.opening import open_data
from ..runtime.distributed import PeerLost, meeting
from ..runtime.place_in_world import Place
from ..runtime.run_folder import Run
from ..runtime.training.quiet import QuietProgress
from ..runtime.training.trainer import train
from .kills import Tally, check_killed, trace_of
from .tones import SPEC, write_tones

# a peer that gives no sign for so long is taken for frozen; longer than a step on a busy machine
TIMEOUT_SECONDS = 3.0
# after which a process that should have ended never will
MOST_SECONDS = 60.0
# how a process ends that has lost another one
LOST = 3
SPEC_OF_TWO = SPEC.replace("batch = 3 examples", "batch = 2 examples").replace(" -> dropout(0.02)", "")


@dataclass
class Trials:
    """What came of the trials.

    killed, frozen  how many processes
    noticed         seconds until the other one had ended, after a death and after a freeze
    mismatches      what was lost, torn, other than in the run that nobody harmed, or never ended
    """

    killed: int = 0
    frozen: int = 0
    runs: int = 0
    noticed: dict[str, list[float]] = field(default_factory=lambda: {"killed": [], "frozen": []})
    mismatches: list[str] = field(default_factory=list)


def harm(folder: Path, *, trials: int, seed: int) -> Trials:
    """Harm runs of two processes until there were that many trials."""
    torch.set_num_threads(1)
    chance = random.Random(seed)
    corpus = folder / "corpus"
    write_tones(corpus)
    checked = analyse(Source("tones.s2s", SPEC_OF_TWO)).checked
    assert checked is not None
    _loaded(checked, corpus, folder / "first")
    began = time.monotonic()
    found = Trials()
    _both_end(_start(checked, corpus, folder / "whole", 0), found, "the run that nobody harms")
    seconds, expected = time.monotonic() - began, trace_of(folder / "whole")
    while found.killed + found.frozen < trials and not found.mismatches:
        _one_run(checked, corpus, folder / "harmed", expected, seconds, chance, found)
        shutil.rmtree(folder / "harmed")
    return found


def _loaded(checked: CheckedGraph, corpus: Path, folder: Path) -> None:
    """Let torch load what it loads late, before anything forks."""
    run = Run(folder)
    run.begin(checked, spec_text=SPEC_OF_TWO, base=corpus, started_with={})
    data = open_data(checked, base=corpus, environment={})
    train(checked, run, data, device=torch.device("cpu"), progress=QuietProgress())


def _one_run(
    checked: CheckedGraph,
    corpus: Path,
    run: Path,
    expected: dict[str, object],
    seconds: float,
    chance: random.Random,
    found: Trials,
) -> None:
    newest, start, stuck = -1, 0, 0
    while not found.mismatches:
        start += 1
        pids = _start(checked, corpus, run, start)
        until = time.monotonic() + chance.uniform(0, seconds) * (1 + stuck / 4)
        while time.monotonic() < until and not any(_ended(pid) for pid in pids):
            time.sleep(0.001)
        if any(_ended(pid) for pid in pids):
            _both_end(pids, found, "a run that went on")
            break
        how = chance.choice(("first", "second", "both", "first frozen", "second frozen"))
        harmed = pids if how == "both" else [pids[how.startswith("second")]]
        for pid in harmed:
            os.kill(pid, signal.SIGSTOP if how.endswith("frozen") else signal.SIGKILL)
        began = time.monotonic()
        kind = "frozen" if how.endswith("frozen") else "killed"
        for pid in pids:
            if pid not in harmed:
                code = _wait(pid)
                if code is None or code not in (0, LOST):
                    found.mismatches.append(f"{how}: the other one ended with {code}")
                found.noticed[kind].append(time.monotonic() - began)
        for pid in harmed:
            if kind == "frozen":
                # it wakes up, finds itself alone, and must do no harm
                os.kill(pid, signal.SIGCONT)
            if _wait(pid) is None:
                found.mismatches.append(f"{how}: it never ended")
        found.killed += len(harmed) * (kind == "killed")
        found.frozen += kind == "frozen"
        tally = Tally()
        newest, before = check_killed(run, newest, tally), newest
        stuck = 0 if newest > before else stuck + 1
        found.mismatches += tally.mismatches
    else:
        return
    trace = trace_of(run)
    found.mismatches += [f"{name} is other than in the whole run" for name in expected if trace[name] != expected[name]]
    found.runs += 1


def _start(checked: CheckedGraph, corpus: Path, run: Path, start: int) -> list[int]:
    """Two processes that train together, from the newest checkpoint where there is one."""
    if not (run / "graph.json").is_file():
        Run(run).begin(checked, spec_text=SPEC_OF_TWO, base=corpus, started_with={})
    store = run.parent / f"{run.name}.{start}.store"
    store.unlink(missing_ok=True)
    pids = []
    for rank in (0, 1):
        pid = os.fork()
        if pid == 0:
            _child(rank, store, checked, corpus, run)
        pids.append(pid)
    _RESULTS.clear()
    return pids


def _child(rank: int, store: Path, checked: CheckedGraph, corpus: Path, run: Path) -> None:
    import torch.distributed as dist

    code = 1
    # where it hangs, if it does
    faulthandler.register(signal.SIGUSR2)
    try:
        met = dist.FileStore(str(store), 2)  # type: ignore[attr-defined]  # torch's stubs do not export it
        met.set_timeout(timedelta(seconds=TIMEOUT_SECONDS))
        with meeting(Place(rank, 2, rank, "", 0), met, "cpu", timeout_seconds=TIMEOUT_SECONDS) as world:
            data = open_data(checked, base=corpus, environment={})
            train(checked, Run(run), data, device=world.device, progress=QuietProgress(), resume=True, world=world)
        code = 0
    except PeerLost:
        code = LOST
    except BaseException:
        traceback.print_exc()
    finally:
        # nothing of the parent's is to be flushed or closed here
        os._exit(code)


_RESULTS: dict[int, int] = {}


def _ended(pid: int) -> bool:
    """Whether a child has ended; its code is kept."""
    if pid not in _RESULTS:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            _RESULTS[pid] = os.waitstatus_to_exitcode(status)
    return pid in _RESULTS


def _wait(pid: int) -> int | None:
    """The code of a child; None if it does not end, which is then ended."""
    until = time.monotonic() + MOST_SECONDS
    while time.monotonic() < until:
        if _ended(pid):
            return _RESULTS[pid]
        time.sleep(0.001)
    os.kill(pid, signal.SIGUSR2)
    time.sleep(1)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def _both_end(pids: list[int], found: Trials, what: str) -> None:
    codes = [_wait(pid) for pid in pids]
    if codes != [0, 0]:
        found.mismatches.append(f"{what} ended with {codes}")


def main() -> int:
    """0, or 1 when anything was lost."""
    parser = argparse.ArgumentParser(prog="python -m s2sc.soak.ranks", description=__doc__)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    parser.add_argument("--folder", type=Path, help="where the runs are; a temporary folder if not given")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        found = harm(Path(folder), trials=given.trials, seed=given.seed)
    for mismatch in found.mismatches:
        print(mismatch, file=sys.stderr)
    slowest = ", ".join(f"{max(times):.1f} s after one was {kind}" for kind, times in found.noticed.items() if times)
    print(
        f"{found.killed} killed, {found.frozen} frozen, {found.runs} runs, {len(found.mismatches)} mismatches, "
        f"the other one had ended at most {slowest}"
    )
    return 1 if found.mismatches else 0


if __name__ == "__main__":
    sys.exit(main())
