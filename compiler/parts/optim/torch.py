"""An optimizer of torch, by its name there."""

from __future__ import annotations

from typing import Any

from ....dsl.suggest import closest
from ...optimizer import Optimizer, declared_larc
from ...part import Mismatch, Part, param, part
from ...torch_optimizers import KEEP_ONE_MORE, KEPT, OPTIONS


@part("torch", family="optimizer")
class Torch(Optimizer):
    """An optimizer of torch.optim by its name there, with its options as they are called there.

    torch("RAdam", lr = 1e-3, betas = [0.9, 0.98]); an option that is not given has torch's default. With weight_decay,
    biases and the scales of normalisations are not decayed. Most have a part of their own with more to say: adam,
    adamw, momentum, adagrad, rmsprop.
    """

    divisors = ("eps",)

    kind: str = param(doc="name of the class in torch.optim", choices=tuple(OPTIONS), training=True)
    lr: float = param(doc="learning rate", above=0, training=True)
    betas: tuple[float, ...] | None = param(
        default=None, doc="shares of the mean and of the mean square that are kept", training=True
    )
    eps: float | None = param(default=None, doc="added to a divisor", above=0, training=True)
    weight_decay: float | None = param(default=None, doc="strength of the pull to 0", minimum=0, training=True)
    amsgrad: bool | None = param(default=None, doc="divide by the greatest mean square so far", training=True)
    decoupled_weight_decay: bool | None = param(
        default=None, doc="decay weights apart from the gradient", training=True
    )
    momentum: float | None = param(
        default=None, doc="share of the last step that is kept", minimum=0, below=1, training=True
    )
    dampening: float | None = param(default=None, doc="share of a gradient left out of the mean", training=True)
    nesterov: bool | None = param(default=None, doc="look one step ahead", training=True)
    alpha: float | None = param(
        default=None,
        doc="share of the mean square that is kept; in ASGD the power of the rate",
        minimum=0,
        training=True,
    )
    centered: bool | None = param(default=None, doc="divide by the deviation from the mean", training=True)
    rho: float | None = param(
        default=None, doc="share of the mean squares that is kept", minimum=0, maximum=1, training=True
    )
    lr_decay: float | None = param(default=None, doc="how fast the rate falls by itself", minimum=0, training=True)
    initial_accumulator_value: float | None = param(
        default=None, doc="sum of squares before the first step", minimum=0, training=True
    )
    momentum_decay: float | None = param(default=None, doc="how fast the momentum warms up", minimum=0, training=True)
    lambd: float | None = param(default=None, doc="how fast weights decay", minimum=0, training=True)
    t0: float | None = param(default=None, doc="step at which averaging starts", minimum=0, training=True)
    etas: tuple[float, ...] | None = param(default=None, doc="how much a step shrinks and grows", training=True)
    step_sizes: tuple[float, ...] | None = param(default=None, doc="least and greatest step", training=True)
    larc: float | Part | None = declared_larc()

    def options(self) -> dict[str, Any]:
        """What is given besides the learning rate."""
        given = {name: value for name, value in self.values().items() if name not in ("kind", "lr", "larc")}
        return {name: value for name, value in given.items() if value is not None}

    def kept_numbers(self) -> int:
        return KEPT.get(self.kind, 2) + sum(bool(self.options().get(name)) for name in KEEP_ONE_MORE)

    def check_params(self) -> None:
        takes = OPTIONS[self.kind]
        for name, value in self.options().items():
            if name not in takes:
                near = closest(name, takes)
                raise Mismatch(
                    "S2S303",
                    f"{self.kind} of torch has no option {name}",
                    param=name,
                    helps=(f"did you mean {near}?" if near else f"it takes {', '.join(takes)}",),
                )
            problem = _PAIRS[name](value) if name in _PAIRS and isinstance(value, tuple) else ""
            if problem:
                raise Mismatch("S2S303", f"{self.kind}'s {name} wants {problem}", param=name)
        if self.nesterov and not self.momentum:
            raise Mismatch(
                "S2S301",
                f"{self.kind} looks a step ahead, but keeps nothing of the last one",
                param="nesterov",
                helps=("leave out nesterov, or give a momentum above 0",),
            )
        if self.nesterov and self.dampening:
            raise Mismatch(
                "S2S303",
                f"{self.kind} of torch looks a step ahead without dampening alone",
                param="dampening",
                helps=("leave out dampening",),
            )
        if self.kind == "RMSprop" and self.alpha is not None and self.alpha >= 1:
            raise Mismatch("S2S303", "RMSprop's alpha must be below 1", param="alpha")


def _betas(pair: tuple[float, ...]) -> str:
    fits = len(pair) == 2 and all(0 <= one < 1 for one in pair)
    return "" if fits else "two shares of 0 or more and below 1, such as [0.9, 0.999]"


def _etas(pair: tuple[float, ...]) -> str:
    fits = len(pair) == 2 and 0 < pair[0] < 1 < pair[1]
    return "" if fits else "a factor below 1 and one above, such as [0.5, 1.2]"


def _step_sizes(pair: tuple[float, ...]) -> str:
    fits = len(pair) == 2 and 0 < pair[0] <= pair[1]
    return "" if fits else "two steps, the smaller one first, such as [1e-6, 50]"


_PAIRS = {"betas": _betas, "etas": _etas, "step_sizes": _step_sizes}
