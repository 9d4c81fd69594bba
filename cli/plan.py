"""What a model is and costs."""

from __future__ import annotations

import argparse

from .analysis import analysis_of
from .failures import FINDINGS, OK
from .options import variants
from .terminal import as_json, write

EXAMPLES = """examples:
  s2sc plan specs/wav2letter.s2s
  s2sc plan specs/wav2letter.s2s --json --profile quick"""


def add(verb: argparse.ArgumentParser) -> None:
    """Its options."""
    verb.add_argument("spec", metavar="SPEC", help="a .s2s file")
    verb.add_argument("--json", action="store_true", help="as JSON")
    variants(verb)


def run(options: argparse.Namespace) -> int:
    """Nodes, shapes, parameters, cost and memory."""
    from ..compiler.plan import plan as make_plan

    analysis = analysis_of(options)
    if analysis.checked is None:
        return FINDINGS
    made = make_plan(analysis.checked)
    write(as_json(made.to_json()) if options.json else made.to_text())
    return OK
