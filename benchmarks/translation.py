"""Translation in s2sc, Joey NMT and Marian side by side: training, beam search, the step form, padding."""

from __future__ import annotations

import argparse
import gc
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import torch
from s2sc.benchmarks.curve import line_chart
from s2sc.benchmarks.report import RESULTS, Report, hand_over, options_of, result_path, say
from s2sc.benchmarks.sentences import Sentences, Tokens, choose_sentences
from s2sc.benchmarks.spread import paired_ratio, spread
from s2sc.benchmarks.toolkit import BEAM, LENGTH, Count, Sizes, Toolkit
from s2sc.benchmarks.toolkit_joey import JoeyNMT
from s2sc.benchmarks.toolkit_marian import Marian

TARGETS = {"training": 1.3, "beam": 1.5, "padding": 0.9}
SENTENCES_OF_A_BEAM = 32
LENGTHS = (10, 20, 50, 100, 200, 400)
PACKAGES = {"Joey NMT": "joeynmt", "Marian": "transformers"}


@dataclass(frozen=True)
class Case:
    """Sizes, how many pairs a pass goes over, and how many rounds of passes there are."""

    sizes: Sizes
    pairs: int
    rounds: int


CASES = (
    Case(Sizes("Transformer-tiny", "transformer", layers=4, width=128, inner=256, heads=4, budget=2048), 3000, 5),
    Case(Sizes("Transformer-base", "transformer", layers=6, width=512, inner=2048, heads=8, budget=2048), 800, 3),
    Case(Sizes("RNN, Bahdanau", "bahdanau", layers=1, width=256, inner=512, heads=1, budget=2048), 1500, 4),
    Case(Sizes("RNN, Luong", "luong", layers=1, width=256, inner=512, heads=1, budget=2048), 1500, 4),
)

_TURNS = """Turns go A B C C B A …; a ratio is of two neighbouring turns, with a bootstrap interval over the pairs;
figures are medians with the middle half. All toolkits run in one process, in float32, with the same threads of
torch."""

TRAINING = f"""One turn is a pass over the same pairs of sentences, cut into the same tokens of a joint vocabulary of
8,000: getting batches, forward, loss with smoothing 0.1, backward, clipping at 1, Adam. Target tokens are real ones
(end marks counted, padding not), so that every toolkit does the same number in a pass, which is checked. The models
have the same sizes and the same dropout of 0.3 (embeddings, attention, inside the feed-forward layers, behind every
sublayer); the column of trained weights shows what differs.

Each toolkit makes its batches in its own way, for the same budget: sentences times the longest side, padding counted.

- **s2sc**: the loop of `runtime/training/trainer.py` with everything it does at a step, over batches of its data layer;
- **Joey NMT 2.3**: its PlaintextDataset, TokenBatchSampler (random order, no buckets), model and
  `TrainManager._train_step`; the lines of `train_and_validate` behind that call are repeated (clipping, optimizer,
  schedule, zero_grad), since the method itself cannot be entered for one batch. Layers are pre-norm; recurrent ones
  have input feeding, and both embeddings are one;
- **Marian** of transformers, with scaled_dot_product_attention, LengthGroupedSampler, DataCollatorForSeq2Seq and
  LabelSmoother; the lines of Trainer's step between them are repeated (fused AdamW, clipping, schedule), since Trainer
  wants a further package. It knows no budget of tokens: a batch has as many sentences as fill it on average.

{_TURNS}"""

BEAMS = f"""{SENTENCES_OF_A_BEAM} sentences at once, unsorted, beam {BEAM}, length penalty 0.6; every hypothesis is
forced to exactly {LENGTH} tokens, so that all do the same work whatever their weights are. From numbers of tokens in to
numbers of tokens out: encoder, search, reordering of caches. Joey NMT computes the whole prefix again for each token of
a Transformer; Marian keeps keys and values, as s2sc does.

{_TURNS}"""

STEPS = """Transformer-tiny writes a given number of tokens for 4 sentences, one after another, in two ways: with the
derived step, which reads and writes its state, and with the teacher-forced graph over the whole prefix, the encoder and
the logits of all places included, as it is without a step form. Each length is run in turn; medians."""

T = TypeVar("T")


def main() -> None:
    """Measure what was asked for and hand over a report for each."""
    parser = options_of(__doc__)
    parser.add_argument("--what", default="training,beam,step,padding", help="training, beam, step, padding")
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--toolkits", default="s2sc,Joey NMT,Marian", help="those that take part, if installed")
    parser.add_argument("--pairs", type=int, help="pairs of sentences of a pass; default: the case's own, short 200")
    parser.add_argument("--rounds", type=int, help="rounds of A B C C B A; default: the case's own, short 1")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    what = {word.strip() for word in options.what.split(",")}
    if what & {"training", "beam"}:
        compare(options, training="training" in what, beam="beam" in what)
    if "step" in what:
        hand_over(step_form(options), options)
    if "padding" in what:
        hand_over(padding(options), options)


def compare(options: argparse.Namespace, *, training: bool, beam: bool) -> None:
    """Training and beam search of all cases, with the same models for both."""
    which = f"_{options.only.lower()}" if options.only else ""
    trained = Report(
        f"translation_training{which}",
        "Training of translators against Joey NMT and Marian",
        TRAINING,
        (
            "case",
            "toolkit",
            "trained weights",
            "target tokens/s",
            "s2sc's speed / its",
            "real / padded",
            "waits for batches",
            "first loss",
        ),
    )
    searched = Report(
        f"translation_beam{which}",
        f"Beam {BEAM} over {SENTENCES_OF_A_BEAM} sentences against Joey NMT and Marian",
        BEAMS,
        ("case", "toolkit", "target tokens/s", "s2sc's speed / its"),
    )
    for case in CASES:
        if options.only not in case.sizes.name:
            continue
        sentences = choose_sentences(
            options.pairs or (200 if options.short else case.pairs), vocabulary=case.sizes.vocabulary
        )
        rounds = options.rounds or (1 if options.short else case.rounds)
        with ExitStack() as open_ones:
            toolkits = made(case.sizes, sentences, options.toolkits, open_ones)
            if training:
                train(case, toolkits, sentences, trained, rounds=rounds)
            if beam:
                search(case, toolkits, sentences, searched, rounds=4 * rounds)
    missing = [name for name, package in PACKAGES.items() if find_spec(package) is None]
    for report, key in ((trained, "training"), (searched, "beam")):
        report.figures["target"] = TARGETS[key]
        report.notes.append(
            f"The target is {TARGETS[key]:g} times the speed of each. {torch.get_num_threads()} threads."
        )
        if missing:
            report.notes.append(f"Not installed, so not compared: {', '.join(missing)}.")
    for report, wanted in ((trained, training), (searched, beam)):
        if wanted:
            hand_over(report, options)


def made(sizes: Sizes, sentences: Sentences, names: str, open_ones: ExitStack) -> list[Toolkit]:
    """The toolkits that were asked for, are installed, and have such a model; s2sc comes first."""
    say(f"{sizes.name}: building")
    wanted = [name.strip() for name in names.split(",")]
    wanted = [name for name in wanted if name not in PACKAGES or find_spec(PACKAGES[name]) is not None]
    found: list[Toolkit] = []
    for name in wanted:
        torch.manual_seed(1)
        folder = Path(open_ones.enter_context(tempfile.TemporaryDirectory()))
        sentences.write(folder)
        if name == "s2sc":
            # imported here, so that the others can be looked at without it
            from s2sc.benchmarks.toolkit_s2sc import S2SC

            found.append(S2SC(sizes, sentences, folder))
        elif name == "Joey NMT":
            found.append(JoeyNMT(sizes, sentences, folder))
        elif name == "Marian" and not sizes.recurrent:
            found.append(Marian(sizes, sentences))
    for toolkit in found:
        open_ones.callback(toolkit.close)
    return found


def train(case: Case, toolkits: Sequence[Toolkit], sentences: Sentences, report: Report, *, rounds: int) -> None:
    """Check that the models are alike, then time passes in turn."""
    chance = math.log(case.sizes.vocabulary)
    first_losses = [toolkit.step(next(toolkit.batches())) for toolkit in toolkits]
    for toolkit, loss in zip(toolkits, first_losses, strict=True):
        # what a model knows nothing with, and no more than the scatter of random logits above it
        assert chance - 0.5 < loss < chance + 1.5, f"{toolkit.name}: {loss:.2f} nats a token at first, not {chance:.2f}"
    weights = [toolkit.num_weights() for toolkit in toolkits]
    assert max(weights) <= 1.02 * min(weights), f"{case.sizes.name}: {weights} weights are not the same model"
    passes = in_turn(
        [toolkit.train_pass for toolkit in toolkits],
        [partial(toolkit.train_pass, at_most=2) for toolkit in toolkits],
        rounds=rounds,
        what=f"{case.sizes.name}: training",
    )
    seconds = [[found.seconds for found in of_one] for of_one in passes]
    figures: dict[str, Any] = {}
    for place, (toolkit, of_one) in enumerate(zip(toolkits, passes, strict=True)):
        counts = {found.count.target for found in of_one}
        assert counts == {sentences.target_tokens}, f"{toolkit.name} trained {counts}, not {sentences.target_tokens}"
        speed = spread([found.count.target / found.seconds for found in of_one])
        ratio = paired_ratio(seconds[place], seconds[0])
        efficiency = statistics.median(found.count.efficiency for found in of_one)
        waits = statistics.median(found.waited / found.seconds for found in of_one)
        report.rows.append(
            (
                case.sizes.name,
                toolkit.name,
                f"{weights[place]:,}",
                speed.text("tokens/s", digits=0),
                "–" if place == 0 else ratio.text(),
                f"{efficiency:.1%}",
                f"{waits:.1%}",
                f"{first_losses[place]:.2f}",
            )
        )
        figures[toolkit.name] = {
            "target_tokens_per_second": asdict(speed),
            "ratio": asdict(ratio),
            "efficiency": efficiency,
            "waits": waits,
            "weights": weights[place],
            "first_loss": first_losses[place],
            "steps_of_a_pass": of_one[0].steps,
        }
    report.figures[case.sizes.name] = figures
    report.notes.append(
        f"{case.sizes.name}: {sentences.origin}, {sentences.target_tokens:,} target tokens a pass, batches of "
        f"{case.sizes.budget:,} tokens; chance is ln {case.sizes.vocabulary:,} = {chance:.2f} nats."
    )


def search(case: Case, toolkits: Sequence[Toolkit], sentences: Sentences, report: Report, *, rounds: int) -> None:
    """Time the translation of the same sentences in turn."""
    sources = sentences.sources[:SENTENCES_OF_A_BEAM]
    for toolkit in toolkits:
        lengths = {len(answer) for answer in toolkit.generate(sources)}
        assert lengths == {LENGTH}, f"{toolkit.name} gave {lengths} tokens, not {LENGTH}"
    turns = [partial(timed, toolkit, sources) for toolkit in toolkits]
    seconds = in_turn(turns, turns, rounds=rounds, what=f"{case.sizes.name}: beam")
    figures: dict[str, Any] = {}
    for place, (toolkit, of_one) in enumerate(zip(toolkits, seconds, strict=True)):
        speed = spread([LENGTH * len(sources) / taken for taken in of_one])
        ratio = paired_ratio(of_one, seconds[0])
        report.rows.append(
            (
                case.sizes.name,
                toolkit.name,
                speed.text("tokens/s", digits=0),
                "–" if place == 0 else ratio.text(),
            )
        )
        figures[toolkit.name] = {"target_tokens_per_second": asdict(speed), "ratio": asdict(ratio)}
    report.figures[case.sizes.name] = figures


def timed(toolkit: Toolkit, sources: Sequence[Tokens]) -> float:
    """Seconds of one translation."""
    begun = time.perf_counter()
    toolkit.generate(sources)
    return time.perf_counter() - begun


def in_turn(
    turns: Sequence[Callable[[], T]], warm_up: Sequence[Callable[[], object]], *, rounds: int, what: str
) -> list[list[T]]:
    """What every turn gives, in the order A B C C B A …"""
    found: list[list[T]] = [[] for _ in turns]
    for turn in warm_up:
        turn()
    gc.collect()
    for number in range(rounds):
        for place in [*range(len(turns)), *reversed(range(len(turns)))]:
            found[place].append(turns[place]())
        say(f"{what}: round {number + 1} of {rounds}")
    return found


def step_form(options: argparse.Namespace) -> Report:
    """Time for a number of tokens, step by step and over the whole prefix."""
    from s2sc.benchmarks.toolkit_s2sc import S2SC

    report = Report(
        "translation_step",
        "The step form against computing the prefix again",
        STEPS,
        ("tokens", "step: a token", "prefix: a token", "prefix / step"),
    )
    lengths = [length for length in LENGTHS if length <= (50 if options.short else max(LENGTHS))]
    sentences = choose_sentences(options.pairs or 200, vocabulary=CASES[0].sizes.vocabulary)
    with ExitStack() as open_ones:
        (ours,) = made(CASES[0].sizes, sentences, "s2sc", open_ones)
        assert isinstance(ours, S2SC)
        sources = sentences.sources[:4]
        difference = ours.step_differs_by(sources, length=10)
        assert difference < 1e-4, f"the step's logits differ from the graph's by {difference:g}"
        taken: dict[str, dict[int, float]] = {"step": {}, "prefix": {}}
        for length in lengths:
            ways = (("step", ours.write_by_step), ("prefix", ours.write_by_prefix))
            found = in_turn(
                [partial(seconds_of, write, sources, length) for _, write in ways],
                [partial(seconds_of, write, sources, 5) for _, write in ways],
                rounds=options.rounds or (1 if options.short else 3),
                what=f"{length} tokens",
            )
            for (name, _), times in zip(ways, found, strict=True):
                taken[name][length] = statistics.median(times)
    for length in lengths:
        by_step, by_prefix = taken["step"][length], taken["prefix"][length]
        report.rows.append(
            (
                str(length),
                f"{by_step / length * 1e3:.2f} ms",
                f"{by_prefix / length * 1e3:.2f} ms",
                f"{by_prefix / by_step:.1f} ×",
            )
        )
    growth = {name: exponent(times) for name, times in taken.items()}
    report.figures = {"seconds": taken, "exponent": growth}
    report.notes.append(
        f"Between the last two lengths the time grows as their ratio to the power {growth['step']:.2f} by steps "
        f"(1 is linear) and {growth['prefix']:.2f} over the prefix (2 is quadratic). {torch.get_num_threads()} threads."
    )
    chart(report, taken, options)
    return report


def seconds_of(write: Callable[[Sequence[Tokens], int], object], sources: Sequence[Tokens], length: int) -> float:
    """Seconds for so many tokens."""
    begun = time.perf_counter()
    write(sources, length)
    return time.perf_counter() - begun


def exponent(times: Mapping[int, float]) -> float:
    """How fast the time grows between the two greatest lengths, as a power."""
    before, last = sorted(times)[-2:]
    return math.log(times[last] / times[before]) / math.log(last / before)


def chart(report: Report, taken: Mapping[str, Mapping[int, float]], options: argparse.Namespace) -> None:
    """A curve beside the result file, where there is one."""
    folder: Path | None = options.results or (None if options.short else RESULTS)
    if folder is None:
        return
    path = result_path(folder, report.theme, ".svg")
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = {name: sorted(times.items()) for name, times in taken.items()}
    path.write_text(line_chart(lines, title=report.title, x="tokens", y="seconds"), encoding="utf-8")
    report.more.append(f"![{report.title}]({path.name})")


def padding(options: argparse.Namespace) -> Report:
    """Real tokens among all positions of an epoch's batches."""
    report = Report(
        "translation_padding",
        "Padding of batches of text",
        "One epoch of s2sc's batches, both sides counted, end marks too. The budget is that of each case.",
        ("pairs", "budget", "batches", "real / padded"),
    )
    sentences = choose_sentences(options.pairs or (2000 if options.short else 29_000), vocabulary=8000)
    for budget in sorted({case.sizes.budget for case in CASES} | {1024, 4096}):
        sizes = Sizes("smallest", "transformer", layers=1, width=8, inner=8, heads=1, budget=budget)
        with ExitStack() as open_ones:
            (ours,) = made(sizes, sentences, "s2sc", open_ones)
            counts = [ours.count(batch) for batch in ours.batches()]
        whole = sum(counts, Count())
        assert whole.target == sentences.target_tokens
        report.rows.append(
            (f"{whole.sentences:,}", f"{budget:,} tokens", f"{len(counts):,}", f"{whole.efficiency:.1%}")
        )
        report.figures[str(budget)] = whole.efficiency
    report.figures["target"] = TARGETS["padding"]
    report.notes.append(f"{sentences.origin}. The target is {TARGETS['padding']:.0%}.")
    return report


if __name__ == "__main__":
    main()
