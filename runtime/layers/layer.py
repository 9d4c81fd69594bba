"""What a layer says of itself: its layout, what it needs besides its inputs, its arguments from a component."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
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
            "NAME_lengths" of the input NAME; "dtype" of the results; "layout" for the constructor
    begin   computes what the steps need from the inputs that do not depend on the target: takes those by name, and
            what `needs` asks of them ("memory_lengths"); gives by name all of the step form's `once`, and of its
            `state` what is `given`
    step    does one target token: [B, 1, …] in, [B, 1, …] out, as `forward` gives it at this place of a whole target.
            It takes `position` (int64 [], how many tokens came before, one for all rows), the inputs that come token
            by token, `once` and `state`, all by name; it gives the outputs in order, then the new `state` in order.
            Tensors of `state` may be changed in place. A layer without it treats each token by itself
    example_weight  of a loss: what the sum over a batch is divided by, for each example [B], from the target's lengths
    """

    layout: ClassVar[Literal["BTC", "BCT", "any"]] = "any"
    needs: ClassVar[tuple[str, ...]] = ()
    begin: ClassVar[Callable[..., dict[str, Tensor]]]
    step: ClassVar[Callable[..., tuple[Tensor, ...]]]
    example_weight: ClassVar[Callable[..., Tensor]]

    # the constructor's arguments, once lowering has called it
    written_as: Mapping[str, object] = {}

    def lay_out_for_export(self) -> None:
        """Bring weights into the order of the ONNX operator that the layer is exported as, if it has one of its own."""

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


# where the torch side of a component is found: `layer_class`, or a registry that knows users' modules too
LayerOf = Callable[[type[Component]], type[Layer]]

FOLDERS = {"feature": "features", "augment": "features", "loss": "losses", "search": "search"}
