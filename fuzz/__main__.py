"""python -m s2sc.fuzz: try inputs for a while, and write into the ledger how many."""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from . import ledger, structured
from .structured import FINDINGS, Tally


def main() -> int:
    """Exit code 1 if there is a finding."""
    options = _options()
    if options.fold:
        for run in ledger.read(options.fold):
            ledger.append(run, options.ledger)
        print(ledger.sentence(ledger.total(ledger.read(options.ledger))))
        return 0
    known, end = set[str](), time.monotonic() + options.seconds
    while (left := end - time.monotonic()) > 0.5:
        seed, began = options.seed or secrets.token_hex(4), time.monotonic()
        seconds = min(left, options.slice)
        if options.kind == "bytes":
            from . import bytes_harness

            try:
                tally = bytes_harness.run(seconds, seed, options.processes, options.findings)
            except bytes_harness.Missing as missing:
                print(f"skipped: {missing}", file=sys.stderr)
                return 0
        else:
            tally = structured.run(seconds, seed, options.processes, options.findings)
        run = _entry(options, seed, time.monotonic() - began, tally)
        if not options.dry:
            ledger.append(run, options.ledger)
        known |= tally.findings
        print(f"{run.inputs:,} inputs in {run.seconds} s ({run.inputs // max(1, run.seconds)} a second),", end=" ")
        print(f"{100 * run.parsed // max(1, run.inputs)} % past the parser, {run.planned:,} planned,", end=" ")
        print(f"{run.findings} findings; {dict(tally.kinds)}", flush=True)
    for kind in sorted(known):
        print(f"finding: {options.findings / kind}.s2s and .txt", file=sys.stderr)
    return 1 if known else 0


def _options() -> argparse.Namespace:
    words = argparse.ArgumentParser(prog="python -m s2sc.fuzz", description=__doc__)
    words.add_argument("--seconds", type=float, default=60)
    words.add_argument("--slice", type=float, default=600, help="seconds of one line of the ledger")
    words.add_argument("--kind", choices=("structured", "bytes"), default="structured")
    words.add_argument("--seed", default="", help="the same inputs again; chosen by chance if it is not given")
    words.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    words.add_argument("--findings", type=Path, default=FINDINGS, help="folder of the inputs that broke a promise")
    words.add_argument("--ledger", type=Path, default=ledger.LEDGER)
    words.add_argument("--dry", action="store_true", help="write no line into the ledger")
    words.add_argument("--fold", type=Path, metavar="FILE", help="only add the lines of another ledger to this one")
    return words.parse_args()


def _entry(options: argparse.Namespace, seed: str, seconds: float, tally: Tally) -> ledger.Run:
    return ledger.Run(
        date=datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ"),
        commit=_commit(),
        kind=options.kind,
        seed=seed,
        seconds=round(seconds),
        processes=options.processes,
        inputs=tally.inputs,
        bytes=tally.bytes,
        parsed=tally.parsed,
        planned=tally.planned,
        findings=len(tally.findings),
    )


def _commit() -> str:
    root = Path(__file__).parents[1]
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude=*"], cwd=root, capture_output=True, text=True, check=False
    )
    return told.stdout.strip() or "unknown"


sys.exit(main())
