"""Why gradients are not finite: the first place where a batch's numbers stop being so, forward or backward."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx

from ..data.batch import Batch
from ..layers.batch_norm import BatchNorm
from ..model import Model
from .running_statistics import RunningStatistics, kept_buffers


@dataclass(frozen=True)
class Diagnosis:
    """The first place where numbers were not finite.

    place      path in the spec, "the loss", "the data", or empty where all is finite this time
    direction  "forward" or "backward"
    dtype      in what the place computes
    largest    the greatest magnitude that it was given
    """

    place: str
    direction: str = ""
    dtype: torch.dtype | None = None
    largest: float = 0.0

    def __str__(self) -> str:
        if not self.place:
            return "run once more, the batch gives finite numbers: what is drawn at random (dropout) has a part in it"
        kind = "" if self.dtype is None else f" ({str(self.dtype).removeprefix('torch.')})"
        given = f"; it was given numbers up to {self.largest:.4g}" if self.largest else ""
        return f"going {self.direction}, {self.place}{kind} is the first that is not finite{given}"


def diagnose(model: Model, batch: Batch, *, scale: float = 1.0) -> Diagnosis:
    """Run a batch once more and look at every result and every gradient; weights and running statistics stay.

    Each process by itself: one that finds something early does not go on to where the others add up their statistics.

    scale  what the loss was multiplied by
    """
    statistics = RunningStatistics(model.module)
    statistics.remember()
    gradients = [(one, one.grad) for one in model.module.parameters()]
    norms = [(one, one.over_all) for one in model.module.modules() if isinstance(one, BatchNorm)]
    devices = [one.device for one in model.arguments(batch)[:1] if one.device.type == "cuda"]
    try:
        for layer, _ in norms:
            layer.over_all = None
        with torch.random.fork_rng(devices=devices):
            return _diagnose(model, batch, scale)
    finally:
        statistics.go_back()
        for layer, over_all in norms:
            layer.over_all = over_all
        for one, gradient in gradients:
            one.grad = gradient


def _diagnose(model: Model, batch: Batch, scale: float) -> Diagnosis:
    arguments = model.arguments(batch)
    if any(not _is_finite(one) for one in arguments):
        return Diagnosis("the data", "forward")
    # what is trained may be compiled in pieces; the same layers are here, each a node by itself
    module = model.module
    assert isinstance(module, fx.GraphModule)
    watched = _Watched(module)
    outputs = watched.run(*arguments)
    if watched.bad is not None:
        return watched.bad
    for name, buffer in kept_buffers(module).items():
        if not _is_finite(buffer):
            return Diagnosis(f"the running statistic {name}", "forward", buffer.dtype)
    weight = model.loss_weight(batch).sum()
    loss = model.loss(outputs, batch).sum() / weight
    if not _is_finite(loss):
        largest = max((_largest(one) for one in outputs.values()), default=0.0)
        return Diagnosis("the loss", "forward", loss.dtype, largest)
    for one in model.module.parameters():
        one.grad = None
    torch.autograd.backward(loss * scale)
    return watched.behind(module)


class _Watched(fx.Interpreter):
    """Runs a module node by node, and remembers the order in which gradients come back."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.bad: Diagnosis | None = None
        self.came: dict[fx.Node, tuple[bool, float, torch.dtype]] = {}

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        for tensor in _tensors(value):
            if self.bad is None and n.op != "placeholder" and not _is_finite(tensor):
                given = [_largest(one) for one in map(self.env.get, n.all_input_nodes) for one in _tensors(one)]
                self.bad = Diagnosis(_name(n), "forward", tensor.dtype, max(given, default=0.0))
            # several results at once come back one by one, each by itself
            if tensor.requires_grad and tensor is value:
                tensor.register_hook(lambda gradient, node=n: self._came_back(node, gradient))
        return value

    def _came_back(self, node: fx.Node, gradient: Tensor) -> None:
        finite, largest, _ = self.came.get(node, (True, 0.0, gradient.dtype))
        self.came[node] = (finite and _is_finite(gradient), max(largest, _largest(gradient)), gradient.dtype)

    def behind(self, module: fx.GraphModule) -> Diagnosis:
        """The first place on the way back whose gradient was finite when it came and not when it left."""
        for node, (finite, _, dtype) in self.came.items():
            if finite:
                continue
            for user in node.users:
                given = self._given_back(user)
                if given and all(came[0] for came in given):
                    return Diagnosis(_name(user), "backward", dtype, max(came[1] for came in given))
            return Diagnosis("the loss", "backward", dtype)
        for name, weight in module.named_parameters():
            if weight.grad is not None and not _is_finite(weight.grad):
                return self._of_weight(name, weight.grad.dtype)
        return Diagnosis("")

    def _given_back(self, node: fx.Node) -> list[tuple[bool, float, torch.dtype]]:
        """What came back to a node: to its result, or to each of several."""
        several = [user for user in node.users if user.target is operator.getitem]
        return [self.came[one] for one in (node, *several) if one in self.came]

    def _of_weight(self, name: str, dtype: torch.dtype) -> Diagnosis:
        """A layer whose weight's gradient alone is not finite: a sum over all places of a batch."""
        layer = name.rpartition(".")[0]
        largest = max((came[1] for node, came in self.came.items() if _name(node) == layer), default=0.0)
        return Diagnosis(f"the gradient of {name}", "backward", dtype, largest)


def _name(node: fx.Node) -> str:
    """Its path in the spec; a tensor out of several has the path of what gives them."""
    path = node.meta.get("path")
    if path is None and node.op == "call_function" and node.all_input_nodes:
        return _name(node.all_input_nodes[0])
    return str(path or node.target)


def _tensors(value: Any) -> list[Tensor]:
    found = value if isinstance(value, tuple | list) else [value]
    return [one for one in found if isinstance(one, Tensor) and one.is_floating_point()]


def _is_finite(tensor: Tensor) -> bool:
    return not tensor.is_floating_point() or bool(tensor.isfinite().all())


def _largest(tensor: Tensor) -> float:
    return float(tensor.detach().abs().max()) if tensor.numel() and tensor.is_floating_point() else 0.0
