"""JSON Schema of parts and of graph.json, and values checked against it in the author's words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from ..dsl.signature import Param
from ..dsl.source import Span
from ..dsl.suggest import closest
from ..dsl.values import DType, ModuleReference, PartValue, Quantity, Range, Static
from .catalogue import Catalogue
from .encoding import Bound, Json, Unrealizable, encode, plain, realize
from .part import Mismatch, Part, plain_ends

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Fault(NamedTuple):
    """A value that its parameter does not take.

    param  "rate", or "optimizer.lr" for a part within a part
    span   where the value is written; None for a default
    value  what was bound, for the provenance of its numbers

    `instead` is what was surely meant.
    """

    param: str
    message: str
    code: str
    span: Span | None
    value: Bound
    at: str = ""
    helps: tuple[str, ...] = ()
    instead: str = ""


def validate_params(value: PartValue, catalogue: Catalogue) -> Iterator[Fault]:
    """Check all values of a bound part, and of the parts within it, against its declaration.

    First each value by itself (type, range, choice), then, if those are right, all together (Part.check_params).
    """
    faults = list(_each(value, catalogue))
    yield from faults
    if not faults:
        yield from _together(value, catalogue)


def _each(value: PartValue, catalogue: Catalogue) -> Iterator[Fault]:
    cls = catalogue.part_class(value.name)
    for param in cls.params:
        bound = value.params[param.name]
        problem = _problem(cls, param, bound, catalogue)
        if problem is not None:
            yield problem
            continue
        for inner in _parts_in(bound):
            for fault in validate_params(inner, catalogue):
                yield fault._replace(param=f"{param.name}.{fault.param}" if fault.param else param.name)


def _together(value: PartValue, catalogue: Catalogue) -> Iterator[Fault]:
    try:
        realize(value, catalogue).check_params()
    except Mismatch as mismatch:
        bound: Bound = value.params.get(mismatch.param, value)
        yield Fault(
            mismatch.param,
            mismatch.message,
            mismatch.code,
            _span(bound) or value.span,
            bound,
            mismatch.at,
            mismatch.helps,
        )


def _parts_in(bound: object) -> Iterator[PartValue]:
    if isinstance(bound, PartValue):
        yield bound
    elif isinstance(bound, Static) and isinstance(bound.value, tuple):
        for item in bound.value:
            yield from _parts_in(item)


def _problem(cls: type[Part], param: Param, bound: Bound, catalogue: Catalogue) -> Fault | None:
    """What is wrong with one value, parts within it not opened."""
    what = f"{cls.name}'s {param.name}" if cls.family != "section" else f"{param.name} in {cls.name.replace('.', ' ')}"
    shallow = _as_json(bound, param, catalogue)
    if shallow is None and (param.none_allowed or not param.required):
        return None
    # a number is judged as one, for the limit that it breaks
    judged = replace(param, type="number") if param.or_number and isinstance(shallow, float) else param
    if param.or_flag:
        judged = replace(param, type="bool" if isinstance(shallow, bool) else param.type, or_flag=False)
    error = next(iter(_validator(judged).iter_errors(shallow)), None)
    if error is not None:
        place = _item(bound, error.absolute_path)
        words = _rewritten(what, param, error, place, catalogue)
        at = f"{param.name}: {param.doc}" if words.code == "S2S303" else ""
        span = _span(place) or _span(bound)
        return Fault(param.name, words.message, words.code, span, bound, at, words.helps, words.instead)
    if isinstance(bound, Static) and isinstance(bound.value, Range):
        low, high = plain_ends(plain(bound, param, catalogue))
        if low > high:
            text = f"{what} runs backwards: {_shown(bound)}"
            return Fault(param.name, text, "S2S303", _span(bound), bound, helps=("write the smaller end first",))
    return None


def _as_json(bound: object, param: Param, catalogue: Catalogue) -> Json:
    """The value as it stands in JSON; a part by its family only."""
    if isinstance(bound, PartValue):
        return {"family": bound.family}
    if isinstance(bound, Static) and isinstance(bound.value, tuple) and param.families:
        item_param = replace(param, type=param.item or "path", item="")
        return [_as_json(item, item_param, catalogue) for item in bound.value]
    try:
        return encode(plain(bound, param, catalogue))
    except (TypeError, Unrealizable):
        return {}


def _item(bound: Bound, path: Iterable[object]) -> Bound:
    """The item of a list that an error is about, else the whole value."""
    first = next(iter(path), None)
    if isinstance(first, int) and isinstance(bound, Static) and isinstance(bound.value, tuple):
        item = bound.value[first]
        if isinstance(item, Static | PartValue):
            return item
    return bound


def _span(bound: Bound) -> Span | None:
    return bound.origin.span if isinstance(bound, Static) else bound.span


# ---------------------------------------------------------------- words


class _Words(NamedTuple):
    message: str
    code: str
    helps: tuple[str, ...] = ()
    instead: str = ""


def _rewritten(what: str, param: Param, error: Any, place: Bound, catalogue: Catalogue) -> _Words:
    """What jsonschema found, for the spec's author."""
    bounds = {"minimum": "at least", "maximum": "at most", "exclusiveMinimum": "above", "exclusiveMaximum": "below"}
    if error.validator in bounds:
        unit = (
            {"time": " s", "frequency": " Hz", "bytes": " B"}.get(param.units[0], "") if len(param.units) == 1 else ""
        )
        limit = f"{error.validator_value:g}" if abs(error.validator_value) < 1e6 else str(error.validator_value)
        helps: tuple[str, ...] = ()
        given = place.value if isinstance(place, Static) else None
        if param.below == 1 and isinstance(given, int | float) and 1 < given <= 100:
            helps = (f"write {given:g}% for a share of {given / 100:g}",)
        return _Words(f"{what} must be {bounds[error.validator]} {limit}{unit}, got {_shown(place)}", "S2S303", helps)
    value = place.value if isinstance(place, Static) else None
    if param.choices and isinstance(value, str | DType):
        written = value.name if isinstance(value, DType) else value
        if isinstance(value, DType) and "precision" in param.families:
            return _Words(
                f"{what} must be {_expected(param, catalogue)}, got {written}",
                "S2S308",
                (f"write mixed({written}) or autocast({written})",),
            )
        near = closest(written, param.choices)
        shown = near if isinstance(value, DType) else f'"{near}"'
        helps = (f"did you mean {shown}?",) if near else ()
        instead = shown if near and closest(written, set(param.choices) - {near}) is None else ""
        message = f"{what} must be {_expected(param, catalogue)}, got {_shown(place)}"
        return _Words(message, "S2S308", helps, instead or "")
    return _Words(f"{what} must be {_expected(param, catalogue)}, got {_shown(place)}", "S2S301")


def _expected(param: Param, catalogue: Catalogue) -> str:
    if param.or_flag:
        return f"{_KINDS['bool']} or {_expected(replace(param, or_flag=False), catalogue)}"
    kind = param.item if param.type == "list" else param.type
    if kind == "part":
        names = ", ".join(_names(param, catalogue))
        family = " or ".join(param.families)
        words = f"a part of family {family} ({names})"
        words = " or ".join([*param.choices, *(["a number"] if param.or_number else []), words])
    elif param.choices:
        quoted = [choice if kind == "dtype" else f'"{choice}"' for choice in param.choices]
        words = " or ".join([", ".join(quoted[:-1]), quoted[-1]]) if len(quoted) > 1 else quoted[0]
    elif param.units and kind in ("int", "number"):
        words = f"a number of {' or '.join(param.units)}"
    else:
        words = _KINDS[kind]
    return f"a list, each {words}" if param.type == "list" else words


_KINDS = {
    "int": "a whole number",
    "number": "a number",
    "bool": "true or false",
    "str": "a text in quotes",
    "dtype": "a precision such as fp16",
    "range": "a range, low .. high",
    "path": "a path",
    "files": "a list of files or split(…)",
    "pairs": "pair(…) of two files, a file, a list of these, or split(…)",
    "metric": "a split's metric, min(valid.wer)",
    "module": "a module",
    "tensor": "a tensor",
}


def _shown(bound: object) -> str:
    """A value as the author would write it."""
    value = bound.value if isinstance(bound, Static) else bound
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{value}"'
        case Quantity():
            return value.text
        case DType():
            return value.name
        case Range():
            return f"{_shown(value.low)} .. {_shown(value.high)}"
        case PartValue():
            return f"the {value.family} {value.name}"
        case ModuleReference():
            return "a module"
        case tuple():
            return "a list"
    return str(value)


# ---------------------------------------------------------------- schemas


@cache
def _validator(param: Param) -> Any:
    from jsonschema import Draft202012Validator
    from referencing import Registry

    def part() -> Json:
        return {"type": "object", "properties": {"family": {"enum": list(param.families)}}, "required": ["family"]}

    # An empty registry: nothing is ever fetched.
    return Draft202012Validator(_value_schema(param, part), registry=Registry())


def _names(param: Param, catalogue: Catalogue) -> list[str]:
    """The parts that a parameter takes."""
    if param.families == ("section",):
        return [param.name]
    return catalogue.names_of(param.families)


def part_schema(cls: type[Part], catalogue: Catalogue) -> Json:
    """JSON Schema of one part as graph.json holds it, other parts as `$ref` into `$defs`."""

    def one(param: Param) -> Json:
        def part() -> Json:
            return {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in _names(param, catalogue)]}

        schema = _value_schema(param, part)
        if param.none_allowed or (not param.required and param.default is None):
            schema = {"anyOf": [schema, {"type": "null"}]}
        described: dict[str, Json] = {"description": param.doc, **schema}
        if not param.required:
            described["default"] = encode(param.default)
        return described

    return {
        "description": (cls.__doc__ or "").strip().splitlines()[0],
        "type": "object",
        "properties": {
            "part": {"const": cls.name},
            "params": {
                "type": "object",
                "properties": {param.name: one(param) for param in cls.params},
                "required": [param.name for param in cls.params],
                "additionalProperties": False,
            },
        },
        "required": ["part", "params"],
        "additionalProperties": False,
    }


def definitions(catalogue: Catalogue) -> dict[str, Json]:
    """`$defs` of a schema: every part by name."""
    return {cls.name: part_schema(cls, catalogue) for cls in sorted(catalogue.classes(), key=lambda cls: cls.name)}


def any_part(catalogue: Catalogue, keep: Callable[[type[Part]], bool]) -> Json:
    """One of the parts that `keep` takes, as references into `$defs`."""
    names = sorted(cls.name for cls in catalogue.classes() if keep(cls))
    return {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in names]}


def _value_schema(param: Param, part: Callable[[], Json]) -> Json:
    """JSON Schema of a parameter's value as `encode` writes it."""
    kind = param.type
    if param.or_flag:
        return {"anyOf": [_PLAIN["bool"], _value_schema(replace(param, or_flag=False), part)]}
    if kind == "list":
        item = Param(
            param.name,
            param.item,
            param.doc,
            families=param.families,
            choices=param.choices,
            minimum=param.minimum,
            maximum=param.maximum,
            above=param.above,
            below=param.below,
            units=param.units,
        )
        return {"type": "array", "items": _value_schema(item, part)}
    if kind == "part":
        options = [_dtype_schema(param.choices)] if "precision" in param.families else []
        options += [_number_schema(param, "number")] if param.or_number else []
        return {"anyOf": [*options, part()]} if options else part()
    if kind in ("int", "number"):
        return _number_schema(param, "integer" if kind == "int" else "number")
    if kind == "range":
        end = _number_schema(param, "number")
        return _object({"range": {"type": "array", "prefixItems": [end, end], "items": False, "minItems": 2}})
    if kind == "dtype":
        return _dtype_schema(param.choices)
    if kind == "str":
        return {"type": "string", **({"enum": list(param.choices)} if param.choices else {})}
    return _PLAIN[kind]


def _number_schema(param: Param, kind: str) -> Json:
    number: Json = {"type": kind, **_limits(param)}
    if len(param.units) <= 1:
        return number
    return _object({"quantity": number, "unit": {"enum": list(param.units)}})


def _limits(param: Param) -> dict[str, float]:
    limits = {
        "minimum": param.minimum,
        "maximum": param.maximum,
        "exclusiveMinimum": param.above,
        "exclusiveMaximum": param.below,
    }
    return {name: limit for name, limit in limits.items() if limit is not None}


def _object(properties: Mapping[str, Json]) -> Json:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _dtype_schema(choices: tuple[str, ...]) -> Json:
    return _object({"dtype": {"enum": list(choices) or ["fp32", "fp16", "bf16", "tf32"]}})


_STRING: Json = {"type": "string"}
_ENV = _object({"env": _STRING, "default": _STRING})
_PATH: Json = {
    "anyOf": [_STRING, _ENV, _object({"path": {"type": "array", "items": {"anyOf": [_STRING, _ENV]}, "minItems": 1}})]
}
TENSOR = _object({"tensor": _STRING, "port": _STRING, "lengths": {"type": "boolean"}})
_PAIR = _object({"pair": {"type": "array", "prefixItems": [_PATH, _PATH], "items": False, "minItems": 2}})
_SHARE = _object({"split": _STRING, "share": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}})
_PLAIN: dict[str, Json] = {
    "bool": {"type": "boolean"},
    "path": _PATH,
    "files": {"anyOf": [{"type": "array", "items": _PATH}, _SHARE]},
    "pairs": {"anyOf": [{"type": "array", "items": {"anyOf": [_PATH, _PAIR]}}, _SHARE]},
    "metric": _object({"metric": _STRING, "of": _STRING, "direction": {"enum": ["", "min", "max"]}}),
    "module": _STRING,
    "tensor": TENSOR,
}
