"""From text to a checked graph: the one door that linting, planning, compiling and editing go through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..dsl.diagnostics import Findings
from ..dsl.parser import parse
from ..dsl.reading import read_source
from ..dsl.resolver import resolve
from ..dsl.source import Source
from ..dsl.spec import Spec
from .build import build
from .catalogue import builtin
from .graph import CheckedGraph, Graph
from .pipeline import check


@dataclass(frozen=True)
class Analysis:
    """What is known of a spec: as far as its errors allow; `checked` is None exactly when there are errors."""

    source: Source
    findings: Findings
    spec: Spec | None = None
    graph: Graph | None = None
    checked: CheckedGraph | None = None


def analyse(source: Source, *, profile: str | None = None, sets: Sequence[str] = ()) -> Analysis:
    """Parse, resolve, build and check; each stage gathers all it finds, and the next one starts if there are no errors.

    profile  which `profile` of the spec to apply
    sets     "path=expression", as after --set
    """
    findings = Findings()
    catalogue = builtin()
    document = parse(source, findings)
    if findings.has_errors:
        return Analysis(source, findings)
    spec = resolve(document, catalogue, findings, profile=profile, sets=sets, name=Path(source.name).stem)
    if findings.has_errors or spec is None:
        return Analysis(source, findings, spec)
    graph = build(spec, catalogue, findings)
    if findings.has_errors or graph is None:
        return Analysis(source, findings, spec, graph)
    return Analysis(source, findings, spec, graph, check(graph, findings))


def analyse_file(path: Path, *, profile: str | None = None, sets: Sequence[str] = ()) -> Analysis:
    """The same for a file; raises dsl.reading.Unreadable."""
    return analyse(read_source(path), profile=profile, sets=sets)
