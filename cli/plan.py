"""What a model is and costs."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from ..compiler.front import Analysis, analyse, analyse_file
from ..compiler.graph import CheckedGraph
from ..dsl.escapes import clipped
from .analysis import analysis_of
from .failures import FINDINGS, OK, STORAGE, Refused
from .options import positive, variants
from .terminal import as_json, note, write

EXAMPLES = """examples:
  s2sc plan specs/wav2letter.s2s
  s2sc plan specs/wav2letter.s2s --json --profile quick
  s2sc plan specs/wav2letter.s2s --why hyperparameters.optimizer.lr
  s2sc plan specs/wav2letter.s2s --why encoder.out
  s2sc plan specs/wav2letter.s2s --schedule
  s2sc plan specs/wav2letter.s2s --schedule --steps-per-epoch 2000 --svg rate.svg
  s2sc plan specs/wav2letter.s2s --against HEAD~3
  s2sc plan specs/wav2letter.s2s --against runs/wav2letter/latest"""

_MOST_LAYERS = 8


def add(verb: argparse.ArgumentParser) -> None:
    """Its options."""
    verb.add_argument("spec", metavar="SPEC", help="a .s2s file")
    verb.add_argument("--json", action="store_true", help="as JSON")
    way = verb.add_mutually_exclusive_group()
    way.add_argument("--why", metavar="PATH", help="say where a value or a size comes from, and what it shadows")
    way.add_argument(
        "--against",
        metavar="REV",
        help="show what differs from a revision of git, another spec, a graph.json or a run's folder",
    )
    way.add_argument("--schedule", action="store_true", help="draw the learning rate over the run")
    verb.add_argument("--svg", metavar="FILE", help="with --schedule: write the picture to a file too")
    verb.add_argument(
        "--steps-per-epoch",
        metavar="N",
        type=positive,
        help="with --schedule: steps of an epoch, which the data would tell",
    )
    verb.add_argument("--steps", metavar="N", type=positive, help="with --schedule: steps of a run that ends by time")
    variants(verb)


def run(options: argparse.Namespace) -> int:
    """Nodes, shapes, parameters, cost and memory."""
    from ..compiler.plan import plan as make_plan

    for name in ("svg", "steps_per_epoch", "steps"):
        if getattr(options, name) is not None and not options.schedule:
            raise Refused(f"--{name.replace('_', '-')} goes with --schedule")
    analysis = analysis_of(options)
    if analysis.checked is None:
        return FINDINGS
    if options.schedule:
        return _schedule(options, analysis.checked)
    if options.why:
        return _why(options, analysis)
    if options.against:
        return _against(options, analysis.checked)
    made = make_plan(analysis.checked)
    write(as_json(made.to_json()) if options.json else made.to_text())
    return OK


def _schedule(options: argparse.Namespace, checked: CheckedGraph) -> int:
    """The learning rate over the run: for a terminal, as a file, as numbers."""
    from ..compiler.curve_as_text import curve_as_text
    from ..compiler.schedule_curve import UnknownLength, curve

    try:
        found = curve(checked.graph, steps=options.steps, steps_per_epoch=options.steps_per_epoch)
    except UnknownLength as problem:
        raise Refused(str(problem)) from None
    if options.svg:
        from ..compiler.curve_as_svg import curve_as_svg
        from ..compiler.whole_file import write_whole

        try:
            write_whole(Path(options.svg), curve_as_svg(found).encode())
        except OSError as error:
            raise Refused(f"cannot write {options.svg}: {error.strerror or error}", STORAGE) from None
        note(f"wrote {options.svg}")
    write(as_json(found.to_json()) if options.json else curve_as_text(found))
    return OK


def _why(options: argparse.Namespace, analysis: Analysis) -> int:
    """Where one value comes from: asked of the spec with all that was chosen, then with ever less of it."""
    from ..compiler.why import UnknownPath, why

    spec = Path(options.spec)
    # a path that is set twice shadows itself
    fewer = [options.set[:number] for number in reversed(range(len(options.set)))]
    weaker = [analyse_file(spec, profile=options.profile, sets=sets) for sets in [*fewer[:_MOST_LAYERS], *fewer[-1:]]]
    weaker += [analyse_file(spec)] if options.profile else []
    try:
        answer = why([analysis, *weaker], options.why)
    except UnknownPath as problem:
        raise Refused(str(problem)) from None
    write(as_json(answer.to_json()) if options.json else answer.to_text())
    return OK


def _against(options: argparse.Namespace, checked: CheckedGraph) -> int:
    """What differs from another version."""
    from ..compiler.difference import Side, difference

    name, prefix, other = _other(options)
    made = difference(Side(name, other, prefix), Side(options.spec, checked))
    write(as_json(made.to_json()) if options.json else made.to_text())
    return OK


def _other(options: argparse.Namespace) -> tuple[str, str, CheckedGraph]:
    """What is compared with: its name, what stands before places in it, and its graph."""
    given = options.against
    path = Path(given)
    if os.path.isdir(path):
        for folder in (path, path / "latest"):
            if os.path.isfile(folder / "graph.json"):
                return given, "", _graph_of(folder / "graph.json")
    elif os.path.isfile(path):
        if path.suffix == ".json":
            return given, "", _graph_of(path)
        return given, "", _sound(analyse_file(path, profile=options.profile, sets=options.set), given)
    from ..compiler.revision import NoRevision, RevisionLoader, revision_of

    spec = Path(options.spec)
    try:
        revision = revision_of(spec, given)
        loader = RevisionLoader(revision, spec)
    except NoRevision as problem:
        raise Refused(f"--against {clipped(given, 80)}: there is no such spec, graph or run, and {problem}") from None
    found = analyse(loader.spec, profile=options.profile, sets=options.set, loader=loader)
    return f"{given} ({revision.commit[:7]})", f"{given}:", _sound(found, f"the spec at {given}")


def _graph_of(path: Path) -> CheckedGraph:
    from ..compiler.graph_file import read_graph

    return read_graph(path)


def _sound(analysis: Analysis, name: str) -> CheckedGraph:
    """The graph of what is compared with; Refused where it has errors."""
    if analysis.checked is not None:
        return analysis.checked
    first = next((one for one in analysis.findings if one.severity == "error"), None)
    what = f": {first.message} [{first.code}]" if first else ": it is no model"
    raise Refused(f"{name} cannot be compared with{what}", FINDINGS)
