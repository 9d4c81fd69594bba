"""The learning rate of a run as a picture, as a file and as numbers: all from the schedule's own formula."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from s2sc.cli.main import main
from s2sc.compiler.curve_as_svg import curve_as_svg
from s2sc.compiler.curve_as_text import curve_as_text
from s2sc.compiler.front import analyse
from s2sc.compiler.parts.optim.noam import Noam
from s2sc.compiler.parts.optim.poly import Poly
from s2sc.compiler.run_length import RunLength
from s2sc.compiler.schedule_curve import Curve, UnknownLength, curve
from s2sc.dsl.source import Source
from s2sc.dsl.values import Quantity
from s2sc.tests.small_spec import SPEC, changed


def steps(amount: float) -> Quantity:
    return Quantity(amount, "steps", f"{amount} steps")


def of(schedule: str, stop: str, **given: int) -> Curve:
    text = changed(("stop      = 100 steps", f"stop = {stop}\n  schedule = {schedule}"))
    analysis = analyse(Source("small.s2s", text))
    assert analysis.checked is not None, analysis.findings
    return curve(analysis.checked.graph, **given)


def dots(picture: str) -> set[tuple[int, int]]:
    """Places of the dots, from the upper left."""
    bits = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
    rows = [line.split("┤")[-1].split("│")[-1] for line in picture.splitlines() if "┤" in line or "│" in line]
    return {
        (4 * row + down, 2 * column + right)
        for row, line in enumerate(rows)
        for column, letter in enumerate(line)
        for down in range(4)
        for right in range(2)
        if letter != " " and (ord(letter) - 0x2800) & bits[down][right]
    }


def test_the_picture_is_the_curve() -> None:
    found = Curve(Poly(warmup=steps(100)), 2e-3, RunLength(1000, 1))
    lit = dots(curve_as_text(found))
    for column in range(128):
        step = round(999 * (column + 0.5) / 128)
        rows = [row for row, at in lit if at == column]
        expected = (1 - found.rate(step) / 2e-3) * 39
        # a column is eight steps wide, in which a steep rise goes through four dots
        assert min(abs(row - expected) for row in rows) <= 4, (column, rows, expected)


def test_the_figures_and_the_steps_that_matter_stand_beside_it() -> None:
    text = curve_as_text(Curve(Poly(warmup=steps(100), begin=steps(300)), 2e-3, RunLength(1000, 1)))
    first, *_ = text.splitlines()
    assert first == "learning rate of poly, lr = 0.002, over 1,000 steps"
    table = text.split("\n\n")[-1].splitlines()
    assert [line.split()[:2] for line in table] == [
        ["step", "rate"],
        ["0", "2e-05"],
        ["99", "0.002"],
        ["300", "0.002"],
        ["999", "2.857e-06"],
    ]


@pytest.mark.parametrize("length", [1, 2, 3, 50, 127, 128, 129, 1_000_000])
def test_a_run_of_any_length_can_be_drawn(length: int) -> None:
    found = Curve(Noam(d=16, warmup=steps(10)), 1.0, RunLength(length, 1))
    assert {at for _, at in dots(curve_as_text(found))} == set(range(128))
    assert ElementTree.fromstring(curve_as_svg(found)).tag.endswith("svg")
    numbers: Any = found.to_json()
    assert numbers["at"][0] == 0
    assert numbers["at"][-1] == length - 1
    assert len(numbers["at"]) <= 1003


def test_the_numbers_are_the_rates() -> None:
    found = of("cosine(warmup = 10 steps)", "200 steps")
    numbers: Any = found.to_json()
    assert numbers["at"] == list(range(200))
    assert numbers["rates"] == [found.rate(step) for step in range(200)]
    assert [turn["what"] for turn in numbers["turns"]] == [
        "the first step",
        "the warm-up ends",
        "the fall begins",
        "the last step",
    ]


def test_epochs_alone_are_drawn_in_epochs() -> None:
    found = of("poly(warmup = 2 epochs)", "20 epochs")
    assert found.unit == "epochs"
    assert "over 20 epochs" in curve_as_text(found)
    numbers: Any = found.to_json()
    assert numbers["length"] == 20
    with_steps = of("poly(warmup = 2 epochs)", "20 epochs", steps_per_epoch=50)
    assert (with_steps.unit, with_steps.length) == ("steps", RunLength(1000, 50))
    for share in (0.25, 0.5, 0.75):
        one, other = (each.rate(int(each.length.steps * share)) for each in (found, with_steps))
        assert one == pytest.approx(other, rel=1e-9)


@pytest.mark.parametrize(
    ("schedule", "stop", "given", "words"),
    [
        ("poly(warmup = 100 steps)", "20 epochs", {}, "--steps-per-epoch"),
        ("noam(d = 8, warmup = 1 epochs)", "20 epochs", {}, "--steps-per-epoch"),
        ("piecewise(boundaries = [10], rates = [0.1])", "20 epochs", {}, "--steps-per-epoch"),
        ("poly", "1h", {}, "--steps N"),
        ("poly", "100 steps", {"steps": 7}, "ends by time"),
    ],
)
def test_what_the_spec_does_not_say_is_asked_for(schedule: str, stop: str, given: Any, words: str) -> None:
    with pytest.raises(UnknownLength, match=words):
        of(schedule, stop, **given)
    assert of("poly(warmup = 100 steps)", "1h", steps=500).length.steps == 500


def test_the_command_draws_writes_and_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "small.s2s"
    spec.write_text(SPEC, encoding="utf-8")
    picture = tmp_path / "rate.svg"
    assert main(["plan", str(spec), "--schedule", "--svg", str(picture)]) == 0
    shown = capsys.readouterr()
    assert "over 100 steps" in shown.out
    assert ElementTree.parse(picture).getroot().get("viewBox") == "0 0 640 320"
    assert main(["plan", str(spec), "--schedule", "--json"]) == 0
    assert '"length": 100' in capsys.readouterr().out
    assert main(["plan", str(spec), "--svg", str(picture)]) == 2
    assert "--svg goes with --schedule" in capsys.readouterr().err
    assert main(["plan", str(spec), "--schedule", "--steps", "5"]) == 2


def test_a_curve_is_drawn_without_torch(tmp_path: Path) -> None:
    spec = tmp_path / "small.s2s"
    spec.write_text(SPEC, encoding="utf-8")
    program = (
        "import sys; from s2sc.cli.main import main; "
        f"code = main(['plan', {str(spec)!r}, '--schedule']); "
        "sys.exit(code or bool({'torch', 'numpy'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, cwd=tmp_path)
