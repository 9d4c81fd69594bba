"""A translator learns to turn strings of digits around, through the command line, as a user would train it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from s2sc.cli import main as cli


def test_a_transformer_learns_to_reverse_digits(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    spec = root / "specs" / "toy" / "reversal_tt.s2s"
    sets = ("hyperparameters.evaluate=1000 steps", "hyperparameters.checkpoint.every=1000 steps")
    words = [word for value in sets for word in ("--set", value)]
    assert cli.main(["compile", str(spec), "--train", "--device", "cpu", "--out", str(run), *words]) == 0
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    assert result["steps"] <= 1000
    assert result["test"]["examples"] == 500
    assert result["test"]["bleu"] >= 95
    lines = tmp_path / "lines.txt"
    lines.write_text("3 1 4 1 5\n", encoding="utf-8")
    capsys.readouterr()
    assert cli.main(["infer", str(run), str(lines)]) == 0
    assert capsys.readouterr().out == "5 1 4 1 3\n"
