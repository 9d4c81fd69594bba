"""What was tried: a line a run in ledger.jsonl, and the sums of them.

A run with a finding counts as tried, and for nothing else: what was tried since the last of them is the figure that is
promised, as the code that it ran on is without a known fault.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

LEDGER = Path(__file__).parent / "ledger.jsonl"
PAGE = Path(__file__).parents[1] / "docs" / "security.md"
_BEGIN, _END = "<!-- sums of fuzz/ledger.jsonl -->", "<!-- end -->"


@dataclass(frozen=True)
class Run:
    """One run.

    date      of its end, in UTC
    commit    the code that it ran on
    kind      "structured", or "bytes" of the coverage-guided one
    seed      what the inputs were made from
    seconds   wall time
    processes how many at once
    inputs    how many
    bytes     in all of them
    parsed    how many got past the parser
    planned   how many had a graph and a plan
    findings  different ones
    """

    date: str
    commit: str
    kind: str
    seed: str
    seconds: int
    processes: int
    inputs: int
    bytes: int
    parsed: int
    planned: int
    findings: int


@dataclass(frozen=True)
class Total:
    """All runs, and those after the last one with a finding."""

    runs: int
    inputs: int
    parsed: int
    planned: int
    clean_inputs: int


def read(path: Path = LEDGER) -> list[Run]:
    """All runs, the first one first."""
    return [Run(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines() if line]


def append(run: Run, path: Path = LEDGER) -> None:
    """One more run; the page has the sums of the committed ledger."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(run)) + "\n")
    if path == LEDGER:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
        words = f"{_BEGIN}\n{sentence(total(read(path)))}.\n{_END}"
        PAGE.write_text(before + words + rest.partition(_END)[2], encoding="utf-8")


def total(runs: Sequence[Run]) -> Total:
    """The sums."""
    clean = 0
    for run in runs:
        clean = 0 if run.findings else clean + run.inputs
    return Total(
        len(runs),
        sum(run.inputs for run in runs),
        sum(run.parsed for run in runs),
        sum(run.planned for run in runs),
        clean,
    )


def sentence(found: Total) -> str:
    """The sums in words, as docs/security.md has them."""
    return (
        f"{found.inputs:,} inputs in {found.runs} runs, {found.parsed:,} of them past the parser "
        f"({100 * found.parsed // max(1, found.inputs)} %) and {found.planned:,} planned; "
        f"{found.clean_inputs:,} since the last finding"
    )
