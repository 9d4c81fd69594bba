"""Tokens of texts made into one padded batch."""

from __future__ import annotations

from collections.abc import Sequence

from ...compiler.data_layer import BEGIN, END, SHIFTED
from ..extras import extra
from .batch import Batch

with extra("train", "training"):
    import numpy as np
    import torch
    from numpy.typing import NDArray

SOURCE = "data.source"
TARGET = "data.target"

Tokens = NDArray[np.int32]


def collate_text(
    sources: Sequence[Tokens],
    targets: Sequence[Tokens],
    *,
    ids: Sequence[str],
    texts: Sequence[str],
    epoch: int,
    number: int,
) -> Batch:
    """Pad rows with zeros behind their ends.

    Source and target have an end mark behind them; the shifted target has a begin mark before it instead. Lengths count
    the mark.
    """
    source_lengths, target_lengths = lengths_with_end(sources), lengths_with_end(targets)
    source_BS = padded(sources, source_lengths)
    target_BU = padded(targets, target_lengths)
    shifted_BU = np.zeros_like(target_BU)
    shifted_BU[:, 0] = BEGIN
    shifted_BU[:, 1:] = target_BU[:, :-1]
    # what stood last in a row that others outlast was its end mark
    shifted_BU[shifted_BU == END] = 0
    target_lengths_B = torch.from_numpy(target_lengths)
    return Batch(
        inputs={
            SOURCE: torch.from_numpy(source_BS),
            TARGET: torch.from_numpy(target_BU),
            TARGET + SHIFTED: torch.from_numpy(shifted_BU),
        },
        lengths={
            SOURCE: torch.from_numpy(source_lengths),
            TARGET: target_lengths_B,
            TARGET + SHIFTED: target_lengths_B,
        },
        ids=tuple(ids),
        texts=tuple(texts),
        epoch=epoch,
        number=number,
    )


def lengths_with_end(rows: Sequence[Tokens]) -> NDArray[np.int64]:
    """Tokens of each row, its end mark counted."""
    return np.fromiter((len(row) + 1 for row in rows), np.int64, len(rows))


def padded(rows: Sequence[Tokens], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """All rows with their end marks, written into zeros by one mask."""
    padded = np.zeros((len(rows), int(lengths.max())), np.int64)
    places = np.arange(padded.shape[1])
    padded[places < (lengths - 1)[:, None]] = np.concatenate(rows)
    padded[np.arange(len(rows)), lengths - 1] = END
    return padded
