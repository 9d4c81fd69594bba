"""The pages of all codes: every file in compiler/rules and text_rules is a rule with its page, in codes a page.

What reading, resolving and the passes find has a page only: what finds it is where the fault is met.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from ..dsl.diagnostics import Diagnostic
from ..dsl.syntax import Document
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

# The same for a translator.
TRANSLATION_PRELUDE = """
data parallel_text {
  tokens = words(size = 1000)
  train  = pair("train.en", "train.de")
  valid  = pair("valid.en", "valid.de")
  keep   = 1 .. 50 tokens
}

encoder {
  out = data.source -> embedding(data.source.vocab, 64) -> lstm(64)
}

decoder {
  h      = data.target.shifted -> embedding(data.target.vocab, 64) -> lstm(64)
  att    = attention(query = h, memory = encoder.out)
  logits = (h, att.context) -> concat -> linear(data.target.vocab)
  infer  = logits -> greedy
}

loss = cross_entropy(decoder.logits, data.target)

hyperparameters {
  batch = 16 examples
  optimizer = adam(lr = 1e-3)
  stop = 10 epochs
  seed = 17
}
"""

FOLDER = Path(__file__).parent
_MARK = re.compile(r"# (\^*) ?(error|warning|info)\[(S2S\d{3})\]")


class Mark(NamedTuple):
    """A finding that an example expects: `# error[S2S402]` on its line, or `# ^ error[S2S402]` one line below."""

    line: int
    severity: str
    code: str


@dataclass(frozen=True)
class Page:
    """One code: what it is called, what is found and why, a spec in which it is, and that spec put right."""

    code: str
    name: str
    doc: str

    @property
    def title(self) -> str:
        return self.doc.splitlines()[0].partition(": ")[2].rstrip(".")

    @property
    def severity(self) -> str:
        """How bad it is, as its own example says."""
        return marks(self.example("bad"))[0].severity

    def paragraph(self, head: str) -> str:
        """What it says below a head ("What it does"), on one line."""
        _, _, rest = self.doc.partition(f"\n{head}: ")
        return " ".join(rest.split("\n\n")[0].split())

    def example(self, kind: str) -> str:
        """The `bad` or the `good` example of its docstring."""
        _, _, rest = self.doc.partition(f"\n{kind.capitalize()}:\n")
        lines: list[str] = []
        for line in rest.splitlines():
            if line.strip() and not line.startswith("    "):
                break
            lines.append(line.removeprefix("    "))
        return "\n".join(lines).strip() + "\n"


@dataclass(frozen=True)
class Rule(Page):
    """A code that is found by looking at a typed graph."""

    check: Callable[[Graph], Iterator[Diagnostic]]


@cache
def rules() -> tuple[Rule, ...]:
    """All rules by code."""
    found = [
        Rule(module.CODE, name, inspect.cleandoc(module.__doc__ or ""), module.check)
        for name, module in _modules("rules")
    ]
    return tuple(sorted(found, key=lambda rule: rule.code))


@dataclass(frozen=True)
class TextRule(Page):
    """A code that is found by looking at what was written.

    default  looked for without being asked for
    """

    check: Callable[[Document], Iterator[Diagnostic]]
    default: bool

    def is_wanted(self, select: Iterable[str]) -> bool:
        """Whether it is looked for where these codes, or beginnings of codes, are asked for."""
        return self.default or any(self.code.startswith(pattern) for pattern in select)


@cache
def text_rules() -> tuple[TextRule, ...]:
    """All rules of the text by code."""
    found = [
        TextRule(
            module.CODE,
            name,
            inspect.cleandoc(module.__doc__ or ""),
            module.check,
            getattr(module, "DEFAULT", True),
        )
        for name, module in _modules("text_rules")
    ]
    return tuple(sorted(found, key=lambda rule: rule.code))


@cache
def pages() -> tuple[Page, ...]:
    """The pages of all codes, by code; linting needs none of them."""
    others = [Page(module.CODE, name, inspect.cleandoc(module.__doc__ or "")) for name, module in _modules("codes")]
    return tuple(sorted([*rules(), *text_rules(), *others], key=lambda page: page.code))


def marks(text: str) -> list[Mark]:
    """What a spec says is found in it, line by line."""
    return [
        Mark(number - len(match[1]), match[2], match[3])
        for number, line in enumerate(text.splitlines(), 1)
        for match in _MARK.finditer(line)
    ]


def _modules(folder: str) -> Iterator[tuple[str, ModuleType]]:
    for file in sorted((FOLDER / folder).glob("[!_]*.py")):
        yield file.stem, import_module(f"{__package__}.{folder}.{file.stem}")


def complete(fragment: str) -> str:
    """A whole spec from an example: the fragment, and the prelude's sections that it leaves out.

    A fragment with an edition and blocks alone is a file that others import, and whole.
    """
    kinds = {section.split()[0] for section in _sections(fragment)}
    if {"edition", "block"} <= kinds <= {"edition", "import", "let", "block"}:
        return fragment
    prelude = TRANSLATION_PRELUDE if "data parallel_text" in fragment else PRELUDE
    rest = [section for section in _sections(prelude) if section.split()[0] not in kinds]
    first = "" if "edition" in kinds else "edition 1\n"
    return f"{first}{fragment}\n" + "".join(rest)


def _sections(text: str) -> list[str]:
    """Top-level statements: each begins at column 1."""
    return [section for section in re.split(r"(?m)^(?=\w)", text) if section.strip()]
