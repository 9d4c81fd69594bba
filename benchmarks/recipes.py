"""Recipes trained through the command line: wall time, error rates for each seed, learning curves."""

from __future__ import annotations

import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s2sc.benchmarks.curve import line_chart
from s2sc.benchmarks.report import CHECKOUT, RESULTS, Report, hand_over, options_of, result_path, say, table

METHOD = """Every run is `s2sc compile SPEC --train` in a process of its own, one after the other, from nothing (only
the generated corpus is kept between them). Wall time is that of the whole command: start, reading the data, training,
evaluations, and the test at the end with the best weights of the valid split. Training time is what result.json says.
WER and CER are of the test split, which nothing was chosen by."""


@dataclass(frozen=True)
class Recipe:
    """A spec to train, and what is expected of it.

    short    what makes it a matter of seconds, to see that this script works
    """

    name: str
    spec: str
    seeds: tuple[int, ...]
    most_wer: float
    most_seconds: float
    short: tuple[str, ...]
    needs: str = ""


RECIPES = (
    Recipe("demo", "specs/wav2letter.s2s", (1,), 0.05, 300, ("--profile", "quick")),
    Recipe(
        "spoken_digits",
        "specs/spoken_digits.s2s",
        (1, 2, 3),
        0.03,
        600,
        tuple(
            word
            for value in ("stop=12 steps", "evaluate=6 steps", "log=3 steps", "checkpoint.every=6 steps")
            for word in ("--set", f"hyperparameters.{value}")
        ),
        needs="fsdd",
    ),
)


def main() -> None:
    """Train and hand over, a report for each recipe."""
    parser = options_of(__doc__)
    parser.add_argument("--only", choices=[recipe.name for recipe in RECIPES], help="one recipe; default: all")
    parser.add_argument("--seeds", type=int, nargs="+", help="instead of the recipe's own")
    parser.add_argument("--runs", type=Path, metavar="DIR", help="keep the runs here; default: they are thrown away")
    parser.add_argument("--device", default="auto", help="as for `s2sc compile`")
    options = parser.parse_args()
    for recipe in RECIPES:
        if options.only not in (None, recipe.name):
            continue
        if recipe.needs and not Path(os.environ.get("S2SC_DATA", ""), recipe.needs).is_dir():
            say(f"{recipe.name} is left out: S2SC_DATA is not a folder that holds {recipe.needs}/")
            continue
        with tempfile.TemporaryDirectory() as folder:
            train(recipe, options, options.runs or Path(folder))


def train(recipe: Recipe, options: Any, folder: Path) -> None:
    """One recipe with all its seeds."""
    seeds = options.seeds or (recipe.seeds[:2] if options.short else recipe.seeds)
    report = Report(
        f"recipe_{recipe.name}",
        f"Recipe {recipe.name}: {recipe.spec}" + (" (shortened, says nothing)" if options.short else ""),
        METHOD,
        ("seed", "wall", "training", "steps", "best step", "valid WER", "test WER", "test CER", "test clips"),
    )
    results, curves = {}, {}
    for seed in seeds:
        out = (folder / f"{recipe.name}_{seed}").resolve()
        wall, command = run(recipe, seed, out, short=options.short, device=options.device)
        result = json.loads((out / "result.json").read_text(encoding="utf-8"))
        records = [json.loads(line) for line in (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
        results[str(seed)] = {"wall_seconds": wall, **result}
        curves[str(seed)] = curve(records)
        report.rows.append(
            (
                str(seed),
                f"{wall:.0f} s",
                f"{result['seconds']:.0f} s",
                str(result["steps"]),
                str(result["best_step"]),
                _percent(result.get("valid", {}).get("wer")),
                _percent(result["test"]["wer"]),
                _percent(result["test"]["cer"]),
                str(result["test"]["examples"]),
            )
        )
        say(f"{recipe.name}, seed {seed}: {wall:.0f} s, test WER {_percent(result['test']['wer'])}")
        report.figures["command"] = command
    summary(recipe, report, results, command)
    report.figures["curves"] = curves
    learning(recipe, report, curves, options)
    hand_over(report, options)


def run(recipe: Recipe, seed: int, out: Path, *, short: bool, device: str) -> tuple[float, str]:
    """Train once; wall seconds of the command, and how to type it."""
    arguments = ["compile", recipe.spec, "--train", "--set", f"hyperparameters.seed={seed}"]
    arguments += recipe.short if short else ()
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
    rates = [result["test"]["wer"] for result in results.values()]
    walls = [result["wall_seconds"] for result in results.values()]
    # a test split without words has no rate; that is an error of the data and shows as such
    mean = statistics.fmean(rates)
    deviation = statistics.stdev(rates) if len(rates) > 1 else 0.0
    report.figures |= {
        "seeds": results,
        "test_wer": {"mean": mean, "standard_deviation": deviation, "target": recipe.most_wer},
        "wall_seconds": {"mean": statistics.fmean(walls), "most": max(walls), "target": recipe.most_seconds},
    }
    report.notes += [
        f"Test WER {_percent(mean)} (mean of {len(rates)}, standard deviation {100 * deviation:.2f} points, "
        f"{_percent(min(rates))} to {_percent(max(rates))}); expected at most {_percent(recipe.most_wer)}.",
        f"Wall time {statistics.fmean(walls):.0f} s in the mean, {max(walls):.0f} s at most; "
        f"expected at most {recipe.most_seconds:.0f} s.",
        f"Each run: `{command}`, with its own seed.",
    ]


def curve(records: list[dict[str, Any]]) -> list[dict[str, float]]:
    """What the valid split gave and the training loss just before."""
    points = []
    loss = seconds = None
    for record in records:
        if record.get("split") == "valid":
            points.append({**{key: record[key] for key in ("step", "wer", "cer", "loss")}, "train_loss": loss})
            points[-1]["seconds"] = seconds
        else:
            loss, seconds = record["loss"], record["seconds"]
    return points


def learning(recipe: Recipe, report: Report, curves: dict[str, list[dict[str, float]]], options: Any) -> None:
    """The learning curve as a table of the first seed, and of all seeds as a picture."""
    seed, points = next(iter(curves.items()))
    rows = [
        (
            str(point["step"]),
            "" if point["seconds"] is None else f"{point['seconds']:.0f} s",
            "" if point["train_loss"] is None else f"{point['train_loss']:.3f}",
            f"{point['loss']:.3f}" if point["loss"] is not None else "",
            _percent(point["wer"]),
            _percent(point["cer"]),
        )
        for point in points
    ]
    columns = ("step", "training time", "train loss", "valid loss", "valid WER", "valid CER")
    report.more.append("\n".join([f"Learning curve of seed {seed}:", "", *table(columns, rows)]))
    folder: Path | None = options.results or (None if options.short else RESULTS)
    if folder is None:
        return
    lines = {
        f"seed {seed}": [(point["step"], 100 * point["wer"]) for point in points if point["wer"] is not None]
        for seed, points in curves.items()
    }
    path = result_path(folder, report.theme, ".svg")
    path.parent.mkdir(parents=True, exist_ok=True)
    title = f"{recipe.name}: word error rate on the valid split"
    path.write_text(line_chart(lines, title=title, x="step", y="WER %"), encoding="utf-8")
    report.more.append(f"![Learning curves]({path.name})")


def _percent(rate: float | None) -> str:
    return "–" if rate is None else f"{100 * rate:.2f} %"


if __name__ == "__main__":
    main()
