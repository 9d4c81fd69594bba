"""What a layer says of itself: its layout, what it needs besides its inputs, its arguments from a component."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import ClassVar, Literal

from torch import nn

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
