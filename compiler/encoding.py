"""Parts as values and as JSON: what was bound in a spec, plain, and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

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

Json = Any
Bound = Static | PartValue | ModuleReference


class Classes(Protocol):
    """Where the class of a part is found by its name (compiler.catalogue.Catalogue)."""

    def part_class(self, name: str) -> type[Part]: ...


class Unrealizable(ValueError):
    """A value that is no value of its parameter's type; validation says so to the author first."""


def realize(value: PartValue, catalogue: Classes) -> Part:
    """Make the Part of a bound part: plain numbers in base units, nested parts realized.

    Values must have their parameters' types (schema.validate_params); Unrealizable otherwise.
    """
    cls = catalogue.part_class(value.name)
    try:
        return cls(**plain_values(value, catalogue))
    except TypeError as problem:
        raise Unrealizable(str(problem)) from problem


def plain_values(value: PartValue, catalogue: Classes) -> dict[str, Any]:
    """The plain values of all bound parameters by name."""
    cls = catalogue.part_class(value.name)
    return {
        param.name: plain(value.params[param.name], param, catalogue)
        for param in cls.params
        if param.name in value.params
    }


def plain(bound: object, param: Param, catalogue: Classes) -> Any:
    """One bound value as its parameter wants it; what has another type comes back as it is."""
    value = bound.value if isinstance(bound, Static) else bound
    if isinstance(value, PartValue):
        return realize(value, catalogue)
    if isinstance(value, ModuleReference):
        return value.weights
    if param.type in ("files", "pairs") and isinstance(value, str | EnvironmentPath | JoinedPath | PairOf):
        return (_file(value),)
    if isinstance(value, tuple):
        item = replace(param, type=param.item or "path", item="")
        return tuple(plain(one, item, catalogue) for one in value)
    if isinstance(value, JoinedPath | EnvironmentPath | PairOf):
        return _file(value)
    if isinstance(value, Range):
        return Range(_number(value.low, param), _number(value.high, param))
    if param.type in ("int", "number"):
        return _number(value, param)
    if param.or_number:
        return _number(value, replace(param, type="number"))
    return value


def _file(value: str | EnvironmentPath | JoinedPath | PairOf) -> str | EnvironmentPath | JoinedPath | PairOf:
    return PairOf(_path(value.source), _path(value.target)) if isinstance(value, PairOf) else _path(value)


def _path(value: str | EnvironmentPath | JoinedPath) -> str | EnvironmentPath | JoinedPath:
    """`path("a", "b")` without env is a plain string."""
    if isinstance(value, JoinedPath) and all(isinstance(piece, str) for piece in value.pieces):
        return "/".join(str(piece) for piece in value.pieces)
    return value


def _number(value: object, param: Param) -> Any:
    """A number in the base unit of the parameter's one family; a Quantity where it has several."""
    if isinstance(value, Quantity):
        amount = _narrow(value.amount, param)
        if len(param.units) > 1:
            return quantity(amount, value.family)
        return amount if value.family in (*param.units, "share") else value
    return _narrow(value, param)


def quantity(amount: int | float, family: str) -> Quantity:
    """A quantity with the text that it would have in its base unit: how it was written makes no difference."""
    return Quantity(amount, family, f"{amount}{_BASE_UNITS.get(family, f' {family}')}")


_BASE_UNITS = {"time": "s", "frequency": "Hz", "bytes": "B"}


def _narrow(value: object, param: Param) -> Any:
    """An int where a whole number is wanted, else a float; one way to write each number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if param.type == "number" and len(param.units) <= 1:
        return float(value)
    return int(value) if float(value).is_integer() else value


def encode(value: object) -> Json:
    """A part, or one of its values, as JSON: plain where JSON has the type, an object with a telling first key else."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if isinstance(value, Part):
        return {"part": value.name, "params": {name: encode(item) for name, item in value.values().items()}}
    if isinstance(value, Quantity):
        return {"quantity": value.amount, "unit": value.family}
    if isinstance(value, Range):
        return {"range": [encode(value.low), encode(value.high)]}
    if isinstance(value, DType):
        return {"dtype": value.name}
    if isinstance(value, EnvironmentPath):
        return {"env": value.variable, "default": value.default}
    if isinstance(value, JoinedPath):
        return {"path": [encode(piece) for piece in value.pieces]}
    if isinstance(value, PairOf):
        return {"pair": [encode(value.source), encode(value.target)]}
    if isinstance(value, SplitOf):
        return {"split": value.split, "share": value.share}
    if isinstance(value, SplitMetric):
        return {"metric": value.metric, "of": value.split, "direction": value.direction}
    if isinstance(value, Ref):
        return {"tensor": value.path, "port": value.port, "lengths": value.lengths}
    raise TypeError(f"{value!r} has no JSON form")


def decode(value: Json, catalogue: Classes) -> Any:
    """What `encode` wrote. `value` must fit the schema."""
    match value:
        case list():
            return tuple(decode(item, catalogue) for item in value)
        case {"part": str(name), "params": dict(params)}:
            cls = catalogue.part_class(name)
            return cls(**{key: decode(item, catalogue) for key, item in params.items()})
        case {"quantity": amount, "unit": str(family)}:
            return quantity(amount, family)
        case {"range": [low, high]}:
            return Range(decode(low, catalogue), decode(high, catalogue))
        case {"dtype": str(name)}:
            return DType(name)
        case {"env": str(variable), "default": str(default)}:
            return EnvironmentPath(variable, default)
        case {"path": list(pieces)}:
            return JoinedPath(tuple(decode(piece, catalogue) for piece in pieces))
        case {"pair": [source, target]}:
            return PairOf(decode(source, catalogue), decode(target, catalogue))
        case {"split": str(split), "share": share}:
            return SplitOf(split, share)
        case {"metric": str(metric), "of": str(split), "direction": str(direction)}:
            return SplitMetric(split, metric, direction)
        case {"tensor": str(path), "port": str(port), "lengths": bool(lengths)}:
            return Ref(path, port, lengths)
        case dict():
            raise ValueError(f"not a value: {value!r}")
    return value
