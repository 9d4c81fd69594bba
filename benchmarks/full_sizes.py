"""Full sizes of translators, five steps each on made-up sentences: weights, time, loss and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import s2sc
from s2sc.benchmarks.report import CHECKOUT, Report, hand_over, say
from s2sc.compiler.plan import plan

SPECS = ("transformer_base", "transformer_big", "gnmt", "convs2s")
NARROW = ("--set", "data.tokens.size=2000", "--set", "hyperparameters.batch=128 tokens")
METHOD = """Each is `s2sc compile specs/translation/NAME.s2s --train --profile generated` in a process of its own: the
sizes of WMT English to German in fp32, a vocabulary of 32,768, five steps of up to 512 padded tokens. Wall time is that
of the whole command with the beam search over 40 sentences at its end; a step's time is the mean of the last four;
memory is the high-water mark of the process."""


def measure(names: Sequence[str], options: Any) -> None:
    """Run each and hand over one report."""
    report = Report(
        "full_sizes",
        "Full sizes, five steps" + (" (a smaller vocabulary, says nothing)" if options.short else ""),
        METHOD,
        ("spec", "weights", "wall", "a step", "first loss", "last loss", "memory"),
    )
    for name in names:
        spec = f"specs/translation/{name}.s2s"
        with tempfile.TemporaryDirectory() as folder:
            found = run(spec, (options.runs or Path(folder)).resolve() / name, options)
        found["parameters"] = plan(s2sc.compile(CHECKOUT / spec)).parameters
        report.figures[name] = found
        report.rows.append(
            (
                name,
                f"{found['parameters']:,}",
                f"{found['wall_seconds']:.0f} s",
                f"{found['step_seconds']:.1f} s",
                f"{found['losses'][0]:.3f}",
                f"{found['losses'][-1]:.3f}",
                f"{found['peak_bytes'] / 2**30:.1f} GiB",
            )
        )
        say(f"{name}: {found['wall_seconds']:.0f} s, {found['peak_bytes'] / 2**30:.1f} GiB")
    hand_over(report, options)


def run(spec: str, out: Path, options: Any) -> dict[str, Any]:
    """Five steps of one spec, and what its process took."""
    arguments = ["compile", spec, "--train", "--profile", "generated", *(NARROW if options.short else ())]
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "s2sc", *arguments, "--device", options.device, "--out", str(out)],
        cwd=CHECKOUT,
        stdout=sys.stderr,
    )
    # wait4 tells this child's own high-water mark, RUSAGE_CHILDREN only the largest of all
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - begun
    if process.returncode:
        raise SystemExit(f"{spec} ended with {process.returncode}")
    records = [json.loads(line) for line in (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    steps = [record for record in records if "split" not in record]
    return {
        "wall_seconds": wall,
        "step_seconds": (steps[-1]["seconds"] - steps[0]["seconds"]) / (len(steps) - 1),
        "losses": [record["loss"] for record in steps],
        "peak_bytes": usage.ru_maxrss * 1024,
    }
