"""Values as a spec would write them."""

from __future__ import annotations

from typing import Any

from ..dsl.signature import Param
from ..dsl.values import (
    DType,
    EnvironmentPath,
    JoinedPath,
    ModuleReference,
    PairOf,
    PartValue,
    Quantity,
    Range,
    Ref,
    SplitMetric,
    SplitOf,
    Static,
)
from .part import Part

_UNITS = {"time": "s", "frequency": "Hz", "bytes": "B"}
_MOST_CHARACTERS = 120
_MOST_ITEMS = 8


def written(value: Any, param: Param | None = None) -> str:
    """A value in one line, cut where it is long; `param` is the parameter that it is of, if that is known."""
    text = _written(value, param)
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…"


def _written(value: Any, param: Param | None) -> str:
    if isinstance(value, Static):
        return _written(value.value, None if isinstance(value.value, Quantity) else param)
    if isinstance(value, Part | PartValue):
        return _part(value)
    if isinstance(value, tuple):
        items = [_written(item, param) for item in value[:_MOST_ITEMS]]
        return f"[{', '.join([*items, '…'] if len(value) > _MOST_ITEMS else items)}]"
    if isinstance(value, Range):
        return f"{_written(value.low, param)} .. {_written(value.high, param)}"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "none"}[value]
    if isinstance(value, int | float):
        return _number(value, param)
    return _plain(value)


def _number(value: int | float, param: Param | None) -> str:
    number = repr(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(value)
    if param is None or not param.units:
        return number
    unit = param.units[0]
    if unit == "time" and 0 < abs(value) < 1:
        return f"{value * 1000:g}ms"
    return number + _UNITS.get(unit, f" {unit}")


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'
    if isinstance(value, Quantity):
        return value.text
    if isinstance(value, DType):
        return value.name
    if isinstance(value, EnvironmentPath):
        return f"env({_plain(value.variable)}, default = {_plain(value.default)})"
    if isinstance(value, JoinedPath):
        return f"path({', '.join(map(_plain, value.pieces))})"
    if isinstance(value, PairOf):
        return f"pair({_plain(value.source)}, {_plain(value.target)})"
    if isinstance(value, SplitOf):
        return f"split({value.split}, {value.share * 100:g}%)"
    if isinstance(value, SplitMetric):
        name = f"{value.split}.{value.metric}" if value.metric else value.split
        return f"{value.direction}({name})" if value.direction else name
    if isinstance(value, Ref):
        return ".".join(filter(None, (value.path, value.port, "lengths" if value.lengths else "")))
    if isinstance(value, ModuleReference):
        return value.weights
    return str(value)


def _part(part: Part | PartValue) -> str:
    """With the parameters that are not what they would be without being written."""
    if isinstance(part, PartValue):
        given = {
            name: value
            for name, value in part.params.items()
            if not (isinstance(value, Static) and value.origin.kind == "default")
        }
        values = [f"{name} = {_written(value, None)}" for name, value in given.items()]
    else:
        declared = {param.name: param for param in part.params}
        values = [
            f"{name} = {_written(value, declared[name])}"
            for name, value in part.values().items()
            if declared[name].required or value != declared[name].default
        ]
    return f"{part.name}({', '.join(values)})" if values else part.name
