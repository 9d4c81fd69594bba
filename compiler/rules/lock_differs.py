"""S2S605: what the lock names is another thing now.

What it does: compares the imported texts, the library, the signatures of user modules and the data files with
SPEC.lock, where there is one (`s2sc lock` makes it). Sizes of data files are compared; with `--with-files` what is in
them too, and files that are named and not there are found even without a lock. The spec's own text may differ: it is
what is being edited.

Why it is bad: the same spec means another model, or learns from other examples, than the one whose results are known.

Bad:

    # locked with another train.jsonl
    data speech {
      audio = logmel(bins = 16)
      text  = alphabet("abc ")
      train = ["train.jsonl"]             # error[S2S605]
      valid = ["valid.jsonl"]
      keep  = 0.5s .. 10s
    }

Good:

    data speech {
      audio = logmel(bins = 16)
      text  = alphabet("abc ")
      train = ["train.jsonl"]
      valid = ["valid.jsonl"]
      keep  = 0.5s .. 10s
    }
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic, Findings
from ...dsl.parser import parse
from ...dsl.source import Span
from ...dsl.syntax import Import
from ..graph import Graph
from ..locked import Changed
from ..settings import items, span_at

CODE = "S2S605"

_KINDS = ("imports", "library", "signatures", "data")


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find what was changed since the lock was made, and data files that are not there."""
    locked = graph.origins.locked
    if locked is None:
        return
    anew = "if that is meant, make the lock anew: s2sc lock SPEC"
    if locked.problem:
        yield Diagnostic(CODE, "error", locked.problem, helps=("make it anew: s2sc lock SPEC",))
    for one in locked.changed:
        if one.kind in _KINDS and one.counts:
            span = _named(graph, one) if one.setting else _import(graph, one.name)
            yield Diagnostic(CODE, "error", f"{one.message}, says the lock", span, place=one.setting, helps=(anew,))
    for one in locked.missing:
        yield Diagnostic(CODE, "error", one.message, _named(graph, one), at="no such file", place=one.setting)


def _named(graph: Graph, one: Changed) -> Span | None:
    """Where the spec names a data file: the item of its list, if that is plain."""
    base = posixpath.basename(one.name)
    found = (span for value, span in items(graph, one.setting) if isinstance(value, str) and value.endswith(base))
    return next(found, None) or span_at(graph, one.setting)


def _import(graph: Graph, path: str) -> Span | None:
    """The statement that imports a file, if the spec itself does."""
    if not graph.origins.sources:
        return None
    for statement in parse(graph.origins.sources[0], Findings()).statements:
        if isinstance(statement, Import) and posixpath.basename(statement.path) == posixpath.basename(path):
            return statement.path_span
    return None
