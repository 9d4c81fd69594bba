"""The batches of each step, in the order of the epochs."""

from __future__ import annotations

from collections.abc import Generator

from ..data.batch import Batch
from ..data.tally import BadData
from .training import Trainer

SHORT_EPOCH = 16


def train_batches(trainer: Trainer) -> Generator[tuple[list[Batch], int, int], None, None]:
    """The batches of each step from where the run stands on, epoch after epoch, with the place behind them.

    A step is of one epoch: the last one of an epoch may be of fewer batches.
    """
    settings = trainer.settings
    epoch, start = trainer.state.epoch, trainer.state.next_batch
    while True:
        held: list[Batch] = []
        any_batch = False
        for batch in trainer.data.batches(
            "train",
            batch=settings["batch"],
            seed=settings["seed"],
            epoch=epoch,
            start_batch=start,
            shuffle=True,
            augment=True,
            num_workers=num_workers(trainer),
            pin=trainer.device.type == "cuda",
            share=trainer.share,
        ):
            # one ahead, to know an epoch's last step: others may follow whose recordings are all bad
            if len(held) == trainer.accumulate:
                yield held, epoch, held[-1].number + 1
                held = []
            held.append(batch)
            any_batch = True
        if not any_batch and start == 0:
            raise BadData("empty_split", f"no batch of epoch {epoch} has a recording that can be used")
        epoch, start = epoch + 1, 0
        if held:
            yield held, epoch, 0


def num_workers(trainer: Trainer) -> int:
    """Processes that read data: none for short epochs of recordings in memory, which are over before they start."""
    short = trainer.batches_per_epoch < SHORT_EPOCH and trainer.data.in_memory
    return 0 if short else int(trainer.settings["workers"])
