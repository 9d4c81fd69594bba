"""Rows made into one padded batch."""

from __future__ import annotations

from collections.abc import Sequence

from ..extras import extra
from .batch import Batch
from .rows import Row

with extra("train", "training"):
    import numpy as np
    import torch

WAVEFORM = "data.audio.waveform"
TEXT = "data.text"


def collate(rows: Sequence[Row], *, rate: int, pad_to: int, epoch: int, number: int, skipped: int) -> Batch:
    """Pad rows with zeros behind their ends; the waveform's length becomes a multiple of `pad_to` samples."""
    num_samples = [len(row.samples) for row in rows]
    num_tokens = [len(row.tokens) for row in rows]
    waveform_BN = np.zeros((len(rows), -(-max(num_samples) // pad_to) * pad_to), np.float32)
    text_BU = np.zeros((len(rows), max(num_tokens)), np.int64)
    for place, row in enumerate(rows):
        waveform_BN[place, : len(row.samples)] = row.samples
        text_BU[place, : len(row.tokens)] = row.tokens
    return Batch(
        inputs={WAVEFORM: torch.from_numpy(waveform_BN), TEXT: torch.from_numpy(text_BU)},
        lengths={WAVEFORM: torch.tensor(num_samples), TEXT: torch.tensor(num_tokens)},
        ids=tuple(row.identity for row in rows),
        texts=tuple(row.text for row in rows),
        seconds=tuple(count / rate for count in num_samples),
        epoch=epoch,
        number=number,
        skipped=skipped,
    )
