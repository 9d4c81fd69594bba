"""Training steps of every family at full size on a CUDA device, in each precision: speed and share of the device."""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from s2sc.benchmarks.made_up import compiled
from s2sc.benchmarks.report import Report, hand_over, options_of, say
from s2sc.runtime.benchmark import Speed, measure_speed, quartiles
from s2sc.runtime.data.generated import generated_data

REFERENCE_FLOPS = 790e12
PRECISIONS = ("fp32", "tf32", "bf16", "autocast(bf16)", "autocast(fp16)", "mixed(fp16, loss_scale = backoff)")


@dataclass(frozen=True)
class Family:
    """A full-size spec with a batch that fills a large GPU, and the share of 790 TFLOP/s that it should reach."""

    name: str
    spec: str
    batch: str
    target: float


FAMILIES = (
    Family("wav2letter_plus", "specs/speech/wav2letter_plus.s2s", "64 examples", 0.45),
    Family("deepspeech2_like", "benchmarks/deepspeech2_like.s2s", "64 examples", 0.15),
    Family("transformer_base", "specs/translation/transformer_base.s2s", "32768 tokens", 0.40),
    Family("transformer_big", "specs/translation/transformer_big.s2s", "16384 tokens", 0.50),
    Family("gnmt", "specs/translation/gnmt.s2s", "8192 tokens", 0.20),
    Family("convs2s", "specs/translation/convs2s.s2s", "16384 tokens", 0.30),
)

METHOD = f"""`s2sc bench` on data that is made up in each spec's shape: the steps of training with its own order of
batches, 10 to warm up and 50 that count. Arithmetic is of real tokens and frames only: two operations for each
multiply-accumulate of the plan at each example's own length, three times for forward and backward. The share is of
{REFERENCE_FLOPS / 1e12:.0f} TFLOP/s, which a large bf16 product reaches on an H200. Median with the middle half of the
steps. A precision that a spec cannot be compiled in, or that does not fit into memory, is left out and named."""


def main() -> int:
    """Measure and hand over; say why not where there is no GPU."""
    parser = options_of(__doc__)
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="families")
    parser.add_argument("--precision", nargs="*", default=list(PRECISIONS), metavar="P", help="precisions")
    parser.add_argument("--batch", help="another size of the batch, for all")
    parser.add_argument("--compile", action="store_true", help="with compile = true")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        say(f"nothing measured: torch {torch.__version__} sees no CUDA device")
        return 0
    report = Report(
        "gpu_families",
        "Training at full size on a GPU" + (", compiled" if options.compile else ""),
        METHOD,
        (
            "family",
            "precision",
            "step",
            "examples/s",
            "tokens/s",
            "TFLOP/s",
            "share",
            "padding",
            "memory",
            "against fp32",
        ),
    )
    for family in FAMILIES:
        if not options.only or family.name in options.only:
            measure(family, options, report)
    report.notes.append("Tokens are source and target together; targets: " + ", ".join(map(_target, FAMILIES)) + ".")
    hand_over(report, options)
    return 0


def measure(family: Family, options: argparse.Namespace, report: Report) -> None:
    """One family in each precision."""
    found: dict[str, Speed] = {}
    for precision in options.precision:
        say(f"{family.name}, {precision}")
        try:
            found[precision] = _speed(family, precision, options)
        except (torch.OutOfMemoryError, AssertionError) as problem:
            report.notes.append(f"{family.name} in {precision} is left out: {str(problem).splitlines()[0]}")
        gc.collect()
        torch.cuda.empty_cache()
    for precision, one in found.items():
        report.rows.append(_row(family, precision, one, found.get("fp32")))
        report.figures[f"{family.name}, {precision}"] = one.to_json() | {
            "share": one.flops_per_second / REFERENCE_FLOPS,
            "target_share": family.target,
        }


def _speed(family: Family, precision: str, options: argparse.Namespace) -> Speed:
    sets = [f"hyperparameters.batch={options.batch or family.batch}"]
    sets += ["hyperparameters.compile=true"] if options.compile else []
    checked = compiled(family.spec, precision=precision, sets=sets)
    return measure_speed(
        checked,
        generated_data(checked),
        precision=precision,
        device=torch.device("cuda"),
        steps=10 if options.short else 50,
        warmup=10,
    )


def _row(family: Family, precision: str, one: Speed, fp32: Speed | None) -> Sequence[str]:
    step = quartiles(one.step_seconds)
    low, median, high = (f"{1e3 * step[name]:.1f}" for name in ("low", "median", "high"))
    tokens = one.per_second("source_tokens") + one.per_second("target_tokens")
    memory: Any = one.memory_bytes
    return (
        family.name,
        precision,
        f"{median} ms ({low}–{high})",
        f"{one.per_second('examples'):,.0f}",
        f"{tokens:,.0f}",
        f"{one.flops_per_second / 1e12:.0f}",
        f"{one.flops_per_second / REFERENCE_FLOPS:.1%}",
        f"{one.padding_efficiency:.1%}",
        "–" if memory is None else f"{memory / 2**30:.1f} GiB",
        "–" if fp32 is None else f"{statistics.median(fp32.step_seconds) / step['median']:.2f} ×",
    )


def _target(family: Family) -> str:
    return f"{family.name} {family.target:.0%}"


if __name__ == "__main__":
    sys.exit(main())
