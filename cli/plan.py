"""What a model is and costs."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..compiler.front import Analysis, analyse_file
from .analysis import analysis_of
from .failures import FINDINGS, OK, Refused
from .options import variants
from .terminal import as_json, write

EXAMPLES = """examples:
  s2sc plan specs/wav2letter.s2s
  s2sc plan specs/wav2letter.s2s --json --profile quick
  s2sc plan specs/wav2letter.s2s --why hyperparameters.optimizer.lr
  s2sc plan specs/wav2letter.s2s --why encoder.out"""


def add(verb: argparse.ArgumentParser) -> None:
    """Its options."""
    verb.add_argument("spec", metavar="SPEC", help="a .s2s file")
    verb.add_argument("--json", action="store_true", help="as JSON")
    verb.add_argument("--why", metavar="PATH", help="say where a value or a size comes from, and what it shadows")
    variants(verb)


def run(options: argparse.Namespace) -> int:
    """Nodes, shapes, parameters, cost and memory."""
    from ..compiler.plan import plan as make_plan

    analysis = analysis_of(options)
    if analysis.checked is None:
        return FINDINGS
    if options.why:
        return _why(options, analysis)
    made = make_plan(analysis.checked)
    write(as_json(made.to_json()) if options.json else made.to_text())
    return OK


def _why(options: argparse.Namespace, analysis: Analysis) -> int:
    """Where one value comes from: asked of the spec with all that was chosen, then with ever less of it."""
    from ..compiler.why import UnknownPath, why

    spec = Path(options.spec)
    weaker = [analyse_file(spec, profile=options.profile)] if options.set else []
    weaker += [analyse_file(spec)] if options.profile else []
    try:
        answer = why([analysis, *weaker], options.why)
    except UnknownPath as problem:
        raise Refused(str(problem)) from None
    write(as_json(answer.to_json()) if options.json else answer.to_text())
    return OK
