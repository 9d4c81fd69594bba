"""Values into parameters: kinds, units, defaults."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeGuard

from .diagnostics import Findings, Fix, Label
from .fixes import range_with_unit, rounded_down, with_unit
from .modules import (
    UNKNOWN,
    ComponentModule,
    ModuleValue,
    SignatureValue,
    TensorValue,
    Unknown,
    Value,
    describe,
)
from .signature import Param, Signature, default_origin
from .source import Span
from .statics import is_number
from .suggest import article
from .units import family_units
from .values import (
    DType,
    EnvironmentPath,
    JoinedPath,
    ModuleReference,
    Origin,
    PairOf,
    PartValue,
    Quantity,
    Range,
    Ref,
    SplitMetric,
    SplitOf,
    Static,
)

Fitted = Static | PartValue | ModuleReference | Unknown


def fit(param: Param, value: Value, owner: str, span: Span, findings: Findings) -> Fitted:
    """A value as the parameter declares it, or UNKNOWN with a diagnostic at `span`."""
    if isinstance(value, Unknown):
        return UNKNOWN
    may_be_none = param.none_allowed or (not param.required and param.default is None)
    if may_be_none and isinstance(value, Static) and value.value is None:
        return value
    problem = _Problem(param, owner, span, findings)
    if param.type == "part":
        return _part(problem, value)
    if param.type == "module":
        return _module(problem, value)
    if param.type == "tensor":
        if isinstance(value, Static) and isinstance(value.value, Ref):
            return value
        return Static(value.ref, Origin("spec", span)) if _is_tensor(value) else problem.kind(value, "a tensor")
    if isinstance(value, tuple):
        return problem.kind(value, _wanted(param))
    if param.or_flag and isinstance(value, Static) and isinstance(value.value, bool):
        return value
    if param.type == "list":
        return _list(problem, value)
    if param.type in ("files", "pairs"):
        return _files(problem, value)
    if not isinstance(value, Static):
        return problem.kind(value, _wanted(param))
    return _static(problem, value)


def default_of(param: Param, owner: str) -> Static:
    """A declared default as a value with its origin."""
    origin = default_origin(f"{owner}.{param.name}")
    if isinstance(param.default, tuple):
        return Static(tuple(Static(item, origin) for item in param.default), origin)
    return Static(param.default, origin)


def with_defaults(
    signature: Signature, given: Mapping[str, Fitted], span: Span, findings: Findings, *, place: str = ""
) -> dict[str, Static | PartValue | ModuleReference] | None:
    """All parameters in the order of declaration; None where one is missing or unknown."""
    complete: dict[str, Static | PartValue | ModuleReference] = {}
    broken = False
    for param in signature.params:
        value = given.get(param.name)
        if value is None:
            if param.required:
                findings.error(
                    "S2S305",
                    f"{signature.name} needs `{param.name}`",
                    span,
                    at=f"{param.name}: {param.doc}",
                    place=place,
                    helps=(f"add {param.name} = {_example(param)}",),
                )
                broken = True
            else:
                complete[param.name] = default_of(param, signature.name)
        elif isinstance(value, Unknown):
            broken = True
        else:
            complete[param.name] = value
    return None if broken else complete


class _Problem:
    """Where a value goes, for the words of a diagnostic."""

    def __init__(self, param: Param, owner: str, span: Span, findings: Findings) -> None:
        self.param = param
        self.owner = owner
        self.span = span
        self.findings = findings

    @property
    def what(self) -> str:
        return f"`{self.param.name}` of {self.owner}" if self.owner else f"`{self.param.name}`"

    def error(
        self,
        code: str,
        message: str,
        *helps: str,
        at: str = "",
        labels: tuple[Label, ...] = (),
        fixes: tuple[Fix, ...] = (),
    ) -> Unknown:
        self.findings.error(code, message, self.span, at=at, helps=helps, labels=labels, fixes=fixes)
        return UNKNOWN

    def kind(self, value: Value, wanted: str, *helps: str) -> Unknown:
        labels: tuple[Label, ...] = ()
        written = value.origin.span if isinstance(value, Static | PartValue) else None
        if written is not None and not _within(written, self.span):
            labels = (Label(written, "which comes from here"),)
        shown = self.span.source.shown
        if shown and isinstance(value, Static) and isinstance(value.value, str) and not helps:
            # of two pairs of quotes, the shell takes one away
            helps = (f'write it without quotes of its own: --set "{shown.partition("=")[0]}={value.value}"',)
        message = f"{self.what} wants {wanted}, got {describe(value)}"
        return self.error("S2S301", message, *helps, at=f"this is {describe(value)}", labels=labels)


def _within(inner: Span, outer: Span) -> bool:
    return inner.source is outer.source and outer.start <= inner.start and inner.end <= outer.end


def _wanted(param: Param) -> str:
    kind = param.item if param.type == "list" else param.type
    words = {
        "int": "a whole number",
        "number": "a number",
        "bool": "true or false",
        "str": "a text in quotes",
        "dtype": "a dtype (fp32, fp16, bf16)",
        "range": "a range (a .. b)",
        "path": 'a path ("folder/file" or path(…))',
        "files": "a list of paths, or split(…)",
        "pairs": "pair(…) of two files, a path, a list of these, or split(…)",
        "file_or_pair": "a path or pair(…) of two files",
        "metric": "min(…) or max(…) of a split's metric, such as min(valid.wer)",
        "module": "a module",
        "tensor": "a tensor",
        "part": _families(param),
    }[kind]
    if param.units and kind in ("number", "int"):
        words = f"a quantity in {' or '.join(param.units)}"
    wanted = f"a list, each {words}" if param.type == "list" else words
    return f"true, false or {wanted}" if param.or_flag else wanted


def _families(param: Param) -> str:
    return " or ".join([*(["a number"] if param.or_number else []), *(article(family) for family in param.families)])


def _example(param: Param) -> str:
    if param.choices:
        return f'"{param.choices[0]}"'
    if param.units:
        return f"… {family_units(param.units[0])[0]}"
    return {
        "str": '"…"',
        "bool": "true",
        "path": '"…"',
        "files": '["…"]',
        "pairs": 'pair("…", "…")',
        "list": "[…]",
    }.get(param.type, "…")


def _is_tensor(value: Value) -> TypeGuard[TensorValue]:
    return isinstance(value, TensorValue) and bool(value.results)


def _part(problem: _Problem, value: Value) -> Fitted:
    if isinstance(value, PartValue) and value.family in problem.param.families:
        return value
    if isinstance(value, Static) and isinstance(value.value, DType) and "precision" in problem.param.families:
        return value
    if problem.param.or_number and isinstance(value, Static) and type(value.value) in (int, float):
        return value
    helps: tuple[str, ...] = ()
    if isinstance(value, Static) and isinstance(value.value, str) and value.value.isidentifier():
        helps = (f"a part is named without quotes: {value.value}(…)",)
    elif isinstance(value, SignatureValue) and value.signature.family in problem.param.families:
        helps = (f"write {value.signature.name}(…)",)
    elif "scaling" in problem.param.families and isinstance(value, Static) and isinstance(value.value, int | float):
        helps = (f"write static({problem.span.text})",)
    return problem.kind(value, _families(problem.param), *helps)


def _module(problem: _Problem, value: Value) -> Fitted:
    if isinstance(value, ComponentModule) and value.home is not None:
        value.tied.append(problem.span)
        return ModuleReference(f"{value.home.weights}.{value.signature.short_name}", problem.span)
    if isinstance(value, ModuleValue):
        way = "name it first: shared emb = …" if value.home is None else "tie to a single component, such as linear(…)"
        return problem.error(
            "S2S301",
            f"{problem.what} wants one named component whose weights can be used, got {describe(value)}",
            way,
        )
    return problem.kind(value, "a named module")


def _list(problem: _Problem, value: Value) -> Fitted:
    param = problem.param
    if not (isinstance(value, Static) and isinstance(value.value, tuple)):
        helps = (f"write [{problem.span.text}]",) if _is_item(param, value) and len(problem.span.text) < 60 else ()
        return problem.kind(value, _wanted(param), *helps)
    item_param = Param(
        param.name, param.item, param.doc, units=param.units, families=param.families, choices=param.choices
    )
    items = [
        fit(item_param, item, problem.owner, _item_span(item, problem.span), problem.findings) for item in value.value
    ]
    if any(isinstance(item, Unknown) for item in items):
        return UNKNOWN
    kept = tuple(item for item in items if isinstance(item, Static | PartValue))
    return Static(kept, value.origin, value.operation, value.operands)


def _is_item(param: Param, value: Value) -> bool:
    """Whether a value could stand in the list that is wanted."""
    if isinstance(value, PartValue):
        return value.family in param.families
    return param.item == "tensor" if isinstance(value, TensorValue) else isinstance(value, Static)


def _item_span(item: Static | PartValue, span: Span) -> Span:
    if isinstance(item, PartValue):
        return item.span
    return item.origin.span or span


def _files(problem: _Problem, value: Value) -> Fitted:
    if isinstance(value, Static):
        if isinstance(value.value, SplitOf):
            return value
        item = "path" if problem.param.type == "files" else "file_or_pair"
        if isinstance(value.value, _ACCEPTED[item]):
            return Static((value,), value.origin)
        if isinstance(value.value, tuple):
            item_param = Param(problem.param.name, item, problem.param.doc)
            items = [
                fit(item_param, item, problem.owner, _item_span(item, problem.span), problem.findings)
                for item in value.value
            ]
            return UNKNOWN if any(isinstance(item, Unknown) for item in items) else value
    return problem.kind(value, _wanted(problem.param))


def _static(problem: _Problem, value: Static) -> Fitted:
    param, plain = problem.param, value.value
    kind = param.type
    if kind in ("int", "number"):
        return _numeric(problem, value)
    if kind == "range":
        return _range(problem, value)
    if not isinstance(plain, _ACCEPTED[kind]):
        return problem.kind(value, _wanted(param))
    if isinstance(plain, SplitMetric) and not plain.direction:
        return problem.error(
            "S2S301", f"{problem.what} needs a direction", f"write min({plain.split}.{plain.metric}) or max(…)"
        )
    return value


_ACCEPTED: Mapping[str, tuple[type, ...]] = {
    "bool": (bool,),
    "str": (str,),
    "dtype": (DType,),
    "path": (str, EnvironmentPath, JoinedPath),
    "file_or_pair": (str, EnvironmentPath, JoinedPath, PairOf),
    "metric": (SplitMetric,),
}


def _numeric(problem: _Problem, value: Static) -> Fitted:
    param, plain = problem.param, value.value
    if isinstance(plain, Quantity):
        if plain.family in param.units:
            return value
        if plain.family == "share" and not param.units:
            return Static(plain.amount, value.origin, value.operation or "%", value.operands)
        if param.units:
            return problem.error(
                "S2S302",
                f"{problem.what} is a quantity in {' or '.join(param.units)}, got {plain.text}",
                unit_help(param, _shown(plain)),
            )
        return problem.error("S2S302", f"{problem.what} is a plain number and has no unit, got {plain.text}")
    if not is_number(plain):
        unquoted = isinstance(plain, str) and re.fullmatch(r"\d+(\.\d+)?", plain) and not param.units
        return problem.kind(value, _wanted(param), *((f"write {plain}, without quotes",) if unquoted else ()))
    assert isinstance(plain, int | float)
    if param.units:
        if plain == 0 and len(param.units) == 1:
            return value
        return problem.error(
            "S2S302",
            f"{problem.what} needs a unit",
            unit_help(param, plain),
            at="a number without a unit",
            fixes=with_unit(problem.span, plain, param.units),
        )
    if param.type == "int" and not isinstance(plain, int):
        if value.operation == "/":
            a, b = (operand.value for operand in value.operands)
            return problem.error(
                "S2S304",
                f"{problem.what} must be a whole number, and {a} / {b} is {plain:g}",
                f"use {a} // {b}, which rounds down, or pad_to(…)",
                at=f"{a} / {b} = {plain:g}",
                labels=origin_labels(value, beside=problem.span),
                fixes=rounded_down(problem.span),
            )
        if not plain.is_integer():
            return problem.error(
                "S2S301",
                f"{problem.what} must be a whole number, got {plain:g}",
                labels=origin_labels(value, beside=problem.span),
            )
        return Static(int(plain), value.origin, value.operation, value.operands)
    return value


def unit_help(param: Param, number: object = "…") -> str:
    """How a number is written with the units that a parameter has."""
    if param.units == ("time",) and isinstance(number, float) and 0 < number < 1:
        return f"write {number * 1000:g}ms if these are seconds"
    examples = [f"{number} {unit}" if unit.isalpha() and len(unit) > 3 else f"{number}{unit}" for unit in _units(param)]
    return f"write {', '.join(examples[:-1])} or {examples[-1]}" if len(examples) > 1 else f"write {examples[0]}"


def _shown(quantity: Quantity) -> object:
    """The number in front of a unit."""
    return quantity.text.partition(" ")[0].rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ%") or "…"


def _units(param: Param) -> list[str]:
    """Units that are likely for a parameter, for its help."""
    if len(param.units) > 1:
        return [{"time": "min"}.get(family, family_units(family)[0]) for family in param.units]
    likely = {"time": ("ms", "s"), "frequency": ("Hz", "kHz"), "bytes": ("MB", "GB")}
    return list(likely.get(param.units[0], family_units(param.units[0])[:1]))


def _range(problem: _Problem, value: Static) -> Fitted:
    if not isinstance(value.value, Range):
        return problem.kind(value, _wanted(problem.param))
    low, high = value.value.low, value.value.high
    family = low.family if isinstance(low, Quantity) else ""
    units = problem.param.units
    if (family or units) and family not in units:
        if not units:
            return problem.error("S2S302", f"{problem.what} is a range of plain numbers and has no unit")
        if family:
            return problem.error("S2S302", f"{problem.what} wants a range in {' or '.join(units)}, got one in {family}")
        unit = {"time": "s", "frequency": "Hz"}.get(units[0], f" {family_units(units[0])[0]}")
        return problem.error(
            "S2S302",
            f"{problem.what} needs a unit",
            f"write {low}{unit} .. {high}{unit}",
            at="numbers without a unit",
            fixes=range_with_unit(problem.span, low, high, units),
        )
    return value


def origin_labels(value: Static | PartValue | ModuleReference, *, beside: Span | None = None) -> tuple[Label, ...]:
    """Where the numbers of a computed value come from, for a diagnostic; at most three places."""
    if not isinstance(value, Static):
        return ()
    labels: list[Label] = []
    for source in value.sources():
        span = source.origin.span
        inside = span is None or (
            beside is not None and span.source is beside.source and beside.start <= span.start < beside.end
        )
        if span is not None and not inside and is_number(source.value):
            labels.append(Label(span, f"{source.value} comes from here"))
    return tuple(labels[:3])
