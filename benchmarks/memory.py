"""Resident memory of a training step against the plan's estimate, a fresh process for each case."""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import re
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s2sc.benchmarks.report import Report, hand_over, options_of, say

TARGET = 0.25

METHOD = """For each case a child process imports everything, trains a small model of the same components for two steps
(so that library code is loaded, threads are there and oneDNN has made its first kernels), collects garbage, gives free
blocks back (`malloc_trim`), reads VmRSS as the base, and resets the high-water mark (`5` to /proc/self/clear_refs).
Then it builds the model and takes optimizer steps through the trainer's own loop body, on a batch of the longest
examples that the data's limits allow. **Measured** is VmHWM after the last step less the base: weights, gradients,
optimizer, activations, work space, the batch itself, and whatever the allocator wastes.

**Estimate** is `s2sc plan`'s total for the same batch. Two allocators: glibc as it comes (its mmap threshold grows with
the blocks that are freed, so that freed memory stays with the process), and with `MALLOC_MMAP_THRESHOLD_=262144`, where
freed tensors go back at once and the mark is near what is live."""


@dataclass(frozen=True)
class Case:
    """A spec at a batch size and a precision."""

    spec: str
    examples: int
    precision: str
    steps: int = 3
    in_short: bool = False

    @property
    def name(self) -> str:
        return f"{Path(self.spec).stem}, batch {self.examples}, {self.precision}"


CASES = (
    Case("specs/wav2letter.s2s", 16, "fp32", in_short=True),
    Case("specs/wav2letter.s2s", 64, "fp32"),
    Case("specs/wav2letter.s2s", 64, "autocast(bf16)"),
    Case("specs/spoken_digits.s2s", 32, "autocast(bf16)", in_short=True),
    Case("specs/spoken_digits.s2s", 128, "fp32", in_short=True),
    Case("specs/spoken_digits.s2s", 128, "autocast(bf16)"),
    Case("specs/speech/wav2letter_plus.s2s", 2, "fp32", steps=2),
    Case("specs/speech/wav2letter_plus.s2s", 4, "fp32", steps=2),
    Case("specs/speech/wav2letter_plus.s2s", 4, "autocast(bf16)", steps=2),
)
ALLOCATORS = {"as it comes": {}, "freed at once": {"MALLOC_MMAP_THRESHOLD_": "262144"}}
FREE_BYTES = 2 * 2**30


def main() -> None:
    """Measure every case and hand over."""
    parser = options_of(__doc__)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(Case(**json.loads(options.child)))))
        return
    report = Report(
        "memory",
        "Memory of a training step against the plan",
        METHOD,
        ("case", "estimate", "measured", "ratio", "freed at once", "ratio"),
    )
    for case in CASES:
        if options.only in case.name and (case.in_short or not options.short or options.only):
            compare(case, report)
    report.figures["target"] = TARGET
    report.notes.append(f"A ratio is measured / estimate; the target is within {TARGET:.0%} of 1.")
    hand_over(report, options)


def compare(case: Case, report: Report) -> None:
    """Run one case under each allocator."""
    found: dict[str, dict[str, Any]] = {}
    for allocator, variables in ALLOCATORS.items():
        say(f"{case.name}: {allocator}")
        outcome = in_child(case, variables)
        if "skipped" in outcome:
            report.notes.append(f"{case.name} was left out: {outcome['skipped']}.")
            return
        found[allocator] = outcome
    cells = [case.name, _mega(found["as it comes"]["estimate"]["total"])]
    for outcome in found.values():
        outcome["ratio"] = outcome["measured"] / outcome["estimate"]["total"]
        cells += [_mega(outcome["measured"]), f"{outcome['ratio']:.2f}"]
    report.rows.append(cells)
    report.figures[case.name] = found


def in_child(case: Case, variables: dict[str, str]) -> dict[str, Any]:
    """What a fresh process measures."""
    done = subprocess.run(
        [sys.executable, __file__, "--child", json.dumps(vars(case))],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        return {"skipped": f"its process ended with {done.returncode}"}
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measure(case: Case) -> dict[str, Any]:
    """The high-water mark of the trainer's steps, in this process."""
    import torch
    from s2sc.benchmarks.made_up import TrainerOverBatches, compiled, longest_batch, noise_batch
    from s2sc.compiler.memory import memory

    sets = [f"hyperparameters.batch={case.examples} examples"]
    checked = compiled(case.spec, precision=case.precision, sets=sets)
    estimate = memory(checked.graph)
    needed = estimate.total + FREE_BYTES
    if needed > available_bytes():
        return {"skipped": f"it may need {_mega(needed)} and {_mega(available_bytes())} are free"}
    with tempfile.TemporaryDirectory() as folder:
        small = compiled("specs/wav2letter.s2s", precision=case.precision)
        warm = TrainerOverBatches(small, Path(folder, "warm"), device=torch.device("cpu"))
        for seed in range(2):
            warm.step(noise_batch(small, num_examples=2, seconds=(0.5, 1.0), tokens_per_second=5, seed=seed))
        warm.close()
        del warm
        gc.collect()
        give_back()
        base = resident_bytes("VmRSS")
        reset_high_water()
        ours = TrainerOverBatches(checked, Path(folder, "run"), device=torch.device("cpu"))
        batch = longest_batch(checked, case.examples)
        marks = []
        for _ in range(case.steps):
            ours.step(batch)
            marks.append(resident_bytes("VmHWM") - base)
        ours.close()
    parts = {**vars(estimate), "total": estimate.total}
    return {"estimate": parts, "measured": marks[-1], "after_each_step": marks, "base": base}


def available_bytes() -> int:
    """Memory that the machine could still give."""
    return _kilobytes(Path("/proc/meminfo"), "MemAvailable")


def resident_bytes(field: str) -> int:
    """VmRSS or VmHWM of this process."""
    return _kilobytes(Path("/proc/self/status"), field)


def reset_high_water() -> None:
    """Let VmHWM start anew from VmRSS; where the system does not allow it, the mark of the small model stays."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def give_back() -> None:
    """Give free blocks of the heap back to the system, where the C library can."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _kilobytes(path: Path, field: str) -> int:
    found = re.search(rf"^{field}:\s+(\d+) kB", path.read_text(), re.MULTILINE)
    assert found is not None, f"{path} has no {field}"
    return int(found[1]) * 1024


def _mega(number: int) -> str:
    return f"{number / 1e6:,.0f} MB"


if __name__ == "__main__":
    main()
