"""The learning rate over a run, step by step, as far as a spec says how long the run is."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..dsl.values import Quantity
from .graph import Graph
from .parts.optim.fixed import Fixed
from .run_length import RunLength, run_length
from .schedule import Schedule

# An epoch of unknown size is drawn as so many steps, where nothing but shares of epochs matters.
_FINE = 1000


class UnknownLength(ValueError):
    """The spec alone does not say how many steps the run takes."""


@dataclass(frozen=True)
class Curve:
    """The learning rate of a run.

    unit   what the run is counted in: "steps", or "epochs" where no one knows how many steps they have
    """

    schedule: Schedule
    lr: float
    length: RunLength
    unit: str = "steps"

    def rate(self, step: int) -> float:
        """The rate of a step, counted from 0."""
        return self.schedule.learning_rate(self.lr, step, self.length)

    def key_steps(self) -> list[tuple[int, str]]:
        """The steps at which something begins or ends, each with what, in order."""
        last = self.length.steps - 1
        turns = [(step, what) for step, what in self.schedule.turns(self.length) if 0 < step < last]
        return sorted([(0, "the first step"), *turns, *([(last, "the last step")] if last else [])])

    def samples(self, most: int) -> list[int]:
        """Steps from the first to the last, evenly, and the key steps among them."""
        last = self.length.steps - 1
        even = {round(last * index / max(most - 1, 1)) for index in range(most)} if last >= most else range(last + 1)
        return sorted({*even, *(step for step, _ in self.key_steps())})

    def place(self, step: int) -> str:
        """A step as the run counts it."""
        return f"{step:,}" if self.unit == "steps" else f"{step / _FINE:.4g}"

    def to_json(self) -> dict[str, object]:
        """The curve as numbers: up to a thousand steps of it."""
        steps = self.samples(1000)
        scale = 1 if self.unit == "steps" else 1 / _FINE
        return {
            "schedule": self.schedule.name,
            "lr": self.lr,
            "unit": self.unit,
            "length": self.length.steps * scale,
            "at": [step * scale for step in steps],
            "rates": [self.rate(step) for step in steps],
            "turns": [{"at": step * scale, "rate": self.rate(step), "what": what} for step, what in self.key_steps()],
        }


def curve(graph: Graph, *, steps: int | None = None, steps_per_epoch: int | None = None) -> Curve:
    """The curve of a spec. UnknownLength where it needs a number that only the data or the machine knows.

    steps            length of the run, for one that ends by time
    steps_per_epoch  batches of the training split, for one that counts in epochs
    """
    settings = graph.hyperparameters.values()
    schedule = settings["schedule"] or Fixed()
    assert isinstance(schedule, Schedule)
    lr = float(settings["optimizer"].lr)
    stop: Quantity = settings["stop"]
    counted = [stop, *(value for value in schedule.values().values() if isinstance(value, Quantity))]
    if stop.family == "time":
        if steps is None:
            raise UnknownLength(f"the run ends after {stop.text}, however many steps that are: add --steps N")
        stop, counted = Quantity(steps, "steps", f"{steps} steps"), counted[1:]
    elif steps is not None:
        raise UnknownLength(f"the run ends after {stop.text}: --steps is for a run that ends by time")
    if steps_per_epoch is not None or all(one.family == "steps" for one in counted):
        length = run_length(stop, steps_per_epoch or 1)
        return Curve(schedule, lr, RunLength(max(length.steps, 1), length.steps_per_epoch))
    if stop.family == "epochs" and all(one.family == "epochs" for one in counted) and schedule.in_shares:
        return Curve(schedule, lr, RunLength(math.ceil(stop.amount * _FINE), _FINE), "epochs")
    raise UnknownLength("how many steps an epoch has is known with the data alone: add --steps-per-epoch N")
