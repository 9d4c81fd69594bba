"""What a code, a part or a word of the language means."""

from __future__ import annotations

import argparse

from .failures import OK, Refused
from .terminal import as_json, write

EXAMPLES = """examples:
  s2sc explain S2S402
  s2sc explain self_attention
  s2sc explain hyperparameters
  s2sc explain repeat
  s2sc explain lr --json"""


def add(verb: argparse.ArgumentParser) -> None:
    """Its options."""
    verb.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="a code, a part, a parameter or a word; without it, all of them",
    )
    verb.add_argument("--json", action="store_true", help="as JSON")


def run(options: argparse.Namespace) -> int:
    """The page of a name."""
    from ..compiler.pages.explained import UnknownName, everything, explain

    try:
        found = explain(options.name) if options.name else everything()
    except UnknownName as error:
        way_out = f"did you mean {error.meant}?" if error.meant else "`s2sc explain` lists all names"
        raise Refused(f"nothing is called {error.name}; {way_out}") from None
    write(as_json(found.facts) if options.json else found.text)
    return OK
