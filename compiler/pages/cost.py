"""What a component costs and how it works token by token, at the size of its sample: computed, not described."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from ...dsl.syntax import Name
from ..component import Component, Mismatch
from ..dim import Dim
from ..signatures import TypedInput, signature_of
from ..step_form import ROOM, Carried, StepForm
from ..tensor_type import LETTERS, Axis, TensorType, seq, tokens, waveform
from ..unification import Letters, result_type
from .sample import values_of

FEATURES = 256
FRAMES = 100
_SIZES = {"B": 1, "T": FRAMES, "S": FRAMES, "U": FRAMES}


@dataclass(frozen=True)
class Cost:
    """Of one use on 100 frames of 256 features; `step` says how it works one target token at a time."""

    inputs: tuple[str, ...]
    output: str
    parameters: int
    macs: int
    step: str


def cost_of(cls: type[Component]) -> Cost | None:
    """The cost of a component with the values of its sample; None for what is no layer of a model."""
    if cls.family != "component":
        return None
    operation = cls(**values_of(cls))
    wanted = [one for one in signature_of(operation).inputs if not one.optional]
    inputs = {one.name: (_type(one, operation),) * (2 if one.variadic else 1) for one in wanted}
    letters = Letters()
    for one in wanted:
        for position, given in enumerate(inputs[one.name]):
            letters.unify(one, given, operation, position)
    outputs = operation.infer(inputs) or {
        port: result_type(type_, letters, operation) for port, type_ in signature_of(operation).results.items()
    }
    shapes = {name: tuple(type_.shape(_SIZES) for type_ in types) for name, types in inputs.items()}
    made = {port: type_.shape(_SIZES) for port, type_ in outputs.items()}
    return Cost(
        tuple(f"{name} is {_shown(types[0])}" for name, types in inputs.items()),
        _shown(next(iter(outputs.values()))),
        sum(prod(shape) for shape in operation.weights(inputs).values()),
        operation.macs(shapes, made),
        _step(operation, inputs),
    )


def _type(one: TypedInput, operation: Component) -> TensorType:
    names = [axis.name for axis in one.type.axes or () if isinstance(axis, Name)]
    if one.name in operation.tokens:
        return tokens(names[1], operation.values().get("vocab", 8000))
    if names == ["B", "N"]:
        return waveform("N")
    time = next((name for name in names if name in "SU"), "T")
    # times have names of their own, as in a spec: that of a memory is another one
    made = seq(time, FEATURES)
    return TensorType("seq", (made.axes[0], Axis(LETTERS[time], Dim.of(time)), made.axes[2]))


def _step(operation: Component, inputs: dict[str, tuple[TensorType, ...]]) -> str:
    first = frozenset({next(iter(inputs))})
    try:
        return _worded(operation.step_form(inputs, first))
    except Mismatch as mismatch:
        reason = mismatch.message
    for name, value, written in (("causal", True, "causal = true"), ("pad", "causal", 'pad = "causal"')):
        if any(one.name == name for one in operation.params):
            return f"with {written}, {_worded(operation.changed(**{name: value}).step_form(inputs, first))}"
    return f"none: {reason}"


def _worded(form: StepForm) -> str:
    if form.is_plain:
        return "each token by itself"
    parts = [f"{', '.join(one.name for one in form.once)} computed once"] if form.once else []
    parts += [f"carries {', '.join(map(_carried, form.state))}"] if form.state else []
    return "; ".join(parts)


def _carried(one: Carried) -> str:
    sizes = ["tokens" if str(size) == ROOM else str(size) for size in one.shape]
    return f"{one.name} [{', '.join(sizes)}]" if sizes else one.name


def _shown(type_: TensorType) -> str:
    """Axes by their names where they are not known: seq[batch, time, 256]."""
    axes = ", ".join(str(axis.dim) if axis.dim.is_known else axis.name for axis in type_.axes)
    return f"seq[{axes}]" if type_.is_seq else f"[{axes}]"
