"""The loss scale of a spec that trains in fp16."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .graph import Graph
from .part import Part
from .parts.precision.autocast import Autocast
from .parts.precision.mixed import Mixed
from .parts.scaling.backoff import Backoff
from .settings import setting

_PRECISION = "hyperparameters.precision"


@dataclass(frozen=True)
class Bound:
    """One number of a loss scale: what it is, and the setting that says it."""

    value: float
    path: str


@dataclass(frozen=True)
class Scaling:
    """How the loss is scaled, whatever the part says it with.

    name    "autocast", "backoff", "logmax", "static"
    first, least, largest  the scale at first and its bounds
    window  steps without overflow before it grows; None for a scale that does not grow in steps
    """

    name: str
    first: Bound
    least: Bound
    largest: Bound
    window: Bound | None = None

    @property
    def settings(self) -> tuple[str, ...]:
        """The settings that make it, each once."""
        bounds = (self.first, self.least, self.largest, *((self.window,) if self.window else ()))
        return tuple(dict.fromkeys(bound.path for bound in bounds))


def scaling(graph: Graph) -> Scaling | None:
    """How the loss is scaled; None where nothing is scaled."""
    precision = setting(graph, _PRECISION)
    if isinstance(precision, Autocast) and precision.dtype.name == "fp16":
        return _of_autocast(precision)
    part = scaler_part(precision)
    return None if part is None else _of_part(part)


def scaler_part(precision: Any) -> Part | None:
    """The scaler of mixed(fp16, …), backoff() where it says none; None without one."""
    if not isinstance(precision, Mixed) or precision.dtype.name != "fp16":
        return None
    return Backoff() if precision.loss_scale is None else precision.loss_scale


def _of_autocast(part: Autocast) -> Scaling:
    first = Bound(part.start_scale, f"{_PRECISION}.start_scale")
    least = Bound(part.min_scale, f"{_PRECISION}.min_scale")
    # it grows without a bound of the spec's
    largest = Bound(2.0**24, first.path)
    return Scaling(part.name, first, least, largest, Bound(part.grow_every, f"{_PRECISION}.grow_every"))


def _of_part(part: Part) -> Scaling:
    values = part.values()

    def bound(name: str) -> Bound:
        return Bound(values[name], f"{_PRECISION}.loss_scale.{name}")

    if "scale" in values:
        return Scaling(part.name, bound("scale"), bound("scale"), bound("scale"))
    window = bound("window") if "window" in values else None
    return Scaling(part.name, bound("max"), bound("min"), bound("max"), window)
