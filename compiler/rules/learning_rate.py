"""S2S609: the learning rate is implausible for its optimizer.

What it does: compares `lr` with the range in which the optimizer is known to train, and with the least rate of its
schedule.

Why it is bad: adam divides the gradient by its own size, so a rate that suits momentum makes it diverge, and the other
way round nothing moves. It is usually a rate copied from another recipe, or a slip of the exponent.

Bad:

    hyperparameters {
      batch = 16 examples
      optimizer = adam(lr = 0.5)          # warning[S2S609]
      stop = 10 epochs
      seed = 17
    }

Good:

    hyperparameters {
      batch = 16 examples
      optimizer = adam(lr = 1e-3)
      stop = 10 epochs
      seed = 17
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic
from ..graph import Graph
from ..settings import setting, span_at

CODE = "S2S609"

# least, greatest and usual rate; adafactor's is a share of each weight, and torch's own are many
_PLAUSIBLE = {
    "adam": (1e-6, 0.02, 1e-3),
    "adamw": (1e-6, 0.02, 1e-3),
    "lamb": (1e-5, 0.1, 2e-3),
    "rmsprop": (1e-6, 0.05, 1e-3),
    "adagrad": (1e-5, 1.0, 0.01),
    "novograd": (1e-5, 1.0, 0.01),
    "momentum": (1e-5, 5.0, 0.05),
    "sgd": (1e-5, 5.0, 0.1),
}


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find a rate outside of the plausible range."""
    optimizer, lr = setting(graph, "hyperparameters.optimizer"), setting(graph, "hyperparameters.optimizer.lr")
    if optimizer is None or lr is None or optimizer.name not in _PLAUSIBLE:
        return
    if setting(graph, "hyperparameters.optimizer.larc.mode") == "scale":
        return  # the rate is a factor of the layers' own
    low, high, usual = _PLAUSIBLE[optimizer.name]
    schedule = setting(graph, "hyperparameters.schedule")
    # what a curve makes of the number is what trains
    rate = schedule.highest(lr) if hasattr(schedule, "highest") else lr
    if rate is None:
        return
    made = () if rate == lr else (f"{schedule.name} makes {rate:g} of lr = {lr:g} where its curve is highest",)
    if not low <= rate <= high:
        yield Diagnostic(
            CODE,
            "warning",
            f"a learning rate of {rate:g} is implausible for {optimizer.name}",
            span_at(graph, "hyperparameters.optimizer.lr"),
            at="too large" if rate > high else "too small",
            place="hyperparameters.optimizer.lr",
            notes=(*made, f"{optimizer.name} is known to train between {low:g} and {high:g}"),
            helps=(f"start from lr = {usual * lr / rate:.1g}, which makes about {usual:g}",)
            if made and rate
            else (f"start from lr = {usual:g}",),
        )
    least = setting(graph, "hyperparameters.schedule.min_lr")
    if least is not None and least > rate:
        yield Diagnostic(
            CODE,
            "warning",
            f"{schedule.name} raises the learning rate from {rate:g} to {least:g}",
            span_at(graph, "hyperparameters.schedule.min_lr"),
            at="above lr",
            place="hyperparameters.schedule.min_lr",
        )
