"""What every translation toolkit is asked to do in a comparison: passes over the same sentences, and generation."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from .sentences import Sentences, Tokens

BEAM = 4
# target tokens of every generated sentence: least and most, so that all do the same work
LENGTH = 20
LENGTH_PENALTY = 0.6
SMOOTHING = 0.1
CLIP = 1.0


@dataclass(frozen=True)
class Sizes:
    """A model that every toolkit builds for itself.

    kind     "transformer", or the attention of a recurrent one: "bahdanau", "luong"
    layers   of the encoder and again of the decoder
    width    of embeddings and of a Transformer
    inner    of feed-forward layers; of a recurrent decoder, and of both directions of its encoder together
    budget   tokens of a batch: sentences times the longest of both sides, padding counted
    """

    name: str
    kind: str
    layers: int
    width: int
    inner: int
    heads: int
    budget: int
    vocabulary: int = 8000
    dropout: float = 0.3

    @property
    def recurrent(self) -> bool:
        return self.kind != "transformer"


@dataclass(frozen=True)
class Count:
    """Target and source positions of batches: real ones, and with padding."""

    sentences: int = 0
    target: int = 0
    target_places: int = 0
    source: int = 0
    source_places: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(*(mine + its for mine, its in zip(self._all(), other._all(), strict=True)))

    def _all(self) -> tuple[int, ...]:
        return (self.sentences, self.target, self.target_places, self.source, self.source_places)

    @property
    def efficiency(self) -> float:
        """Real tokens among all positions of both sides."""
        return (self.target + self.source) / (self.target_places + self.source_places)


@dataclass(frozen=True)
class Pass:
    """One pass over the sentences: what was in it, its steps, all its seconds, and those spent on getting batches."""

    count: Count = Count()
    steps: int = 0
    seconds: float = 0.0
    waited: float = 0.0


class Toolkit(ABC):
    """A toolkit with one model, ready to train and to translate on the CPU in float32."""

    name: ClassVar[str]
    sizes: Sizes
    sentences: Sentences

    @abstractmethod
    def batches(self) -> Iterator[Any]:
        """All sentences once, batched in the toolkit's own way."""

    @abstractmethod
    def step(self, batch: Any) -> float:
        """Forward, loss, backward, clipping, Adam; gives the loss in nats a token, as a cross-entropy."""

    @abstractmethod
    def count(self, batch: Any) -> Count:
        """What a batch holds."""

    @abstractmethod
    def generate(self, sources: Sequence[Tokens]) -> Sequence[Sequence[int]]:
        """The best of a beam for each sentence, exactly LENGTH tokens long."""

    @abstractmethod
    def num_weights(self) -> int:
        """Trained numbers; what is shared counts once."""

    @abstractmethod
    def close(self) -> None:
        """Let go of files."""

    def train_pass(self, *, at_most: int | None = None) -> Pass:
        """Train on every sentence once (or on so many batches)."""
        found, iterator, begun = Pass(), self.batches(), time.perf_counter()
        while at_most is None or found.steps < at_most:
            asked = time.perf_counter()
            batch = next(iterator, None)
            waited = time.perf_counter() - asked
            if batch is None:
                break
            self.step(batch)
            found = replace(
                found, count=found.count + self.count(batch), steps=found.steps + 1, waited=found.waited + waited
            )
        return replace(found, seconds=time.perf_counter() - begun)
