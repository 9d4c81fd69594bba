"""A corpus of tones that takes a second to learn, and runs over it."""

from __future__ import annotations

import json
import os
import sys
import wave
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from s2sc.compiler.front import analyse
from s2sc.compiler.graph import CheckedGraph
from s2sc.dsl.source import Source
from s2sc.runtime.checkpoint import Checkpoint, load_checkpoint
from s2sc.runtime.data.opening import open_data
from s2sc.runtime.data.speech import SpeechData
from s2sc.runtime.run_folder import Run
from s2sc.runtime.training.trainer import train

RATE = 8000
TONES = {"a": 300.0, "b": 900.0, "c": 2200.0, " ": 0.0}
TEXTS = ("a", "b", "c", "a b", "b a", "c b", "a c", "b c")

SPEC = """edition 1
let chars = alphabet("abc ")
data speech {
  audio   = logmel(rate = 8kHz, bins = 8, window = 20ms, hop = 10ms, dither = 0)
  text    = chars
  train   = ["train.jsonl"]
  valid   = ["valid.jsonl"]
  keep    = 0.05s .. 1s
  augment = [noise(20 .. 40, chance = 50%)]
}
encoder {
  out = data.audio -> conv1d(8, kernel = 3, stride = 2, bias = false) -> batch_norm -> relu -> dropout(0.02)
}
decoder {
  logits    = encoder.out -> linear(pad_to(8, chars.size + 1))
  log_probs = logits -> log_softmax
  infer     = log_probs -> greedy_ctc(blank = chars.size)
}
loss = ctc_loss(logits = decoder.logits, target = data.text, blank = chars.size)
hyperparameters {
  batch = 3 examples; stop = 20 steps; seed = 3; optimizer = adam(lr = 2e-2); metrics = [wer, cer]
  evaluate = 5 steps; log = 4 steps; workers = 0
  checkpoint { every = 4 steps; best = min(valid.wer) }
}
"""


class Silent:
    """A display that only remembers."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.warned: list[str] = []
        self.records: list[Mapping[str, Any]] = []
        self.measured: list[Mapping[str, Any]] = []

    def start(self, **_: Any) -> None: ...

    def advance(self, record: Mapping[str, Any]) -> None:
        self.records.append(record)

    def train(self, record: Mapping[str, Any]) -> None: ...

    def evaluation(self, record: Mapping[str, Any], pairs: Any) -> None:
        self.measured.append(record)

    def result(self, *_: Any) -> None: ...

    def preparing(self, *_: Any) -> None: ...

    def say(self, message: str) -> None:
        self.said.append(message)

    def warn(self, message: str) -> None:
        self.warned.append(message)

    def finish(self) -> None: ...


def write_corpus(folder: Path, *, seconds: float = 0.1) -> Path:
    """A tone for each letter; the valid split is the training split."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(1)
    lines = []
    for number, text in enumerate(TEXTS):
        time = np.arange(round(RATE * seconds)) / RATE
        samples = np.concatenate([0.4 * np.sin(2 * np.pi * TONES[letter] * time) for letter in text])
        samples = samples + 1e-3 * random.standard_normal(len(samples))
        with wave.open(str(folder / f"{number}.wav"), "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            file.writeframes((samples * 32767).clip(-32768, 32767).astype("<i2").tobytes())
        lines.append(json.dumps({"audio": f"{number}.wav", "text": text}) + "\n")
    for name in ("train.jsonl", "valid.jsonl"):
        (folder / name).write_text("".join(lines), encoding="utf-8")
    (folder / "tones.s2s").write_text(SPEC, encoding="utf-8")
    return folder


def graph_of(*sets: str, text: str = SPEC) -> CheckedGraph:
    analysis = analyse(Source("tones.s2s", text), sets=sets)
    assert analysis.checked is not None, [found.message for found in analysis.findings]
    return analysis.checked


def data_of(checked: CheckedGraph, corpus: Path) -> SpeechData:
    data = open_data(checked, base=corpus, environment={})
    assert isinstance(data, SpeechData)
    return data


def trained(
    corpus: Path,
    folder: Path,
    *sets: str,
    text: str = SPEC,
    resume: bool = False,
    progress: Silent | None = None,
    data: Any = None,
) -> dict[str, Any]:
    checked = graph_of(*sets, text=text)
    run = Run(folder)
    run.begin(checked, spec_text=text, base=corpus, started_with={})
    opened = data_of(checked, corpus) if data is None else data
    silent = Silent() if progress is None else progress
    return train(checked, run, opened, device=torch.device("cpu"), progress=silent, resume=resume)


def newest(folder: Path) -> Checkpoint:
    found = load_checkpoint(folder / "checkpoints")
    assert found is not None
    return found


def state_of(checkpoint: Checkpoint) -> dict[str, Any]:
    """All of a checkpoint that must be the same in a run that was never stopped."""
    state = {name: value for name, value in checkpoint.state.items() if name != "seconds"}
    tensors = {
        f"{group}/{name}": tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes()
        for group, found in checkpoint.tensors.items()
        for name, tensor in found.items()
    }
    return {**state, **tensors}


def metrics_of(folder: Path, *, without: Sequence[str] = ("seconds", "examples_per_second")) -> list[dict[str, Any]]:
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [{name: value for name, value in json.loads(line).items() if name not in without} for line in lines]


@pytest.fixture(scope="session")
def kit() -> Any:
    """This file's functions, for the tests beside it."""
    return sys.modules[__name__]


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("tones"))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Sums over several threads differ in their last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here cuts the power: which operations are synced is tested by their order."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
