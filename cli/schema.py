"""The JSON Schema of graph.json."""

from __future__ import annotations

import argparse

from .failures import OK
from .terminal import as_json, write

EXAMPLES = """examples:
  s2sc schema > graph.schema.json"""


def add(verb: argparse.ArgumentParser) -> None:
    """It has none."""


def run(options: argparse.Namespace) -> int:
    """The JSON Schema of graph.json."""
    from ..compiler.catalogue import builtin
    from ..compiler.graph_schema import graph_schema

    write(as_json(graph_schema(builtin())))
    return OK
