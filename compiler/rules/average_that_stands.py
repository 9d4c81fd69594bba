"""S2S517: a running average never moves in the precision that it is held in.

What it does: compares the share that is added to a running value at each step (1 - beta2 of adam, 1 - momentum of
batch_norm) with half a unit in the last place of float32, in which such values are held; of bfloat16 for an optimizer
under `precision = bf16`, which has no float32 numbers for most weights.

Why it is bad: 1 and 1 + 2^-25 are the same number in float32, and 1 and 1.001 in bfloat16. What is added rounds away at
every step, the average stays what it was at the start, and adam's steps or what evaluation sees have nothing to do
with the data.

Bad:

    hyperparameters {
      batch = 16 examples
      optimizer = adam(lr = 1e-3, beta2 = 0.99999999)     # warning[S2S517]
      stop = 10 epochs
      seed = 17
    }

Good:

    hyperparameters {
      batch = 16 examples
      optimizer = adam(lr = 1e-3, beta2 = 0.9999)
      stop = 10 epochs
      seed = 17
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic
from ..graph import Graph
from ..part import Part
from ..precisions import has_masters, stored
from ..provenance import applied_at, labels_of
from ..settings import setting, span_at

CODE = "S2S517"

# half a unit in the last place, for a number just below 1
_HALF_A_UNIT = {"fp32": 2.0**-25, "bf16": 2.0**-9}
_NAMES = {"fp32": "float32", "bf16": "bfloat16"}


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find running values that keep all of themselves."""
    optimizer = setting(graph, "hyperparameters.optimizer")
    held = "bf16" if stored(graph) and not has_masters(graph) else "fp32"
    for name, message in _standing(optimizer, held):
        place = f"hyperparameters.optimizer.{name}"
        helps = (f"{name} = 0.999",) if held == "fp32" else ("choose mixed(bf16), whose masters are float32",)
        yield Diagnostic(CODE, "warning", message, span_at(graph, place), place=place, helps=helps)
    for path, node in graph.nodes.items():
        for name, message in _standing(node.operation, "fp32"):
            origin = graph.origins.of(path)
            bound = origin.params.get(name)
            span = applied_at(bound, origin.span)
            yield Diagnostic(
                CODE,
                "warning",
                message,
                span,
                place=path,
                labels=labels_of(bound, besides=span),
                helps=(f"{name} = 0.99",),
                reached=origin.reached,
            )


def _standing(part: Part, held: str) -> Iterator[tuple[str, str]]:
    for name in part.kept:
        added = 1 - part.values()[name]
        if added < _HALF_A_UNIT[held]:
            yield name, f"{part.name} adds a share of {added:.2g} to a running value, which {_NAMES[held]} rounds away"
