"""What stands at a place of the texts behind a graph: the statement, the name it gives, the expression of a setting."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..dsl import syntax
from ..dsl.diagnostics import Findings
from ..dsl.parser import parse
from ..dsl.source import Source, Span
from ..dsl.tree_walk import walk
from .provenance import inside


@dataclass
class TextIndex:
    """The syntax trees of all files of a spec, looked up by place."""

    sources: tuple[Source, ...]

    def expression(self, span: Span) -> syntax.Expression | None:
        """The expression that is written exactly there."""
        return next((node for node in self._at.get(_key(span), ()) if isinstance(node, syntax.Expression)), None)

    def around(self, span: Span) -> list[Any]:
        """The statements and parameters around a place, innermost first."""
        return [node for node in self._statements if inside(span, node.span)]

    def argument(self, owner: Span, name: str) -> syntax.Expression | None:
        """What is written for a parameter by its name: of the call at `owner`, or of the section whose word that is."""
        for node in self._at.get(_key(owner), ()):
            if isinstance(node, syntax.Call):
                return next((one.value for one in node.arguments if one.name == name), None)
        for node in self._statements:
            if isinstance(node, syntax.Section) and node.kind_span == owner:
                wanted = (one.value for one in node.body if isinstance(one, syntax.Assign) and one.name == name)
                return next(wanted, None)
        return None

    def positional(self, owner: Span) -> list[syntax.Expression]:
        """What is written without a name in the call at `owner`."""
        for node in self._at.get(_key(owner), ()):
            if isinstance(node, syntax.Call):
                return [one.value for one in node.arguments if one.name is None]
        return []

    def let(self, name: str, source: Source) -> syntax.Let | None:
        """A name that a file defines for all of it."""
        for statement in self._documents.get(source, ()):
            if isinstance(statement, syntax.Let) and statement.name == name:
                return statement
        return None

    @cached_property
    def _documents(self) -> dict[Source, tuple[syntax.Statement, ...]]:
        return {source: parse(source, Findings()).statements for source in self.sources}

    @cached_property
    def _nodes(self) -> list[Any]:
        return [node for statements in self._documents.values() for node in walk(statements)]

    @cached_property
    def _at(self) -> dict[tuple[int, int, int], list[Any]]:
        found: dict[tuple[int, int, int], list[Any]] = {}
        for node in self._nodes:
            found.setdefault(_key(node.span), []).append(node)
        return found

    @cached_property
    def _statements(self) -> list[Any]:
        """Statements and parameters, what is inside before what is around it."""
        kept = [node for node in self._nodes if isinstance(node, syntax.Statement | syntax.Parameter)]
        return sorted(kept, key=lambda node: node.span.end - node.span.start)


def _key(span: Span) -> tuple[int, int, int]:
    return id(span.source), span.start, span.end
