"""The trainer's step against a training loop written by hand in plain torch, in one process, taken in turn."""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch
from s2sc.benchmarks.made_up import STEPS, TEXT, WAVEFORM, TrainerOverBatches, compiled, noise_batch
from s2sc.benchmarks.peer_lightning import Inputs, LightningLoop, why_not
from s2sc.benchmarks.plain import CLIP, PlainLoop, PlainModel, SpokenDigits, Wav2Letter
from s2sc.benchmarks.report import Report, hand_over, options_of, say
from s2sc.benchmarks.spread import paired_ratio, spread
from s2sc.runtime.data.batch import Batch

TARGET = 1.02
LARGEST_DIFFERENCE = 1e-5
SIDES = ("s2sc", "by_hand", "unmasked", "lightning")

METHOD = f"""One process runs three loops over the same batches (noise, lengths as in the data) from the same weights:

- **s2sc**: the loop body of `runtime/training/trainer.py` as it is, with schedule, clipping, check for non-finite
  gradients, figures to metrics.jsonl and TensorBoard every 50 steps, and the look at what is due;
- **by hand**: `benchmarks/plain.py`, the same model and the same casts, with torch's own AdamW and clipping and no
  figures. Features, SpecAugment, dropout and the masked batch norm are the same functions in both;
- **unmasked**: the loop that most people write: `nn.BatchNorm1d` over padding too, no masks, `torch.autocast`. It
  computes something else, and shows what right masks cost;
- **lightning**, where it is installed: the model by hand, its optimizer, its rate and the same clipping under
  `lightning.Trainer.fit` with automatic optimization; loggers, checkpoints, progress bar and summary are off.

Before anything is timed, s2sc, the loop by hand and lightning must give the same losses over five steps,
to {LARGEST_DIFFERENCE:g} relative.
A turn is one pass over the batches. Turns go A B C D D C B A …, so that drift falls on all alike; a ratio is of two
neighbouring turns, and its interval comes from a bootstrap over the pairs. Times are the median with the
middle half."""


@dataclass(frozen=True)
class Case:
    """A spec with the shapes of its batches."""

    spec: str
    model: Callable[..., PlainModel]
    precision: str
    num_examples: int
    seconds: tuple[float, float]
    tokens_per_second: float
    warmup: int

    @property
    def half(self) -> torch.dtype | None:
        return torch.bfloat16 if "bf16" in self.precision else None

    @property
    def name(self) -> str:
        return f"{Path(self.spec).stem}, {self.precision}"


CASES = tuple(
    Case(spec, model, precision, num_examples, seconds, tokens_per_second, warmup)
    for spec, model, num_examples, seconds, tokens_per_second, warmup in (
        ("specs/wav2letter.s2s", Wav2Letter, 16, (0.7, 3.2), 7.0, 100),
        ("specs/spoken_digits.s2s", SpokenDigits, 32, (0.25, 0.8), 8.0, 150),
    )
    for precision in ("fp32", "autocast(bf16)")
)


def main() -> None:
    """Measure every case and hand over."""
    parser = options_of(__doc__)
    parser.add_argument("--rounds", type=int, help="rounds of A B C D D C B A; default 40, short 4")
    parser.add_argument("--batches", type=int, default=6, help="batches of a turn")
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--threads", type=int, help="threads of torch; default as torch chooses")
    options = parser.parse_args()
    rounds = options.rounds or (4 if options.short else 40)
    if options.threads:
        torch.set_num_threads(options.threads)
    report = Report(
        "peers",
        "Trainer step against a loop by hand",
        METHOD,
        (
            "case",
            "s2sc",
            "by hand",
            "ratio to by hand",
            "CPU time ratio",
            "ratio to unmasked",
            "lightning",
            "ratio to lightning",
        ),
    )
    for case in CASES:
        if options.only in case.name:
            measure(case, report, rounds=rounds, num_batches=options.batches)
    report.figures["target"] = TARGET
    report.notes.append(
        f"The target is a ratio of {TARGET:g} to the loop by hand, and at most 1 to lightning. "
        f"{torch.get_num_threads()} threads." + (f" Left out: {why_not()}." if why_not() else "")
    )
    hand_over(report, options)


def measure(case: Case, report: Report, *, rounds: int, num_batches: int) -> None:
    """Check that both give the same losses, then time them in turn."""
    say(f"{case.name}: checking the losses")
    checked = compiled(case.spec, precision=case.precision)
    batches = [
        noise_batch(
            checked,
            num_examples=case.num_examples,
            seconds=between(case.seconds, place, num_batches),
            tokens_per_second=case.tokens_per_second,
            seed=place,
        )
        for place in range(num_batches)
    ]
    with tempfile.TemporaryDirectory() as folder:
        ours = TrainerOverBatches(checked, Path(folder), device=torch.device("cpu"))
        model = case.model(half=case.half, masked=True)
        by_hand = PlainLoop(model, autocast=None, warmup=case.warmup, steps=STEPS)
        by_hand.start_from(ours.weights())
        unmasked = PlainLoop(case.model(half=None, masked=False), autocast=case.half, warmup=case.warmup, steps=STEPS)
        unmasked.start_from(ours.weights())
        difference = largest_difference(ours, by_hand, [*batches, *batches][:5])
        assert difference <= LARGEST_DIFFERENCE, f"{case.name}: losses differ by {difference:g}"
        given = [inputs_of(batch) for batch in batches]
        lightning = lightning_side(case, ours, batches) if not why_not() else None
        turns: list[Callable[[], object]] = [
            lambda: list(map(ours.step, batches)),
            lambda: [plain_step(by_hand, batch) for batch in batches],
            lambda: [plain_step(unmasked, batch) for batch in batches],
        ]
        if lightning is not None:
            turns.append(partial(lightning.turn, given))
        found = in_turn(turns, rounds=rounds, what=case.name)
        ours.close()
        if lightning is not None:
            lightning.close()
    walls = [[wall for wall, _ in timed] for timed in found]
    works = [[work for _, work in timed] for timed in found]
    ratio, work_ratio = paired_ratio(walls[0], walls[1]), paired_ratio(works[0], works[1])
    masks_ratio = paired_ratio(walls[0], walls[2])
    lightning_ratio = paired_ratio(walls[0], walls[3]) if lightning is not None else None
    steps = [spread([wall / num_batches for wall in wall_times]) for wall_times in walls]
    report.rows.append(
        (
            case.name,
            steps[0].text("ms", scale=1e3),
            steps[1].text("ms", scale=1e3),
            ratio.text(),
            work_ratio.text(),
            masks_ratio.text(),
            steps[3].text("ms", scale=1e3) if lightning is not None else "–",
            lightning_ratio.text() if lightning_ratio is not None else "–",
        )
    )
    report.figures[case.name] = {
        "ratio": asdict(ratio),
        "cpu_time_ratio": asdict(work_ratio),
        "ratio_to_unmasked": asdict(masks_ratio),
        "ratio_to_lightning": None if lightning_ratio is None else asdict(lightning_ratio),
        "step_seconds": {name: asdict(step) for name, step in zip(SIDES, steps, strict=False)},
        "largest_loss_difference": difference,
    }


def between(seconds: tuple[float, float], place: int, num_batches: int) -> tuple[float, float]:
    """The lengths of one batch: recordings of like length are together, as in training."""
    low, high = seconds
    width = (high - low) / num_batches
    return low + place * width, low + (place + 1) * width


def plain_step(loop: PlainLoop, batch: Batch) -> torch.Tensor:
    """One step of a loop by hand."""
    return loop.train_step(*inputs_of(batch))


def inputs_of(batch: Batch) -> Inputs:
    """What a model by hand reads."""
    return batch.inputs[WAVEFORM], batch.lengths[WAVEFORM], batch.inputs[TEXT], batch.lengths[TEXT]


def lightning_side(case: Case, ours: TrainerOverBatches, batches: Sequence[Batch]) -> LightningLoop:
    """Lightning over the model by hand, held against the loop by hand first."""
    seeds = range(5)
    chosen = [batches[place % len(batches)] for place in seeds]
    loops = []
    for _ in range(2):
        loop = PlainLoop(case.model(half=case.half, masked=True), autocast=None, warmup=case.warmup, steps=STEPS)
        loop.start_from(ours.weights())
        loops.append(loop)
    side = LightningLoop(loops[0], clip=CLIP)
    side.turn([inputs_of(batch) for batch in chosen], seeds)
    for place, batch in zip(seeds, chosen, strict=True):
        torch.manual_seed(place)
        expected = float(plain_step(loops[1], batch))
        difference = abs(float(side.losses[place]) - expected) / abs(expected)
        assert difference <= LARGEST_DIFFERENCE, f"{case.name}: lightning's losses differ by {difference:g}"
    return side


def largest_difference(ours: TrainerOverBatches, by_hand: PlainLoop, batches: Sequence[Batch]) -> float:
    """How far the losses of both are apart, relative, with the same random numbers."""
    found = 0.0
    for place, batch in enumerate(batches):
        torch.manual_seed(place)
        ours.step(batch)
        torch.manual_seed(place)
        expected = float(plain_step(by_hand, batch))
        found = max(found, abs(ours.last_loss() - expected) / abs(expected))
    return found


def in_turn(turns: Sequence[Callable[[], object]], *, rounds: int, what: str) -> list[list[tuple[float, float]]]:
    """Wall and processor seconds of every turn, in the order A B C C B A …, after one round that does not count."""
    found: list[list[tuple[float, float]]] = [[] for _ in turns]
    order = [*range(len(turns)), *reversed(range(len(turns)))]
    gc.collect()
    for number in range(rounds + 1):
        for place in order:
            wall, work = time.perf_counter(), time.process_time()
            turns[place]()
            if number:
                found[place].append((time.perf_counter() - wall, time.process_time() - work))
        say(f"{what}: round {number} of {rounds}")
    return found


if __name__ == "__main__":
    main()
