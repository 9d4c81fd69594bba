"""What the model computes with and what the optimizer updates: the same tensors, or float32 masters of halves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ..optim.groups import NamedParameter
from ..shards import dealt_out, everywhere, fitted, is_dealt_out, local


class Weights:
    """The trained parameters, each once, and the tensors that optimizer and regularizer see in their place.

    A weight that is stored in half becomes so here; its master keeps the float32 numbers that it had. A weight that
    several layers read is one parameter and has one master.

    named    what the optimizer updates: masters, and parameters that have none; not what is frozen
    masters  by name, the float32 masters
    """

    def __init__(
        self,
        parameters: Sequence[NamedParameter],
        *,
        stored: Mapping[str, torch.dtype] | None = None,
        masters: bool = False,
    ) -> None:
        """Take the parameters of a float32 model.

        stored   in what the model is to hold them, by name; float32 where it says nothing
        masters  whether those in half have a master; without one the optimizer updates halves
        """
        self.masters: dict[str, nn.Parameter] = {}
        self.named: list[NamedParameter] = []
        self._model: list[NamedParameter] = list(parameters)
        for one in parameters:
            dtype = (stored or {}).get(one.name, one.tensor.dtype)
            seen = one
            if dtype != one.tensor.dtype:
                if masters:
                    master = nn.Parameter(one.tensor.detach().clone(), requires_grad=one.tensor.requires_grad)
                    self.masters[one.name] = master
                    seen = replace(one, tensor=master)
                # the parameter itself stays: layers and those who tie to it hold it
                one.tensor.data = one.tensor.detach().to(dtype)
            if one.tensor.requires_grad:
                self.named.append(seen)
        self._pair()
        self.write_back()

    def follow(self, parameters: Sequence[NamedParameter]) -> None:
        """Take the parameters that stand in the place of the first ones, dealt out; masters are dealt out like them.

        Those that every process holds have a master too, so that the optimizer sees tensors of one kind.
        """
        now = {one.name: one.tensor for one in parameters}
        for name, master in self.masters.items():
            spread = everywhere(dealt_out(master.detach(), now[name]), now.values())
            self.masters[name] = nn.Parameter(spread, requires_grad=master.requires_grad)
        for one in self.named:
            if one.name not in self.masters and not is_dealt_out(now[one.name]):
                self.masters[one.name] = nn.Parameter(everywhere(now[one.name].detach(), now.values()))
        self._model = [replace(one, tensor=now[one.name]) for one in self._model]
        self.named = [replace(one, tensor=self.masters.get(one.name, now[one.name])) for one in self.named]
        self._pair()

    def _pair(self) -> None:
        by_name = {one.name: one.tensor for one in self._model}
        self._pairs = [(by_name[name], master) for name, master in self.masters.items()]

    @property
    def tensors(self) -> list[Tensor]:
        """What the optimizer updates, in order."""
        return [one.tensor for one in self.named]

    @torch.no_grad()
    def collect(self) -> list[Tensor]:
        """The gradients of what the optimizer updates, for those that have one.

        Gradients of halves are added to the float32 gradients of their masters and forgotten, so that those of several
        batches add up in float32.
        """
        first, more, sums = [], [], []
        for half, master in self._pairs:
            if half.grad is None:
                continue
            if master.grad is None:
                master.grad = torch.empty_like(master)
                first.append((master.grad, half.grad))
            else:
                sums.append(master.grad)
                more.append(half.grad)
            half.grad = None
        if first:
            torch._foreach_copy_(local(into for into, _ in first), local(given for _, given in first))
        if sums:
            torch._foreach_add_(local(sums), [given.float() for given in local(more)])
        return [one.tensor.grad for one in self.named if one.tensor.grad is not None]

    @torch.no_grad()
    def write_back(self) -> None:
        """Round the masters into the model; what is beyond the half's range becomes its largest number."""
        by_dtype: dict[torch.dtype, list[tuple[Tensor, Tensor]]] = {}
        for half, master in self._pairs:
            by_dtype.setdefault(half.dtype, []).append((half, master))
        for dtype, pairs in by_dtype.items():
            halves = local(half for half, _ in pairs)
            torch._foreach_copy_(halves, local(master for _, master in pairs))
            largest = torch.finfo(dtype).max
            torch._foreach_clamp_max_(halves, largest)
            torch._foreach_clamp_min_(halves, -largest)

    def clear(self) -> None:
        """Forget all gradients."""
        for one in (*self.named, *self._model):
            one.tensor.grad = None

    def state_dict(self, module: nn.Module) -> dict[str, Tensor]:
        """A model's state with masters in the place of halves: what checkpoints hold."""
        return {**module.state_dict(), **{name: master.detach() for name, master in self.masters.items()}}

    def load_state_dict(self, module: nn.Module, state: Mapping[str, Any]) -> None:
        """Put a state of any precision into model and masters; RuntimeError where names or shapes do not fit."""
        module.load_state_dict(fitted(state, module.state_dict()))
        with torch.no_grad():
            for name, master in self.masters.items():
                master.copy_(dealt_out(state[name], master))
        self.write_back()
