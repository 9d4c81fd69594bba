"""What dsl needs to know of components and parts: their names, inputs, results and parameters."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from .diagnostics import Findings
from .syntax import Document
from .values import Origin, PartValue, Plain


@dataclass(frozen=True)
class Param:
    """One declared parameter; the only place where its name, type, default, range, unit and meaning stand.

    type      "int", "number", "bool", "str", "dtype", "range", "path" (a string, `path(…)` or `env(…)`), "files" (a
              list of paths, one path, or `split(…)`), "pairs" (the same with `pair(…)` for a path), "metric" (a split's
              metric), "module" (its weights are used: `tie`), "tensor", "part" (of one of `families`), or "list" of
              `item` type
              A part of family "precision" may be a dtype too (`precision = fp32`); `choices` says which.
    units     unit families that a quantity may have ("time", "frequency", "steps" …); empty: a plain number
              (or a share: 10% is 0.1)
    required  no default
    or_number for "part": a number within the limits may stand in its place
    or_flag   for "list" and "str": true or false may stand in its place
    choices   for "str": the allowed strings
    training  changing it changes training, not the architecture (left out of the architecture hash)
    """

    name: str
    type: str
    doc: str
    required: bool = True
    default: Plain | tuple[Plain, ...] = None
    units: tuple[str, ...] = ()
    item: str = ""
    families: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None
    none_allowed: bool = False
    training: bool = False
    unit_doc: str = ""
    or_number: bool = False
    or_flag: bool = False


@dataclass(frozen=True)
class Input:
    """A tensor input; `optional` inputs may stay unbound, `variadic` takes one or more."""

    name: str
    optional: bool = False
    variadic: bool = False


@dataclass(frozen=True)
class Signature:
    """A callable of the language, or a kind of section (family "section")."""

    name: str
    family: str
    doc: str
    inputs: tuple[Input, ...]
    results: tuple[str, ...]
    params: tuple[Param, ...]

    @property
    def short_name(self) -> str:
        """What its nodes are called: `rotary` of `acme_layers.rotary`."""
        return self.name.rpartition(".")[2]

    def param(self, name: str) -> Param | None:
        return next((param for param in self.params if param.name == name), None)

    def optional(self, name: str) -> bool:
        """Whether a tensor input may stay unbound."""
        return any(entry.name == name and entry.optional for entry in self.inputs)


@dataclass(frozen=True)
class StreamFacts:
    """A stream that a data layer offers: `data.audio`.

    facts     static facts by name (`data.text.vocab`)
    children  further streams below it by name (`data.audio.waveform`, `data.target.shifted`)
    tensor    false for a stream that has children and facts only
    """

    facts: Mapping[str, Plain] = field(default_factory=dict)
    children: Mapping[str, StreamFacts] = field(default_factory=dict)
    tensor: bool = True


class Catalogue(Protocol):
    """Everything that can be named in a spec. Declared here, filled by compiler.catalogue."""

    def callable(self, name: str) -> Signature | None:
        """A component or a part by name."""

    def section(self, kind: str, label: str | None) -> Signature | None:
        """A section's settings by kind and label: ("data", "speech"), ("checkpoint", None)."""

    def callable_names(self) -> Collection[str]: ...

    def section_labels(self, kind: str) -> Collection[str]:
        """The labels that a section kind accepts ("speech" for data); empty where it takes none."""

    def planned(self, name: str) -> str | None:
        """For a name of the language that this version does not have yet: a sentence that says so.

        A parameter is asked for with its owner: "momentum.larc".
        """

    def synonym(self, name: str) -> str | None:
        """What other toolkits' name for a parameter is called here (`learning_rate` -> `lr`).

        A parameter is asked for with its owner first: "embedding.vocab_size".
        """

    def declare(self, file: str, document: Document, findings: Findings) -> Mapping[str, Signature] | None:
        """Take in the signature file of a user's package, `acme_layers.layers`: its modules by name.

        None after an error in it.
        """

    def advice(self, name: str) -> str | None:
        """What to do with an option of other toolkits that has no counterpart here (`padding_idx`), in a sentence.

        A parameter is asked for with its owner first: "adam.weight_decay".
        """

    def facts(self, part: PartValue) -> Mapping[str, Plain]:
        """A part's static facts (`chars.size`)."""

    def streams(self, data: PartValue) -> Mapping[str, StreamFacts]:
        """The streams of a bound data section."""


def default_origin(owner: str) -> Origin:
    """The origin of a declared default."""
    return Origin("default", None, owner)
