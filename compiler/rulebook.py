"""The lint rules: every file in compiler/rules is one."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from ..dsl.diagnostics import Diagnostic
from .graph import Graph

# What the sections that an example leaves out look like.
PRELUDE = """
data speech {
  audio = logmel(bins = 16)
  text  = alphabet("abc ")
  train = ["train.jsonl"]
  valid = ["valid.jsonl"]
  keep  = 0.5s .. 10s
}

encoder {
  out = data.audio -> conv1d(16, kernel = 5, stride = 2) -> relu
}

decoder {
  logits    = encoder.out -> linear(pad_to(8, 5))
  log_probs = logits -> log_softmax
  infer     = log_probs -> greedy_ctc(blank = 4)
}

loss = ctc_loss(logits = decoder.logits, target = data.text, blank = 4)

hyperparameters {
  batch = 16 examples
  optimizer = adam(lr = 1e-3)
  stop = 10 epochs
  seed = 17
}
"""

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


def complete(fragment: str) -> str:
    """A whole spec from an example: the fragment, and the prelude's sections that it leaves out."""
    kinds = {section.split()[0] for section in _sections(fragment)}
    rest = [section for section in _sections(PRELUDE) if section.split()[0] not in kinds]
    return f"edition 1\n{fragment}\n" + "".join(rest)


def _sections(text: str) -> list[str]:
    """Top-level statements: each begins at column 1."""
    return [section for section in re.split(r"(?m)^(?=\w)", text) if section.strip()]
