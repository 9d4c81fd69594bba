"""Training: batches through the model, gradients into the weights, figures and checkpoints into the run's folder."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import closing, nullcontext
from typing import Any

import torch

from ...compiler.graph import CheckedGraph
from ..checkpoint import checkpoint_steps, clean_up, load_best
from ..data.batch import Batch
from ..data.opened import OpenedData
from ..distributed import ALONE, World
from ..layers.layer import LayerOf, layer_class
from ..metrics_file import MetricsFile
from ..progress import Progress
from ..run_folder import Run
from .batches import train_batches
from .diagnosis import diagnose
from .ended import Diverged, Stopped
from .exactness import deterministic
from .guard import go_back, watch
from .keeping import (
    evaluate_and_save,
    keep_mean,
    measure,
    out_of_patience,
    save,
    settle_save,
    share_tally,
    stop_here,
    unharmed,
)
from .preparing import prepare, take_up
from .reporting import record_samples, report
from .state import load_model
from .step import Outcome
from .stopping import StopRequest
from .training import Trainer
from .uploads import uploaded

MOST_SKIPS = 50


def train(
    checked: CheckedGraph,
    run: Run,
    data: OpenedData,
    *,
    device: torch.device,
    progress: Progress,
    resume: bool = False,
    layer_of: LayerOf = layer_class,
    world: World = ALONE,
) -> dict[str, Any]:
    """Train a graph into a run's folder and measure it; the content of result.json.

    resume    go on from the newest checkpoint (from the start where there is none)
    layer_of  where the torch side of a component is found
    world     the processes that train together

    Raises Stopped (with a checkpoint written), Diverged, StorageError, checkpoint.CheckpointError, data.tally.BadData.
    """
    if world.is_first:
        clean_up(run.checkpoints)
    world.barrier()
    fresh = not (resume and checkpoint_steps(run.checkpoints))
    trainer = prepare(checked, run, data, device=device, progress=progress, layer_of=layer_of, world=world, fresh=fresh)
    if resume:
        take_up(trainer)
    for file in (trainer.metrics, *([MetricsFile(run.samples)] if world.is_first else [])):
        file.forget_after(trainer.state.step if resume else -1, evaluated=trainer.state.evaluated if resume else -1)
    trainer.board.open(after=trainer.state.step)
    try:
        with StopRequest() as stop, deterministic(trainer.settings["deterministic"]):
            trainer.agree(stop)
            trainer.progress.start(steps=trainer.length.steps, step=trainer.state.step, stop=trainer.settings["stop"])
            try:
                _loop(trainer, stop)
            finally:
                trainer.progress.finish()
            return _measure(trainer, stop)
    except Exception:
        # not where a second signal ends it at once
        trainer.writer.wait()
        raise
    finally:
        trainer.board.close()


def _loop(trainer: Trainer, stop: StopRequest) -> None:
    state = trainer.state
    trainer.since = trainer.window_since = time.monotonic()
    trainer.checkpoints = int(trainer.done(trainer.settings["checkpoint"].every))
    trainer.finished = trainer.done(trainer.settings["stop"]) >= 1 or out_of_patience(trainer)
    # what a run that was stopped while it measured still owes
    evaluate_and_save(trainer, stop)
    state.model.module.train()
    with closing(uploaded(train_batches(trainer), trainer.device, shaped=trainer.shaped)) as batches:
        while not trainer.finished:
            trainer.agree(stop)
            if stop.requested is not None:
                settle(trainer)
                _went_back(trainer)
                stop_here(trainer, stop.requested)
            if trainer.sharded is not None and trainer.saving is not None and trainer.written:
                settle_save(trainer)
            _, batches_there, state.epoch, state.next_batch = next(batches)
            _take(trainer, batches_there, stop)
    if stop.requested is not None:
        stop_here(trainer, stop.requested)
    trainer.keep_time()


def _take(trainer: Trainer, batches: Sequence[Batch], stop: StopRequest) -> None:
    """All that the batches of one step bring about."""
    _train_step(trainer, batches)
    if _went_back(trainer):
        return
    if trainer.pending is not None:
        if not _may_fall_due(trainer):
            return
        settle(trainer)
        if _went_back(trainer):
            return
    trainer.finished = trainer.done(trainer.settings["stop"]) >= 1
    report(trainer)
    evaluate_and_save(trainer, stop)
    if trainer.finished:
        # an evaluation may have been one too many
        report(trainer)


def _went_back(trainer: Trainer) -> bool:
    """Whether a loss jumped, and training went back."""
    if trainer.jump is None:
        return False
    settle(trainer)
    go_back(trainer)
    return True


def _train_step(trainer: Trainer, batches: Sequence[Batch]) -> None:
    """One step. On a device that works ahead, what it did is looked at while the next one is under way."""
    trainer.stepper.gradients(batches)
    if trainer.pending is not None:
        settle(trainer)
        report(trainer)
    trainer.rate = trainer.rate_of(trainer.state.step, trainer.length)
    trainer.pending = trainer.stepper.apply(trainer.rate)
    if trainer.stepper.waits:
        settle(trainer)


def settle(trainer: Trainer) -> None:
    """Look at what the last step did and count it."""
    if trainer.pending is None:
        return
    outcome, trainer.pending = trainer.pending, None
    state = trainer.state
    loss, norm, skipped, at_floor, trainer.scale = outcome.numbers()
    if skipped:
        _skipped(trainer, outcome, loss, norm, at_floor=bool(at_floor))
        return
    trainer.norm = norm
    state.step += 1
    state.skips = 0
    state.losses.append(loss)
    trainer.window_examples += outcome.examples
    watch(trainer, loss)


def _may_fall_due(trainer: Trainer) -> bool:
    """Whether the step that is under way may be one after which there is something to do."""
    settings, state = trainer.settings, trainer.state
    return (
        (state.step + 1) % int(settings["log"]) == 0
        or trainer.done(settings["stop"], ahead=1) >= 1
        or int(trainer.done(settings["evaluate"], ahead=1)) > state.evaluations
        or int(trainer.done(settings["checkpoint"].every, ahead=1)) > trainer.checkpoints
    )


def _skipped(trainer: Trainer, outcome: Outcome, loss: float, norm: float, *, at_floor: bool) -> None:
    """Tell of a step that was left out; Diverged when it was one too many.

    A gradient that overflows while the loss scale can still shrink is no news, and does not count.
    """
    state = trainer.state
    state.skipped += 1
    if math.isfinite(loss) and not math.isfinite(norm) and not at_floor:
        return
    state.skips += 1
    what = f"the loss is {loss:g}"
    if math.isfinite(loss):
        what = "its running statistics are not finite" if math.isfinite(norm) else "its gradient is not finite"
    trainer.progress.warn(f"skipped a batch after step {state.step}: {what} (it starts with {outcome.first})")
    if state.skips >= MOST_SKIPS:
        raise Diverged(
            f"{MOST_SKIPS} batches in a row had a loss, a gradient or running statistics that are not finite, "
            f"after step {state.step}: "
            f"{_why(trainer, outcome)}. Try a lower learning rate, `clip` or fp32. {unharmed(trainer)}"
        )


def _why(trainer: Trainer, outcome: Outcome) -> str:
    """Where the numbers of the last step stopped being finite, in whichever process they did."""
    with trainer.sharded.whole() if trainer.sharded is not None else nullcontext():
        found = [diagnose(trainer.state.model, batch, scale=trainer.scale) for batch in outcome.batches]
    own = next((one for one in found if one.place), found[0])
    said = trainer.world.gather({"place": own.place, "words": str(own)})
    return str(next((one for one in said if one["place"]), said[0])["words"])


def _measure(trainer: Trainer, stop: StopRequest) -> dict[str, Any]:
    """The last checkpoint, then the best weights on every split but train."""
    state = trainer.state
    save(trainer, must=True)
    step = state.step
    if trainer.settings["average"] is not None:
        keep_mean(trainer, stop)
    if state.averages is not None or trainer.settings["average"] is not None or (state.best or (step,))[0] != step:
        chosen = load_best(trainer.run.checkpoints, warn=trainer.progress.warn)
        if chosen is not None:
            load_model(state.model, chosen)
            step = chosen.step
    result: dict[str, Any] = {
        "steps": state.step,
        "epochs": round(trainer.epochs, 4),
        "seconds": round(state.seconds, 3),
        "best_step": step,
        "parameters": sum(weight.numel() for weight in state.model.module.parameters()),
    }
    for split in trainer.data.splits:
        if split != "train":
            known = trainer.measured if split == "valid" else None
            found = (
                known[1] if known is not None and known[0] == step else measure(trainer, split, stop, averaged=False)
            )
            if found is None:
                raise Stopped(stop.requested or "", state.step)
            result[split] = found.to_json()
            if split != "valid":
                record_samples(trainer, split, step, found.pairs)
            trainer.progress.result(split, found.to_json(), found.pairs)
    share_tally(trainer)
    result["data"] = trainer.data.tally.to_json()
    trainer.metrics.write()
    if trainer.world.is_first:
        trainer.run.write_result(result)
    return result
