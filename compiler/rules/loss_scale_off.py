"""S2S501: training in fp16 without a loss scale.

What it does: works out the largest scale that the loss can reach while training, from the scale's first value, its
largest, when it grows and `stop`; a scale that stays 1 is none.

Why it is bad: gradients below 6e-8 are 0 in fp16, and in most models a large share of them is that small. The weights
behind them stop learning, and nothing tells it: the loss only falls less.

Bad:

    hyperparameters {
      batch = 16 examples
      precision = autocast(fp16, start_scale = 1, grow_every = 100_000 steps)     # error[S2S501]
      optimizer = adam(lr = 1e-3)
      stop = 50_000 steps
      seed = 17
    }

Good:

    hyperparameters {
      batch = 16 examples
      precision = autocast(fp16)
      optimizer = adam(lr = 1e-3)
      stop = 50_000 steps
      seed = 17
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic, Fix, Label
from ...dsl.values import Quantity
from ..graph import Graph
from ..insertions import without_argument
from ..loss_scaling import scaling
from ..settings import is_written, setting, span_at

CODE = "S2S501"

# Where `stop` counts no steps: longer than this nobody trains.
_MOST_STEPS = 10_000_000


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find a scale that is 1 and remains so."""
    scale = scaling(graph)
    stop = setting(graph, "hyperparameters.stop")
    if scale is None or scale.first.value > 1 or not isinstance(stop, Quantity):
        return
    steps = stop.amount if stop.family == "steps" else _MOST_STEPS
    grows = scale.window if scale.largest.value > 1 else None
    if grows is not None and grows.value < steps:
        return
    path = scale.first.path
    where = span_at(graph, grows.path) if grows is not None and is_written(graph, grows.path) else None
    wanted = (path,) if grows is None else (path, grows.path)
    # static(…) is nothing without its number
    edits = () if scale.name == "static" else tuple(edit for one in wanted for edit in without_argument(graph, one))
    names = " and ".join(one.rpartition(".")[2] for one in wanted)
    yield Diagnostic(
        CODE,
        "error",
        f"training in fp16 without a loss scale: it starts at {scale.first.value:g} and never grows",
        span_at(graph, path),
        place=path,
        labels=() if where is None or grows is None else (Label(where, f"it would grow after {grows.value:,} steps"),),
        notes=(f"the run ends after {stop.text}",),
        helps=(
            "write backoff(), which finds its scale"
            if scale.name == "static"
            else f"leave out {names}: the defaults suit most models",
            "or choose bf16",
        ),
        fixes=(Fix(f"leave out {names}", edits, safe=False),) if edits else (),
    )
