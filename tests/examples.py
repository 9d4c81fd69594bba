"""Examples of rules, with what stands around a spec: a comment says what its lock holds; packages are those of ui."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from s2sc.compiler.front import Analysis, analyse
from s2sc.compiler.graph import Graph
from s2sc.compiler.lint.codes import is_known, known_codes
from s2sc.compiler.lint.suppressions import Suppressions
from s2sc.compiler.locked import BatchFacts, Changed, Lock, Locked
from s2sc.dsl.diagnostics import Diagnostic
from s2sc.dsl.imports import parsed
from s2sc.dsl.loading import FileLoader
from s2sc.dsl.source import Source

_PROJECT = Path(__file__).parent / "ui" / "packages"

_BATCH = re.compile(r"# locked with batch = (\d+) (\w+), lr = ([\d.e-]+)")
_FILE = re.compile(r"# locked with another (\S+)")


def analyse_example(text: str, select: Sequence[str] = ()) -> Analysis:
    """An example, held against the lock that it speaks of; `select` are codes that are looked for if asked for."""
    source = Source("example.s2s", text)
    lock = lock_of(text)
    if lock is not None:
        return analyse(source, locked=lock)
    return analyse(source, loader=FileLoader(source, _PROJECT / source.name), blocks_too=True, select=select)


def lock_of(text: str) -> Callable[[Graph], Locked] | None:
    """What holds a graph against the lock that a comment speaks of; None without such a comment."""
    batch, file = _BATCH.search(text), _FILE.search(text)
    if not batch and not file:
        return None
    facts = BatchFacts(float(batch[1]), batch[2], float(batch[3])) if batch else BatchFacts(16.0, "examples", None)
    lock = Lock("0.1.0", 1, "0" * 64, "0" * 64, facts)
    changed = (Changed("data", file[1], f"{file[1]} was changed", "data.train"),) if file else ()
    found = Locked("example.s2s.lock", lock, changed)
    return lambda graph: found


def findings_of_example(text: str, select: Sequence[str] = ()) -> list[Diagnostic]:
    """What lint says of an example."""
    return less_allowed(analyse_example(text, select))


def less_allowed(analysis: Analysis) -> list[Diagnostic]:
    """What was found, less what the spec's comments allow, and what is wrong with those."""
    document = parsed(analysis.source).document
    comments = Suppressions(is_known, known_codes)
    found = comments.remaining(list(analysis.findings), lambda _: document)
    return [*found, *comments.problems(analysis.source, document, finished=analysis.checked is not None)]
