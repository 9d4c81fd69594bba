"""Folders of runs as training writes them, without training."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from s2sc.compiler.front import analyse
from s2sc.compiler.graph_file import write_graph
from s2sc.dsl.source import Source

SPEC = """edition 1
let chars = alphabet("abc' ")
data speech {
  audio = logmel(rate = 16kHz, bins = 8)
  text  = chars
  train = ["train.jsonl"]
  valid = ["valid.jsonl"]
  keep  = 1s .. 10s
}
encoder { out = data.audio -> conv1d(16, kernel = 3, stride = 2) -> relu }
decoder {
  logits    = encoder.out -> linear(chars.size + 1)
  log_probs = logits -> log_softmax
  infer     = log_probs -> greedy_ctc(blank = chars.size)
}
loss = ctc_loss(logits = decoder.logits, target = data.text, blank = chars.size)
hyperparameters {
  batch = 32 examples; optimizer = adam(lr = 1e-3); stop = 100 steps; seed = 1; metrics = [wer, cer]
  checkpoint { every = 10 steps; keep = 2; best = min(valid.wer) }
}
"""

MakeRun = Callable[..., Path]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """A run's folder below tmp_path/runs; `files` replaces what is in it, None leaves a file out."""

    def make(
        name: str = "model/1",
        *,
        spec: str = SPEC,
        state: str = "finished",
        started: str = "2026-03-01T10:00:00Z",
        best: float | None = 0.25,
        steps: int = 40,
        files: dict[str, bytes | None] | None = None,
    ) -> Path:
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        checked = analyse(Source("spec.s2s", spec)).checked
        assert checked is not None
        write_graph(checked, folder)
        (folder / "checkpoints" / f"step-{steps:09}").mkdir(parents=True)
        if best is not None:
            saved = json.dumps({"best": [steps, best], "step": steps})
            (folder / "checkpoints" / f"step-{steps:09}" / "state.json").write_text(saved)
        contents: dict[str, bytes | None] = {
            "spec.s2s": spec.encode(),
            "run.json": json.dumps({"base": str(tmp_path), "started": started, "version": "0.1.0"}).encode(),
            "status.json": json.dumps({"format": "s2sc.status", "version": 1, "state": state}).encode(),
            "metrics.jsonl": lines_of(steps),
            ".lock": b"",
        }
        if state == "finished":
            result = {"steps": steps, "epochs": 2.5, "seconds": 61.5, "best_step": steps, "parameters": 1000}
            contents["result.json"] = json.dumps({**result, "valid": {"wer": best, "loss": 1.25}}).encode()
        for file, content in {**contents, **(files or {})}.items():
            if content is not None:
                (folder / file).write_bytes(content)
        return folder

    return make


def lines_of(steps: int) -> bytes:
    """metrics.jsonl of a run that was measured every 10 steps."""
    lines: list[dict[str, Any]] = []
    for step in range(10, steps + 1, 10):
        seconds = {"seconds": 1.5 * step, "examples_per_second": 12.5}
        figures = {"loss": 50 / step, "lr": 0.001, "gradient_norm": 2.0}
        lines.append({"step": step, "epoch": step / 16, **figures, **seconds})
        lines.append({"step": step, "split": "valid", "loss": 60 / step, "wer": 10 / step, "cer": 4 / step})
    return "".join(json.dumps(line) + "\n" for line in lines).encode()
