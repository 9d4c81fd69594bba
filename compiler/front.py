"""From text to a checked graph: the one door that linting, planning, compiling and editing go through."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..dsl.diagnostics import Findings
from ..dsl.imports import Loader
from ..dsl.loading import FileLoader, Files
from ..dsl.resolver import only_blocks, resolve, resolve_blocks
from ..dsl.signature_files import SUFFIX
from ..dsl.source import Source
from ..dsl.spec import Spec
from ..dsl.syntax import Document
from .build import build
from .catalogue import builtin
from .graph import CheckedGraph, Graph
from .locked import Locked
from .pipeline import check
from .rulebook import text_rules


@dataclass(frozen=True)
class Analysis:
    """What is known of a spec: as far as its errors allow.

    checked  None exactly when there are errors, or when it was a file of blocks
    loader   what found the files that it imports, if it was a file
    """

    source: Source
    findings: Findings
    spec: Spec | None = None
    graph: Graph | None = None
    checked: CheckedGraph | None = None
    loader: FileLoader | None = None


def analyse(
    source: Source,
    *,
    profile: str | Sequence[str] | None = None,
    sets: Sequence[str] = (),
    loader: Loader | None = None,
    blocks_too: bool = False,
    locked: Callable[[Graph], Locked] | None = None,
    select: Sequence[str] = (),
) -> Analysis:
    """Parse, resolve, build and check; each stage gathers all it finds, and the next one starts if there are no errors.

    profile     which `profile` of the spec to apply, or several that set different things
    sets        "path=expression", as after --set
    loader      what finds the files that it imports; without one it can import from the library only
    blocks_too  take a file that only defines what others import for what it is, and look at it alone
    locked      holds the graph against the spec's lock
    select      codes, or how they begin, that are looked for where they are not by themselves
    """
    findings = Findings()
    loader = loader or FileLoader(source)
    read = loader.parse(source)
    document = read.document
    for problem in read.problems:
        findings.add(problem)
    if findings.has_errors:
        return Analysis(source, findings)
    found = _meant(document, findings, loader, profile, sets, blocks_too, locked)
    for rule in text_rules():
        if rule.is_wanted(select):
            for diagnostic in rule.check(document):
                findings.add(diagnostic)
    return replace(found, checked=None) if findings.has_errors else found


def _meant(
    document: Document,
    findings: Findings,
    loader: Loader,
    profile: str | Sequence[str] | None,
    sets: Sequence[str],
    blocks_too: bool,
    locked: Callable[[Graph], Locked] | None,
) -> Analysis:
    """What a text means, as far as its errors allow."""
    source, catalogue = document.source, builtin().for_one_spec()
    if blocks_too and source.name.endswith(SUFFIX):
        catalogue.declare(Path(source.name).stem, document, findings)
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
    if locked is not None:
        graph = replace(graph, origins=replace(graph.origins, locked=locked(graph)))
    return Analysis(source, findings, spec, graph, check(graph, findings))


def analyse_file(
    path: Path,
    *,
    profile: str | Sequence[str] | None = None,
    sets: Sequence[str] = (),
    blocks_too: bool = False,
    with_lock: bool = False,
    with_files: bool = False,
    select: Sequence[str] = (),
    source: Source | None = None,
    files: Files | None = None,
) -> Analysis:
    """The same for a file; raises dsl.reading.Unreadable.

    with_lock   hold it against its lock, if it has one
    with_files  read the data files that the spec names, too
    select      codes, or how they begin, that are looked for where they are not by themselves
    source      its text, if it is not read
    files       what was read and parsed for other specs already
    """
    files = files or Files()
    source = source or files.read(path, str(path))
    loader = FileLoader(source, path, files)
    locked: Callable[[Graph], Locked] | None = None
    if with_files or (with_lock and os.path.lexists(f"{path}.lock")):
        from .lock import held_against

        def locked(graph: Graph) -> Locked:
            return held_against(path, graph, "", loader, tool="", hashed=with_files)

    found = analyse(
        source, profile=profile, sets=sets, loader=loader, blocks_too=blocks_too, locked=locked, select=select
    )
    return replace(found, loader=loader)
