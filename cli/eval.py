"""Metrics of a run on a split."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from .failures import OK, Refused, extra
from .options import device, positive
from .plugins import layers_of, plugins
from .terminal import as_json, write

EXAMPLES = """examples:
  s2sc eval runs/wav2letter/latest
  s2sc eval runs/wav2letter/3 --split valid --json"""


def add(verb: argparse.ArgumentParser) -> None:
    """Its options."""
    verb.add_argument("folder", metavar="RUN", help="a run's folder")
    verb.add_argument("--split", choices=("train", "valid", "test"), default="test", help="default: test")
    verb.add_argument("--batch", type=positive, metavar="N", help="examples in a batch; default: as trained")
    verb.add_argument(
        "--show",
        type=positive,
        default=0,
        metavar="N",
        help="first print N texts, each under its reference",
    )
    verb.add_argument("--json", action="store_true", help="as JSON")
    device(verb)
    plugins(verb)


def run(options: argparse.Namespace) -> int:
    """Metrics of a run on a split."""
    with extra("evaluating a run"):
        from ..dsl.values import Quantity
        from ..runtime.data.opening import open_data
        from ..runtime.device import torch_device
        from ..runtime.evaluation import evaluate as measure
        from ..runtime.progress import figures_line, progress_for, words_for
        from ..runtime.run_folder import open_run
        from ..runtime.trained import load_trained
    run = open_run(Path(options.folder))
    checked = run.graph()
    layers = layers_of(checked, options)
    progress = progress_for()
    data = open_data(
        checked,
        base=run.base(),
        environment=os.environ,
        splits=[options.split],
        tokens=run.tokens if run.tokens.is_dir() else None,
        on_progress=progress.preparing,
        warn=progress.warn,
    )
    if options.split not in data.splits:
        raise Refused(f"the spec has no {options.split} split")
    settings = checked.graph.hyperparameters.values()
    device = torch_device(options.device)
    batch = Quantity(options.batch, "examples", f"{options.batch} examples") if options.batch else settings["batch"]
    found = measure(
        load_trained(run, device, layer_of=layers, warn=progress.warn),
        data,
        options.split,
        metrics=settings["metrics"],
        batch=batch,
        device=device,
        on_batch=lambda done: progress.preparing("evaluating", done, data.num_examples(options.split)),
    )
    if options.json:
        write(as_json(found.to_json()))
    else:
        for _, reference, hypothesis in found.pairs[: options.show]:
            for word, text in zip(words_for(checked.graph), (reference, hypothesis), strict=True):
                write(f"{word:<6} {text}")
        write(f"{options.split}  {figures_line(found.to_json())}")
    for line in data.tally.lines():
        progress.say(line)
    return OK
