"""Training: batches through the model, gradients into the weights, figures and checkpoints into the run's folder."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ..compiler.encoding import encode
from ..compiler.graph import CheckedGraph
from ..compiler.parts.precision.autocast import Autocast
from ..dsl.values import Quantity
from .checkpoint import checkpoint_steps, clean_up, load_best, load_checkpoint, save_checkpoint
from .data.batch import Batch
from .data.opened import OpenedData
from .data.tally import BadData
from .evaluation import Evaluation, evaluate
from .initialize import initialize
from .layers.layer import LayerOf, layer_class
from .loss_scale import LossScale
from .metrics_file import MetricsFile
from .model import build_model
from .optim.groups import named_parameters
from .optim.lookup import Regularizer, optimizer_for, regularizer_for, schedule_for
from .optim.run_length import RunLength, run_length
from .progress import Progress
from .run_folder import Run
from .running_statistics import RunningStatistics
from .stopping import StopRequest
from .storage import StorageError
from .tensorboard import Board
from .training_state import TrainingState, is_finite, load_model

MOST_SKIPS = 50
SHORT_EPOCH = 16


class Diverged(Exception):
    """Training cannot go on: losses, gradients or weights are not finite."""


class Stopped(Exception):
    """Training was asked to stop; its state is in the checkpoint of `step`."""

    def __init__(self, signal: str, step: int) -> None:
        super().__init__(f"stopped by {signal} after step {step}")
        self.step = step


@dataclass
class Trainer:
    """Everything that one run needs.

    state       where it stands: what checkpoints hold
    weights     all trained tensors, each once
    rate_of     the learning rate of a step
    regularizer  keeps weights small
    """

    checked: CheckedGraph
    data: OpenedData
    run: Run
    progress: Progress
    device: torch.device
    settings: Mapping[str, Any]
    state: TrainingState
    weights: list[Tensor]
    statistics: RunningStatistics
    rate_of: Callable[[int, RunLength], float]
    regularizer: Regularizer
    steps_per_epoch: int
    metrics: MetricsFile
    board: Board
    rate: float = 0.0
    finished: bool = False
    _since: float = field(default_factory=time.monotonic)
    _window_since: float = field(default_factory=time.monotonic)
    _window_examples: int = 0
    _checkpoints: int = 0
    _saved: tuple[object, ...] | None = None
    _best_saved: tuple[int, float] | None = None
    _measured: tuple[int, Evaluation] | None = None

    @property
    def elapsed(self) -> float:
        """Seconds in training so far."""
        return self.state.seconds + time.monotonic() - self._since

    def keep_time(self) -> None:
        """Bring the state's seconds up to now."""
        self.state.seconds, self._since = self.elapsed, time.monotonic()

    @property
    def epochs(self) -> float:
        """Epochs done, with the share of the present one."""
        return self.state.epoch + min(self.state.next_batch / self.steps_per_epoch, 1 - 1e-6)

    @property
    def length(self) -> RunLength:
        """Steps of the run and of an epoch."""
        return run_length(self.settings["stop"], self.steps_per_epoch, step=self.state.step, seconds=self.elapsed)

    def done(self, quantity: Quantity) -> float:
        """How often a quantity of steps, epochs or time went by."""
        units = {"steps": float(self.state.step), "epochs": self.epochs, "time": self.elapsed}
        # a tenth of an epoch, ten times, is one
        return units[quantity.family] / quantity.amount * (1 + 1e-12)


def train(
    checked: CheckedGraph,
    run: Run,
    data: OpenedData,
    *,
    device: torch.device,
    progress: Progress,
    resume: bool = False,
    layer_of: LayerOf = layer_class,
) -> dict[str, Any]:
    """Train a graph into a run's folder and measure it; the content of result.json.

    resume    go on from the newest checkpoint (from the start where there is none)
    layer_of  where the torch side of a component is found

    Raises Stopped (with a checkpoint written), Diverged, StorageError, checkpoint.CheckpointError, data.tally.BadData.
    """
    trainer = _prepare(checked, run, data, device=device, progress=progress, layer_of=layer_of)
    clean_up(run.checkpoints)
    if resume:
        _resume(trainer)
    trainer.metrics.forget_after(trainer.state.step if resume else -1)
    trainer.board.open(after=trainer.state.step)
    try:
        with StopRequest() as stop:
            progress.start(steps=trainer.length.steps, step=trainer.state.step, stop=trainer.settings["stop"])
            try:
                _loop(trainer, stop)
            finally:
                progress.finish()
            return _measure(trainer, stop)
    finally:
        trainer.board.close()


def _loop(trainer: Trainer, stop: StopRequest) -> None:
    state = trainer.state
    trainer._since = trainer._window_since = time.monotonic()
    trainer._checkpoints = int(trainer.done(trainer.settings["checkpoint"].every))
    trainer.finished = trainer.done(trainer.settings["stop"]) >= 1
    # what a run that was stopped while it measured still owes
    _evaluate_and_save(trainer, stop)
    state.model.module.train()
    with closing(_batches(trainer)) as batches:
        while not trainer.finished:
            if stop.requested is not None:
                _stop(trainer, stop.requested)
            batch, state.epoch, state.next_batch = next(batches)
            _take(trainer, batch.to(trainer.device), stop)
    if stop.requested is not None:
        _stop(trainer, stop.requested)
    trainer.keep_time()


def _batches(trainer: Trainer) -> Generator[tuple[Batch, int, int], None, None]:
    """Batches from where the run stands on, epoch after epoch; each with the place behind it."""
    settings, num_workers = trainer.settings, _num_workers(trainer)
    epoch, start = trainer.state.epoch, trainer.state.next_batch
    while True:
        last: Batch | None = None
        for batch in trainer.data.batches(
            "train",
            batch=settings["batch"],
            seed=settings["seed"],
            epoch=epoch,
            start_batch=start,
            shuffle=True,
            augment=True,
            num_workers=num_workers,
            pin=trainer.device.type == "cuda",
        ):
            # one ahead, to know an epoch's last batch: others may follow whose recordings are all bad
            if last is not None:
                yield last, epoch, last.number + 1
            last = batch
        if last is None and start == 0:
            raise BadData("empty_split", f"no batch of epoch {epoch} has a recording that can be used")
        epoch, start = epoch + 1, 0
        if last is not None:
            yield last, epoch, 0


def _num_workers(trainer: Trainer) -> int:
    """Processes that read data: none for short epochs of recordings in memory, which are over before they start."""
    short = trainer.steps_per_epoch < SHORT_EPOCH and trainer.data.in_memory
    return 0 if short else int(trainer.settings["workers"])


def _take(trainer: Trainer, batch: Batch, stop: StopRequest) -> None:
    """All that one batch brings about."""
    _train_step(trainer, batch)
    trainer.finished = trainer.done(trainer.settings["stop"]) >= 1
    _report(trainer)
    _evaluate_and_save(trainer, stop)


def _train_step(trainer: Trainer, batch: Batch) -> None:
    """One batch: loss, gradients, unscale, regularize, clip, step. What is not finite leaves everything as it was."""
    state, clip = trainer.state, trainer.settings["clip"]
    trainer.rate = trainer.rate_of(state.step, trainer.length)
    for group in state.optimizer.param_groups:
        group["lr"] = trainer.rate
    trainer.statistics.remember()
    loss = state.model.loss(state.model(batch), batch).sum() / state.model.loss_weight(batch).sum()
    torch.autograd.backward(state.scale.scale(loss))
    gradients = [weight.grad for weight in trainer.weights if weight.grad is not None]
    state.scale.unscale(gradients)
    trainer.regularizer.add_gradient()
    norm = torch.nn.utils.get_total_norm(gradients, foreach=True)
    # the step's one wait for the device
    loss_value, norm_value = torch.stack((loss.detach(), norm)).tolist()
    finite = math.isfinite(loss_value) and math.isfinite(norm_value)
    if finite:
        if clip is not None and norm_value + 1e-6 > clip:
            torch.nn.utils.clip_grads_with_norm_(trainer.weights, clip, norm, foreach=True)
        trainer.regularizer.decay(trainer.rate)
        state.optimizer.step()
        state.step += 1
        state.skips = 0
        state.losses.append(loss_value)
        trainer._window_examples += len(batch)
    else:
        trainer.statistics.go_back()
        _skipped(trainer, loss_value, batch)
    state.scale.update(overflow=not finite)
    state.optimizer.zero_grad(set_to_none=True)


def _skipped(trainer: Trainer, loss: float, batch: Batch) -> None:
    """Tell of a batch that was left out; Diverged when it was one too many. Overflow of a loss scale is no news."""
    state = trainer.state
    state.skips += 1
    if not state.scale.enabled or state.scale.at_floor:
        what = f"the loss is {loss:g}" if not math.isfinite(loss) else "its gradient is not finite"
        trainer.progress.warn(f"skipped a batch after step {state.step}: {what} (it starts with {batch.ids[0]})")
    if state.skips >= MOST_SKIPS:
        raise Diverged(
            f"{MOST_SKIPS} batches in a row had a loss or a gradient that is not finite, after step {state.step}; "
            f"try a lower learning rate, `clip` or fp32. {_unharmed(trainer)}"
        )


def _unharmed(trainer: Trainer) -> str:
    """What a divergence leaves behind."""
    if checkpoint_steps(trainer.run.checkpoints):
        return f"The checkpoints in {trainer.run.checkpoints} are unharmed"
    return "There is no checkpoint yet"


def _report(trainer: Trainer) -> None:
    """Loss, learning rate and speed: to the display now, to metrics.jsonl and TensorBoard every `log` steps."""
    state = trainer.state
    if not state.losses:
        return
    spent = max(time.monotonic() - trainer._window_since, 1e-9)
    record = {
        "step": state.step,
        "epoch": round(trainer.epochs, 4),
        "loss": math.fsum(state.losses) / len(state.losses),
        "lr": trainer.rate,
        "examples_per_second": round(trainer._window_examples / spent, 2),
        "seconds": round(trainer.elapsed, 3),
    }
    if state.scale.enabled:
        record["loss_scale"] = state.scale.value
    trainer.progress.advance(record)
    if state.step % int(trainer.settings["log"]) and not trainer.finished:
        return
    state.losses, trainer._window_examples, trainer._window_since = [], 0, time.monotonic()
    _record(trainer, record)
    trainer.board.add("train", record, state.step)
    trainer.progress.train(record)


def _record(trainer: Trainer, record: Mapping[str, Any]) -> None:
    try:
        trainer.metrics.add(record)
    except StorageError as error:
        trainer.progress.warn(f"{error}; training goes on and tries again with the next figures")


# ---------------------------------------------------------------- now and then


def _evaluate_and_save(trainer: Trainer, stop: StopRequest) -> None:
    """Measure the valid split and write a checkpoint, each when it is due; the last step is measured always."""
    state = trainer.state
    before = time.monotonic()
    improved = False
    evaluations = int(trainer.done(trainer.settings["evaluate"]))
    if evaluations > state.evaluations or trainer.finished:
        if "valid" in trainer.data.splits and state.evaluated != state.step and state.step > 0:
            found = _evaluate(trainer, "valid", stop)
            if found is None:
                return  # asked to stop; the run that goes on measures first
            improved = _is_best(trainer, found)
            state.evaluated = state.step
        state.evaluations = evaluations
    checkpoints = int(trainer.done(trainer.settings["checkpoint"].every))
    if checkpoints > trainer._checkpoints or improved:
        _save(trainer)
        trainer._checkpoints = checkpoints
    # the speed of training is without this
    trainer._window_since += time.monotonic() - before


def _is_best(trainer: Trainer, found: Evaluation) -> bool:
    """Write down what the valid split gave; whether it is the best so far."""
    state = trainer.state
    figures = found.to_json()
    record = {"step": state.step, "split": "valid", **figures}
    _record(trainer, record)
    trainer.board.add("valid", figures, state.step)
    trainer.progress.evaluation(record, found.pairs)
    trainer._measured = (state.step, found)
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


def _save(trainer: Trainer, *, must: bool = False) -> None:
    """Write a checkpoint of where the run stands, if there is none. Failure ends training only where one `must` be."""
    state = trainer.state
    if _place(state) == trainer._saved:
        return
    trainer.keep_time()
    best = state.best
    checkpoint = state.to_checkpoint(made_with=_made_with(trainer))
    if not is_finite(checkpoint):
        message = f"the weights are not finite after step {state.step}"
        if must:
            raise Diverged(f"{message}. {_unharmed(trainer)}")
        trainer.progress.warn(f"{message}, so there is no checkpoint of it")
    else:
        try:
            keep = trainer.settings["checkpoint"].keep
            save_checkpoint(trainer.run.checkpoints, checkpoint, keep=keep, best=best[0] if best else None)
            trainer._saved, trainer._best_saved = _place(state), best
            return
        except StorageError as error:
            if must:
                raise
            trainer.progress.warn(f"{error}; training goes on and tries again at the next checkpoint")
    if best is not None and best[0] == state.step:
        # the best weights are those that can be read again
        state.best = trainer._best_saved


def _place(state: TrainingState) -> tuple[object, ...]:
    """What tells two checkpoints apart."""
    return state.step, state.epoch, state.next_batch, state.evaluated, state.best


def _stop(trainer: Trainer, signal: str) -> None:
    _save(trainer, must=True)
    raise Stopped(signal, trainer.state.step)


# ---------------------------------------------------------------- start and end


def _prepare(
    checked: CheckedGraph,
    run: Run,
    data: OpenedData,
    *,
    device: torch.device,
    progress: Progress,
    layer_of: LayerOf = layer_class,
) -> Trainer:
    settings = checked.graph.hyperparameters.values()
    torch.manual_seed(settings["seed"])
    model = build_model(checked, layer_of=layer_of)
    model.module.to(device)
    parameters = named_parameters(model.module, checked)
    initialize(settings["initializer"], parameters)
    precision = settings["precision"]
    num_batches = data.num_batches("train", batch=settings["batch"], seed=settings["seed"], shuffle=True, augment=True)
    return Trainer(
        checked=checked,
        data=data,
        run=run,
        progress=progress,
        device=device,
        settings=settings,
        state=TrainingState(
            model=model,
            optimizer=optimizer_for(settings["optimizer"], parameters),
            scale=LossScale(precision if isinstance(precision, Autocast) else None),
            device=device,
        ),
        weights=[parameter.tensor for parameter in parameters],
        statistics=RunningStatistics(model.module),
        rate_of=schedule_for(settings["schedule"], float(settings["optimizer"].lr)),
        regularizer=regularizer_for(settings["regularizer"], parameters),
        steps_per_epoch=max(num_batches, 1),
        metrics=MetricsFile(run.metrics),
        board=Board(run.tensorboard, warn=progress.warn),
    )


def _made_with(trainer: Trainer) -> dict[str, Any]:
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


def _resume(trainer: Trainer) -> None:
    found = load_checkpoint(trainer.run.checkpoints, warn=trainer.progress.warn)
    if found is None:
        trainer.progress.say("there is no checkpoint yet: training starts from the beginning")
        return
    different = trainer.state.load(found, made_with=_made_with(trainer))
    if different:
        trainer.progress.warn(f"inexact resume: different from before: {', '.join(different)}")
    trainer._saved, trainer._best_saved = _place(trainer.state), trainer.state.best
    trainer.progress.say(f"goes on from step {found.step}")


def _measure(trainer: Trainer, stop: StopRequest) -> dict[str, Any]:
    """The last checkpoint, then the best weights on every split but train."""
    state = trainer.state
    _save(trainer, must=True)
    step = state.step
    if state.best is not None and state.best[0] != step:
        chosen = load_best(trainer.run.checkpoints, warn=trainer.progress.warn)
        if chosen is not None:
            load_model(state.model, chosen)
            step = chosen.step
    result: dict[str, Any] = {
        "steps": state.step,
        "epochs": round(trainer.epochs, 4),
        "seconds": round(state.seconds, 3),
        "best_step": step,
        "parameters": sum(weight.numel() for weight in trainer.weights),
    }
    for split in trainer.data.splits:
        if split != "train":
            known = trainer._measured if split == "valid" else None
            found = known[1] if known is not None and known[0] == step else _evaluate(trainer, split, stop)
            if found is None:
                raise Stopped(stop.requested or "", state.step)
            result[split] = found.to_json()
            trainer.progress.result(split, found.to_json(), found.pairs)
    result["data"] = trainer.data.tally.to_json()
    trainer.metrics.write()
    trainer.run.write_result(result)
    return result


class _StopAsked(Exception):
    pass


def _evaluate(trainer: Trainer, split: str, stop: StopRequest) -> Evaluation | None:
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
