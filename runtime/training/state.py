"""What changes while a model is trained, to a checkpoint and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ..checkpoint import AVERAGES, Checkpoint, CheckpointError
from ..model import Model
from ..shards import dealt_out, fitted, local
from .averages import Averages
from .scaling.scaler import Scaler
from .weights import Weights


@dataclass
class TrainingState:
    """Where training stands. A run that goes on from a checkpoint of it takes the same steps to the bit.

    step                optimizer steps taken; skipped batches do not count
    epoch, next_batch   the place in the data: two numbers are all of it
    seconds             time in training, over all its sessions
    skips               batches in a row that were skipped while the loss scale could not shrink further
    losses              of the steps since the last record in metrics.jsonl
    skipped             batches that were skipped since then
    evaluations         how many intervals between evaluations are done with
    evaluated           the step at which the valid split was last measured
    best                the step with the best weights, and its metric
    stale               evaluations in a row that found no better ones
    recent              losses of the last steps, where jumps are looked for
    rewinds             how often training went back because its loss jumped
    """

    model: Model
    weights: Weights
    optimizer: torch.optim.Optimizer
    scaler: Scaler
    device: torch.device
    averages: Averages | None = None
    step: int = 0
    epoch: int = 0
    next_batch: int = 0
    seconds: float = 0.0
    skips: int = 0
    losses: list[float] = field(default_factory=list)
    skipped: int = 0
    evaluations: int = 0
    evaluated: int = -1
    best: tuple[int, float] | None = None
    stale: int = 0
    recent: list[float] = field(default_factory=list)
    rewinds: int = 0

    COUNTERS = (
        "epoch",
        "next_batch",
        "seconds",
        "skips",
        "losses",
        "skipped",
        "evaluations",
        "evaluated",
        "best",
        "stale",
        "recent",
        "rewinds",
    )

    @property
    def _kind(self) -> str:
        return type(self.optimizer).__name__

    def to_checkpoint(self, *, made_with: Mapping[str, Any]) -> Checkpoint:
        """All of it; the tensors are the live ones, dealt out where they are.

        made_with  what the numbers of the next steps depend on besides, for `load` to compare
        """
        numbers, tensors = _optimizer_state(self.optimizer)
        random = {"cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            random["cuda"] = torch.cuda.get_rng_state(self.device)
        state = {name: getattr(self, name) for name in self.COUNTERS}
        state |= {"scale": self.scaler.state(), "optimizer": numbers, "optimizer_kind": self._kind}
        state["made_with"] = dict(made_with)
        groups = {"model": self.weights.state_dict(self.model.module), "optimizer": tensors, "random": random}
        if self.averages is not None:
            groups[AVERAGES] = self.averages.values
        return Checkpoint(self.step, groups, state)

    def load(self, checkpoint: Checkpoint, *, made_with: Mapping[str, Any]) -> list[str]:
        """Stand where a checkpoint stood; gives the names in `made_with` that differ. CheckpointError if it is foreign.

        Whatever differs, the next steps may be others than those of a run that was not interrupted.
        """
        state = checkpoint.state
        if state.get("optimizer_kind") != self._kind:
            raise CheckpointError(
                f"the run was trained by {state.get('optimizer_kind')} and the spec says {self._kind}: start a new run"
            )
        load_model(self.model, checkpoint, self.weights)
        try:
            _load_optimizer(self.optimizer, checkpoint.tensors["optimizer"], state["optimizer"])
            if self.averages is not None:
                self.averages.load(checkpoint.tensors.get(AVERAGES, {}))
            self.scaler.load(state["scale"])
            torch.set_rng_state(checkpoint.tensors["random"]["cpu"])
            if self.device.type == "cuda" and "cuda" in checkpoint.tensors["random"]:
                torch.cuda.set_rng_state(checkpoint.tensors["random"]["cuda"], self.device)
            # what is younger than a checkpoint starts anew
            counters = {"stale": 0, "skipped": 0, "recent": [], "rewinds": 0, **state}
            for name in self.COUNTERS:
                setattr(self, name, counters[name])
            self.recent = [float(loss) for loss in self.recent]
            self.best = (int(self.best[0]), float(self.best[1])) if self.best else None
            before = state["made_with"]
            different = [name for name, value in made_with.items() if before.get(name, value) != value]
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, RuntimeError) as error:
            raise CheckpointError(f"the checkpoint of step {checkpoint.step} does not fit this run ({error})") from None
        self.step = checkpoint.step
        return different


def weights_of(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """What a checkpoint's model computes with: averages of weights in their place, where there are any."""
    return {**checkpoint.tensors["model"], **checkpoint.tensors.get(AVERAGES, {})}


def load_model(model: Model, checkpoint: Checkpoint, weights: Weights | None = None) -> None:
    """Put a checkpoint's weights into a model of the same architecture; CheckpointError if it has another.

    The checkpoint may come from training in another precision. Averages of weights take their place where it has any;
    not with `weights`, whose masters are loaded too: training goes on from the weights themselves.
    """
    try:
        if weights is None:
            model.module.load_state_dict(fitted(weights_of(checkpoint), model.module.state_dict()))
        else:
            weights.load_state_dict(model.module, checkpoint.tensors["model"])
    except RuntimeError as error:
        raise CheckpointError(f"the weights of step {checkpoint.step} do not fit the model ({error})") from None


def is_finite(checkpoint: Checkpoint) -> bool:
    """Whether no weight, no average of weights, no running statistic and no moment is NaN or infinite.

    Of what is dealt out, only what lies here.
    """
    groups = ("model", "optimizer", AVERAGES)
    tensors = [tensor for group in groups for tensor in checkpoint.tensors.get(group, {}).values()]
    return all(bool(tensor.isfinite().all()) for tensor in local(tensors) if tensor.is_floating_point())


def _optimizer_state(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """An optimizer's state by "index.name": what are numbers, what are tensors."""
    numbers: dict[str, Any] = {}
    tensors: dict[str, Tensor] = {}
    for index, entries in optimizer.state_dict()["state"].items():
        for name, value in entries.items():
            (tensors if isinstance(value, Tensor) else numbers)[f"{index}.{name}"] = value
    return numbers, tensors


def _load_optimizer(
    optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]
) -> None:
    state: dict[int, dict[str, Any]] = {}
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    for key, value in {**numbers, **tensors}.items():
        index, _, name = key.partition(".")
        if isinstance(value, Tensor):
            if value.dim() and not _fits(value.shape, weights[int(index)].shape):
                raise ValueError(f"{name} of weight {index} has the shape {tuple(value.shape)}")
            # a tensor from a file is a view into the file's bytes
            value = dealt_out(value.clone(), weights[int(index)]) if value.dim() else value.clone()
        state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _fits(state: torch.Size, weight: torch.Size) -> bool:
    """Whether a state is as large as its weight, or holds one number for whole rows or columns of it."""
    return len(state) == len(weight) and all(one in (1, size) for one, size in zip(state, weight, strict=True))
