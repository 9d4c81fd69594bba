"""A first spec to start from."""

from __future__ import annotations

import argparse
from pathlib import Path

from .failures import FINDINGS, INTERNAL, OK, Refused
from .terminal import note

EXAMPLES = """examples:
  s2sc init --task speech
  s2sc init --task speech --data clips/ heard.s2s
  s2sc init --task translation --data corpus/ --from en en-de.s2s"""


def add(verb: argparse.ArgumentParser) -> None:
    """Its options."""
    verb.add_argument("spec", nargs="?", metavar="SPEC", help="the file to write; default: TASK.s2s")
    verb.add_argument("--task", choices=("speech", "translation"), required=True, help="what the model is for")
    verb.add_argument(
        "--data",
        metavar="DIR",
        help="where the data is: train.jsonl, valid.jsonl for speech; train.en and train.de, train.tsv or train.jsonl "
        "and the like for translation; default: data that is made on first use",
    )
    verb.add_argument("--from", dest="source", metavar="XX", help="of train.XX and train.YY, the one to translate from")
    verb.add_argument("--force", action="store_true", help="replace a file that is there")


def run(options: argparse.Namespace) -> int:
    """Write a spec that lints clean and trains."""
    from ..compiler.front import analyse_file
    from ..compiler.starter import NoData, starter
    from ..runtime.storage import replace_file

    spec = Path(options.spec or f"{options.task}.s2s")
    if spec.suffix != ".s2s":
        raise Refused(f"a spec's name ends in .s2s: {spec.with_suffix('.s2s')}")
    if spec.exists() and not options.force:
        raise Refused(f"{spec} is there already: name another file, or --force to replace it")
    if not spec.parent.is_dir():
        raise Refused(f"there is no folder {spec.parent}")
    if options.source and not (options.data and options.task == "translation"):
        raise Refused("--from goes with --task translation and --data")
    if options.data and not Path(options.data).is_dir():
        raise Refused(f"there is no folder {options.data}")
    try:
        made = starter(
            options.task, Path(options.data) if options.data else None, base=spec.parent, source=options.source
        )
    except NoData as problem:
        raise Refused(str(problem), FINDINGS) from None
    replace_file(spec, made.text.encode())
    if analyse_file(spec).checked is None:
        raise Refused(f"{spec} does not lint clean, which is a bug: please report it with the file", INTERNAL)
    note(f"wrote {spec}; its data is {made.data}")
    note(f"look at it:  s2sc plan {spec}\ntrain it:    s2sc compile {spec} --train")
    return OK
