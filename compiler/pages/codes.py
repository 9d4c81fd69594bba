"""Every code with its two examples, as Markdown."""

from __future__ import annotations

import re
from textwrap import dedent

from ..rulebook import Page, pages

# What a code's first digit says, in the order of the stages that find it.
FAMILIES = {
    "1": "Reading",
    "2": "Names",
    "3": "Types and units",
    "4": "Shapes and the graph",
    "5": "Numbers and half precision",
    "6": "Training and data",
    "7": "Export",
    "9": "Style and suppressions",
}


def codes_page() -> str:
    """What can be found in a spec."""
    lines = ["# What can be found in a spec", ""]
    lines += ["Generated from `compiler/codes/` (errors that stop the reading of a spec) and `compiler/rules/` (what a"]
    lines += [
        "sound model is still warned of). `s2sc explain S2S402` shows the same in a terminal. Examples leave out the"
    ]
    lines += ["sections that do not matter.", ""]
    for digit, family in FAMILIES.items():
        found = [page for page in pages() if page.code[3] == digit]
        if not found:
            continue
        lines += [f"## {family}", "", "| code | | |", "|---|---|---|"]
        lines += [f"| [{page.code}](#{_anchor(page)}) | {page.severity} | {page.title} |" for page in found]
        lines += [""]
        for page in found:
            lines += _page_lines(page)
    return "\n".join(lines).rstrip("\n") + "\n"


def _page_lines(page: Page) -> list[str]:
    _, _, rest = page.doc.partition("\n")
    lines = [f"### {page.code}: {page.title}", ""]
    for paragraph in re.split(r"\n\s*\n(?=\S)", rest.strip()):
        head, _, body = paragraph.partition("\n")
        if head in ("Bad:", "Good:"):
            lines += [head, "", "```text", *dedent(body.strip("\n")).splitlines(), "```", ""]
        else:
            lines += [*paragraph.splitlines(), ""]
    return lines


def _anchor(page: Page) -> str:
    """The anchor of its heading."""
    return re.sub(r"[^\w\- ]", "", f"{page.code}: {page.title}".lower()).replace(" ", "-")
