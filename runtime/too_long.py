"""Inputs that are longer than a model has places for."""

from __future__ import annotations

from .data.batch import Batch


class TooLong(Exception):
    """An example of a batch is longer than a model can read (learned positions end)."""


def too_long(path: str, batch: Batch, most: int) -> TooLong:
    """The error about the longest example of a stream; `most` is the longest that the model reads."""
    lengths_B = batch.lengths[path]
    row = int(lengths_B.argmax())
    return TooLong(
        f"{batch.ids[row]}: `{path}` has a length of {int(lengths_B[row]):,}, and the model has places for {most:,}; "
        "take it out of its split, or train with more places (positions: max_tokens)"
    )
