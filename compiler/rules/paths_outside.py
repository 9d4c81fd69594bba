"""S2S604: a path leaves the project.

What it does: looks for absolute paths, `..` and home folders in the data section.

Why it is bad: the spec works on one machine only, and somebody else's spec could read files that are none of its
business. What differs between machines belongs into the environment: env("NAME", default = "…").

Bad:

    data speech {
      root  = "/home/me/corpus"           # error[S2S604]
      audio = logmel(bins = 16)
      text  = alphabet("abc ")
      train = ["a.jsonl"]
    }

Good:

    data speech {
      root  = env("CORPUS", default = "data/corpus")
      audio = logmel(bins = 16)
      text  = alphabet("abc ")
      train = ["a.jsonl"]
    }
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic
from ...dsl.values import EnvironmentPath, JoinedPath, PairOf
from ..graph import Graph
from ..settings import items

CODE = "S2S604"

_ABSOLUTE = re.compile(r"[/\\]|[A-Za-z]:")


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find paths that leave the project."""
    for declared in graph.data.params:
        if declared.type not in ("path", "files", "pairs") and declared.item != "path":
            continue
        path = f"data.{declared.name}"
        for value, span in items(graph, path):
            for text in _texts(value):
                what = _fault(text)
                if what:
                    yield Diagnostic(
                        CODE,
                        "error",
                        f'`{declared.name}` leaves the project: "{text}"',
                        span,
                        at=what,
                        place=path,
                        helps=(
                            'write a path within the project, or env("NAME", default = "data") for the machine\'s part',
                        ),
                    )


def _texts(value: object) -> list[str]:
    """What a path is written with; the variable's value is the machine's own business."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, EnvironmentPath):
        return [value.default]
    if isinstance(value, JoinedPath):
        return [text for piece in value.pieces for text in _texts(piece)]
    if isinstance(value, PairOf):
        return [*_texts(value.source), *_texts(value.target)]
    return []


def _fault(text: str) -> str:
    if _ABSOLUTE.match(text):
        return "an absolute path"
    if text.startswith("~"):
        return "a home folder"
    return "goes up by `..`" if ".." in re.split(r"[/\\]", text) else ""
