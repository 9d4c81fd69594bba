"""The files that a spec imports: each one parsed once, however often it is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from .diagnostics import Findings, Label
from .limits import LIMITS
from .parser import parse
from .source import Source, Span
from .syntax import Document, Import


class ImportRefused(Exception):
    """A file that cannot be imported: the finding's code, its words and ways out."""

    def __init__(self, code: str, message: str, *helps: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.helps = helps


@dataclass(frozen=True)
class Parsed:
    """A file's tree, as far as its mistakes allow, and the mistakes."""

    document: Document
    problems: Findings


def parsed(source: Source) -> Parsed:
    """Parse a file."""
    problems = Findings()
    return Parsed(parse(source, problems), problems)


class Loader(Protocol):
    """What turns the path of an import into a text."""

    def load(self, path: str, importer: Source) -> Source:
        """The file that `importer` names so: the same object whenever it is the same file. Raises ImportRefused."""

    def load_signature(self, module: str, importer: Source) -> Source:
        """The signature file of a user's module, likewise. Raises ImportRefused."""

    def parse(self, source: Source) -> Parsed:
        """A file that it found, parsed; what is wrong with it is the same each time."""


@dataclass(frozen=True)
class Imports:
    """All files behind a spec.

    documents  what was imported, directly or not, in the order in which it was first named; the spec itself is none
    targets    the file that each import statement stands for, by the statement's place; missing after an error
    """

    documents: Mapping[Source, Document]
    targets: Mapping[Span, Source]


def load_imports(document: Document, loader: Loader, findings: Findings) -> Imports:
    """Find and parse what a document imports, and what that imports; takes work in proportion to the files."""
    walk = _Walk(loader, findings)
    walk.visit(document)
    walk.check_depth(document)
    return Imports(walk.documents, walk.targets)


@dataclass
class _Walk:
    """One walk over the imports, depth first.

    way     the import statements on the way to the file that is looked at
    below   how deep the imports of a finished file go, and the first statement on the longest way
    broken  files with errors of their own
    """

    loader: Loader
    findings: Findings
    documents: dict[Source, Document] = field(default_factory=dict)
    targets: dict[Span, Source] = field(default_factory=dict)
    way: list[Import] = field(default_factory=list)
    below: dict[Source, tuple[int, Import | None]] = field(default_factory=dict)
    broken: set[Source] = field(default_factory=set)
    total_bytes: int = 0
    full: bool = False

    def visit(self, document: Document) -> None:
        self.total_bytes += len(document.source.text.encode())
        deepest: tuple[int, Import | None] = (0, None)
        for statement in document.statements:
            if not isinstance(statement, Import):
                continue
            target = self._follow(statement)
            if target is not None and self.below[target][0] + 1 > deepest[0]:
                deepest = (self.below[target][0] + 1, statement)
        self.below[document.source] = deepest

    def _follow(self, statement: Import) -> Source | None:
        """The file of an import, looked at if it is new; None where there is none or the way leads in a circle."""
        if self.full:
            return None
        importer = statement.span.source
        try:
            source = self.loader.load(statement.path, importer)
        except ImportRefused as refused:
            span = statement.path_span
            self.findings.error(refused.code, refused.message, span, at="imported here", helps=refused.helps)
            return None
        self.way.append(statement)
        passed = [one.span.source for one in self.way]
        if source in passed:
            self._report_circle(self.way[passed.index(source) :])
            self.way.pop()
            return None
        if source not in self.documents and self._has_room(statement, source):
            read = self.loader.parse(source)
            for problem in read.problems:
                self.findings.add(problem)
            if read.problems.has_errors:
                self.broken.add(source)
            self.documents[source] = read.document
            self.visit(read.document)
        self.way.pop()
        if source not in self.documents:
            return None
        if source not in self.broken:
            self.targets[statement.span] = source
        return source

    def _has_room(self, statement: Import, source: Source) -> bool:
        what = ""
        if len(self.documents) >= LIMITS.includes:
            what = f"a spec imports at most {LIMITS.includes} files"
        elif self.total_bytes + len(source.text.encode()) > LIMITS.total_bytes:
            what = f"a spec and what it imports have at most {LIMITS.total_bytes // 1024} KiB"
        if what:
            self.full = True
            self.findings.error("S2S110", what, statement.path_span, at="this is more")
        return not what

    def _report_circle(self, circle: list[Import]) -> None:
        first, *rest = circle
        self.findings.error(
            "S2S206",
            f"`{first.span.source.name}` imports itself",
            first.path_span,
            at="the circle starts here",
            labels=tuple(Label(hop.path_span, "then here") for hop in rest),
            notes=(f"hops: {_hops([*circle, first])}",),
            helps=("put what both need into a file of its own",) if rest else ("remove the import",),
        )

    def check_depth(self, document: Document) -> None:
        """Report the longest way if it is too long."""
        depth, first = self.below[document.source]
        if first is None or depth <= LIMITS.include_depth:
            return
        way = list(self._longest_way(document.source))
        last = self.loader.load(way[-1].path, way[-1].span.source)
        self.findings.error(
            "S2S110",
            f"imports are {depth} deep, the most is {LIMITS.include_depth}",
            first.path_span,
            at="the longest way starts here",
            notes=(f"hops: {_hops(way)} -> {last.name}",),
        )

    def _longest_way(self, source: Source) -> Iterator[Import]:
        statement = self.below[source][1]
        while statement is not None:
            yield statement
            source = self.loader.load(statement.path, source)
            statement = self.below[source][1]


def _hops(way: list[Import]) -> str:
    return " -> ".join(statement.span.source.name for statement in way)
