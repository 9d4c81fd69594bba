"""Lightning (Falcon et al. 2019) as a side of peers.py: the model by hand in its module, its loop around that."""

from __future__ import annotations

import logging
import queue
import threading
import warnings
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any

import torch
from s2sc.benchmarks.plain import PlainLoop
from torch import Tensor

Inputs = tuple[Tensor, Tensor, Tensor, Tensor]


def why_not() -> str:
    """Why Lightning cannot take part; empty where it can."""
    return "" if find_spec("lightning") else "lightning is not installed (`pip install 'lightning<2.7'`)"


class LightningLoop:
    """One `Trainer.fit` that goes over batches when it is its turn, and waits in between.

    loop    the loop by hand whose model, optimizer and rate it takes, with automatic optimization
    losses  of each step of the latest turn

    It runs in a thread of its own, since `fit` returns at the end only; never two at a time. Loggers, checkpoints,
    progress bar and summary are off: what is left is its loop, with clipping.
    """

    def __init__(self, loop: PlainLoop, *, clip: float) -> None:
        self.losses: list[Tensor] = []
        self.seeds: Iterator[int] | None = None
        self._turns: queue.SimpleQueue[Sequence[Inputs] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        self._trainer: Any = None
        self._clip, self._threads = clip, torch.get_num_threads()
        self._thread = threading.Thread(target=self._fit, args=(loop,), daemon=True)
        self._thread.start()
        self._wait()

    def turn(self, batches: Sequence[Inputs], seeds: Sequence[int] | None = None) -> None:
        """Take a step with each batch; with `seeds`, from random numbers that start anew at each."""
        self.losses, self.seeds = [], None if seeds is None else iter(seeds)
        self._turns.put(batches)
        self._wait()

    def close(self) -> None:
        """End `fit`, which would begin another epoch after an empty one."""
        self._trainer.should_stop = True
        self._turns.put(None)
        self._thread.join()

    def _wait(self) -> None:
        problem = self._done.get()
        if problem is not None:
            raise problem

    def _fit(self, loop: PlainLoop) -> None:
        try:
            torch.set_num_threads(self._threads)
            import lightning  # type: ignore[import-not-found]  # no dependency of this project

            logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
            warnings.filterwarnings("ignore", module="lightning")
            self._trainer = lightning.Trainer(
                accelerator="cpu",
                devices=1,
                max_epochs=-1,
                gradient_clip_val=self._clip,
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                use_distributed_sampler=False,
            )
            self._trainer.fit(_module(self, loop), _Turns(self._turns, self._done))
        except BaseException as problem:
            self._done.put(problem)


def _module(side: LightningLoop, loop: PlainLoop) -> Any:
    import lightning

    class Module(lightning.LightningModule):  # type: ignore[misc]  # of a library without types here
        def __init__(self) -> None:
            super().__init__()
            self.model = loop.model

        def training_step(self, batch: Inputs, number: int) -> Tensor:
            if side.seeds is not None:
                torch.manual_seed(next(side.seeds))
            loss = loop.loss(*batch)
            side.losses.append(loss.detach())
            return loss

        def configure_optimizers(self) -> Any:
            schedule = torch.optim.lr_scheduler.LambdaLR(loop.optimizer, loop.factor)
            return {"optimizer": loop.optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    return Module()


class _Turns:
    """What `fit` reads: epochs of batches; each turn is one, and asking for the next tells that it is over."""

    def __init__(self, turns: Any, done: Any) -> None:
        self._turns, self._done = turns, done
        self._batches: Sequence[Inputs] | None = []

    def __len__(self) -> int:
        # of a length that is known nothing is fetched ahead, which would be the next turn
        return 1_000_000_000

    def __iter__(self) -> Iterator[Inputs]:
        while self._batches is not None:
            self._done.put(None)
            self._batches = self._turns.get()
            yield from self._batches or ()
