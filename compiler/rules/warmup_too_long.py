"""S2S602: the warm-up is longer than training.

What it does: compares `warmup`, `begin` and `boundaries` of the schedule with `stop`, where both count the same thing.
A run that --set or a profile makes shorter than the spec's own is meant to be short, and is not judged.

Why it is bad: training ends while the learning rate is still rising, so it never comes near the rate that the spec
names; a fall that begins after the end never happens. It is usually a schedule copied from a longer run.

Bad:

    hyperparameters {
      batch = 16 examples
      optimizer = adam(lr = 1e-3)
      schedule = inverse_sqrt(warmup = 4000 steps)    # error[S2S602]
      stop = 1000 steps
      seed = 17
    }

Good:

    hyperparameters {
      batch = 16 examples
      optimizer = adam(lr = 1e-3)
      schedule = inverse_sqrt(warmup = 100 steps)
      stop = 1000 steps
      seed = 17
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic, Label
from ...dsl.values import Quantity
from ..graph import Graph
from ..provenance import statics
from ..settings import bound, items, setting, span_at

CODE = "S2S602"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find what a schedule does after the end."""
    stop = setting(graph, "hyperparameters.stop")
    if not isinstance(stop, Quantity) or _is_cut_short(graph):
        return
    end = span_at(graph, "hyperparameters.stop")
    labels = (Label(end, "training ends here"),) if end is not None else ()
    schedule = setting(graph, "hyperparameters.schedule")
    for name in ("warmup", "begin"):
        path = f"hyperparameters.schedule.{name}"
        when = setting(graph, path)
        if not isinstance(when, Quantity) or when.family != stop.family or when.amount <= stop.amount:
            continue
        what = f"is still warming up after {stop.text}" if name == "warmup" else f"begins to fall after {stop.text}"
        yield Diagnostic(
            CODE,
            "error",
            f"{schedule.name} {what}, when training ends",
            span_at(graph, path),
            at=f"{name} = {when.text}",
            place=path,
            labels=labels,
            helps=(f"write {name} = {max(1, int(stop.amount) // 10)} {stop.family}, or train for longer",),
        )
    path = "hyperparameters.schedule.boundaries"
    for boundary, span in items(graph, path):
        if stop.family == "steps" and boundary >= stop.amount:
            yield Diagnostic(
                CODE,
                "error",
                f"{schedule.name} changes the rate at step {boundary:,}, but training ends after {stop.text}",
                span,
                at="never reached",
                place=path,
                labels=labels,
                helps=("leave the boundary and its rate out, or train for longer",),
            )
            return


def _is_cut_short(graph: Graph) -> bool:
    """Whether the end is said where the schedule is not: on the command line, or in a profile."""
    stop, schedule = (
        {one.origin.kind for one in statics(value)}
        for value in (bound(graph, "hyperparameters.stop"), bound(graph, "hyperparameters.schedule"))
        if value is not None
    )
    return bool((stop - schedule) & {"profile", "set"})
