"""A component's signature, read once: its inputs and results with their types."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from ..dsl.parser import parse_signature
from ..dsl.syntax import TypeExpression
from .component import Component


@dataclass(frozen=True)
class TypedInput:
    """A tensor input with the type that it asks for."""

    name: str
    type: TypeExpression
    optional: bool
    variadic: bool


@dataclass(frozen=True)
class TypedSignature:
    """Inputs in order, and results by port; a result without a type is the component's to infer."""

    inputs: tuple[TypedInput, ...]
    results: dict[str, TypeExpression | None]


def signature_of(operation: Component | type[Component]) -> TypedSignature:
    """The signature of a component."""
    return _read(operation.signature)


@cache
def _read(text: str) -> TypedSignature:
    parameters, results = parse_signature(text)
    inputs = []
    for parameter in parameters:
        assert parameter.type is not None, f"an input without a type: {text}"
        inputs.append(TypedInput(parameter.name, parameter.type, parameter.default is not None, parameter.variadic))
    return TypedSignature(tuple(inputs), {result.name: result.type for result in results})
