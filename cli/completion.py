"""A completion script for a shell."""

from __future__ import annotations

import argparse

from .failures import OK
from .terminal import write

EXAMPLES = """examples:
  s2sc completion bash > ~/.local/share/bash-completion/completions/s2sc
  s2sc completion zsh > ~/.zfunc/_s2sc"""


def add(verb: argparse.ArgumentParser) -> None:
    """Its options."""
    verb.add_argument("shell", choices=("bash", "zsh", "tcsh"))


def run(options: argparse.Namespace) -> int:
    """A completion script for a shell."""
    import shtab

    from .main import parser

    write(shtab.complete(parser(), options.shell))
    return OK
