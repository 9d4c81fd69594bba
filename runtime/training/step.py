"""One optimizer step, out of one batch or of several whose gradients add up.

The order is that of mixed precision with float32 masters (Micikevicius et al. 2018):

    loss times scale, gradients, gradients of the masters, unscale, penalty, norm, test for overflow, scale's update,
    clip, decay, optimizer, back into the model

What is not finite leaves weights, moments, running statistics and schedule as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..data.batch import Batch
from ..distributed import ALONE, World
from ..model import Model
from ..optim.lookup import Regularizer
from ..shards import largest, local, total_norm
from .averages import Averages
from .running_statistics import RunningStatistics
from .scaling.scaler import Scaler
from .strategy import Part, alone
from .weights import Weights


@dataclass(frozen=True)
class Outcome:
    """What a step did.

    figures   the loss, the norm of the gradient before clipping, 1 where the step was skipped, 1 where the scale was at
              its floor before it, the scale that it took: five numbers, or [5] float64 on a device that may still work
    examples  how many it saw on all ranks
    first     the id of the first of them
    batches   what it saw, to look at again if it gave no finite numbers
    """

    figures: Tensor | list[float]
    examples: int
    first: str
    batches: Sequence[Batch] = ()

    def numbers(self) -> list[float]:
        """The figures; waits for the device where they are not here yet."""
        if isinstance(self.figures, Tensor):
            found: list[float] = self.figures.tolist()
            return found
        return self.figures


@dataclass
class Stepper:
    """Takes steps.

    clip       makes the gradients smaller in place, given the norm of all of them
    waits      whether it may read from the device at each step, which on a GPU would keep it from working ahead
    averages   follow the weights, where there are any
    part       entered around each forward and backward pass: where ranks add up their gradients
    collects   whether it has done so after each of them, and not after a step's last alone
    """

    model: Model
    weights: Weights
    optimizer: torch.optim.Optimizer
    scaler: Scaler
    regularizer: Regularizer
    statistics: RunningStatistics
    clip: Callable[[list[Tensor], Tensor], None] | None = None
    averages: Averages | None = None
    world: World = ALONE
    waits: bool = True
    part: Part = alone
    collects: bool = True
    _loss: Tensor = field(default_factory=lambda: torch.zeros(()))
    _examples: int = 0
    _first: str = ""
    _batches: Sequence[Batch] = ()

    def gradients(self, batches: Sequence[Batch]) -> None:
        """Forward and backward: the mean over all examples (or tokens) of all batches of all ranks.

        Batches lie on the device. The gradients are those of one batch that holds them all.
        """
        self.statistics.remember()
        weight = torch.stack([self.model.loss_weight(batch).sum() for batch in batches]).sum()
        self.world.sum(weight)
        self._loss = torch.zeros_like(weight, dtype=torch.float32)
        for number, batch in enumerate(batches, start=1):
            with self.part(batch, number == len(batches)):
                loss = self.model.loss(self.model(batch), batch).sum() / weight
                self._loss += loss.detach()
                torch.autograd.backward(self._scaled(loss))
            if self.collects:
                # sums of halves lose digits; with ddp ranks add up theirs where the gradients arose, after the last
                self.weights.collect()
        self._examples, self._first = sum(batch.total or len(batch) for batch in batches), batches[0].ids[0]
        self._batches = batches

    def _scaled(self, loss: Tensor) -> Tensor:
        if self.world.size > 1:
            # ranks take the mean of their gradients, and each has only its share of the sum
            loss = loss * self.world.size
        return loss * self.scaler.value if self.scaler.enabled else loss

    def apply(self, rate: float) -> Outcome:
        """Change the weights by the gradients, if they are finite."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        sound = self.statistics.are_finite(self._loss.device)
        if self.world.size > 1:
            # the processes skip together: what one of them has of it, all have
            both = self.world.sum(torch.stack((self._loss, (~sound).to(self._loss))))
            self._loss, sound = both[0], both[1] == 0
        collected = self.weights.collect()
        gradients = local(collected)
        most = torch.zeros(())
        if self.scaler.enabled:
            torch._foreach_mul_(gradients, self.scaler.value.reciprocal())
            # what half precision had to hold: neither a penalty nor a clip is part of it
            most = largest(collected)
        self.regularizer.add_gradient()
        norm = total_norm(collected)
        skipped = ~(torch.isfinite(self._loss) & torch.isfinite(norm) & sound)
        seen = (self._loss, norm, skipped, self.scaler.at_floor, self.scaler.value)
        figures = torch.stack([value.detach().double() for value in seen])
        if self.scaler.enabled:
            self.scaler.update(skipped, most)
        known: list[float] | None = None
        if not self.waits:
            self._change_where(~skipped, gradients, norm, rate)
        else:
            # the step's one wait for the device
            known = figures.tolist()
            if known[2]:
                self.statistics.go_back()
            else:
                self._change(gradients, norm, rate)
        self.weights.clear()
        return Outcome(figures if known is None else known, self._examples, self._first, self._batches)

    def _change(self, gradients: list[Tensor], norm: Tensor, rate: float) -> None:
        if self.clip is not None:
            self.clip(gradients, norm)
        self.regularizer.decay(rate)
        self.optimizer.step()
        self.weights.write_back()
        if self.averages is not None:
            self.averages.follow()

    def _change_where(self, applied: Tensor, gradients: list[Tensor], norm: Tensor, rate: float) -> None:
        """The same on the device's own word, for optimizers that take it (torch's fused kernels)."""
        if self.clip is not None:
            self.clip(gradients, norm)
        self.regularizer.decay(applied * rate)
        self.optimizer.found_inf = (~applied).float()  # type: ignore[attr-defined]  # what torch's GradScaler sets
        self.optimizer.step()
        self.weights.write_back()
        self.statistics.go_back_where(~applied)
        if self.averages is not None:
            self.averages.follow(applied)


def may_run_ahead(optimizer: torch.optim.Optimizer, device: torch.device) -> bool:
    """Whether steps need not wait: the device is another one, and the optimizer can be told there to do nothing."""
    return device.type == "cuda" and bool(getattr(optimizer, "_step_supports_amp_scaling", False))
