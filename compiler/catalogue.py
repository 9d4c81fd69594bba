"""Everything that a spec can name: the classes found in components/ and parts/."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path

from ..dsl.diagnostics import Findings
from ..dsl.parser import parse_signature
from ..dsl.signature import Input, Signature, StreamFacts
from ..dsl.syntax import Document
from ..dsl.values import PartValue, Plain
from .component import Component
from .data_layer import DataLayer
from .encoding import Unrealizable, plain_values, realize
from .foreign import advice
from .part import Part
from .planned import planned
from .signature_file import read_declared
from .synonyms import synonym
from .user_module import UserModule, user_module

_HERE = Path(__file__).parent
_NOT_CALLABLE = {"section", "internal"}
# A data layer says what these read, so a spec names them as parts and gives them no tensors.
_BOUND_BY_DATA = {"feature", "augment"}


@cache
def builtin() -> Catalogue:
    """The catalogue of what s2sc ships: being in the folder is being in the catalogue."""
    folders = [_HERE / "components", *sorted(path for path in (_HERE / "parts").iterdir() if path.is_dir())]
    return Catalogue(
        ".".join((__package__, *file.relative_to(_HERE).with_suffix("").parts))
        for folder in folders
        for file in sorted(folder.glob("[!_]*.py"))
    )


class Catalogue:
    """Classes by the names that a spec gives them; implements dsl.signature.Catalogue.

    A file is named after its part and is imported when its name is first asked for: `data/speech.py` holds
    "data.speech", `sections/export_onnx.py` "export.onnx", `components/linear.py` "linear".
    """

    def __init__(self, modules: Iterable[str]) -> None:
        self._modules = tuple(modules)
        self._module_of: dict[str, str] = {}
        for module in self._modules:
            folder, stem = module.split(".")[-2:]
            for name in (stem, f"{folder}.{stem}", stem.replace("_", ".", 1)):
                self._module_of.setdefault(name, module)
        self._loaded: dict[str, tuple[type[Part], ...]] = {}
        self._signatures: dict[str, Signature] = {}
        self._declared: dict[str, type[UserModule]] = {}

    def for_one_spec(self) -> Catalogue:
        """The same parts, and room for the users' modules that one spec names."""
        own = Catalogue(())
        own._modules, own._module_of = self._modules, self._module_of
        own._loaded, own._signatures = self._loaded, self._signatures
        return own

    def declare(self, file: str, document: Document, findings: Findings) -> Mapping[str, Signature] | None:
        declared = read_declared(file, document, findings)
        if declared is None:
            return None
        for one in declared:
            if self._find(one.name) is not None:
                findings.error("S2S204", f"`{one.name}` is a name of s2sc itself", one.span)
                return None
        self._declared.update((one.name, user_module(one)) for one in declared)
        return {one.signature.short_name: one.signature for one in declared}

    def classes(self) -> Collection[type[Part]]:
        """All classes, components and parts, in the order of their files."""
        return [*(cls for module in self._modules for cls in self._load(module)), *self._declared.values()]

    def component_classes(self) -> list[type[Component]]:
        """Operations on tensors: layers, features, losses, search and what passes put in."""
        return [cls for cls in self.classes() if issubclass(cls, Component)]

    def part_class(self, name: str) -> type[Part]:
        """The class of a component, part or section ("data.speech"); KeyError for an unknown name."""
        found = self._find(name)
        if found is None:
            raise KeyError(name)
        return found

    def names_of(self, families: Collection[str]) -> list[str]:
        """The names of all parts of some families."""
        return [cls.name for cls in self.classes() if cls.family in families]

    def callable(self, name: str) -> Signature | None:
        cls = self._find(name)
        # a user's module is known by its alias
        return None if cls is None or name in self._declared or cls.family in _NOT_CALLABLE else self._signature(cls)

    def section(self, kind: str, label: str | None) -> Signature | None:
        cls = self._find(f"{kind}.{label}" if label else kind)
        return None if cls is None or cls.family != "section" else self._signature(cls)

    def callable_names(self) -> Collection[str]:
        own = self._declared.keys()
        return [cls.name for cls in self.classes() if cls.family not in _NOT_CALLABLE and cls.name not in own]

    def section_labels(self, kind: str) -> Collection[str]:
        return [cls.name.partition(".")[2] for cls in self.classes() if cls.name.startswith(f"{kind}.")]

    def planned(self, name: str) -> str | None:
        return planned(name)

    def synonym(self, name: str) -> str | None:
        return synonym(name)

    def advice(self, name: str) -> str | None:
        return advice(name)

    def facts(self, part: PartValue) -> Mapping[str, Plain]:
        cls = self.part_class(part.name)
        if cls.facts is Part.facts:
            return {}
        try:
            return realize(part, self).facts()
        except Unrealizable:
            return {}

    def streams(self, data: PartValue) -> Mapping[str, StreamFacts]:
        cls = self.part_class(data.name)
        assert issubclass(cls, DataLayer)
        settings = {name: self.facts(value) for name, value in data.params.items() if isinstance(value, PartValue)}
        return cls.stream_facts(settings, plain_values(data, self))

    def _find(self, name: str) -> type[Part] | None:
        if name in self._declared:
            return self._declared[name]
        module = self._module_of.get(name)
        return next((cls for cls in self._load(module) if cls.name == name), None) if module else None

    def _load(self, module: str) -> tuple[type[Part], ...]:
        if module not in self._loaded:
            self._loaded[module] = _parts_in(module)
        return self._loaded[module]

    def _signature(self, cls: type[Part]) -> Signature:
        found = self._signatures.get(cls.name)
        if found is None:
            found = self._signatures[cls.name] = _signature_of(cls)
        return found


def _parts_in(module_name: str) -> tuple[type[Part], ...]:
    """The parts that a module declares itself."""
    return tuple(
        value
        for value in vars(import_module(module_name)).values()
        if isinstance(value, type)
        and issubclass(value, Part)
        and value.__module__ == module_name
        and "name" in value.__dict__
    )


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
