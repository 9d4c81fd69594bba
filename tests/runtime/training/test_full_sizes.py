"""The full sizes of translators train, evaluate and search; here with all widths and the vocabulary made small."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from s2sc.cli import main as cli

# benchmarks/recipes.py --full runs them as they are: gigabytes and minutes each
FULL = ("transformer_base", "transformer_big", "gnmt", "convs2s")


@pytest.mark.parametrize("name", FULL)
def test_a_full_size_made_narrow_runs_five_steps(root: Path, tmp_path: Path, name: str) -> None:
    text = (root / "specs" / "translation" / f"{name}.s2s").read_text(encoding="utf-8")
    text, widths = re.subn(r"(?<![\d_])(512|1024|2048|4096)(?=[,\n])", lambda found: str(int(found[0]) // 16), text)
    text, vocabularies = re.subn(r"words\(size = 32768\)", "words(size = 64)", text)
    assert widths >= 1
    assert vocabularies == 1
    spec = tmp_path / f"{name}.s2s"
    spec.write_text(text, encoding="utf-8")
    run = tmp_path / "run"
    words = ("--profile", "generated", "--device", "cpu", "--out", str(run))
    assert cli.main(["compile", str(spec), "--train", *words]) == 0
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [record["step"] for record in records if "split" not in record] == [1, 2, 3, 4, 5]
    assert result["steps"] == 5
    assert result["test"]["examples"] == 20
    assert result["parameters"] < 2_000_000
