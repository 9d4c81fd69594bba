"""S2S608: the batch was changed and the learning rate was not.

What it does: compares the batch with the one in SPEC.lock, where there is one: more than twice or less than half of it
at the same learning rate.

Why it is bad: the noise of a gradient falls with the batch, so the best learning rate moves with it (about in
proportion for momentum, with the square root for adam). A run that was tuned for one batch learns worse, or diverges,
with another.

Bad:

    # locked with batch = 64 examples, lr = 0.001
    hyperparameters {
      batch     = 16 examples             # warning[S2S608]
      optimizer = adam(lr = 1e-3)
      stop      = 10 epochs
      seed      = 17
    }

Good:

    # locked with batch = 64 examples, lr = 0.001
    hyperparameters {
      batch     = 16 examples
      optimizer = adam(lr = 5e-4)
      stop      = 10 epochs
      seed      = 17
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic
from ...dsl.values import Quantity
from ..graph import Graph
from ..settings import setting, span_at

CODE = "S2S608"

_MOST = 2


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Compare the batch with the lock's."""
    locked = graph.origins.locked
    before = None if locked is None or locked.lock is None else locked.lock.batch
    batch: Quantity = setting(graph, "hyperparameters.batch")
    lr = setting(graph, "hyperparameters.optimizer.lr")
    if before is None or before.unit != batch.family or before.lr is None or before.lr != lr:
        return
    if not before.amount or 1 / _MOST <= batch.amount / before.amount <= _MOST:
        return
    share = batch.amount / before.amount
    times = f"{share:.3g} times" if share > 1 else f"a {1 / share:.3g}th of"
    yield Diagnostic(
        CODE,
        "warning",
        f"the batch is {times} the one that the learning rate {lr:g} was locked with",
        span_at(graph, "hyperparameters.batch"),
        at=f"was {before.amount:g}",
        place="hyperparameters.batch",
        helps=("change the learning rate with it, then make the lock anew: s2sc lock SPEC",),
    )
