"""JSON Schemas of what s2sc writes for programs."""

from __future__ import annotations

import argparse

from .failures import OK
from .terminal import as_json, write

EXAMPLES = """examples:
  s2sc schema > graph.schema.json
  s2sc schema findings > findings.schema.json"""


def add(verb: argparse.ArgumentParser) -> None:
    """Its options."""
    verb.add_argument(
        "of",
        nargs="?",
        choices=("graph", "findings"),
        default="graph",
        help="graph.json (the default), or what `s2sc lint --format json` writes",
    )


def run(options: argparse.Namespace) -> int:
    """The JSON Schema that is asked for."""
    if options.of == "findings":
        from ..dsl.report.json import schema

        write(as_json(schema()))
        return OK
    from ..compiler.catalogue import builtin
    from ..compiler.graph_schema import graph_schema

    write(as_json(graph_schema(builtin())))
    return OK
