"""Two runs of a recipe side by side for a long time: one is watched, the other is killed again and again.

    python -m s2sc.soak.hours [SPEC] [--minutes 60] [--kill-every 60]

Of the first: memory, threads, processes and open files, which should stay what they are. Of the second: the steps that
it gets done beside the first one's, the share that is left of a machine that dies so often.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

SPEC = Path(__file__).parents[1] / "specs" / "spoken_digits.s2s"
# what a run still loads and keeps in its first part is no leak
SETTLED = 0.25
LOOK_SECONDS = 5.0


@dataclass
class Watched:
    """What was seen of a run, look by look.

    hours      since the start
    memory     resident bytes of the process and those below it
    files, threads, processes  open descriptors and threads of the process, processes with those below it
    """

    hours: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    processes: list[int] = field(default_factory=list)

    def look(self, pid: int, since: float) -> None:
        """Note what a process has now; nothing where it has ended."""
        try:
            family = [pid, *_below(pid)]
            seen = (
                sum(_resident(one) for one in family),
                len(os.listdir(f"/proc/{pid}/fd")),
                len(os.listdir(f"/proc/{pid}/task")),
                len(family),
            )
        except (FileNotFoundError, ProcessLookupError):
            return
        self.hours.append((time.monotonic() - since) / 3600)
        for into, value in zip((self.memory, self.files, self.threads, self.processes), seen, strict=True):
            into.append(value)

    def growth(self) -> float:
        """The slope of memory per hour as a share of its mean, once the run has settled."""
        begin = int(len(self.hours) * SETTLED)
        slope = statistics.linear_regression(self.hours[begin:], self.memory[begin:]).slope
        return slope / statistics.mean(self.memory[begin:])


@dataclass
class Endured:
    """What came of both.

    steps      of the run that nobody kills
    killed     of the other
    kills      how often it was killed
    restarts   seconds from each start to the first step beyond where it was killed
    codes      how both ended when they were asked to
    leftovers  temporary files that they left
    """

    watched: Watched = field(default_factory=Watched)
    steps: int = 0
    killed: int = 0
    kills: int = 0
    restarts: list[float] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, object]:
        """Figures for the page."""
        watched = self.watched
        return {
            "hours": round(watched.hours[-1], 3),
            "steps": self.steps,
            "memory_MiB": [round(min(watched.memory) / 2**20), round(max(watched.memory) / 2**20)],
            "memory_growth_per_hour": round(watched.growth(), 5),
            "files": [min(watched.files), max(watched.files)],
            "threads": [min(watched.threads), max(watched.threads)],
            "processes": [min(watched.processes), max(watched.processes)],
            "kills": self.kills,
            "steps_killed": self.killed,
            "goodput": round(self.killed / max(self.steps, 1), 4),
            "restart_seconds": round(statistics.median(self.restarts), 2) if self.restarts else None,
            "codes": self.codes,
            "leftovers": self.leftovers,
        }


def endure(spec: Path, folder: Path, *, minutes: float, kill_every: float, sets: Sequence[str] = ()) -> Endured:
    """Run both for so long, killing one every `kill_every` seconds."""
    found = Endured()
    whole, killed = folder / "whole", folder / "killed"
    since = time.monotonic()
    until = since + 60 * minutes
    steady, other = _start(spec, whole, sets), _start(spec, killed, sets)
    born, reached, looked, recovered = since, 0, since, True
    try:
        while (now := time.monotonic()) < until:
            if steady.poll() is not None or other.poll() is not None:
                break
            if now > looked + LOOK_SECONDS:
                looked = now
                found.watched.look(steady.pid, since)
            if not recovered and _step(killed) > reached:
                found.restarts.append(now - born)
                recovered = True
            if now > born + kill_every and now + kill_every < until:
                reached = _step(killed)
                other.kill()
                other.wait()
                found.kills += 1
                other, born, recovered = _start(spec, killed, sets), now, False
            time.sleep(0.05)
        found.steps, found.killed = _step(whole), _step(killed)
    finally:
        for process in (steady, other):
            process.send_signal(signal.SIGTERM)
        for process in (steady, other):
            found.codes.append(process.wait())
    found.leftovers = sorted(path.name for path in folder.rglob("*") if path.suffix in (".tmp", ".trash"))
    return found


def _start(spec: Path, run: Path, sets: Sequence[str]) -> subprocess.Popen[bytes]:
    settings = [word for one in ("hyperparameters.stop=100000000 steps", *sets) for word in ("--set", one)]
    words = [sys.executable, "-m", "s2sc", "compile", str(spec), "--train", "--out", str(run), *settings]
    with (run.parent / f"{run.name}.log").open("ab") as log:
        return subprocess.Popen([*words, "--resume"] if run.exists() else words, stdout=log, stderr=log)


def _step(run: Path) -> int:
    """The last step that was written down."""
    try:
        lines = (run / "metrics.jsonl").read_bytes().splitlines()
    except FileNotFoundError:
        return 0
    # the last line may be half there
    for line in reversed(lines[-3:]):
        try:
            return int(json.loads(line)["step"])
        except ValueError:
            continue
    return 0


def _below(pid: int) -> list[int]:
    """All processes below one."""
    found: list[int] = []
    for task in os.listdir(f"/proc/{pid}/task"):
        for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split():
            found += [int(child), *_below(int(child))]
    return found


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> int:
    """0, or 1 where something was left behind or a run ended by itself."""
    parser = argparse.ArgumentParser(
        prog="python -m s2sc.soak.hours", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("spec", type=Path, nargs="?", default=SPEC)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--kill-every", type=float, default=60.0, metavar="SECONDS")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE")
    parser.add_argument("--folder", type=Path, help="where the runs are; a temporary folder if not given")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        found = endure(given.spec, Path(folder), minutes=given.minutes, kill_every=given.kill_every, sets=given.set)
        if found.codes != [os.EX_TEMPFAIL] * 2:
            for log in sorted(Path(folder).glob("*.log")):
                print(*log.read_text(errors="replace").splitlines()[-20:], sep="\n", file=sys.stderr)
    print(json.dumps(found.to_json()))
    return int(found.codes != [os.EX_TEMPFAIL] * 2 or bool(found.leftovers))


if __name__ == "__main__":
    sys.exit(main())
