"""Write what is generated in the documentation: plans and findings of examples, parts.md, rules.md, the schema.
The parse tables of the grammar are written here too.

A page holds an example as ```s2s name=NAME and what s2sc says of it as ```text plan=NAME, or as ```text lint=NAME with
change="…" into="…" for the example with a mistake put in; ```text why=NAME path=PATH is what --why says, with profile=…
and set=…, ```text against=NAME change="…" into="…" what --against does. An example with=NAME is completed by that one's
sections.
```text stage=NAME holds what one room hands on, for the layer that docs/onboarding.md follows.
`make docs` runs this; tests/test_docs.py checks that it would change nothing.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass
from pathlib import Path
from textwrap import wrap

from s2sc.compiler.difference import Side, difference
from s2sc.compiler.front import Analysis, analyse
from s2sc.compiler.graph_file import graph_json
from s2sc.compiler.pages.generated import generated
from s2sc.compiler.pages.spelling import spelt
from s2sc.compiler.plan import plan
from s2sc.compiler.why import why
from s2sc.dsl import syntax
from s2sc.dsl.diagnostics import Findings
from s2sc.dsl.parse_tables import TABLES, tables_json
from s2sc.dsl.parser import parse
from s2sc.dsl.reading import read_source
from s2sc.dsl.report.full import render
from s2sc.dsl.source import Source, Span
from s2sc.dsl.values import Static

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
FENCE = re.compile(r"^```(?P<info>[^\n`]+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


def main() -> None:
    """Bring all pages and generated files up to date."""
    for page in PAGES:
        page.write_text(fresh(page.read_text(encoding="utf-8")), encoding="utf-8")
    for file, text in files():
        file.write_text(text, encoding="utf-8")


def files() -> list[tuple[Path, str]]:
    """The files that are generated as a whole, with what they should hold."""
    docs = ROOT / "docs"
    return [
        (TABLES, tables_json()),
        *((docs / name, text) for name, text in generated().items()),
    ]


def fresh(text: str) -> str:
    """A page with its generated blocks as they are today."""
    examples = {facts["name"]: body for facts, body in specs(text) if "name" in facts}

    def renewed(block: re.Match[str]) -> str:
        kind, facts = read_info(block["info"])
        if kind != "text" or not {"plan", "lint", "stage", "why", "against"} & set(facts):
            return block[0]
        return f"```{block['info']}\n{shown(examples, facts)}\n```"

    return FENCE.sub(renewed, text)


def specs(text: str) -> list[tuple[dict[str, str], str]]:
    """The examples of a page: facts, and the text of a whole spec."""
    found = [(facts, body) for kind, facts, body in blocks(text) if kind == "s2s"]
    whole = {facts["name"]: body for facts, body in found if "name" in facts and "with" not in facts}
    return [(facts, completed(body, whole[facts["with"]]) if "with" in facts else body) for facts, body in found]


def completed(fragment: str, whole: str) -> str:
    """A fragment, and those sections and lets of a whole spec that it does not write itself."""
    written = {subject(statement) for statement in statements(fragment)}
    rest = [statement for statement in statements(whole) if subject(statement) not in written]
    head = [statement for statement in rest if statement.startswith("edition")]
    return "".join([*head, fragment.rstrip("\n") + "\n\n", *(one for one in rest if one not in head)])


def statements(text: str) -> list[str]:
    """The top-level statements of a spec: each begins in the first column."""
    return [statement for statement in re.split(r"(?m)^(?=[a-z])", text) if statement.strip()]


def subject(statement: str) -> str:
    """What a statement is about: `let width`, `encoder`."""
    words = statement.split()
    return " ".join(words[:2]) if words[0] in ("let", "block", "profile", "table") else words[0]


def blocks(text: str) -> list[tuple[str, dict[str, str], str]]:
    """The fenced blocks of a page: kind, facts, text."""
    return [(*read_info(block["info"]), block["body"]) for block in FENCE.finditer(text)]


def read_info(info: str) -> tuple[str, dict[str, str]]:
    """`s2s name=a error=S2S305` as its kind and its facts."""
    kind, *facts = shlex.split(info)
    return kind, {name: value for name, _, value in (fact.partition("=") for fact in facts)}


def analysis(name: str, text: str) -> Analysis:
    """What is known of an example; `name` is its file's."""
    return analyse(Source(f"{name}.s2s", text))


def shown(examples: dict[str, str], facts: dict[str, str]) -> str:
    """What a generated block holds."""
    if "stage" in facts:
        return STAGES[facts["stage"]]()
    if "plan" in facts:
        checked = analysis(facts["plan"], examples[facts["plan"]]).checked
        assert checked is not None, f"{facts['plan']} has errors"
        return plan(checked).to_text().rstrip("\n")
    if "why" in facts:
        return whys(facts["why"], examples[facts["why"]], facts)
    if "against" in facts:
        return compared(facts["against"], examples[facts["against"]], facts)
    text = changed(examples[facts["lint"]], facts)
    return render(list(analysis(facts["lint"], text).findings)).rstrip("\n")


def changed(text: str, facts: dict[str, str]) -> str:
    """An example with what `change` says put in, if it does."""
    if "change" not in facts:
        return text
    assert facts["change"] in text, f"the example has no {facts['change']}"
    return text.replace(facts["change"], facts["into"])


def whys(name: str, text: str, facts: dict[str, str]) -> str:
    """What `s2sc plan --why` says of an example's value, with the profile and the `--set` that are named."""
    layers = [(facts.get("profile"), [facts["set"]] if "set" in facts else []), (facts.get("profile"), []), (None, [])]
    found = [analyse(Source(f"{name}.s2s", text), profile=profile, sets=sets) for profile, sets in layers]
    return why(found, facts["path"]).to_text().rstrip("\n")


def compared(name: str, text: str, facts: dict[str, str]) -> str:
    """What `s2sc plan --against HEAD` says of an example into which a change was put since."""
    old, new = analysis(name, text).checked, analysis(name, changed(text, facts)).checked
    assert old is not None, f"{name} has errors"
    assert new is not None, f"{name} has errors after the change"
    return difference(Side("HEAD", old, "HEAD:"), Side(f"{name}.s2s", new)).to_text().rstrip("\n")


# ---------------------------------------------------------------- onboarding.md

FOLLOWED = ROOT / "specs" / "spoken_digits.s2s"
PLACE = "encoder.body.1.0"


def tree_stage() -> str:
    """The syntax tree of the followed layer's block, without its spans."""
    document = parse(read_source(FOLLOWED), Findings())
    block = next(one for one in document.statements if isinstance(one, syntax.Block) and one.name == "residual")
    return "\n".join(_tree_lines(block.body[0]))


def spec_stage() -> str:
    """The instances that the followed layer's copy of its block became."""
    spec = analyse(read_source(FOLLOWED)).spec
    assert spec is not None
    lines = []
    for one in spec.instances:
        if one.path.startswith(f"{PLACE}."):
            inputs = ", ".join(str(ref.path) for refs in one.inputs.values() for ref in refs)
            params = ", ".join(f"{name} = {_param(value)}" for name, value in one.params.items())
            lines.append(f"{one.path}({params})  reads {inputs}")
    return "\n".join(lines)


def graph_stage() -> str:
    """The followed layer in graph.json."""
    checked = analyse(read_source(FOLLOWED)).checked
    assert checked is not None
    nodes = {node["path"]: node for node in json.loads(graph_json(checked))["nodes"]}
    shown = [f"{PLACE}.conv1d.mask_x", f"{PLACE}.conv1d"]
    return "\n".join(_wrapped(json.dumps(nodes[path], ensure_ascii=False)) for path in shown)


def plan_stage() -> str:
    """The whole plan."""
    checked = analyse(read_source(FOLLOWED)).checked
    assert checked is not None
    return plan(checked).to_text().rstrip("\n")


def code_stage() -> str:
    """The followed layer in the emitted torch code; needs torch."""
    from s2sc.runtime.emit import emit_torch

    checked = analyse(read_source(FOLLOWED)).checked
    assert checked is not None
    place = PLACE.replace(".", "_")
    wanted = re.compile(rf"\s+{place}_(conv1d|batch_norm|conv1d_mask_x|add|relu) = |\s+self\.add\(\"{PLACE}\.conv1d\"")
    return "\n".join(line.strip() for line in emit_torch(checked).splitlines() if wanted.match(line))


STAGES = {"tree": tree_stage, "spec": spec_stage, "graph": graph_stage, "plan": plan_stage, "code": code_stage}


def _tree_lines(node: object, name: str = "", depth: int = 0) -> list[str]:
    """A node and those below it, a line each; text, numbers and truths stand on their node's line."""
    assert is_dataclass(node)
    fields = {one.name: getattr(node, one.name) for one in dataclass_fields(node)}
    if "path" in fields:
        fields["path"] = ".".join(fields["path"])
    plain = [
        f"{key}={value!r}"
        for key, value in fields.items()
        if isinstance(value, str | int | float) and (value or key == "value")
    ]
    lines = ["  " * depth + (f"{name}: " if name else "") + " ".join([type(node).__name__, *plain])]
    for key, value in fields.items():
        for child in value if isinstance(value, tuple) else (value,):
            if is_dataclass(child) and not isinstance(child, Span):
                lines += _tree_lines(child, key, depth + 1)
    return lines


def _param(value: object) -> str:
    return spelt(value.value) if isinstance(value, Static) else str(value)


def _wrapped(text: str, width: int = 116) -> str:
    return "\n  ".join(wrap(text, width, break_long_words=False, break_on_hyphens=False))


if __name__ == "__main__":
    main()
