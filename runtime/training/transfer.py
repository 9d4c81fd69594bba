"""Weights of another run as the start of a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..checkpoint import CheckpointError, load_best
from ..run_folder import RunError, open_run
from .state import weights_of

_MOST_NAMED = 8


@dataclass(frozen=True)
class Transferred:
    """What a transfer did.

    loaded  how many tensors were taken
    fresh   tensors of this model that the run has not
    shapes  tensors that have another shape there: name, shape there, shape here
    unused  tensors of the run that this model has not
    """

    loaded: int
    fresh: tuple[str, ...]
    shapes: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]
    unused: tuple[str, ...]

    def lines(self) -> list[str]:
        """What was not taken and why, for people."""
        found = [
            f"{name} has the shape {list(theirs)} there and {list(ours)} here" for name, theirs, ours in self.shapes
        ]
        found += [f"{name} is not there" for name in self.fresh]
        found += [f"{name} is only there" for name in self.unused]
        more = len(found) - _MOST_NAMED
        return found[:_MOST_NAMED] + ([f"and {more} more"] if more > 0 else [])


def transfer(module: nn.Module, state: Mapping[str, Tensor]) -> Transferred:
    """Take what a state has under the same name in the same shape, in the model's own precision."""
    own = module.state_dict()
    fits = [name for name in own if name in state and state[name].shape == own[name].shape]
    with torch.no_grad():
        for name in fits:
            own[name].copy_(state[name])
    return Transferred(
        loaded=len(fits),
        fresh=tuple(name for name in own if name not in state),
        shapes=tuple(
            (name, tuple(state[name].shape), tuple(own[name].shape))
            for name in own
            if name in state and state[name].shape != own[name].shape
        ),
        unused=tuple(name for name in state if name not in own),
    )


def start_from(module: nn.Module, folder: Path) -> Transferred:
    """Take the best weights of a run as far as they fit; CheckpointError where none does, or there is no such run."""
    try:
        found = load_best(open_run(folder).checkpoints)
    except RunError as error:
        raise CheckpointError(f"init_from: {error}") from None
    if found is None:
        raise CheckpointError(f"init_from: {folder} has no checkpoint yet")
    done = transfer(module, weights_of(found))
    if not done.loaded:
        why = "; ".join(done.lines())
        raise CheckpointError(f"init_from: no tensor of {folder} has the name and the shape of one here: {why}")
    return done
