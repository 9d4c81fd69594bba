"""Kill training runs and keep count: see docs/reliability.md."""

from __future__ import annotations

import argparse
import secrets
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from .kills import Tally, killing
from .ledger import LEDGER, Kills, append


def main() -> int:
    """0, or 1 when anything was lost."""
    parser = argparse.ArgumentParser(prog="python -m s2sc.soak", description=__doc__)
    parser.add_argument("--kills", type=int, default=10_000)
    parser.add_argument("--stretch", type=int, default=500, help="kills that one line of the ledger counts")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    parser.add_argument("--ledger", type=Path, default=LEDGER)
    parser.add_argument("--folder", type=Path, help="where the runs are; a temporary folder if not given")
    given = parser.parse_args()
    lost = 0
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        began, noted = time.monotonic(), Tally()
        for found in killing(Path(folder), seed=given.seed):
            done = found.kills >= given.kills
            if found.kills - noted.kills < given.stretch and not done and not found.mismatches[lost:]:
                continue
            for mismatch in found.mismatches[lost:]:
                print(mismatch, file=sys.stderr)
            line = Kills(
                date=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                commit=_commit(),
                seed=given.seed,
                seconds=round(time.monotonic() - began),
                kills=found.kills - noted.kills,
                inside=found.inside - noted.inside,
                runs=found.runs - noted.runs,
                mismatches=len(found.mismatches) - lost,
            )
            append(line, given.ledger)
            print(
                f"{found.kills} kills, {found.inside} inside a checkpoint, {len(found.mismatches)} mismatches",
                flush=True,
            )
            began, noted, lost = time.monotonic(), Tally(found.kills, found.inside, found.runs), len(found.mismatches)
            if done:
                break
    return 1 if lost else 0


def _commit() -> str:
    found = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
