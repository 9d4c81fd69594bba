"""A small right spec, and the findings of it after some of its text was replaced."""

from __future__ import annotations

from collections.abc import Sequence

from s2sc.compiler.front import Analysis, analyse
from s2sc.dsl.diagnostics import Diagnostic
from s2sc.dsl.source import Source

OUT = "out = data.audio -> conv(width, kernel = 3, stride = 2)"
SPEC = f"""edition 1

let chars = alphabet("abc' ")
let width = 16

data speech {{
  audio = logmel(rate = 16kHz, bins = 8)
  text  = chars
  train = ["train.jsonl"]
  valid = ["valid.jsonl"]
  test  = ["test.jsonl"]
  keep  = 1s .. 10s
}}

block conv(x: seq[batch, time, _], channels, kernel, stride = 1) => y {{
  y = x -> conv1d(channels, kernel = kernel, stride = stride) -> relu
}}

encoder {{
  {OUT}
}}

decoder {{
  logits    = encoder.out -> linear(chars.size + 1)
  log_probs = logits -> log_softmax
  infer     = log_probs -> greedy_ctc(blank = chars.size)
}}

loss = ctc_loss(logits = decoder.logits, target = data.text, blank = chars.size)

hyperparameters {{
  batch     = 32 examples
  optimizer = adam(lr = 1e-3)
  stop      = 100 steps
  seed      = 1
  metrics   = [wer, cer]
}}
"""


def changed(*changes: tuple[str, str]) -> str:
    """The small spec with texts replaced, each once."""
    text = SPEC
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def analysed(
    *changes: tuple[str, str], profile: str | Sequence[str] | None = None, sets: Sequence[str] = ()
) -> Analysis:
    """What is known of the changed spec."""
    return analyse(Source("spec.s2s", changed(*changes)), profile=profile, sets=sets)


def found(
    *changes: tuple[str, str], profile: str | Sequence[str] | None = None, sets: Sequence[str] = ()
) -> list[Diagnostic]:
    """Its findings."""
    return list(analysed(*changes, profile=profile, sets=sets).findings)


def said(*changes: tuple[str, str], profile: str | Sequence[str] | None = None, sets: Sequence[str] = ()) -> list[str]:
    """Its findings in short: code, the marked text, message."""
    return [
        f"{one.code} {one.span.text if one.span else '-'}: {one.message}"
        for one in found(*changes, profile=profile, sets=sets)
    ]


def encoder(*lines: str) -> tuple[str, str]:
    """A change of the encoder's body."""
    return OUT, "\n  ".join(lines)


def before_data(*lines: str) -> tuple[str, str]:
    """Statements put before the data section."""
    return "data speech {", "\n".join((*lines, "data speech {"))
