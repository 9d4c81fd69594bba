"""What a layer says of itself: its layout, what it needs besides its inputs, its arguments from a component."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import ClassVar, Literal

from torch import Tensor, nn

from ...compiler.component import Component
from ...compiler.tensor_type import TensorType

Layout = Literal["BTC", "BCT"]
Inputs = Mapping[str, tuple[TensorType, ...]]


class Layer(nn.Module):
    """Base of the torch sides of components. Constructor arguments are keyword-only plain values.

    layout  "BTC" or "BCT": how it reads and writes sequences of vectors; "any": as they come, its `layout` argument
            (if it has one) says how
    needs   keyword arguments of `forward` besides the inputs: "lengths" (int64 [B]) and "mask" (bool, True = real
            frame, B1T or BT1 as the layout asks, BT where the input has no features) of the first input;
            "NAME_lengths" of the input NAME; "layout" for the constructor
    """

    layout: ClassVar[Literal["BTC", "BCT", "any"]] = "any"
    needs: ClassVar[tuple[str, ...]] = ()

    # the constructor's arguments, once lowering has called it
    written_as: Mapping[str, object] = {}

    def begin(self, **whole: Tensor) -> dict[str, Tensor]:
        """Compute what the steps need from the inputs that do not depend on the target.

        whole    those inputs by name, and what `needs` asks of them ("memory_lengths")
        returns  by name all of the step form's `once`, and of its `state` what is `given`
        """
        raise NotImplementedError(f"{type(self).__name__} needs nothing before its first step")

    def step(self, *, position: Tensor, **carried: Tensor) -> tuple[Tensor, ...]:
        """One target token: [B, 1, …] in, [B, 1, …] out, as `forward` gives it at this place of a whole target.

        position  int64 [], how many tokens came before; one for all rows
        carried   the inputs that come token by token, `once` and `state`, all by name
        returns   the outputs in order, then the new `state` in order; tensors of `state` may be changed in place
        """
        raise NotImplementedError(f"{type(self).__name__} treats each token by itself")

    @classmethod
    def arguments(cls, operation: Component, inputs: Inputs) -> dict[str, object]:
        """The constructor's arguments for a component at given inputs."""
        return dict(operation.values())


def layer_class(operation: type[Component]) -> type[Layer]:
    """The torch side of a component: the one layer in the file of the same name."""
    folder = FOLDERS.get(operation.family, "layers")
    file = importlib.import_module(f"...{folder}.{operation.name}", package=__name__)
    (found,) = (
        value
        for value in vars(file).values()
        if isinstance(value, type) and issubclass(value, Layer) and value.__module__ == file.__name__
    )
    return found


FOLDERS = {"feature": "features", "augment": "features", "loss": "losses", "search": "search"}
