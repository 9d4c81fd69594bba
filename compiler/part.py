"""A part: a named, documented class with declared parameters."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, TypeVar

from ..dsl.diagnostics import Label, Severity
from ..dsl.signature import Param
from ..dsl.values import EnvironmentPath, JoinedPath, PairOf, Plain, Quantity, Range, Ref, SplitOf

PathValue = str | EnvironmentPath | JoinedPath
Files = tuple[PathValue, ...] | SplitOf
Pairs = tuple[PathValue | PairOf, ...] | SplitOf
WeightsPath = str

_SEVERITY: dict[str, Severity] = {"S2S309": "warning", "S2S407": "warning", "S2S409": "info", "S2S613": "warning"}

_TYPES = {
    "int": "int",
    "float": "number",
    "bool": "bool",
    "str": "str",
    "DType": "dtype",
    "Range": "range",
    "Quantity": "number",
    "PathValue": "path",
    "Files": "files",
    "Pairs": "pairs",
    "SplitMetric": "metric",
    "WeightsPath": "module",
    "Ref": "tensor",
    "Part": "part",
    "DType | Part": "part",
    "float | Part": "part",
}
_LIST = re.compile(r"tuple\[(\w+), \.\.\.\]")


class Mismatch(Exception):
    """Inputs or parameters that do not fit together; who catches it adds the place and the provenance of the numbers.

    message  "attention cannot split 1000 channels over 16 heads"
    at       words under the carets
    param    the parameter to point at, if one is at fault
    instead  what could be written for it, which makes another model
    labels   further places that have to do with it, in other files
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        at: str = "",
        param: str = "",
        instead: str = "",
        helps: tuple[str, ...] = (),
        labels: tuple[Label, ...] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.at = at
        self.param = param
        self.instead = instead
        self.helps = helps
        self.labels = labels

    @property
    def severity(self) -> Severity:
        return severity_of(self.code)


def severity_of(code: str) -> Severity:
    """How bad a mismatch with this code is."""
    return _SEVERITY.get(code, "error")


@dataclass(frozen=True)
class _Declaration:
    """What `param(…)` wrote; name and type come from the class body when the part is registered."""

    param: Param


_REQUIRED: Any = object()


def param(
    *,
    doc: str,
    default: Plain | tuple[Plain, ...] = _REQUIRED,
    unit: str | tuple[str, ...] = (),
    unit_doc: str = "",
    families: tuple[str, ...] = (),
    choices: tuple[str, ...] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    above: float | None = None,
    below: float | None = None,
    training: bool = False,
) -> Any:
    """Declare a parameter of a part; its name and type are the attribute's.

    An attribute `window_` declares the parameter `window` where the plain name belongs to a method.

    doc       a few words, lower case, no full stop
    unit      unit families that its quantity may have ("time", ("examples", "tokens", "time")); none: a plain number
    unit_doc  what a plain number counts ("features", "frames")
    families  for a part: which families fit ("tokenizer",)
    training  changing it changes training only, not the architecture
    """
    units = (unit,) if isinstance(unit, str) and unit else tuple(unit)
    required = default is _REQUIRED
    return _Declaration(
        Param(
            name="",
            type="",
            doc=doc,
            required=required,
            default=None if required else default,
            units=units,
            families=families,
            choices=choices,
            minimum=minimum,
            maximum=maximum,
            above=above,
            below=below,
            training=training,
            unit_doc=unit_doc,
        )
    )


class Part:
    """Base of everything that a spec can name. Instances are frozen and hold one plain value per declared parameter.

    Quantities of a parameter with one unit family are numbers in the family's base unit (seconds, hertz, bytes);
    with several families they stay `Quantity`; the ends of a `Range` likewise. Nested parts are Part instances, lists
    are tuples, one file where a list of files is wanted is a tuple of one, a module is the path of its weights.

    divisors  parameters that are added to a divisor to keep it from being 0 (an epsilon)
    kept      parameters that are the share of a running value which stays at each step (beta2)
    """

    name: ClassVar[str]
    family: ClassVar[str]
    params: ClassVar[tuple[Param, ...]]
    divisors: ClassVar[tuple[str, ...]] = ()
    kept: ClassVar[tuple[str, ...]] = ()
    _attributes: ClassVar[Mapping[str, str]]

    def __init__(self, **values: Any) -> None:
        declared = {declaration.name for declaration in self.params}
        if values.keys() - declared:
            raise TypeError(f"{self.name} has no parameter {', '.join(sorted(values.keys() - declared))}")
        for declaration in self.params:
            if declaration.required and declaration.name not in values:
                raise TypeError(f"{self.name} needs the parameter {declaration.name}")
            value = values.get(declaration.name, declaration.default)
            object.__setattr__(self, self._attributes[declaration.name], value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{self.name} is frozen")

    def values(self) -> dict[str, Any]:
        """All parameters by name, in the order of declaration."""
        return {name: getattr(self, attribute) for name, attribute in self._attributes.items()}

    def refs(self) -> Iterator[Ref]:
        """The tensors that its parameters name."""
        for value in self.values().values():
            yield from (item for item in (value if isinstance(value, tuple) else (value,)) if isinstance(item, Ref))

    def changed(self, **values: Any) -> Self:
        """The same part with other values."""
        return type(self)(**{**self.values(), **values})

    def with_refs(self, change: Callable[[Ref], Ref]) -> Self:
        """The same part with every tensor replaced."""

        def replaced(value: Any) -> Any:
            if isinstance(value, tuple):
                return tuple(map(replaced, value))
            return change(value) if isinstance(value, Ref) else value

        return self.changed(**{name: replaced(value) for name, value in self.values().items()})

    def facts(self) -> Mapping[str, Plain]:
        """Static facts that a spec may read (`chars.size`)."""
        return {}

    def check_params(self) -> None:
        """Raise Mismatch where parameters do not fit each other; each has its type and range by itself already."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Part) and type(self) is type(other) and self.values() == other.values()

    def __hash__(self) -> int:
        return hash((self.name, tuple(self.values().items())))

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{name} = {value!r}' for name, value in self.values().items())})"


PartType = TypeVar("PartType", bound=type[Part])


def part(name: str, *, family: str) -> Callable[[PartType], PartType]:
    """Register a class as the part `name` of a family; being in the folder is being in the catalogue."""

    def register(cls: PartType) -> PartType:
        declare(cls, name, family)
        return cls

    return register


def declare(cls: type[Part], name: str, family: str) -> None:
    """Fill in a part's name, family and declared parameters from its class body."""
    if not inspect.getdoc(cls):
        raise TypeError(f"{name} has no docstring")
    cls.name = name
    cls.family = family
    found: dict[str, Param] = {}
    attributes: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        for attribute, annotation in inspect.get_annotations(base).items():
            declaration = base.__dict__.get(attribute)
            if isinstance(declaration, _Declaration):
                spelt = attribute.removesuffix("_")
                attributes[spelt] = attribute
                found[spelt] = _with_type(declaration.param, spelt, str(annotation))
    cls.params = tuple(found.values())
    cls._attributes = attributes


def _with_type(declared: Param, name: str, annotation: str) -> Param:
    none_allowed = annotation.endswith(" | None")
    annotation = annotation.removesuffix(" | None")
    or_flag = annotation.startswith("bool | ")
    annotation = annotation.removeprefix("bool | ")
    declared = replace(declared, name=name, none_allowed=none_allowed, or_flag=or_flag)
    listed = _LIST.fullmatch(annotation)
    if listed:
        return replace(declared, type="list", item=_TYPES[listed[1]])
    or_number = annotation == "float | Part"
    return replace(declared, type=_TYPES[annotation], or_number=or_number)


def plain_ends(value: Range) -> tuple[float, float]:
    """Both ends as numbers in the base unit."""

    def number(end: int | float | Quantity) -> float:
        return end.amount if isinstance(end, Quantity) else end

    return number(value.low), number(value.high)
