"""The torch side of a spec's optimizer and regularizer: the file of the same name."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...compiler.part import Part
from ...compiler.parts.optim.by_norm import ByNorm
from ...compiler.parts.optim.larc import Larc
from ...compiler.run_length import RunLength
from ...compiler.schedule import Schedule
from .groups import NamedParameter


@dataclass(frozen=True)
class Regularizer:
    """Keeps weights small.

    add_gradient  adds a penalty's gradient to the gradients, before they are clipped
    decay         shrinks the weights by themselves, given the step's learning rate, as the optimizer steps
    """

    add_gradient: Callable[[], None]
    decay: Callable[[float | Tensor], None]


def optimizer_for(part: Part, parameters: Sequence[NamedParameter]) -> torch.optim.Optimizer:
    """An optimizer over all trained parameters."""
    optimizer: torch.optim.Optimizer = _file(part).build(part, parameters)
    larc = part.values().get("larc")
    if larc is not None:
        larc = larc if isinstance(larc, Larc) else Larc(eta=larc)
        _file(larc).adapt(larc, optimizer)
    return optimizer


def clip_for(setting: Part | float | None) -> Callable[[list[Tensor], Tensor], None] | None:
    """What makes gradients smaller in place, given the norm of all of them; None where nothing does."""
    if setting is None:
        return None
    part = setting if isinstance(setting, Part) else ByNorm(most=setting)
    clip = _file(part).clip
    return lambda gradients, norm: clip(part, gradients, norm)


def schedule_for(part: Part | None, base: float) -> Callable[[int, RunLength], float]:
    """The learning rate of a step (counted from 0) of a run of some length; without a schedule it stays `base`."""
    if part is None:
        return lambda step, length: base
    assert isinstance(part, Schedule)
    return lambda step, length: part.learning_rate(base, step, length)


def regularizer_for(part: Part | None, parameters: Sequence[NamedParameter]) -> Regularizer:
    """What keeps weights small: a penalty's gradient, or a decay of the weights themselves."""
    if part is None:
        return Regularizer(lambda: None, lambda rate: None)
    file = _file(part)
    if hasattr(file, "decay"):
        return Regularizer(lambda: None, lambda rate: file.decay(part, parameters, rate))
    return Regularizer(lambda: file.add_gradient(part, parameters), lambda rate: None)


def _file(part: Part) -> Any:
    return importlib.import_module(f".{part.name}", package=__package__)
