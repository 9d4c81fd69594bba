"""ONNX of a run's best weights."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from .failures import OK, extra
from .plugins import layers_of, plugins
from .terminal import as_json, note, write

EXAMPLES = """examples:
  s2sc export --onnx
  s2sc export runs/wav2letter/3 --onnx --json"""


def add(verb: argparse.ArgumentParser) -> None:
    """Its options."""
    verb.add_argument("folder", nargs="?", metavar="RUN", help="a run's folder; default: the newest below runs/")
    verb.add_argument("--onnx", action="store_true", required=True, help="the only form that there is today")
    verb.add_argument("--json", action="store_true", help="the report as JSON")
    plugins(verb)


def run(options: argparse.Namespace) -> int:
    """ONNX of a run's best weights, one file or an encoder and a step, compared with the run."""
    with extra("exporting", "export"):
        from ..runtime.export.run import export_run
        from ..runtime.run_folder import newest_run, open_run
    run = open_run(Path(options.folder)) if options.folder else newest_run(Path("runs"))
    layers = layers_of(run.graph(), options)
    report = export_run(run, environment=os.environ, layer_of=layers, on_progress=note)
    write(as_json(report.to_json()) if options.json else report.to_text())
    return OK
