"""Figures of training: to the display, to metrics.jsonl and to TensorBoard."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from ..metrics_file import MetricsFile
from ..progress import Pairs
from ..storage import StorageError
from .training import Trainer

MOST_SAMPLES = 8
LONGEST_SAMPLE = 1_000


def report(trainer: Trainer) -> None:
    """Loss, learning rate and speed: to the display now, to metrics.jsonl and TensorBoard every `log` steps."""
    state = trainer.state
    if not state.losses:
        return
    spent = max(time.monotonic() - trainer.window_since, 1e-9)
    figures = {
        "step": state.step,
        "epoch": round(trainer.epochs, 4),
        "loss": math.fsum(state.losses) / len(state.losses),
        "lr": trainer.rate,
        "gradient_norm": trainer.norm,
        "examples_per_second": round(trainer.window_examples / spent, 2),
        "seconds": round(trainer.elapsed, 3),
    }
    if state.scaler.enabled:
        figures["loss_scale"] = trainer.scale
    if state.skipped:
        figures["skipped"] = state.skipped
    if state.rewinds:
        figures["rewinds"] = state.rewinds
    trainer.progress.advance(figures)
    if state.step % int(trainer.settings["log"]) and not trainer.finished:
        return
    state.losses, state.skipped, trainer.window_examples, trainer.window_since = [], 0, 0, time.monotonic()
    record(trainer, figures)
    trainer.board.add("train", figures, state.step)
    trainer.progress.train(figures)


def record(trainer: Trainer, figures: Mapping[str, Any]) -> None:
    """A line in metrics.jsonl."""
    try:
        trainer.metrics.add(figures)
    except StorageError as error:
        trainer.progress.warn(f"{error}; training goes on and tries again with the next figures")


def record_samples(trainer: Trainer, split: str, step: int, pairs: Pairs) -> None:
    """A line in samples.jsonl: the same few examples of a split each time, from all over it."""
    if not trainer.world.is_first:
        return
    chosen = pairs[:: max(1, len(pairs) // MOST_SAMPLES)][:MOST_SAMPLES]
    samples = [
        {"id": name[:LONGEST_SAMPLE], "wanted": wanted[:LONGEST_SAMPLE], "found": found[:LONGEST_SAMPLE]}
        for name, wanted, found in chosen
    ]
    try:
        MetricsFile(trainer.run.samples).add({"step": step, "split": split, "samples": samples})
    except StorageError as error:
        trainer.progress.warn(f"{error}; these samples are left out")
