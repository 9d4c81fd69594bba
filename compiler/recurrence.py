"""What recurrent layers share: their parameters, their states and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from .component import Component, Mismatch
from .dim import Dim
from .part import param
from .step_form import StepForm, carried
from .tensor_type import Axis, TensorType

# A column beside x says where padding is, so that states stand still there.
_PADDING_FLAG = 1


class Recurrence(Component):
    """Stacked recurrent layers over a sequence; states come and go batch first, one for each layer and direction.

    States are ordered layer by layer, the forward direction before the backward one. Those given back are the ones
    behind each row's last real frame (its first one for the backward direction); a row of length 0 keeps its initial
    state.

    num_gates    products of the size of the state in one step
    states       names of the states given back; the initial ones have a 0 behind them
    holds        True where states can stand still in padding (a column of x says where that is)
    """

    precision = "half"
    mixes_time = True
    reads_all = True
    saves: ClassVar[tuple[str, ...] | None] = ("y",)

    num_gates: ClassVar[int]
    states: ClassVar[tuple[str, ...]] = ("h",)
    holds: ClassVar[bool] = True

    size: int = param(doc="width of the state of one direction", unit_doc="features", minimum=1)
    layers: int = param(default=1, doc="layers on top of each other", minimum=1, maximum=100)
    bidirectional: bool = param(default=False, doc="read from the end too, and give both directions side by side")
    dropout: float = param(
        default=0.0, doc="share of features silenced between layers", minimum=0, below=1, training=True
    )

    @property
    def directions(self) -> int:
        """1, or 2 for a bidirectional layer."""
        return 2 if self.bidirectional else 1

    def check_params(self) -> None:
        if self.dropout and self.layers == 1:
            raise Mismatch(
                "S2S202",
                f"{self.name} has one layer, and its dropout works between layers",
                param="dropout",
                helps=(f"put dropout({self.dropout:g}) behind it",),
            )

    def check(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> None:
        check_initial(self, inputs, self.layers * self.directions, self._counted())

    def _counted(self) -> str:
        directions = " in 2 directions" if self.bidirectional else ""
        return f"{self.layers} {'layer' if self.layers == 1 else 'layers'}{directions}"

    def infer(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, TensorType]:
        x = inputs["x"][0]
        state = TensorType(
            "tensor",
            (x.axes[0], Axis("layers", Dim.of(self.layers * self.directions)), Axis("hidden", Dim.of(self.size))),
        )
        return {
            "y": replace(x.with_last(self.size * self.directions), element="real", vocabulary=None),
            **dict.fromkeys(self.states, state),
        }

    def weights(self, inputs: Mapping[str, tuple[TensorType, ...]]) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {}
        features = inputs["x"][0].features
        for layer in range(self.layers):
            for suffix in ("", "_reverse")[: self.directions]:
                shapes |= self._cell(f"l{layer}{suffix}", features)
            features = self.size * self.directions
        return shapes

    def _cell(self, name: str, features: int) -> dict[str, tuple[int, ...]]:
        rows = self.num_gates * self.size
        return {
            f"weight_ih_{name}": (rows, features),
            f"weight_hh_{name}": (rows, self.size),
            f"bias_{name}": (rows,),
        }

    def macs(self, inputs: Mapping[str, tuple[tuple[int, ...], ...]], outputs: Mapping[str, tuple[int, ...]]) -> int:
        batch, time, features = inputs["x"][0]
        columns = 0
        for _ in range(self.layers):
            columns += self.directions * (features + _PADDING_FLAG * self.holds + self.size)
            features = self.size * self.directions
        return batch * time * columns * self.num_gates * self.size

    def scratch_bytes(
        self, inputs: Mapping[str, tuple[tuple[int, ...], ...]], outputs: Mapping[str, tuple[int, ...]], item_bytes: int
    ) -> int:
        batch, time, features = inputs["x"][0]
        by_token, weights = 0, 0
        for layer in range(self.layers):
            # x with the column beside it, and the weights with theirs, are copies; so is a reversed x
            copies = 1 if self.holds else self.directions - (layer == 0)
            by_token += copies * (features + self.holds) + self.directions * self._kept(features)
            weights += self.directions * self.holds * self.num_gates * self.size * (features + 1)
            features = self.size * self.directions
            by_token += features * (1 + (self.dropout > 0)) * (layer + 1 < self.layers)
        return (batch * time * by_token + weights) * item_bytes

    def _kept(self, features: int) -> int:
        """Numbers that torch's kernels keep of each token in one direction, besides inputs and results."""
        return (self.num_gates + 2) * self.size

    def step_form(self, inputs: Mapping[str, tuple[TensorType, ...]], stepped: frozenset[str]) -> StepForm:
        if self.bidirectional:
            raise self.looks_ahead(
                f"{self.name}(bidirectional = true) reads the target from its end too",
                code="S2S415",
                help="leave out `bidirectional`",
            )
        given = initial_states(self, self.states, inputs, stepped)
        return StepForm(state=tuple(carried(name, self.layers, self.size) for name in self.states), given=given)


def check_initial(
    operation: Component, inputs: Mapping[str, tuple[TensorType, ...]], num_layers: int, counted: str
) -> None:
    """Raise Mismatch where the initial states do not have the shape [B, num_layers, size]."""
    size = operation.values()["size"]
    for name in ("h0", "c0"):
        for given in inputs.get(name, ()):
            layers, features = given.axes[1].dim, given.axes[2].dim
            if layers != Dim.of(num_layers):
                raise Mismatch(
                    "S2S401",
                    f"{operation.name} has {counted}, but `{name}` holds {layers} states: {given}",
                    at=f"{num_layers} and {layers}",
                    helps=("as many states are needed as there are layers, for each direction",),
                )
            if features != Dim.of(size):
                raise Mismatch(
                    "S2S401",
                    f"{operation.name} has a state of {size} features, but `{name}` has {features}: {given}",
                    at=f"{size} and {features}",
                    helps=(f"make both {size} or both {features}",),
                )


def initial_states(
    operation: Component,
    states: tuple[str, ...],
    inputs: Mapping[str, tuple[TensorType, ...]],
    stepped: frozenset[str],
) -> tuple[str, ...]:
    """The states that have a given start; raises Mismatch where one would be made of target tokens."""
    for name in states:
        if f"{name}0" in stepped:
            raise operation.looks_ahead(f"`{name}0` of {operation.name} would be made of target tokens")
    if "x" not in stepped:
        raise operation.looks_ahead(f"{operation.name} reads nothing from the target token by token")
    return tuple(name for name in states if inputs.get(f"{name}0"))
