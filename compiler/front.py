"""From text to a checked graph: the one door that linting, planning, compiling and editing go through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..dsl.diagnostics import Findings
from ..dsl.imports import Loader
from ..dsl.loading import FileLoader
from ..dsl.parser import parse
from ..dsl.reading import read_source
from ..dsl.resolver import only_blocks, resolve, resolve_blocks
from ..dsl.source import Source
from ..dsl.spec import Spec
from .build import build
from .catalogue import builtin
from .graph import CheckedGraph, Graph
from .pipeline import check


@dataclass(frozen=True)
class Analysis:
    """What is known of a spec: as far as its errors allow.

    checked  None exactly when there are errors, or when it was a file of blocks
    """

    source: Source
    findings: Findings
    spec: Spec | None = None
    graph: Graph | None = None
    checked: CheckedGraph | None = None


def analyse(
    source: Source,
    *,
    profile: str | None = None,
    sets: Sequence[str] = (),
    loader: Loader | None = None,
    blocks_too: bool = False,
) -> Analysis:
    """Parse, resolve, build and check; each stage gathers all it finds, and the next one starts if there are no errors.

    profile     which `profile` of the spec to apply
    sets        "path=expression", as after --set
    loader      what finds the files that it imports; without one it can import from the library only
    blocks_too  take a file that only defines what others import for what it is, and look at it alone
    """
    findings = Findings()
    catalogue = builtin()
    loader = loader or FileLoader(source)
    document = parse(source, findings)
    if findings.has_errors:
        return Analysis(source, findings)
    if blocks_too and only_blocks(document):
        resolve_blocks(document, catalogue, findings, loader=loader)
        return Analysis(source, findings)
    name = Path(source.name).stem
    spec = resolve(document, catalogue, findings, loader=loader, profile=profile, sets=sets, name=name)
    if findings.has_errors or spec is None:
        return Analysis(source, findings, spec)
    graph = build(spec, catalogue, findings)
    if findings.has_errors or graph is None:
        return Analysis(source, findings, spec, graph)
    return Analysis(source, findings, spec, graph, check(graph, findings))


def analyse_file(
    path: Path, *, profile: str | None = None, sets: Sequence[str] = (), blocks_too: bool = False
) -> Analysis:
    """The same for a file; raises dsl.reading.Unreadable."""
    source = read_source(path)
    return analyse(source, profile=profile, sets=sets, loader=FileLoader(source, path), blocks_too=blocks_too)
