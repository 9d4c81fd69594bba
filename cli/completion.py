"""A completion script for a shell."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from .failures import OK
from .terminal import write

EXAMPLES = """examples:
  s2sc completion bash > ~/.local/share/bash-completion/completions/s2sc
  s2sc completion zsh > ~/.zfunc/_s2sc"""

# what the word for a value in the help says of it
_FILES = ("SPEC", "FILE", "FILE.jsonl", "MODEL", "ZIP", "REV", "OTHER")
_FOLDERS = ("DIR", "RUN")
_ALSO_FILES = ("paths", "stdin_filename")


def add(verb: argparse.ArgumentParser) -> None:
    """Its options."""
    verb.add_argument("shell", choices=("bash", "zsh", "tcsh"))


def run(options: argparse.Namespace) -> int:
    """A completion script for a shell."""
    import shtab

    from .main import parser

    top = parser()
    for action in _actions(top):
        if action.metavar in _FOLDERS:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined] # which is how shtab is told
        elif action.metavar in _FILES or action.dest in _ALSO_FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined] # likewise
    write(shtab.complete(top, options.shell))
    return OK


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Everything that can be written behind any verb."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for verb in action.choices.values():
                yield from _actions(verb)
