"""What falls due between steps: measuring the valid split, writing checkpoints."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from ...compiler.encoding import encode
from ..checkpoint import (
    AVERAGES,
    Checkpoint,
    checkpoint_steps,
    commit,
    discard_parts,
    free_name,
    load_checkpoint,
    save_checkpoint,
    write_part,
)
from ..data.example import Problem
from ..evaluation import Evaluation, evaluate
from ..storage import StorageError
from .averages import mean_of
from .ended import Diverged, Stopped
from .reporting import record, record_samples
from .state import TrainingState, is_finite, load_model
from .stopping import StopRequest
from .training import Trainer
from .writer import copied


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
            settle_save(trainer)
            best = state.best
            improved = _is_best(trainer, found)
            # a tie is kept as the best, and is no better
            better = improved and (best is None or (state.best or best)[1] != best[1])
            state.stale = 0 if better else state.stale + 1
            if out_of_patience(trainer) and not trainer.finished:
                trainer.progress.say(f"stopped early: {state.stale} evaluations without a better one")
                trainer.finished = True
            state.evaluated = state.step
        state.evaluations = evaluations
    checkpoints = int(trainer.done(trainer.settings["checkpoint"].every))
    if checkpoints > trainer.checkpoints or improved:
        save(trainer)
        share_tally(trainer)
        trainer.checkpoints = checkpoints
    # the speed of training is without this
    trainer.window_since += time.monotonic() - before


def out_of_patience(trainer: Trainer) -> bool:
    """Whether so many evaluations found nothing better that the run is to end."""
    patience = trainer.settings["patience"]
    return patience is not None and trainer.state.stale >= patience


def _is_best(trainer: Trainer, found: Evaluation) -> bool:
    """Write down what the valid split gave; whether it is the best so far."""
    state = trainer.state
    figures = found.to_json()
    line = {"step": state.step, "split": "valid", **figures}
    record(trainer, line)
    record_samples(trainer, "valid", state.step, found.pairs)
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
    settle_save(trainer, must=must and trainer.saving is not None and trainer.saving[0] == place(state))
    if place(state) == trainer.saved:
        return
    trainer.keep_time()
    best = state.best
    checkpoint = state.to_checkpoint(made_with=made_with(trainer))
    if trainer.world.agree(not is_finite(checkpoint)):
        message = f"the weights are not finite after step {state.step}"
        if must:
            raise Diverged(f"{message}. {unharmed(trainer)}")
        trainer.progress.warn(f"{message}, so there is no checkpoint of it")
    else:
        _start(trainer, checkpoint)
        trainer.saving = (place(state), best)
        if must:
            settle_save(trainer, must=True)
        return
    _forget_best(trainer, state.step)


def _start(trainer: Trainer, checkpoint: Checkpoint) -> None:
    """Begin to write: the first process all of it, or each its part of what is dealt out."""
    world, folder = trainer.world, trainer.run.checkpoints
    if trainer.sharded is None:
        if world.is_first:
            kept, settings = copied(checkpoint), _which_stay(trainer, trainer.state.best)
            trainer.writer.start(lambda: save_checkpoint(folder, kept, **settings))
        return
    name = world.tell(_name(folder, checkpoint.step) if world.is_first else None)
    trainer.draft = name, checkpoint.step
    own = copied(checkpoint, first=world.is_first)
    trainer.writer.start(lambda: write_part(folder, name, own, part=world.rank, parts=world.size))


def _name(folder: Path, step: int) -> str:
    try:
        return free_name(folder, step)
    except StorageError:
        # whoever writes there next will say it
        return f"step-{step:09d}"


def _which_stay(trainer: Trainer, best: tuple[int, float] | None) -> dict[str, Any]:
    return {"keep": trainer.settings["checkpoint"].keep, "best": best[0] if best else None}


def settle_save(trainer: Trainer, *, must: bool = False) -> None:
    """Wait for the checkpoint that is being written, if there is one. StorageError where one `must` be and is not."""
    if trainer.saving is None:
        return
    error = trainer.writer.wait()
    if trainer.sharded is not None:
        error = _commit_parts(trainer, trainer.saving[1], error)
    error = _heard_by_all(trainer, error)
    (found, best), trainer.saving = trainer.saving, None
    if error is None:
        trainer.saved, trainer.best_saved = found, best
        return
    if must:
        raise error
    trainer.progress.warn(f"{error}; training goes on and tries again at the next checkpoint")
    if best is not None:
        _forget_best(trainer, best[0])


def _commit_parts(trainer: Trainer, best: tuple[int, float] | None, error: StorageError | None) -> StorageError | None:
    """Make one checkpoint of what all processes have written; why not, where the first one knows it."""
    said = trainer.world.gather({"error": error and str(error), "files": {} if error else trainer.writer.result})
    if not trainer.world.is_first:
        return None
    folder, (name, step) = trainer.run.checkpoints, trainer.draft
    errors = [one["error"] for one in said if one["error"]]
    if errors:
        discard_parts(folder, name)
        return StorageError("a process", OSError(errors[0]))
    hashes = {file: sha256 for one in said for file, sha256 in one["files"].items()}
    try:
        commit(folder, name, step, hashes, parts=trainer.world.size, **_which_stay(trainer, best))
    except StorageError as problem:
        return problem
    return None


def _forget_best(trainer: Trainer, step: int) -> None:
    """The best weights are those that can be read again: not those of a step without a checkpoint."""
    best = trainer.state.best
    if best is not None and best[0] == step and (trainer.best_saved or (None,))[0] != step:
        trainer.state.best = trainer.best_saved


def keep_mean(trainer: Trainer, stop: StopRequest) -> None:
    """End with the mean of the weights of the last checkpoints: a checkpoint more, the best by definition."""
    state, folder = trainer.state, trainer.run.checkpoints
    newest = load_checkpoint(folder, warn=trainer.progress.warn)
    if newest is None or AVERAGES in newest.tensors:
        return  # a finished run that is measured again has it
    steps = checkpoint_steps(folder)[-int(trainer.settings["average"]) :]
    found = [load_checkpoint(folder, step=step, warn=trainer.progress.warn) for step in steps]
    mean = mean_of([one.tensors["model"] for one in found if one is not None])
    trainer.progress.say(f"the mean of the weights after steps {', '.join(map(str, steps))}")
    averaged = replace(newest, tensors={**newest.tensors, AVERAGES: mean})
    raw = {name: value.clone() for name, value in newest.tensors["model"].items()}
    load_model(state.model, averaged)
    best = trainer.settings["checkpoint"].best
    measured = measure(trainer, "valid", stop, averaged=False) if "valid" in trainer.data.splits else None
    if measured is None and "valid" in trainer.data.splits:
        load_model(state.model, replace(newest, tensors={**newest.tensors, "model": raw}))
        stop_here(trainer, stop.requested or "")
    value = measured.to_json().get(best.metric) if measured is not None and best is not None else None
    state.best = (state.step, float(value)) if value is not None else None
    if measured is not None:
        trainer.measured = (state.step, measured)
    kept = {**newest.state, "best": state.best}
    steps_kept = max(int(trainer.settings["checkpoint"].keep), 2)
    # what is written now is the newest one, and older ones go: all have read what they need
    trainer.world.barrier()
    error = None
    if trainer.world.is_first:
        try:
            save_checkpoint(folder, replace(averaged, state=kept), keep=steps_kept, best=state.step)
        except StorageError as problem:
            error = problem
    error = _heard_by_all(trainer, error)
    if error is not None:
        raise error


def _heard_by_all(trainer: Trainer, error: StorageError | None) -> StorageError | None:
    """Why the first process, which alone writes, could not write; the same in all."""
    said = trainer.world.tell(None if error is None else str(error))
    return error if error is not None or said is None else StorageError("the first process", OSError(said))


def place(state: TrainingState) -> tuple[object, ...]:
    """What tells two checkpoints apart."""
    return state.step, state.epoch, state.next_batch, state.evaluated, state.best


def stop_here(trainer: Trainer, signal: str) -> None:
    """Keep the state and end: Stopped."""
    save(trainer, must=True)
    share_tally(trainer)
    raise Stopped(signal, trainer.state.step)


def share_tally(trainer: Trainer) -> None:
    """Let every process account for the bad records that any of them met in its share; BadData as `on_bad` says."""
    if trainer.world.alone:
        return
    tally = trainer.data.tally
    for found in trainer.world.gather([asdict(problem) for problem in tally.refused]):
        tally.refuse(Problem(**one) for one in found)


def unharmed(trainer: Trainer) -> str:
    """What a divergence leaves behind."""
    settle_save(trainer)
    if checkpoint_steps(trainer.run.checkpoints):
        return f"The checkpoints in {trainer.run.checkpoints} are unharmed"
    return "There is no checkpoint yet"


def made_with(trainer: Trainer) -> dict[str, Any]:
    """What the next steps' numbers depend on besides the state."""
    hyperparameters = encode(trainer.checked.graph.hyperparameters)["params"]
    kept = (
        *("batch", "stop", "optimizer", "schedule", "regularizer", "precision", "clip", "seed", "compile"),
        *("accumulate", "ema", "freeze", "guard", "recompute", "deterministic", "channels_last", "cuda_graphs"),
    )
    return {
        "architecture": trainer.checked.architecture_hash,
        "data": encode(trainer.checked.graph.data),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "CPU": torch.backends.cpu.get_cpu_capability(),
        "device": trainer.device.type,
        "devices": trainer.world.size,
        "strategy": None if trainer.sharded is None else "fsdp",
        **{name: hyperparameters[name] for name in kept},
    }


class _StopAsked(Exception):
    pass


def measure(trainer: Trainer, split: str, stop: StopRequest, *, averaged: bool = True) -> Evaluation | None:
    """Measure a split, with the averages of the weights where there are any; None if a request to stop cut it short.

    averaged  False where the model has the weights already that are to be measured
    """

    def look(done: int) -> None:
        trainer.agree(stop)
        if stop.requested is not None:
            raise _StopAsked

    averages = trainer.state.averages if averaged else None
    try:
        with (
            averages.in_place(trainer.state.model.module) if averages is not None else nullcontext(),
            trainer.sharded.whole() if trainer.sharded is not None else nullcontext(),
        ):
            return evaluate(
                trainer.state.model,
                trainer.data,
                split,
                metrics=trainer.settings["metrics"],
                batch=trainer.settings["batch"],
                device=trainer.device,
                on_batch=look,
                world=trainer.world,
            )
    except _StopAsked:
        return None
