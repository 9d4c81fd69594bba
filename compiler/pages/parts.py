"""Everything that a spec can name, as Markdown and in words: read from the declarations, where all of it is said."""

from __future__ import annotations

import inspect
import re
from textwrap import dedent

from ..catalogue import builtin
from ..component import Component
from ..part import Part
from .cost import cost_of
from .sample import sample
from .spelling import bounds_of, default_of, kind_of

FAMILIES = {
    "component": "Components",
    "loss": "Losses",
    "search": "Searches",
    "feature": "Features",
    "tokenizer": "Tokenizers",
    "corpus": "Corpora",
    "augment": "Augmentations",
    "metric": "Metrics",
    "optimizer": "Optimizers",
    "larc": "Layer-wise rates",
    "clip": "Clipping",
    "schedule": "Schedules",
    "regularizer": "Regularizers",
    "initializer": "Initializers",
    "precision": "Precision",
    "scaling": "Loss scaling",
    "guard": "Guards",
    "section": "Sections",
}
# What a component computes in, by the precision that it declares.
PRECISION = {
    "half": "half precision where `hyperparameters.precision` asks for it",
    "fp32": "float32 always",
    "follow": "the precision of what it is given",
}


def parts_page() -> str:
    """Everything that a spec can name, with its parameters."""
    lines = ["# Everything that a spec can name", ""]
    lines += [
        "Generated from the declarations in `compiler/components/` and `compiler/parts/`. Parameters without a default"
    ]
    lines += ["must be given; those without a name in a call are taken in this order.", ""]
    for family, title in FAMILIES.items():
        lines += [f"## {title}", ""]
        for cls in builtin().classes():
            if cls.family == family:
                lines += _part_lines(cls)
    return "\n".join(lines).rstrip("\n") + "\n"


def _part_lines(cls: type[Part]) -> list[str]:
    lines = [f"### {cls.name}", ""]
    if issubclass(cls, Component) and cls.family != "augment":
        lines += [f"`{cls.name} {cls.signature}`", ""]
    lines += _docstring_lines(cls)
    if cls.params:
        lines += ["", "| parameter | | default | |", "|---|---|---|---|"]
        lines += [
            f"| `{one.name}` | {kind_of(one)} | {default_of(one)} | {one.doc}{bounds_of(one)} |".replace("|  |", "| |")
            for one in cls.params
        ]
    if issubclass(cls, Component) and (cost := cost_of(cls)):
        lines += ["", f"Token by token: {cost.step}. Computes in {PRECISION[cls.precision]}."]
    return [*lines, "", f"`{sample(cls)}`", ""]


def _docstring_lines(cls: type[Part]) -> list[str]:
    """A docstring as Markdown: its formulas, which are indented or set in columns, become code."""
    lines: list[str] = []
    for paragraph in re.split(r"\n\s*\n", inspect.getdoc(cls) or ""):
        formula = paragraph.startswith("    ") or re.match(r"\w+ = |\w+ {2,}\w", paragraph)
        fenced = ["```", *dedent(paragraph).splitlines(), "```"] if formula else paragraph.splitlines()
        lines += [*fenced, ""]
    return lines[:-1]
