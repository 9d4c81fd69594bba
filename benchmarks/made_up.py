"""Batches of noise in the shapes of a spec's recordings, and a trainer over them."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import torch
from s2sc.compiler.front import analyse_file
from s2sc.compiler.graph import CheckedGraph
from s2sc.compiler.longest import longest
from s2sc.runtime.data.batch import Batch
from s2sc.runtime.data.speech import SpeechData
from s2sc.runtime.progress import PlainProgress
from s2sc.runtime.run_folder import Run
from s2sc.runtime.training import trainer as engine
from s2sc.runtime.training.batches import train_batches
from s2sc.runtime.training.preparing import prepare
from s2sc.runtime.training.stopping import StopRequest

from .report import CHECKOUT

WAVEFORM, TEXT = "data.audio.waveform", "data.text"
STEPS = 1_000_000


def compiled(spec: str, *, precision: str | None = None, sets: Sequence[str] = ()) -> CheckedGraph:
    """A spec's checked graph for training that goes on and on, without evaluations and checkpoints."""
    # the schedule ends with the run: a rate that stays says nothing about speed, but neither does one that is 0
    given = [f"hyperparameters.stop={STEPS} steps", f"hyperparameters.evaluate={STEPS} steps"]
    given += [f"hyperparameters.checkpoint.every={STEPS} steps", *sets]
    if precision is not None:
        given.append(f"hyperparameters.precision={precision}")
    found = analyse_file(CHECKOUT / spec, sets=given)
    assert found.checked is not None, [finding.message for finding in found.findings]
    return found.checked


def noise_batch(
    checked: CheckedGraph, *, num_examples: int, seconds: tuple[float, float], tokens_per_second: float, seed: int = 0
) -> Batch:
    """Noise with random texts; the first recording has the greatest length, to the sample."""
    data = checked.graph.data.values()
    chance, generator = random.Random(seed), torch.Generator().manual_seed(seed)
    rate, hop = int(data["audio"].rate), round(data["audio"].hop * data["audio"].rate)
    lengths = [round(rate * chance.uniform(*seconds)) for _ in range(num_examples)]
    lengths[0] = round(rate * seconds[1])
    step = int(data["pad_to"]) * hop
    waveform_BN = torch.rand(num_examples, math.ceil(max(lengths) / step) * step, generator=generator) - 0.5
    for row, length in enumerate(lengths):
        waveform_BN[row, length:] = 0.0
    num_tokens = [max(1, int(length / rate * tokens_per_second)) for length in lengths]
    symbols = len(data["text"].symbols)
    text_BU = torch.randint(symbols, (num_examples, max(num_tokens)), generator=generator)
    return Batch(
        inputs={WAVEFORM: waveform_BN, TEXT: text_BU},
        lengths={WAVEFORM: torch.tensor(lengths), TEXT: torch.tensor(num_tokens)},
        ids=tuple(str(row) for row in range(num_examples)),
        texts=("",) * num_examples,
        seconds=tuple(length / rate for length in lengths),
        epoch=0,
        number=0,
    )


def longest_batch(checked: CheckedGraph, num_examples: int) -> Batch:
    """The batch that `s2sc plan` reckons memory for: every example as long as the data's limits allow."""
    graph = checked.graph
    sizes = longest(graph)
    rate = int(graph.data.values()["audio"].rate)
    seconds = sizes["N"] / rate
    return noise_batch(
        checked, num_examples=num_examples, seconds=(seconds, seconds), tokens_per_second=sizes["U"] / seconds
    )


class TrainerOverBatches:
    """The trainer's own loop body over batches that are there already: step, figures, and what falls due.

    data  what `epoch` reads; without it, batches are handed in
    """

    def __init__(self, checked: CheckedGraph, folder: Path, *, device: torch.device, data: Any = None) -> None:
        self.trainer = prepare(
            checked,
            Run(folder),
            cast("SpeechData", _NoData() if data is None else data),
            device=device,
            progress=PlainProgress(io.StringIO()),
        )
        self.trainer.board.open(after=0)
        self.trainer.state.model.module.train()
        self._stop = StopRequest()

    def epoch(self) -> Iterator[Batch]:
        """The batches of a new epoch, as the trainer's loop gets them."""
        state = self.trainer.state
        state.epoch, state.next_batch = state.epoch + 1, 0
        with closing(train_batches(self.trainer)) as batches:
            for held, _, next_batch in batches:
                yield from held
                if next_batch == 0:
                    return

    def step(self, batch: Batch, *, may_skip: bool = False) -> None:
        """What the trainer's loop does with one batch; `may_skip` where a loss scale is being found."""
        state = self.trainer.state
        before, state.next_batch = state.step, batch.number + 1
        engine._take(self.trainer, [batch.to(self.trainer.device)], self._stop)
        assert may_skip or state.step == before + 1, "the batch was skipped"

    def close(self) -> None:
        """End the figures' files."""
        self.trainer.board.close()

    def weights(self) -> list[torch.Tensor]:
        """All trained tensors in the order of the modules."""
        return [weight.detach() for weight in self.trainer.stepper.weights.tensors]

    def last_loss(self) -> float:
        """The loss of the latest step; NaN where that step's figures were written, which begins a new window."""
        return self.trainer.state.losses[-1] if self.trainer.state.losses else math.nan


class _NoData:
    """Stands for the data of a trainer that is handed batches."""

    splits = ("train",)

    def num_batches(self, *_: Any, **__: Any) -> int:
        return 1000
