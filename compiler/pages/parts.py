"""Everything that a spec can name, as Markdown and in words: read from the declarations, where all of it is said."""

from __future__ import annotations

import inspect
import re
from textwrap import dedent

from ...dsl.signature import Param
from ...dsl.values import DType, Quantity, Range
from ..catalogue import builtin
from ..component import Component
from ..part import Part

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
    "schedule": "Schedules",
    "regularizer": "Regularizers",
    "initializer": "Initializers",
    "precision": "Precision",
    "section": "Sections",
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
    return [*lines, ""]


def _docstring_lines(cls: type[Part]) -> list[str]:
    """A docstring as Markdown: its formulas, which are indented or set in columns, become code."""
    lines: list[str] = []
    for paragraph in re.split(r"\n\s*\n", inspect.getdoc(cls) or ""):
        formula = paragraph.startswith("    ") or re.match(r"\w+ = |\w+ {2,}\w", paragraph)
        fenced = ["```", *dedent(paragraph).splitlines(), "```"] if formula else paragraph.splitlines()
        lines += [*fenced, ""]
    return lines[:-1]


def kind_of(one: Param) -> str:
    """What a parameter takes, in words."""
    words = {"int": "whole number", "bool": "true or false", "str": "text", "files": "paths, or split(…)"}
    if one.units:
        return "quantity: " + " or ".join(one.units)
    if one.type == "part":
        return " or ".join((*one.choices, *(family for family in one.families)))
    if one.type == "list":
        return f"list of {' or '.join(one.families) if one.families else words.get(one.item, one.item)}s"
    if one.choices:
        return " or ".join(f'`"{choice}"`' if one.type == "str" else f"`{choice}`" for choice in one.choices)
    return words.get(one.type, one.type)


def default_of(one: Param) -> str:
    """Its default as a spec would write it."""
    if one.required:
        return "**required**"
    if "section" in one.families:
        return "its own"
    return f"`{spelt(one.default)}`"


def spelt(value: object) -> str:
    """A default as a spec would write it."""
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    if isinstance(value, Quantity):
        return value.text
    if isinstance(value, DType):
        return value.name
    if isinstance(value, Range):
        return f"{spelt(value.low)} .. {spelt(value.high)}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(spelt, value))}]"
    return f'"{value}"' if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)


def bounds_of(one: Param) -> str:
    """Its least and greatest value: " (at least 1)"; empty without."""
    low, high = one.minimum, one.maximum
    words = [f"{low:g} to {high:g}"] if low is not None and high is not None else []
    if not words:
        words += [f"at least {low:g}"] if low is not None else []
        words += [f"at most {high:g}"] if high is not None else []
    words += [f"above {one.above:g}"] if one.above is not None else []
    words += [f"below {one.below:g}"] if one.below is not None else []
    return f" ({', '.join(words)})" if words else ""
