"""S2S615: what looks like a secret stands in a spec.

What it does: looks through texts and comments for keys and tokens whose form is known, private keys, addresses with a
password, and texts that are given to a name such as `api_key`.

Why it is bad: a spec is shared, is written into every run and every exported model, and stays in the history of its
repository. A key that was there once is to be made invalid; taking it out is not enough.

Bad:

    let api_key = "sk-abcdefgh-1234567890"    # error[S2S615]

    data speech {
      audio = logmel(bins = 16)
      text  = alphabet(if api_key == "" then "abc" else "abc ")
      train = ["train.jsonl"]
    }

Good:

    data speech {
      root  = env("CORPUS", default = "data/corpus")
      audio = logmel(bins = 16)
      text  = alphabet("abc ")
      train = ["train.jsonl"]
    }
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic
from ...dsl.source import Span
from ...dsl.syntax import Document

CODE = "S2S615"

# What it is, what a text without it never has (in lower case), and its form; every repetition is bounded.
_FORMS = (
    ("a key of a cloud", ("akia", "asia"), r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[0-9A-Z]{16}(?![A-Za-z0-9])"),
    ("a key of a cloud", ("aiza",), r"(?<![A-Za-z0-9])AIza[\w-]{35}(?![\w-])"),
    ("a token of a forge", ("gh",), r"(?<![A-Za-z0-9])gh[opsur]_[A-Za-z0-9]{36,255}(?![A-Za-z0-9])"),
    ("a token of a forge", ("github_pat_",), r"(?<![A-Za-z0-9])github_pat_\w{22,255}"),
    ("a token of a forge", ("glpat-",), r"(?<![A-Za-z0-9])glpat-[\w-]{20,255}"),
    ("a token of a model hub", ("hf_",), r"(?<![A-Za-z0-9])hf_[A-Za-z0-9]{30,255}(?![A-Za-z0-9])"),
    ("a token of a chat", ("xox",), r"(?<![A-Za-z0-9])xox[abeprs]-[A-Za-z0-9-]{10,255}"),
    ("a key of a service", ("sk-",), r"(?<![A-Za-z0-9])sk-(?=[\w-]{0,40}\d)[\w-]{20,255}"),
    ("a signed token", (".eyj",), r"(?<![A-Za-z0-9])eyJ[\w-]{10,400}\.eyJ[\w-]{10,400}\.[\w-]{10,400}"),
    ("a private key", ("private key",), r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----"),
    ("an address with a password", ("://",), r"\b[a-z][a-z0-9+]{1,20}://[^\s:/@\"]{1,100}:[^\s/@\"]{3,100}@"),
    (
        "a secret by its name",
        ("key", "secret", "passw", "_token", "authtoken", "accesstoken", "credential"),
        r"(?i:(?<!\w)(?:[a-z0-9_]{0,60}_)?"
        r"(?:api_?key|secret|password|passwd|access_?key|private_?key|auth_?token|access_?token|credentials?)"
        r" {0,20}= {0,20}\"[^\"\n]{6,4000}\")",
    ),
)


def check(document: Document) -> Iterator[Diagnostic]:
    """Find what no reader of the spec should know."""
    source = document.source
    lower = source.text.lower()
    seen = 0
    for start, end, what in sorted(
        (match.start(), match.end(), what)
        for what, signs, form in _FORMS
        if any(sign in lower for sign in signs)
        for match in re.finditer(form, source.text)
    ):
        # a token that is given to `api_key` is found by its form and by its name
        if start < seen:
            continue
        seen = end
        yield Diagnostic(
            CODE,
            "error",
            f"the spec holds {what}",
            Span(source, start, end),
            at="looks like a secret",
            helps=("make it invalid, and take it out: a spec needs no secrets",),
        )
