"""--allow-plugins: the users' modules of a graph, imported where the project and the command line say so."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..compiler.graph import CheckedGraph
from ..dsl.project_file import project_of


def plugins(verb: argparse.ArgumentParser) -> None:
    """Whether code of users' packages may run."""
    verb.add_argument(
        "--allow-plugins",
        action="store_true",
        help="run code of the packages that s2sc.toml names under [plugins] allow, for specs with `use`",
    )


def layers_of(checked: CheckedGraph, options: argparse.Namespace, spec: Path | None = None) -> Any:
    """Where the layers of a graph are found.

    spec  whose project decides what is trusted; for a run it is the project of the current folder: a run that came
          from elsewhere cannot bring an allow-list of its own

    Raises runtime.plugins.PluginRefused and PluginError.
    """
    from ..runtime.plugins import layers_for

    project = project_of(Path.cwd() if spec is None else spec)
    return layers_for(checked, root=project.root, packages=project.plugins, allowed=options.allow_plugins)
