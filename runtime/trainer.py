"""Training: batches through the model, gradients into the weights, figures and checkpoints to the run's folder."""

from __future__ import annotations

import importlib
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from ..compiler.graph import CheckedGraph
from ..compiler.part import Part
from ..compiler.parts.precision.autocast import Autocast
from ..dsl.values import Quantity, SplitMetric
from .checkpoint import (
    Checkpoint,
    clean_up,
    load_checkpoint,
    random_state,
    read_best,
    save_checkpoint,
    set_random_state,
    write_best,
)
from .data.speech import SpeechData
from .evaluation import Evaluation, evaluate
from .loss_scale import LossScale
from .model import Model, build_model
from .optim.groups import NamedParameter, named_parameters
from .optim.run_length import RunLength
from .progress import Progress
from .run_folder import Run
from .stopping import StopRequest
from .storage import StorageError
from .tensorboard import Board

MOST_SKIPS = 50


class Diverged(Exception):
    """Training cannot go on: losses or gradients stay non-finite."""


class Stopped(Exception):
    """Training was asked to stop; its state is in the checkpoint of `step`."""

    def __init__(self, signal: str, step: int) -> None:
        super().__init__(f"stopped by {signal} after step {step}")
        self.step = step


@dataclass
class Trainer:
    """Everything that one run needs, and where it stands.

    step    optimizer steps taken; skipped steps do not count
    epoch, next_batch   the place in the data: two numbers are all that a resumed run needs
    seconds             time in training, over all its sessions
    """

    checked: CheckedGraph
    model: Model
    data: SpeechData
    run: Run
    device: torch.device
    progress: Progress
    settings: Mapping[str, Any]
    parameters: list[NamedParameter]
    optimizer: torch.optim.Optimizer
    scale: LossScale
    length: RunLength
    board: Board
    step: int = 0
    epoch: int = 0
    next_batch: int = 0
    seconds: float = 0.0
    best: tuple[int, float] | None = None
    infeasible: int = 0
    _skips: int = 0
    _marks: dict[str, int] = field(default_factory=dict)
    _since: float = 0.0
    _window: list[torch.Tensor] = field(default_factory=list)
    _window_start: tuple[float, int] = (0.0, 0)
    _window_examples: int = 0

    @property
    def elapsed(self) -> float:
        """Seconds in training so far."""
        return self.seconds + time.monotonic() - self._since

    def is_finished(self) -> bool:
        """Whether the spec's `stop` is reached."""
        stop: Quantity = self.settings["stop"]
        if stop.family == "time":
            return self.elapsed >= stop.amount
        return self.step >= self.length.steps if stop.family == "steps" else self.epoch >= stop.amount


def train(
    checked: CheckedGraph,
    run: Run,
    data: SpeechData,
    *,
    device: torch.device,
    progress: Progress,
    resume: bool = False,
) -> dict[str, Any]:
    """Train a graph into a run's folder and measure it; the content of result.json.

    resume  go on from the newest checkpoint (from the start where there is none)

    Raises Stopped (with a checkpoint written), Diverged, StorageError, data.tally.BadData.
    """
    trainer = _prepare(checked, run, data, device=device, progress=progress)
    clean_up(run.checkpoints)
    if resume:
        _resume(trainer)
    run.forget_metrics_after(trainer.step if resume else -1)
    with StopRequest() as stop, trainer.board:
        progress.start(steps=trainer.length.steps, step=trainer.step, stop=trainer.settings["stop"])
        try:
            _loop(trainer, stop)
        finally:
            progress.finish()
        return _measure(trainer)


def _loop(trainer: Trainer, stop: StopRequest) -> None:
    trainer._since = time.monotonic()
    trainer._window_start = (trainer._since, trainer.step)
    trainer._marks = {name: _mark(trainer, every) for name, every in _intervals(trainer).items()}
    trainer.model.module.train()
    while not trainer.is_finished():
        for batch in trainer.data.batches(
            "train",
            batch=trainer.settings["batch"],
            seed=trainer.settings["seed"],
            epoch=trainer.epoch,
            start_batch=trainer.next_batch,
            shuffle=True,
            augment=True,
            num_workers=trainer.settings["workers"],
            pin=trainer.device.type == "cuda",
        ):
            _train_step(trainer, batch.to(trainer.device))
            trainer.next_batch = batch.number + 1
            _report(trainer)
            _evaluate_and_save(trainer)
            if stop.requested is not None:
                _save(trainer, final=True)
                raise Stopped(stop.requested, trainer.step)
            if trainer.is_finished():
                break
        else:
            trainer.epoch, trainer.next_batch = trainer.epoch + 1, 0
            _evaluate_and_save(trainer)
    trainer.seconds, trainer._since = trainer.elapsed, time.monotonic()


def _train_step(trainer: Trainer, batch: Any) -> None:
    """One batch: loss, gradients, unscale, regularize, clip, step; a non-finite gradient skips the step."""
    settings = trainer.settings
    weights = [parameter.tensor for parameter in trainer.parameters]
    for group in trainer.optimizer.param_groups:
        group["lr"] = learning_rate(settings, trainer.step, trainer.length)
    loss_B = trainer.model.loss(trainer.model(batch), batch)
    loss = loss_B.mean()
    torch.autograd.backward(trainer.scale.scale(loss))
    trainer.scale.unscale(trainer.optimizer)
    _regularize(settings["regularizer"], trainer.parameters)
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    norm = torch.nn.utils.get_total_norm(gradients, foreach=True)
    finite = bool(torch.isfinite(norm) & torch.isfinite(loss))
    if finite:
        if settings["clip"] is not None:
            torch.nn.utils.clip_grads_with_norm_(weights, settings["clip"], norm, foreach=True)
        trainer.optimizer.step()
        trainer.step += 1
        trainer._skips = 0
        trainer._window.append(loss.detach())
        trainer._window_examples += len(batch)
    else:
        _skipped(trainer, loss)
    trainer.scale.update(overflow=not finite)
    trainer.optimizer.zero_grad(set_to_none=True)


def _skipped(trainer: Trainer, loss: torch.Tensor) -> None:
    trainer._skips += 1
    if not trainer.scale.enabled:
        trainer.progress.warn(f"step {trainer.step}: the gradient is not finite (loss {float(loss):g}); skipped")
    if trainer._skips >= MOST_SKIPS:
        raise Diverged(
            f"{MOST_SKIPS} steps in a row had a non-finite gradient at step {trainer.step}; "
            "a lower learning rate, `clip`, or fp32 may help. The last checkpoint is unharmed"
        )


def _report(trainer: Trainer) -> None:
    """Every `log` steps: mean loss, learning rate and speed to the display, metrics.jsonl and TensorBoard."""
    every = int(trainer.settings["log"])
    trainer.progress.advance(step=trainer.step, elapsed=trainer.elapsed)
    if not trainer._window or trainer.step % every:
        return
    now = time.monotonic()
    started, _ = trainer._window_start
    record = {
        "step": trainer.step,
        "epoch": round(trainer.epoch + trainer.next_batch / max(trainer.length.steps_per_epoch, 1), 4),
        "loss": float(torch.stack(trainer._window).mean()),
        "lr": learning_rate(trainer.settings, trainer.step - 1, trainer.length),
        "examples_per_second": round(trainer._window_examples / max(now - started, 1e-9), 2),
        "seconds": round(trainer.elapsed, 3),
    }
    if trainer.scale.enabled:
        record["loss_scale"] = trainer.scale.value
    finite = {name: value if math.isfinite(value) else None for name, value in record.items()}
    trainer._window, trainer._window_start, trainer._window_examples = [], (now, trainer.step), 0
    trainer.run.append_metrics(finite)
    trainer.board.add("train", finite, trainer.step)
    trainer.progress.train(finite)


# ---------------------------------------------------------------- now and then


def _intervals(trainer: Trainer) -> dict[str, Quantity]:
    return {"evaluate": trainer.settings["evaluate"], "checkpoint": trainer.settings["checkpoint"].every}


def _mark(trainer: Trainer, every: Quantity) -> int:
    """How many intervals have gone by; an event is due when the number has grown."""
    if every.family == "time":
        return int(trainer.elapsed // every.amount)
    if every.family == "epochs":
        done = trainer.epoch + trainer.next_batch / max(trainer.length.steps_per_epoch, 1)
        return int(done / every.amount + 1e-9)
    return int(trainer.step // every.amount)


def _due(trainer: Trainer, name: str) -> bool:
    mark = _mark(trainer, _intervals(trainer)[name])
    due = mark > trainer._marks[name]
    trainer._marks[name] = mark
    return due


def _evaluate_and_save(trainer: Trainer) -> None:
    improved = _due(trainer, "evaluate") and "valid" in trainer.data.splits and _validate(trainer)
    if _due(trainer, "checkpoint") or improved:
        _save(trainer, improved=improved)


def _validate(trainer: Trainer) -> bool:
    """Measure the valid split; whether it is the best so far."""
    found = _evaluate(trainer, "valid")
    record = {"step": trainer.step, "split": "valid", **found.to_json()}
    trainer.run.append_metrics(record)
    trainer.board.add("valid", found.to_json(), trainer.step)
    trainer.progress.evaluation(record, found.pairs)
    best: SplitMetric | None = trainer.settings["checkpoint"].best
    if best is None or best.split != "valid":
        return False
    value = found.to_json().get(best.metric)
    if value is None:
        return False
    sign = 1 if best.direction == "min" else -1
    # a later step wins a tie: it has seen more data
    if trainer.best is not None and sign * value > sign * trainer.best[1]:
        return False
    trainer.best = (trainer.step, float(value))
    return True


def _save(trainer: Trainer, *, improved: bool = False, final: bool = False) -> None:
    state = {
        "epoch": trainer.epoch,
        "next_batch": trainer.next_batch,
        "seconds": trainer.elapsed,
        "scale": trainer.scale.state(),
        "optimizer": _optimizer_numbers(trainer.optimizer),
        "best": trainer.best,
        "architecture": trainer.checked.architecture_hash,
        "made_with": {"torch": torch.__version__, "threads": torch.get_num_threads(), "device": trainer.device.type},
    }
    tensors = {
        "model": trainer.model.module.state_dict(),
        "optimizer": _optimizer_tensors(trainer.optimizer),
        "random": random_state(trainer.device),
    }
    keep = trainer.settings["checkpoint"].keep
    try:
        best = trainer.best[0] if trainer.best else None
        save_checkpoint(trainer.run.checkpoints, Checkpoint(trainer.step, tensors, state), keep=keep, best=best)
        if improved and trainer.best is not None:
            write_best(trainer.run.checkpoints, *trainer.best)
    except StorageError as error:
        if final:
            raise
        trainer.progress.warn(f"{error}; training goes on and tries again at the next checkpoint")


# ---------------------------------------------------------------- start and end


def _prepare(checked: CheckedGraph, run: Run, data: SpeechData, *, device: torch.device, progress: Progress) -> Trainer:
    settings = checked.graph.hyperparameters.values()
    torch.manual_seed(settings["seed"])
    model = build_model(checked)
    model.module.to(device)
    parameters = named_parameters(model.module, checked)
    precision = settings["precision"]
    return Trainer(
        checked=checked,
        model=model,
        data=data,
        run=run,
        device=device,
        progress=progress,
        settings=settings,
        parameters=parameters,
        optimizer=_optimizer(settings["optimizer"], parameters),
        scale=LossScale(precision if isinstance(precision, Autocast) else None, device),
        length=run_length(settings, data),
        board=Board(run.tensorboard),
    )


def run_length(settings: Mapping[str, Any], data: SpeechData) -> RunLength:
    """Steps of the run and of an epoch; a run that ends by time counts as one epoch per minute for its schedule."""
    per_epoch = max(
        data.num_batches("train", batch=settings["batch"], seed=settings["seed"], shuffle=True, augment=True), 1
    )
    stop: Quantity = settings["stop"]
    if stop.family == "steps":
        return RunLength(math.ceil(stop.amount), per_epoch)
    if stop.family == "epochs":
        return RunLength(math.ceil(stop.amount * per_epoch), per_epoch)
    return RunLength(math.ceil(stop.amount / 60) * per_epoch, per_epoch)


def learning_rate(settings: Mapping[str, Any], step: int, length: RunLength) -> float:
    """The learning rate of a step (counted from 0)."""
    base = float(settings["optimizer"].lr)
    schedule: Part | None = settings["schedule"]
    if schedule is None:
        return base
    file = importlib.import_module(f".optim.{schedule.name}", package=__package__)
    return float(file.learning_rate(schedule, base, step, length))


def _optimizer(part: Part, parameters: list[NamedParameter]) -> torch.optim.Optimizer:
    file = importlib.import_module(f".optim.{part.name}", package=__package__)
    optimizer: torch.optim.Optimizer = file.build(part, parameters)
    return optimizer


def _regularize(part: Part | None, parameters: list[NamedParameter]) -> None:
    if part is not None:
        file = importlib.import_module(f".optim.{part.name}", package=__package__)
        file.add_gradient(part, parameters)


def _resume(trainer: Trainer) -> None:
    found = load_checkpoint(trainer.run.checkpoints, warn=trainer.progress.warn)
    if found is None:
        trainer.progress.say("there is no checkpoint yet: training starts from the beginning")
        return
    state = found.state
    load_model(trainer.model, found)
    _load_optimizer(trainer.optimizer, found.tensors["optimizer"], state["optimizer"])
    trainer.scale.load(state["scale"])
    set_random_state(found.tensors["random"], trainer.device)
    trainer.step, trainer.epoch, trainer.next_batch = found.step, state["epoch"], state["next_batch"]
    trainer.seconds = state["seconds"]
    trainer.best = (int(state["best"][0]), float(state["best"][1])) if state["best"] else None
    for name, value in (("torch", torch.__version__), ("threads", torch.get_num_threads())):
        if state["made_with"][name] != value:
            trainer.progress.warn(f"inexact resume: {name} was {state['made_with'][name]} and is {value}")
    trainer.progress.say(f"goes on from step {found.step}")


def load_model(model: Model, checkpoint: Checkpoint) -> None:
    """Put a checkpoint's weights into a model of the same architecture."""
    model.module.load_state_dict(dict(checkpoint.tensors["model"]))


def _measure(trainer: Trainer) -> dict[str, Any]:
    """The last checkpoint, then the best weights on every split but train."""
    _save(trainer, final=True)
    best = read_best(trainer.run.checkpoints) if trainer.best else None
    if best is not None and best[0] != trainer.step:
        chosen = load_checkpoint(trainer.run.checkpoints, step=best[0], warn=trainer.progress.warn)
        if chosen is not None:
            load_model(trainer.model, chosen)
    result: dict[str, Any] = {
        "steps": trainer.step,
        "epochs": trainer.epoch,
        "seconds": round(trainer.seconds, 3),
        "best_step": best[0] if best else trainer.step,
        "parameters": sum(parameter.tensor.numel() for parameter in trainer.parameters),
    }
    for split in trainer.data.splits:
        if split != "train":
            found = _evaluate(trainer, split)
            result[split] = found.to_json()
            trainer.progress.result(split, found.to_json(), found.pairs)
    result["data"] = trainer.data.tally.to_json()
    trainer.run.write_result(result)
    return result


def _evaluate(trainer: Trainer, split: str) -> Evaluation:
    return evaluate(
        trainer.model,
        trainer.data,
        split,
        metrics=trainer.settings["metrics"],
        batch=trainer.settings["batch"],
        device=trainer.device,
    )


# ---------------------------------------------------------------- the optimizer's state as tensors and numbers


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    state = optimizer.state_dict()["state"]
    return {
        f"{index}.{name}": value
        for index, entries in state.items()
        for name, value in entries.items()
        if isinstance(value, torch.Tensor)
    }


def _optimizer_numbers(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    state = optimizer.state_dict()["state"]
    return {
        f"{index}.{name}": value
        for index, entries in state.items()
        for name, value in entries.items()
        if not isinstance(value, torch.Tensor)
    }


def _load_optimizer(
    optimizer: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor], numbers: Mapping[str, Any]
) -> None:
    state: dict[int, dict[str, Any]] = {}
    for key, value in {**numbers, **tensors}.items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
