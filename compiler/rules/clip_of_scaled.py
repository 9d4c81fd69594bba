"""S2S511: gradients are clipped at a norm that only scaled ones have.

What it does: looks for a `clip` of 1000 or more beside fp16.

Why it is bad: the norm is that of the gradient after the loss scale is taken out of it, and such a norm is 1000 in a
run that diverges only: the clip never acts. Numbers like it come from toolkits that clip before they unscale.

Bad:

    hyperparameters {
      batch = 16 examples
      precision = autocast(fp16)
      clip = 65536                        # warning[S2S511]
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
    }

Good:

    hyperparameters {
      batch = 16 examples
      precision = autocast(fp16)
      clip = 1.0
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic, Label
from ..graph import Graph
from ..loss_scaling import scaling
from ..part import Part
from ..parts.optim.by_norm import ByNorm
from ..settings import setting, span_at

CODE = "S2S511"

_LEAST = 1000


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find a threshold in scaled units."""
    path = "hyperparameters.clip"
    clip = setting(graph, path)
    if isinstance(clip, ByNorm):
        path, clip = f"{path}.most", clip.most
    if isinstance(clip, Part) or scaling(graph) is None or clip is None or clip < _LEAST:
        return
    where = span_at(graph, "hyperparameters.precision")
    yield Diagnostic(
        CODE,
        "warning",
        f"a clip at {clip:,.0f} never acts: gradients are clipped after the loss scale is taken out",
        span_at(graph, path),
        place=path,
        labels=() if where is None else (Label(where, "scaled here"),),
        helps=("write clip = 1.0, or divide by the scale that it was made for",),
    )
