"""What `s2sc init` writes trains as it stands."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from s2sc.cli import main as cli

FEW = [
    word
    for value in ("stop=2 steps", "evaluate=2 steps", "log=1 steps", "checkpoint.every=2 steps", "workers=0")
    for word in ("--set", f"hyperparameters.{value}")
]


def test_a_first_translator_trains_on_files_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = random.Random(1)
    (tmp_path / "corpus").mkdir()
    for name, number in (("train", 900), ("val", 30)):
        lines = [" ".join(str(words.randrange(1000)) for _ in range(words.randint(1, 9))) for _ in range(number)]
        (tmp_path / "corpus" / f"{name}.en").write_text("\n".join(lines) + "\n", encoding="utf-8")
        turned = [" ".join(reversed(line.split())) for line in lines]
        (tmp_path / "corpus" / f"{name}.de").write_text("\n".join(turned) + "\n", encoding="utf-8")
    assert cli.main(["init", "--task", "translation", "--data", "corpus", "--from", "en"]) == 0
    assert cli.main(["compile", "translation.s2s", "--train", "--device", "cpu", "--out", "run", *FEW]) == 0
    assert json.loads(Path("run/result.json").read_text(encoding="utf-8"))["steps"] == 2


@pytest.mark.parametrize(("task", "smaller"), [("speech", ["data.corpus.train=40"]), ("translation", [])])
def test_a_first_spec_trains_on_what_is_made(
    task: str, smaller: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    smaller += [f"{path}=8" for path in ("data.corpus.valid", "data.corpus.test") if smaller]
    sets = [word for value in smaller for word in ("--set", value)]
    assert cli.main(["init", "--task", task]) == 0
    assert cli.main(["compile", f"{task}.s2s", "--train", "--device", "cpu", "--out", "run", *FEW, *sets]) == 0
    assert json.loads(Path("run/result.json").read_text(encoding="utf-8"))["steps"] == 2
