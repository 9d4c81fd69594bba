"""Optimizers of our own: an update as a function, taken or left on the device's own word."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor

Tensors = tuple[Tensor, ...] | list[Tensor]
State = dict[str, Tensors]


class SteppingOptimizer(torch.optim.Optimizer):
    """Makes new weights and a new state of old ones; nothing waits for the device.

    Where `found_inf` is set (a tensor, 1 for a gradient that is not finite) nothing changes, as in torch's fused
    optimizers. A state is one tensor for each weight and name: like the weight, or one float32 number.
    """

    _step_supports_amp_scaling = True

    def __init__(self, groups: Iterable[dict[str, Any]], *, lr: float, **settings: Any) -> None:
        super().__init__(groups, {"lr": lr, **settings})

    def begin(self, weight: Tensor, group: Mapping[str, Any]) -> dict[str, Tensor]:
        """The state of a weight before the first step."""
        raise NotImplementedError

    def update(
        self, weights: Tensors, gradients: Tensors, state: State, group: Mapping[str, Any]
    ) -> tuple[Tensors, State]:
        """New weights and their new state; what was given stays as it is."""
        raise NotImplementedError

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]  # no closure is called
        """Change all weights that have a gradient."""
        skip: Tensor | None = getattr(self, "found_inf", None)
        for group in self.param_groups:
            held = [one for one in group["params"] if one.grad is not None]
            if not held or group["lr"] == 0:
                continue
            for one in held:
                if not self.state[one]:
                    self.state[one].update(self.begin(one, group))
            weights = [one.detach() for one in held]
            state: State = {name: [self.state[one][name] for one in held] for name in self.state[held[0]]}
            new_weights, new_state = self.update(weights, [one.grad for one in held], state, group)
            _take(weights, new_weights, skip)
            for name, new in new_state.items():
                _take(state[name], new, skip)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The same as torch's, but each tensor keeps its dtype."""
        super().load_state_dict(state_dict)
        weights = [one for group in self.param_groups for one in group["params"]]
        for index, entries in state_dict["state"].items():
            weight = weights[index]
            self.state[weight] = {name: value.to(weight.device) for name, value in entries.items()}


def _take(old: Tensors, new: Tensors, skip: Tensor | None) -> None:
    """Put new values in the place of old ones, unless told not to."""
    if skip is not None:
        left = skip.to(old[0].device).bool()
        new = [torch.where(left, before, after) for before, after in zip(old, new, strict=True)]
    torch._foreach_copy_(
        [_own(one) for one in old], [_own(after, like=one) for one, after in zip(old, new, strict=True)]
    )


def _own(tensor: Tensor, like: Tensor | None = None) -> Tensor:
    """What this rank holds of a tensor that is spread over ranks, laid out as another one is."""
    if not isinstance(tensor, DTensor):
        return tensor
    if isinstance(like, DTensor):
        tensor = tensor.redistribute(placements=like.placements)
    own: Tensor = tensor.to_local()
    return own
