"""Steps of Wave2Letter+ on a CUDA device in four precisions: time, speed, share of what the device can do."""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from s2sc.benchmarks.made_up import TrainerOverBatches, compiled, noise_batch
from s2sc.benchmarks.report import Report, hand_over, options_of, say
from s2sc.benchmarks.spread import Spread, spread

SPEC = "specs/speech/wav2letter_plus.s2s"
REFERENCE_FLOPS = 790e12
TARGET_SHARE = 0.45
PRECISIONS = ("fp32", "tf32", "autocast(bf16)", "autocast(fp16)")

METHOD = f"""Optimizer steps of `{SPEC}` through the trainer's own loop body on a batch of noise that lies
on the device already: forward, CTC loss, backward, unscaling, L2, momentum SGD, the check for non-finite gradients. All
clips have the same length, so that no arithmetic goes into padding. Useful arithmetic is 2 operations for each
multiply-accumulate of the plan (for the length that is trained), 3 times (forward, and backward to inputs and weights).
The share is of {REFERENCE_FLOPS / 1e12:.0f} TFLOP/s, which a large bf16 product reaches on an H200. "tf32" is fp32 with
`torch.backends.*.fp32_precision = "tf32"`. Precisions take turns; each turn is a series of steps between two
synchronisations. Median with the middle half of the turns."""


def main() -> int:
    """Measure and hand over; say why not where there is no GPU."""
    parser = options_of(__doc__)
    parser.add_argument("--examples", type=int, default=64, help="clips of a batch")
    parser.add_argument("--seconds", type=float, default=16.7, help="length of the clips")
    parser.add_argument("--turns", type=int, help="turns for each precision; default 10, short 3")
    parser.add_argument("--steps", type=int, default=10, help="steps of a turn")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        say(f"nothing measured: torch {torch.__version__} sees no CUDA device")
        return 0
    device = torch.device("cuda")
    report = Report(
        "gpu",
        "Steps of Wave2Letter+ on a GPU",
        METHOD,
        ("precision", "step", "clips/s", "audio/s", "TFLOP/s", "share", "against fp32", "against tf32"),
    )
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number in range((options.turns or (3 if options.short else 10)) + 1):
            for precision in PRECISIONS:
                took = turn(precision, Path(folder, precision), options, device)
                # the first turn chooses kernels, warms up and finds the loss scale
                if number:
                    found.setdefault(precision, []).append(took)
            say(f"turn {number}")
    flops = 6 * options.examples * macs(options.seconds)
    times = {precision: spread(taken) for precision, taken in found.items()}
    for precision, step in times.items():
        report.rows.append(
            (
                precision,
                step.text("ms", scale=1e3),
                f"{options.examples / step.median:.0f}",
                f"{options.examples * options.seconds / step.median:,.0f} s",
                f"{flops / step.median / 1e12:.0f}",
                f"{flops / step.median / REFERENCE_FLOPS:.1%}",
                _times(times.get("fp32"), step),
                _times(times.get("tf32"), step),
            )
        )
    report.figures = {
        "step_seconds": {precision: asdict(step) for precision, step in times.items()},
        "share": {precision: flops / step.median / REFERENCE_FLOPS for precision, step in times.items()},
        "flops_of_a_step": flops,
        "examples": options.examples,
        "seconds": options.seconds,
        "target_share": TARGET_SHARE,
    }
    report.notes.append(
        f"Batch of {options.examples} clips of {options.seconds:g} s, {flops / 1e12:.1f} TFLOP a step. "
        f"The target is a share of {TARGET_SHARE:.0%}, and three times the speed of true fp32."
    )
    hand_over(report, options)
    return 0


_TRAINERS: dict[str, TrainerOverBatches] = {}
_BATCHES: dict[str, Any] = {}


def turn(precision: str, folder: Path, options: Any, device: torch.device) -> float:
    """Seconds of a step in one precision."""
    tf32 = "tf32" if precision == "tf32" else "ieee"
    torch.backends.cuda.matmul.fp32_precision = tf32
    # set by name: torch's stubs do not know it
    torch.backends.cudnn.conv.fp32_precision = tf32  # type: ignore[attr-defined]
    if precision not in _TRAINERS:
        checked = compiled(SPEC, precision="fp32" if precision == "tf32" else precision)
        _TRAINERS[precision] = TrainerOverBatches(checked, folder, device=device)
        length = (options.seconds, options.seconds)
        batch = noise_batch(checked, num_examples=options.examples, seconds=length, tokens_per_second=14.0)
        _BATCHES[precision] = batch.to(device)
    trainer, batch = _TRAINERS[precision], _BATCHES[precision]
    torch.cuda.synchronize()
    begun = time.perf_counter()
    steps: int = options.steps
    for _ in range(steps):
        trainer.step(batch, may_skip=True)
    torch.cuda.synchronize()
    return (time.perf_counter() - begun) / steps


def macs(seconds: float) -> float:
    """Multiply-accumulates of one clip, by the plan: all but the features grow with the length, and so do those."""
    from s2sc.compiler.longest import longest_seconds

    graph = compiled(SPEC).graph
    whole = longest_seconds(graph)
    assert whole is not None
    model = sum(node.cost.macs for node in graph.nodes.values() if node.operation.family == "component")
    return model * seconds / whole


def _times(reference: Spread | None, step: Spread) -> str:
    return "–" if reference is None else f"{reference.median / step.median:.2f} ×"


if __name__ == "__main__":
    sys.exit(main())
