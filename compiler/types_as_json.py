"""Tensor types and sizes as JSON."""

from __future__ import annotations

from typing import Any

from .dim import Dim, Symbol
from .tensor_type import TensorType


def type_json(given: TensorType) -> dict[str, Any]:
    """`seq[B, ceil(T/2), 32]` with the names of its axes."""
    return {
        "kind": given.kind,
        "axes": [{"name": axis.name, "size": dim_json(axis.dim)} for axis in given.axes],
        "element": given.element,
        "vocabulary": given.vocabulary,
    }


def dim_json(dim: Dim) -> int | dict[str, Any]:
    """A number, or {"const": …, "terms": [[coefficient, "T"], [coefficient, {"floor": …, "by": …}]]}."""
    if dim.is_known:
        return dim.known
    terms: list[list[Any]] = []
    for atom, coefficient in dim.terms:
        inner = atom.name if isinstance(atom, Symbol) else {"floor": dim_json(atom.numerator), "by": atom.divisor}
        terms.append([coefficient, inner])
    return {"const": dim.const, "terms": terms}
