"""The account of every record that does not reach training: refused or left out, by reason, never in silence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from .example import Problem

OnBad = Literal["skip", "fail"]

SHOWN = 10
LISTED = 100


@dataclass(frozen=True)
class BadLimit:
    """How much bad input `on_bad = "skip"` goes on with: it stops where both the share and the count are passed.

    The count keeps a handful of broken records from stopping a small corpus.
    """

    share: float = 0.01
    count: int = 100

    def passed(self, bad: int, records: int) -> bool:
        return bad > self.count and bad > self.share * records


BAD_LIMIT = BadLimit()


class BadData(Exception):
    """Training cannot go on with this data.

    code      "bad_records" (on_bad = "fail"), "too_many_bad_records", "no_root", "no_corpus", "bad_manifest",
              "bad_archive", "bad_text_file", "tokenizer" (cannot be trained), "bad_tokens" (of a run), "batch",
              "empty_split", "reading" (not a record's fault)
    problems  what was found, in order
    """

    def __init__(self, code: str, message: str, problems: tuple[Problem, ...] = ()) -> None:
        lines = [str(problem) for problem in problems[:LISTED]]
        if len(problems) > LISTED:
            lines.append(f"and {len(problems) - LISTED} more")
        super().__init__("\n".join([message, *lines]))
        self.code = code
        self.message = message
        self.problems = problems

    def __reduce__(self) -> tuple[type[BadData], tuple[str, str, tuple[Problem, ...]]]:
        return BadData, (self.code, self.message, self.problems)


@dataclass
class Tally:
    """Counts of one data set.

    on_bad    "skip": a warning for each of the first records, all counted; "fail": stop
    warn      where a warning goes
    refused   every bad record once, in the order found
    left_out  records that are sound but not used ("too_short", "too_long", "infeasible"), by reason and split
    """

    on_bad: OnBad = "skip"
    limit: BadLimit = BAD_LIMIT
    warn: Callable[[str], None] = lambda message: None
    records: int = 0
    refused: list[Problem] = field(default_factory=list)
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)
    _known: set[tuple[str, int]] = field(default_factory=set)

    def refuse(self, problems: Iterable[Problem]) -> None:
        """Account for bad records, each once however often it is met; raises BadData as the policy says."""
        new: list[Problem] = []
        for problem in problems:
            if (problem.manifest, problem.line) not in self._known:
                self._known.add((problem.manifest, problem.line))
                new.append(problem)
        for number, problem in enumerate(new, start=len(self.refused) + 1):
            if self.on_bad == "skip" and number <= SHOWN:
                self.warn(f"skipped {problem}")
            elif self.on_bad == "skip" and number == SHOWN + 1:
                self.warn("more bad records are counted and not shown")
        self.refused.extend(new)
        if new and self.on_bad == "fail":
            message = f'{_count(len(self.refused), "bad record")} and on_bad is "fail"'
            raise BadData("bad_records", message, tuple(self.refused))
        if new and self.limit.passed(len(self.refused), self.records):
            share = 100 * len(self.refused) / max(1, self.records)
            message = f"{len(self.refused)} of {self.records} records are bad ({share:.1f} %); "
            message += f"up to {100 * self.limit.share:g} % are skipped"
            raise BadData("too_many_bad_records", message, tuple(self.refused))

    def leave_out(self, reason: str, split: str, count: int = 1) -> None:
        """Account for sound records that are not used."""
        if count:
            self.left_out[reason, split] += count

    def by_reason(self) -> dict[str, int]:
        """Bad records by reason code, most frequent first."""
        return dict(Counter(problem.reason for problem in self.refused).most_common())

    def lines(self) -> list[str]:
        """The final account in words; empty where nothing was lost."""
        lines: list[str] = []
        if self.refused:
            reasons = ", ".join(f"{reason} {count}" for reason, count in self.by_reason().items())
            lines.append(f"skipped {len(self.refused)} of {self.records} records: {reasons}")
        for (reason, split), count in sorted(self.left_out.items()):
            lines.append(f"left out {count} of {split}: {LEFT_OUT.get(reason, reason)}")
        return lines

    def to_json(self) -> dict[str, object]:
        """The account for result.json."""
        left_out: dict[str, dict[str, int]] = {}
        for (reason, split), count in sorted(self.left_out.items()):
            left_out.setdefault(split, {})[reason] = count
        return {"records": self.records, "refused": self.by_reason(), "left_out": left_out}


LEFT_OUT = {
    "too_short": "shorter than `keep` allows",
    "too_long": "longer than `keep` allows",
    "infeasible": "more labels than frames are left after the strides",
    "too_many_labels": "more labels than `labels` allows",
}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
