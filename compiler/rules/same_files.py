"""S2S603: a split measures on files that training sees.

What it does: compares the files of `train` with those of `valid` and `test`, and `valid` with `test`.

Why it is bad: a score on examples that training saw, or that chose the checkpoint, says nothing about new ones.

Bad:

    data speech {
      audio = logmel(bins = 16)
      text  = alphabet("abc ")
      train = ["a.jsonl", "b.jsonl"]
      test  = ["b.jsonl"]                 # error[S2S603]
    }

Good:

    data speech {
      audio = logmel(bins = 16)
      text  = alphabet("abc ")
      train = ["a.jsonl", "b.jsonl"]
      valid = split(train, 10%)
      test  = ["c.jsonl"]
    }
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from itertools import combinations

from ...dsl.diagnostics import Diagnostic, Label
from ...dsl.source import Span
from ...dsl.values import PairOf, SplitOf
from ..graph import Graph
from ..settings import items

CODE = "S2S603"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find files that stand in two splits."""
    for one, other in combinations(("train", "valid", "test"), 2):
        files = {name: span for file, span in items(graph, f"data.{one}") for name in _names(file)}
        for file, span in items(graph, f"data.{other}"):
            twice = next((name for name in _names(file) if name in files), None)
            if twice is not None:
                yield Diagnostic(
                    CODE,
                    "error",
                    f"{other} reads a file of {one}",
                    span,
                    at=f"also in {one}",
                    place=f"data.{other}",
                    labels=_label(files[twice], one),
                    helps=("take examples away from training with split(train, 10%)",),
                )


def _names(file: object) -> list[object]:
    """The files of an item; a share of another split names none."""
    if isinstance(file, PairOf):
        return [*_names(file.source), *_names(file.target)]
    if isinstance(file, SplitOf):
        return []
    return [posixpath.normpath(file) if isinstance(file, str) else file]


def _label(span: Span | None, split: str) -> tuple[Label, ...]:
    return () if span is None else (Label(span, f"in {split} here"),)
