"""What falls due between steps: measuring the valid split, writing checkpoints."""

from __future__ import annotations

import time
from typing import Any

import torch

from ...compiler.encoding import encode
from ..checkpoint import checkpoint_steps, save_checkpoint
from ..evaluation import Evaluation, evaluate
from ..storage import StorageError
from .ended import Diverged, Stopped
from .reporting import record
from .state import TrainingState, is_finite
from .stopping import StopRequest
from .training import Trainer


def evaluate_and_save(trainer: Trainer, stop: StopRequest) -> None:
    """Measure the valid split and write a checkpoint, each when it is due; the last step is measured always."""
    state = trainer.state
    before = time.monotonic()
    improved = False
    evaluations = int(trainer.done(trainer.settings["evaluate"]))
    if evaluations > state.evaluations or trainer.finished:
        if "valid" in trainer.data.splits and state.evaluated != state.step and state.step > 0:
            found = measure(trainer, "valid", stop)
            if found is None:
                return  # asked to stop; the run that goes on measures first
            improved = _is_best(trainer, found)
            state.evaluated = state.step
        state.evaluations = evaluations
    checkpoints = int(trainer.done(trainer.settings["checkpoint"].every))
    if checkpoints > trainer.checkpoints or improved:
        save(trainer)
        trainer.checkpoints = checkpoints
    # the speed of training is without this
    trainer.window_since += time.monotonic() - before


def _is_best(trainer: Trainer, found: Evaluation) -> bool:
    """Write down what the valid split gave; whether it is the best so far."""
    state = trainer.state
    figures = found.to_json()
    line = {"step": state.step, "split": "valid", **figures}
    record(trainer, line)
    trainer.board.add("valid", figures, state.step)
    trainer.progress.evaluation(line, found.pairs)
    trainer.measured = (state.step, found)
    best = trainer.settings["checkpoint"].best
    value = None if best is None else figures.get(best.metric)
    if value is None:
        return False
    sign = 1 if best.direction == "min" else -1
    # a later step wins a tie: it has seen more data
    if state.best is not None and sign * value > sign * state.best[1]:
        return False
    state.best = (state.step, float(value))
    return True


def save(trainer: Trainer, *, must: bool = False) -> None:
    """Write a checkpoint of where the run stands, if there is none. Failure ends training only where one `must` be."""
    state = trainer.state
    if place(state) == trainer.saved:
        return
    trainer.keep_time()
    best = state.best
    checkpoint = state.to_checkpoint(made_with=made_with(trainer))
    if not is_finite(checkpoint):
        message = f"the weights are not finite after step {state.step}"
        if must:
            raise Diverged(f"{message}. {unharmed(trainer)}")
        trainer.progress.warn(f"{message}, so there is no checkpoint of it")
    else:
        try:
            keep = trainer.settings["checkpoint"].keep
            save_checkpoint(trainer.run.checkpoints, checkpoint, keep=keep, best=best[0] if best else None)
            trainer.saved, trainer.best_saved = place(state), best
            return
        except StorageError as error:
            if must:
                raise
            trainer.progress.warn(f"{error}; training goes on and tries again at the next checkpoint")
    if best is not None and best[0] == state.step:
        # the best weights are those that can be read again
        state.best = trainer.best_saved


def place(state: TrainingState) -> tuple[object, ...]:
    """What tells two checkpoints apart."""
    return state.step, state.epoch, state.next_batch, state.evaluated, state.best


def stop_here(trainer: Trainer, signal: str) -> None:
    """Keep the state and end: Stopped."""
    save(trainer, must=True)
    raise Stopped(signal, trainer.state.step)


def unharmed(trainer: Trainer) -> str:
    """What a divergence leaves behind."""
    if checkpoint_steps(trainer.run.checkpoints):
        return f"The checkpoints in {trainer.run.checkpoints} are unharmed"
    return "There is no checkpoint yet"


def made_with(trainer: Trainer) -> dict[str, Any]:
    """What the next steps' numbers depend on besides the state."""
    hyperparameters = encode(trainer.checked.graph.hyperparameters)["params"]
    kept = ("batch", "stop", "optimizer", "schedule", "regularizer", "precision", "clip", "seed")
    return {
        "architecture": trainer.checked.architecture_hash,
        "data": encode(trainer.checked.graph.data),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "CPU": torch.backends.cpu.get_cpu_capability(),
        "device": trainer.device.type,
        **{name: hyperparameters[name] for name in kept},
    }


class _StopAsked(Exception):
    pass


def measure(trainer: Trainer, split: str, stop: StopRequest) -> Evaluation | None:
    """Measure a split; None if that was cut short by a request to stop."""

    def look(done: int) -> None:
        if stop.requested is not None:
            raise _StopAsked

    try:
        return evaluate(
            trainer.state.model,
            trainer.data,
            split,
            metrics=trainer.settings["metrics"],
            batch=trainer.settings["batch"],
            device=trainer.device,
            on_batch=look,
        )
    except _StopAsked:
        return None
