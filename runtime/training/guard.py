"""Going back when the loss jumps."""

from __future__ import annotations

import math
import statistics
import time

from ..checkpoint import load_checkpoint
from ..metrics_file import MetricsFile
from .ended import Diverged
from .keeping import made_with, settle_save, unharmed
from .training import Trainer


def watch(trainer: Trainer, loss: float) -> None:
    """Remember a step's loss, and whether it is a jump.

    The loss is the one of all processes together: they decide alike.
    """
    guard = trainer.settings["guard"]
    if guard is None:
        return
    recent = trainer.state.recent
    usual = statistics.median(recent) if len(recent) >= guard.window else math.inf
    if loss > guard.factor * usual > 0:
        trainer.jump = (loss, usual)
        return
    recent.append(loss)
    del recent[: -guard.window]


def go_back(trainer: Trainer) -> None:
    """Stand where the newest checkpoint stands, but go on with the data behind the jump. Diverged after too often."""
    assert trainer.jump is not None
    (loss, usual), trainer.jump = trainer.jump, None
    state, guard = trainer.state, trainer.settings["guard"]
    what = f"the loss of step {state.step} is {loss:g}, and {usual:g} is usual"
    if state.rewinds >= guard.most:
        raise Diverged(
            f"{what}: training went back {guard.most} times already. Try a lower learning rate or `clip`. "
            f"{unharmed(trainer)}"
        )
    settle_save(trainer)
    found = load_checkpoint(trainer.run.checkpoints, warn=trainer.progress.warn)
    if found is None:
        trainer.progress.warn(f"{what}: there is no checkpoint to go back to yet")
        state.recent.clear()
        return
    trainer.keep_time()
    kept = {name: getattr(state, name) for name in ("epoch", "next_batch", "seconds", "rewinds")}
    state.load(found, made_with=made_with(trainer))
    for name, value in kept.items():
        setattr(state, name, value)
    state.rewinds += 1
    trainer.checkpoints = int(trainer.done(trainer.settings["checkpoint"].every))
    trainer.finished = False
    trainer.window_examples, trainer.window_since = 0, time.monotonic()
    for file in (trainer.metrics, *([MetricsFile(trainer.run.samples)] if trainer.world.is_first else [])):
        file.forget_after(state.step, evaluated=state.evaluated)
    trainer.board.open(after=state.step)
    trainer.progress.warn(
        f"{what}: training goes back to step {state.step} and leaves out the batches in between "
        f"({state.rewinds} of at most {guard.most} times)"
    )
