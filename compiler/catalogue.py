"""Everything that a spec can name: the classes found in components/ and parts/."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path

from ..dsl.parser import parse_signature
from ..dsl.signature import Input, Signature, StreamFacts
from ..dsl.values import PartValue, Plain
from .component import Component
from .data_layer import DataLayer
from .encoding import Unrealizable, plain_values, realize
from .part import Part
from .planned import planned
from .synonyms import synonym

_HERE = Path(__file__).parent
_NOT_CALLABLE = {"section", "internal"}
# A data layer says what these read, so a spec names them as parts and gives them no tensors.
_BOUND_BY_DATA = {"feature", "augment"}


@cache
def builtin() -> Catalogue:
    """The catalogue of what s2sc ships."""
    classes: list[type[Part]] = []
    for folder in (_HERE / "components", *sorted(path for path in (_HERE / "parts").iterdir() if path.is_dir())):
        package = ".".join((__package__, *folder.relative_to(_HERE).parts))
        for file in sorted(folder.glob("[!_]*.py")):
            classes.extend(_parts_in(f"{package}.{file.stem}"))
    return Catalogue(classes)


def _parts_in(module_name: str) -> list[type[Part]]:
    module = import_module(module_name)
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Part)
        and value.__module__ == module_name
        and "name" in value.__dict__
    ]


class Catalogue:
    """Classes by the names that a spec gives them; implements dsl.signature.Catalogue."""

    def __init__(self, classes: Sequence[type[Part]]) -> None:
        self._classes: dict[str, type[Part]] = {}
        self._signatures: dict[str, Signature] = {}
        for cls in classes:
            if cls.name in self._classes:
                raise TypeError(f"two parts are called {cls.name}: {self._classes[cls.name]} and {cls}")
            self._classes[cls.name] = cls

    def classes(self) -> Collection[type[Part]]:
        """All classes, components and parts, in the order of their files."""
        return self._classes.values()

    def component_classes(self) -> list[type[Component]]:
        """Operations on tensors: layers, features, losses, search and what passes put in."""
        return [cls for cls in self._classes.values() if issubclass(cls, Component)]

    def part_class(self, name: str) -> type[Part]:
        """The class of a component, part or section ("data.speech"); KeyError for an unknown name."""
        return self._classes[name]

    def callable(self, name: str) -> Signature | None:
        cls = self._classes.get(name)
        return None if cls is None or cls.family in _NOT_CALLABLE else self._signature(cls)

    def section(self, kind: str, label: str | None) -> Signature | None:
        cls = self._classes.get(f"{kind}.{label}" if label else kind)
        return None if cls is None or cls.family != "section" else self._signature(cls)

    def callable_names(self) -> Collection[str]:
        return [name for name, cls in self._classes.items() if cls.family not in _NOT_CALLABLE]

    def section_labels(self, kind: str) -> Collection[str]:
        return [name.partition(".")[2] for name in self._classes if name.startswith(f"{kind}.")]

    def planned(self, name: str) -> str | None:
        return None if name in self._classes else planned(name)

    def synonym(self, name: str) -> str | None:
        return synonym(name)

    def facts(self, part: PartValue) -> Mapping[str, Plain]:
        cls = self._classes[part.name]
        if cls.facts is Part.facts:
            return {}
        try:
            return realize(part, self).facts()
        except Unrealizable:
            return {}

    def streams(self, data: PartValue) -> Mapping[str, StreamFacts]:
        cls = self._classes[data.name]
        assert issubclass(cls, DataLayer)
        settings = {name: self.facts(value) for name, value in data.params.items() if isinstance(value, PartValue)}
        return cls.stream_facts(settings, plain_values(data, self))

    def _signature(self, cls: type[Part]) -> Signature:
        found = self._signatures.get(cls.name)
        if found is None:
            found = self._signatures[cls.name] = _signature_of(cls)
        return found


def _signature_of(cls: type[Part]) -> Signature:
    inputs: tuple[Input, ...] = ()
    results: tuple[str, ...] = ()
    if issubclass(cls, Component) and cls.family not in _BOUND_BY_DATA:
        parameters, found = parse_signature(cls.signature)
        inputs = tuple(
            Input(parameter.name, optional=parameter.default is not None, variadic=parameter.variadic)
            for parameter in parameters
        )
        results = tuple(result.name for result in found)
    return Signature(cls.name, cls.family, _first_line(cls), inputs, results, cls.params)


def _first_line(cls: type[Part]) -> str:
    return (cls.__doc__ or "").strip().splitlines()[0]
