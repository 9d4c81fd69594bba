"""The pages and schemas that are generated as a whole, by file name."""

from __future__ import annotations

import json

from ...dsl.report.json import schema
from ..catalogue import builtin
from ..graph_schema import graph_schema
from .codes import codes_page
from .parts import parts_page


def generated() -> dict[str, str]:
    """What each file should hold."""
    return {
        "parts.md": parts_page(),
        "rules.md": codes_page(),
        "graph.schema.json": json.dumps(graph_schema(builtin()), indent=2, ensure_ascii=False) + "\n",
        "findings.schema.json": json.dumps(schema(), indent=2) + "\n",
    }
