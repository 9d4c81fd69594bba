"""The lint rules: every file in compiler/rules is one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from ..dsl.diagnostics import Diagnostic
from .graph import Graph

_FOLDER = Path(__file__).parent / "rules"


@dataclass(frozen=True)
class Rule:
    """One rule: what it is called, why it exists, and what it finds in a typed graph."""

    code: str
    name: str
    doc: str
    check: Callable[[Graph], Iterator[Diagnostic]]

    @property
    def title(self) -> str:
        return self.doc.splitlines()[0].partition(": ")[2].rstrip(".")

    def example(self, kind: str) -> str:
        """The `bad` or the `good` example of its docstring."""
        _, _, rest = self.doc.partition(f"\n{kind.capitalize()}:\n")
        lines: list[str] = []
        for line in rest.splitlines():
            if line.strip() and not line.startswith("    "):
                break
            lines.append(line.removeprefix("    "))
        return "\n".join(lines).strip() + "\n"


@cache
def rules() -> tuple[Rule, ...]:
    """All rules by code."""
    found = []
    for file in sorted(_FOLDER.glob("[!_]*.py")):
        module = import_module(f"{__package__}.rules.{file.stem}")
        found.append(Rule(module.CODE, file.stem, inspect.cleandoc(module.__doc__ or ""), module.check))
    return tuple(sorted(found, key=lambda rule: rule.code))
