"""Recipes trained through the command line: wall time, what they reach with each seed, learning curves."""

from __future__ import annotations

import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s2sc.benchmarks import full_sizes
from s2sc.benchmarks.curve import line_chart
from s2sc.benchmarks.report import CHECKOUT, RESULTS, Report, hand_over, options_of, result_path, say, table

METHOD = """Every run is `s2sc compile SPEC --train` in a process of its own, one after the other, from nothing (only
the generated corpus and trained tokenizers are kept between them). Wall time is that of the whole command: start,
reading the data, training, evaluations, and the test at the end with the best weights of the valid split. Training time
is what result.json says. The test split's figures are of that end; nothing was chosen by them."""


@dataclass(frozen=True)
class Metric:
    """A figure of result.json that recipes are held against.

    factor  from result.json to what is shown
    less    whether less is better
    """

    key: str
    label: str
    long: str
    unit: str
    factor: float
    less: bool

    def of(self, result: Mapping[str, Any]) -> float | None:
        """What was reached, in the unit that is shown; None where nothing was measured."""
        value = result.get(self.key)
        return None if value is None else self.factor * value

    def show(self, value: float | None) -> str:
        return "–" if value is None else f"{value:.2f}{self.unit}"

    def target(self, bar: float) -> str:
        return f"at {'most' if self.less else 'least'} {self.show(bar)}"

    def reached(self, value: float, bar: float) -> bool:
        return value <= bar if self.less else value >= bar


WER = Metric("wer", "WER", "word error rate", " %", 100, less=True)
CER = Metric("cer", "CER", "character error rate", " %", 100, less=True)
BLEU = Metric("bleu", "BLEU", "BLEU", "", 1, less=False)
CHRF = Metric("chrf", "chrF", "chrF", "", 1, less=False)


@dataclass(frozen=True)
class Recipe:
    """A spec to train, and what is expected of it.

    metrics  what it is judged by, then what else is shown
    bar      of the first metric, in the unit that is shown; None: it is measured only
    seconds  the most wall time; None: it is measured only
    short    what makes it a matter of seconds, to see that this script works
    needs    a folder of S2SC_DATA
    """

    name: str
    spec: str
    metrics: tuple[Metric, ...]
    bar: float | None
    seconds: float | None
    short: tuple[str, ...]
    seeds: tuple[int, ...] = (1,)
    needs: str = ""


def _sets(*values: str) -> tuple[str, ...]:
    return tuple(word for value in values for word in ("--set", f"hyperparameters.{value}"))


FEW_STEPS = _sets("stop=12 steps", "evaluate=6 steps", "log=3 steps", "checkpoint.every=6 steps")
FEWER_STEPS = _sets("stop=4 steps", "evaluate=4 steps", "log=2 steps", "checkpoint.every=4 steps")
RECIPES = (
    Recipe("demo", "specs/wav2letter.s2s", (WER, CER), 5, 300, ("--profile", "quick")),
    Recipe("spoken_digits", "specs/spoken_digits.s2s", (WER, CER), 3, 600, FEW_STEPS, (1, 2, 3), needs="fsdd"),
    *(
        Recipe(f"reversal_{which}", f"specs/toy/reversal_{which}.s2s", (BLEU,), 95, None, FEW_STEPS, (1, 2, 3))
        for which in ("rr", "rc", "cr", "cc", "tt")
    ),
    Recipe("encoder_vector", "specs/toy/encoder_vector.s2s", (BLEU,), None, None, FEW_STEPS),
    *(
        Recipe(
            f"multi30k_{which}",
            f"specs/translation/multi30k_{which}.s2s",
            (BLEU, CHRF),
            35 if which == "transformer" else None,
            3600 if which == "transformer" else None,
            FEWER_STEPS,
            (17,),
            needs="multi30k",
        )
        for which in ("transformer", "rnn_bahdanau", "rnn_luong", "gnmt", "convs2s")
    ),
)


def main() -> None:
    """Train and hand over, a report for each recipe."""
    parser = options_of(__doc__)
    parser.add_argument("--only", nargs="+", choices=[recipe.name for recipe in RECIPES], help="some; default: all")
    parser.add_argument("--seeds", type=int, nargs="+", help="instead of the recipe's own")
    parser.add_argument("--stop", metavar="TIME", help="instead of the recipe's own end: 15min, 2000 steps")
    parser.add_argument("--runs", type=Path, metavar="DIR", help="keep the runs here; default: they are thrown away")
    parser.add_argument("--device", default="auto", help="as for `s2sc compile`")
    parser.add_argument(
        "--full",
        nargs="*",
        choices=full_sizes.SPECS,
        metavar="SPEC",
        help=f"five steps of the full sizes instead: {', '.join(full_sizes.SPECS)}; default: all",
    )
    options = parser.parse_args()
    if options.full is not None:
        full_sizes.measure(options.full or full_sizes.SPECS, options)
        return
    for recipe in RECIPES:
        if options.only is not None and recipe.name not in options.only:
            continue
        if recipe.needs and not Path(os.environ.get("S2SC_DATA", ""), recipe.needs).is_dir():
            say(f"{recipe.name} is left out: S2SC_DATA is not a folder that holds {recipe.needs}/")
            continue
        with tempfile.TemporaryDirectory() as folder:
            train(recipe, options, options.runs or Path(folder))


def train(recipe: Recipe, options: Any, folder: Path) -> None:
    """One recipe with all its seeds."""
    seeds = options.seeds or (recipe.seeds[:2] if options.short else recipe.seeds)
    first = recipe.metrics[0]
    columns = ["seed", "wall", "training", "steps", "best step", f"valid {first.label}"]
    columns += [f"test {metric.label}" for metric in recipe.metrics] + ["test examples"]
    cut = f" (stopped after {options.stop})" if options.stop else ""
    report = Report(
        f"recipe_{recipe.name}",
        f"Recipe {recipe.name}: {recipe.spec}{cut}" + (" (shortened, says nothing)" if options.short else ""),
        METHOD,
        columns,
    )
    results, curves = {}, {}
    for seed in seeds:
        out = (folder / f"{recipe.name}_{seed}").resolve()
        wall, command = run(recipe, seed, out, short=options.short, stop=options.stop, device=options.device)
        result = json.loads((out / "result.json").read_text(encoding="utf-8"))
        records = [json.loads(line) for line in (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
        results[str(seed)] = {"wall_seconds": wall, **result}
        curves[str(seed)] = curve(recipe, records)
        report.rows.append(
            (
                str(seed),
                f"{wall:.0f} s",
                f"{result['seconds']:.0f} s",
                str(result["steps"]),
                str(result["best_step"]),
                first.show(first.of(result.get("valid", {}))),
                *(metric.show(metric.of(result["test"])) for metric in recipe.metrics),
                str(result["test"]["examples"]),
            )
        )
        say(f"{recipe.name}, seed {seed}: {wall:.0f} s, test {first.label} {first.show(first.of(result['test']))}")
        report.figures["command"] = command
    summary(recipe, report, results, command)
    report.figures["curves"] = curves
    learning(recipe, report, curves, options)
    hand_over(report, options)


def run(recipe: Recipe, seed: int, out: Path, *, short: bool, stop: str | None, device: str) -> tuple[float, str]:
    """Train once; wall seconds of the command, and how to type it."""
    arguments = ["compile", recipe.spec, "--train", "--set", f"hyperparameters.seed={seed}"]
    arguments += recipe.short if short else ()
    arguments += _sets(f"stop={stop}") if stop else ()
    environment = {**os.environ}
    if "S2SC_DATA" in environment:
        environment["S2SC_DATA"] = str(Path(environment["S2SC_DATA"]).resolve())
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "s2sc", *arguments, "--device", device, "--out", str(out)],
        cwd=CHECKOUT,
        env=environment,
        stdout=sys.stderr,
        check=True,
    )
    return time.perf_counter() - begun, shlex.join(["s2sc", *arguments])


def summary(recipe: Recipe, report: Report, results: dict[str, dict[str, Any]], command: str) -> None:
    """Mean and spread over the seeds against what is expected."""
    metric = recipe.metrics[0]
    # a test split that has no figure is an error of the data and shows as such
    reached = [metric.factor * result["test"][metric.key] for result in results.values()]
    walls = [result["wall_seconds"] for result in results.values()]
    mean = statistics.fmean(reached)
    deviation = statistics.stdev(reached) if len(reached) > 1 else 0.0
    report.figures |= {
        "seeds": results,
        f"test_{metric.key}": {"mean": mean, "standard_deviation": deviation, "target": recipe.bar},
        "wall_seconds": {"mean": statistics.fmean(walls), "most": max(walls), "target": recipe.seconds},
    }
    spread = f" (mean of {len(reached)}, standard deviation {deviation:.2f} points, {_range(metric, reached)})"
    report.notes += [
        f"Test {metric.label} {metric.show(mean)}{spread if len(reached) > 1 else ''}; "
        + ("no target is set." if recipe.bar is None else f"expected {metric.target(recipe.bar)}."),
        f"Wall time {statistics.fmean(walls):.0f} s in the mean, {max(walls):.0f} s at most; "
        + ("no target is set." if recipe.seconds is None else f"expected at most {recipe.seconds:.0f} s."),
        f"Each run: `{command}`, with its own seed.",
    ]
    signatures = {result["test"].get(f"{metric.key}_signature") for result in results.values()} - {None}
    report.notes += [f"{metric.label} by sacrebleu: `{signature}`." for signature in sorted(signatures)]
    missed = [one for one in reached if recipe.bar is not None and not metric.reached(one, recipe.bar)]
    if missed:
        report.notes.append(f"{len(missed)} of {len(reached)} seeds did not reach the target.")


def curve(recipe: Recipe, records: list[dict[str, Any]]) -> list[dict[str, float | None]]:
    """What the valid split gave, in the units that are shown, and the training loss just before."""
    points: list[dict[str, float | None]] = []
    loss = seconds = None
    for record in records:
        if record.get("split") == "valid":
            shown = {metric.key: metric.of(record) for metric in recipe.metrics}
            points.append({"step": record["step"], "loss": record["loss"], **shown})
            points[-1] |= {"train_loss": loss, "seconds": seconds}
        else:
            loss, seconds = record["loss"], record["seconds"]
    return points


def learning(recipe: Recipe, report: Report, curves: dict[str, list[dict[str, float | None]]], options: Any) -> None:
    """The learning curve as a table of the first seed, and of all seeds as a picture."""
    seed, points = next(iter(curves.items()))
    rows = [
        (
            f"{point['step']:.0f}",
            "" if point["seconds"] is None else f"{point['seconds']:.0f} s",
            "" if point["train_loss"] is None else f"{point['train_loss']:.3f}",
            "" if point["loss"] is None else f"{point['loss']:.3f}",
            *(metric.show(point[metric.key]) for metric in recipe.metrics),
        )
        for point in points
    ]
    columns = ["step", "training time", "train loss", "valid loss"]
    columns += [f"valid {metric.label}" for metric in recipe.metrics]
    report.more.append("\n".join([f"Learning curve of seed {seed}:", "", *table(columns, rows)]))
    folder: Path | None = options.results or (None if options.short else RESULTS)
    if folder is None:
        return
    metric = recipe.metrics[0]
    lines = {
        f"seed {seed}": [
            (step, value)
            for step, value in ((point["step"], point[metric.key]) for point in points)
            if step is not None and value is not None
        ]
        for seed, points in curves.items()
    }
    path = result_path(folder, report.theme, ".svg")
    path.parent.mkdir(parents=True, exist_ok=True)
    title = f"{recipe.name}: {metric.long} on the valid split"
    chart = line_chart(lines, title=title, x="step", y=f"{metric.label}{metric.unit}")
    path.write_text(chart, encoding="utf-8")
    report.more.append(f"![Learning curves]({path.name})")


def _range(metric: Metric, values: list[float]) -> str:
    return f"{metric.show(min(values))} to {metric.show(max(values))}"


if __name__ == "__main__":
    main()
