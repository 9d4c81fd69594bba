"""Write what is generated in the documentation: plans and findings of its examples, and docs/graph.schema.json.

A page holds an example as ```s2s name=NAME and what s2sc says of it as ```text plan=NAME, or as ```text lint=NAME with
change="…" into="…" for the example with a mistake put in. `make docs` runs this; tests/test_docs.py that nothing changes.
"""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

from s2sc.compiler.catalogue import builtin
from s2sc.compiler.front import Analysis, analyse
from s2sc.compiler.graph_schema import graph_schema
from s2sc.compiler.plan import plan
from s2sc.dsl.report.full import render
from s2sc.dsl.source import Source

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
SCHEMA = ROOT / "docs" / "graph.schema.json"
FENCE = re.compile(r"^```(?P<info>[^\n`]+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


def main() -> None:
    """Bring all pages and the schema up to date."""
    for page in PAGES:
        page.write_text(fresh(page.read_text(encoding="utf-8")), encoding="utf-8")
    SCHEMA.write_text(schema(), encoding="utf-8")


def fresh(text: str) -> str:
    """A page with its generated blocks as they are today."""
    examples = {facts["name"]: body for kind, facts, body in blocks(text) if kind == "s2s" and "name" in facts}

    def renewed(block: re.Match[str]) -> str:
        kind, facts = read_info(block["info"])
        if kind != "text" or not {"plan", "lint"} & set(facts):
            return block[0]
        return f"```{block['info']}\n{shown(examples, facts)}\n```"

    return FENCE.sub(renewed, text)


def blocks(text: str) -> list[tuple[str, dict[str, str], str]]:
    """The fenced blocks of a page: kind, facts, text."""
    return [(*read_info(block["info"]), block["body"]) for block in FENCE.finditer(text)]


def read_info(info: str) -> tuple[str, dict[str, str]]:
    """`s2s name=a error=S2S305` as its kind and its facts."""
    kind, *facts = shlex.split(info)
    return kind, dict(fact.split("=", 1) if "=" in fact else (fact, "") for fact in facts)


def analysis(name: str, text: str) -> Analysis:
    """What is known of an example; `name` is its file's."""
    return analyse(Source(f"{name}.s2s", text))


def shown(examples: dict[str, str], facts: dict[str, str]) -> str:
    """What a generated block holds."""
    if "plan" in facts:
        checked = analysis(facts["plan"], examples[facts["plan"]]).checked
        assert checked is not None, f"{facts['plan']} has errors"
        return plan(checked).to_text().rstrip("\n")
    text = examples[facts["lint"]]
    if "change" in facts:
        assert facts["change"] in text, f"{facts['lint']} has no {facts['change']}"
        text = text.replace(facts["change"], facts["into"])
    return render(list(analysis(facts["lint"], text).findings)).rstrip("\n")


def schema() -> str:
    """The published JSON Schema of graph.json."""
    return json.dumps(graph_schema(builtin()), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
