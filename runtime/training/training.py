"""A training while it runs: everything that one run needs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from ...compiler.graph import CheckedGraph
from ...compiler.run_length import RunLength, run_length
from ...dsl.values import Quantity
from ..data.batch import Batch
from ..data.opened import OpenedData
from ..data.sampler import Share
from ..distributed import ALONE, World
from ..evaluation import Evaluation
from ..metrics_file import MetricsFile
from ..progress import Progress
from ..run_folder import Run
from ..sharded import Sharded
from ..tensorboard import Board
from .state import TrainingState
from .step import Outcome, Stepper
from .stopping import StopRequest
from .uploads import unchanged
from .writer import Writer


@dataclass
class Trainer:
    """Everything that one run needs.

    state    where it stands: what checkpoints hold
    stepper  takes its steps
    rate_of  the learning rate of a step
    world    the processes that train together
    sharded  what makes weights whole that are dealt out; None where every process holds all
    shaped   what is made of a batch on the device
    rate, norm, scale  of the last step: learning rate, norm of its gradient before clipping, scale of its loss
    saving   the place and the best of the checkpoint that is being written
    draft    its name and its step, where each process writes its part
    written  whether all processes have
    saved, best_saved  those of the last one that is on the disk
    pending  what the last step did, where it was not looked at yet
    jump     a loss that jumped and what is usual, until training goes back
    """

    checked: CheckedGraph
    data: OpenedData
    run: Run
    progress: Progress
    device: torch.device
    settings: Mapping[str, Any]
    state: TrainingState
    stepper: Stepper
    rate_of: Callable[[int, RunLength], float]
    batches_per_epoch: int
    metrics: MetricsFile
    board: Board
    world: World = ALONE
    sharded: Sharded | None = None
    shaped: Callable[[Batch], Batch] = unchanged
    rate: float = 0.0
    norm: float = 0.0
    scale: float = 1.0
    pending: Outcome | None = None
    jump: tuple[float, float] | None = None
    finished: bool = False
    since: float = field(default_factory=time.monotonic)
    window_since: float = field(default_factory=time.monotonic)
    window_examples: int = 0
    checkpoints: int = 0
    writer: Writer = field(default_factory=Writer)
    saving: tuple[tuple[object, ...], tuple[int, float] | None] | None = None
    draft: tuple[str, int] = ("", 0)
    written: bool = False
    saved: tuple[object, ...] | None = None
    best_saved: tuple[int, float] | None = None
    measured: tuple[int, Evaluation] | None = None

    agreed_seconds: float = 0.0

    @property
    def share(self) -> Share:
        """The part of each batch that this process takes."""
        return Share(self.world.rank, self.world.size)

    @property
    def elapsed(self) -> float:
        """Seconds in training so far; of several processes, those that all of them last heard of from the first."""
        if not self.world.alone:
            return self.agreed_seconds
        return self.state.seconds + time.monotonic() - self.since

    def agree(self, stop: StopRequest) -> None:
        """Let all processes see the same clock, a request to stop that any has, and whether all have written."""
        if self.world.alone:
            return
        own = self.state.seconds + time.monotonic() - self.since if self.world.is_first else 0.0
        heard, self.agreed_seconds, busy = self.world.largest(stop.heard, own, self.writer.busy)
        stop.agreed, self.written = int(heard), not busy

    def keep_time(self) -> None:
        """Bring the state's seconds up to now."""
        self.state.seconds, self.since = self.elapsed, time.monotonic()

    @property
    def accumulate(self) -> int:
        """Batches that make one step together."""
        return int(self.settings["accumulate"])

    @property
    def steps_per_epoch(self) -> int:
        """Steps of an epoch; its last one may be of fewer batches."""
        return math.ceil(self.batches_per_epoch / self.accumulate)

    @property
    def epochs(self) -> float:
        """Epochs done, with the share of the present one."""
        return self.state.epoch + min(self.state.next_batch / self.batches_per_epoch, 1 - 1e-6)

    @property
    def length(self) -> RunLength:
        """Steps of the run and of an epoch."""
        return run_length(self.settings["stop"], self.steps_per_epoch, step=self.state.step, seconds=self.elapsed)

    def done(self, quantity: Quantity, *, ahead: int = 0) -> float:
        """How often a quantity of steps, epochs or time went by, or will have gone by some steps ahead."""
        units = {"steps": float(self.state.step + ahead), "epochs": self.epochs, "time": self.elapsed}
        # a tenth of an epoch, ten times, is one
        return units[quantity.family] / quantity.amount * (1 + 1e-12)
