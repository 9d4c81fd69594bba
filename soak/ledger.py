"""What was killed: a line a run of `make soak` in ledger.jsonl, and the sums of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

LEDGER = Path(__file__).parent / "ledger.jsonl"
PAGE = Path(__file__).parents[1] / "docs" / "reliability.md"
_BEGIN, _END = "<!-- sums of soak/ledger.jsonl -->", "<!-- end -->"


@dataclass(frozen=True)
class Kills:
    """One stretch of kills.

    date        of its end, in UTC
    commit      the code that it ran on
    seed        what the moments were drawn from
    seconds     wall time
    kills       how many
    inside      of them, those inside the write of a checkpoint
    runs        runs that were started again until they ended; on a slow machine some end before a kill comes
    mismatches  things lost, torn, doubled or other than in the run that nobody killed
    note        what was found out about the mismatches
    """

    date: str
    commit: str
    seed: int
    seconds: int
    kills: int
    inside: int
    runs: int
    mismatches: int
    note: str = ""


def read(path: Path = LEDGER) -> list[Kills]:
    """All stretches, the first one first."""
    return [Kills(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines() if line]


def append(kills: Kills, path: Path = LEDGER) -> None:
    """One more stretch; the page has the sums of the committed ledger."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(kills)) + "\n")
    if path == LEDGER:
        write_page()


def write_page() -> None:
    """Put the sums into the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    words = f"{_BEGIN}\n{sentence(read())}.\n{_END}"
    PAGE.write_text(before + words + rest.partition(_END)[2], encoding="utf-8")


def sentence(found: Sequence[Kills]) -> str:
    """The sums in words, as docs/reliability.md has them."""
    kills, inside = sum(one.kills for one in found), sum(one.inside for one in found)
    notes = "".join(f"; {note}" for note in dict.fromkeys(one.note for one in found if one.note))
    return (
        f"{kills:,} kills in {sum(one.runs for one in found):,} runs, {inside:,} of them inside the write of a "
        f"checkpoint ({100 * inside // max(1, kills)} %), {sum(one.mismatches for one in found):,} mismatches{notes}"
    )
