"""What the hyperparameters that promise speed are worth: steps with and without each of them, in turn."""

from __future__ import annotations

import gc
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from s2sc.benchmarks.made_up import compiled
from s2sc.benchmarks.report import Report, hand_over, options_of, say
from s2sc.benchmarks.spread import spread
from s2sc.runtime.benchmark import measure_speed
from s2sc.runtime.data.generated import generated_data

METHOD = """`s2sc bench` on data that is made up in each spec's shape: the steps of training with its own order of
batches. Each turn measures a spec without the switch and with it, over the same batches: 10 steps to warm up (40
for CUDA graphs, which are recorded when a shape comes again) and 30 that count. A turn's figure is the median,
over steps of the same batch, of the time with the switch against the time without; the table has the median of the
turns with their middle half. Below 1 it pays."""


@dataclass(frozen=True)
class Case:
    """A spec in a precision and a switch; `warmup` steps go before those that count."""

    spec: str
    precision: str
    switch: str
    on_cpu: bool = False
    warmup: int = 10

    @property
    def name(self) -> str:
        return f"{Path(self.spec).stem}, {self.precision}, {self.switch}"


CASES = (
    Case("specs/wav2letter.s2s", "fp32", "channels_last", on_cpu=True),
    Case("specs/wav2letter.s2s", "autocast(bf16)", "channels_last", on_cpu=True),
    Case("specs/speech/wav2letter_plus.s2s", "autocast(bf16)", "channels_last"),
    Case("specs/speech/wav2letter_plus.s2s", "autocast(fp16)", "channels_last"),
    Case("specs/wav2letter.s2s", "fp32", "cuda_graphs", warmup=40),
    Case("specs/wav2letter.s2s", "autocast(bf16)", "cuda_graphs", warmup=40),
    Case("specs/toy/reversal_tt.s2s", "fp32", "cuda_graphs", warmup=40),
    Case("specs/spoken_digits.s2s", "fp32", "cuda_graphs", warmup=40),
    Case("specs/toy/reversal_tt.s2s", "fp32", "compile"),
)


def main() -> int:
    """Measure and hand over; without a GPU only what a CPU has too."""
    parser = options_of(__doc__)
    parser.add_argument("--turns", type=int, help="turns for each case; default 5, short 2")
    parser.add_argument("--only", nargs="*", default=[], metavar="SWITCH", help="switches")
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    report = Report(
        "switches",
        f"Switches for speed on a {'GPU' if device.type == 'cuda' else 'CPU'}",
        METHOD,
        ("spec", "precision", "switch", "time with it", "step without", "step with it"),
    )
    left_out = []
    for case in CASES:
        if options.only and case.switch not in options.only:
            continue
        if device.type == "cpu" and not case.on_cpu:
            left_out.append(case.name)
            continue
        measure(case, device, options.turns or (2 if options.short else 5), report)
    if left_out:
        report.notes.append("Not measured, as there is no GPU: " + "; ".join(left_out) + ".")
    hand_over(report, options)
    return 0


def measure(case: Case, device: torch.device, turns: int, report: Report) -> None:
    """One case in so many turns."""
    graphs = [
        compiled(case.spec, precision=case.precision, sets=[f"hyperparameters.{case.switch}={value}"])
        for value in ("false", "true")
    ]
    data = generated_data(graphs[0])
    ratios: list[float] = []
    steps: tuple[list[float], list[float]] = ([], [])
    for turn in range(turns):
        found = []
        for graph, times in zip(graphs, steps, strict=True):
            speed = measure_speed(
                graph, data, precision=case.precision, device=device, steps=30, warmup=case.warmup, warn=say
            )
            found.append(speed)
            times += speed.step_seconds
            gc.collect()
        ratios.append(1 / found[1].speed_up(found[0]))
        say(f"{case.name}, turn {turn + 1}: {ratios[-1]:.3f}")
    without, with_it = (spread(times) for times in steps)
    stem = Path(case.spec).stem
    row = (spread(ratios).text("×", digits=3), without.text("ms", scale=1e3), with_it.text("ms", scale=1e3))
    report.rows.append((stem, case.precision, case.switch, *row))
    report.figures[case.name] = {"ratios": ratios, "step_seconds": {"without": steps[0], "with": steps[1]}}


if __name__ == "__main__":
    sys.exit(main())
