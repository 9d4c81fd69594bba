"""What training and evaluation use of opened data, whatever it holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from ...dsl.values import Quantity
from .batch import Batch
from .sampler import WHOLE, Share
from .tally import Tally


class OpenedData(Protocol):
    """The opened data of a data section (SpeechData, ParallelTextData).

    tally  what did not become an example, and why
    """

    tally: Tally

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits that there are."""

    @property
    def in_memory(self) -> bool:
        """Whether a batch is made without reading a file."""

    def num_examples(self, split: str) -> int:
        """Examples of a split."""

    def num_batches(
        self,
        split: str,
        *,
        batch: Quantity | int,
        seed: int = 0,
        epoch: int = 0,
        shuffle: bool = False,
        augment: bool = False,
        share: Share = WHOLE,
    ) -> int:
        """Batches of one epoch."""

    def batches(
        self,
        split: str,
        *,
        batch: Quantity | int,
        seed: int = 0,
        epoch: int = 0,
        start_batch: int = 0,
        shuffle: bool = False,
        augment: bool = False,
        num_workers: int = 0,
        pin: bool = False,
        share: Share = WHOLE,
    ) -> Iterator[Batch]:
        """One epoch's batches from number `start_batch` on: a function of (seed, epoch) and the examples.

        share  which part of each batch: every process gets as many batches, of the same numbers
        """

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of what a search found, to be compared with `Batch.texts`."""

    def save_codecs(self, folder: Path) -> None:
        """Write down what makes texts of tokens, unless the graph says it all. Raises StorageError."""
