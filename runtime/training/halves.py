"""Which trained parameters are stored in half precision."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from ...compiler.graph import Graph
from ...compiler.precisions import stored
from ..lower import DTYPES, module_path
from ..optim.groups import NamedParameter


def halves(parameters: Iterable[NamedParameter], graph: Graph) -> dict[str, torch.dtype]:
    """The dtype of each parameter that is not stored in float32, by name."""
    by_layer = {module_path(path): DTYPES[dtype] for path, dtype in stored(graph).items()}
    found: dict[str, torch.dtype] = {}
    for one in parameters:
        owner = next((layer for layer in _around(one.name) if layer in by_layer), None)
        if owner is not None:
            found[one.name] = by_layer[owner]
    return found


def _around(name: str) -> Iterable[str]:
    """The modules that a parameter lies in, the innermost first."""
    while "." in name:
        name = name.rpartition(".")[0]
        yield name
