"""Data made up in the shape of a spec's own: noise or random tokens, with lengths within its limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ...compiler.graph import CheckedGraph
from ...compiler.longest import longest
from ...compiler.memory import batch_examples
from ...compiler.part import plain_ends
from ...compiler.parts.data.parallel_text import ParallelText
from ...compiler.parts.data.speech import Speech
from ...compiler.trained_tokenizer import NUM_MARKS
from ...dsl.values import Quantity
from ..extras import extra
from .batch import Batch
from .batch_size import batch_size
from .collate import collate
from .collate_text import collate_text
from .opening import frames_of_loss
from .rows import Row
from .sampler import WHOLE, Batches, Share, bucketed_batches, mixed, shuffled
from .tally import Tally

with extra("train", "training"):
    import numpy as np
    from numpy.typing import NDArray

BATCHES = 64
TOKENS_PER_SECOND = 14.0  # letters of read English
SHORTEST_SHARE = 0.1


def generated_data(checked: CheckedGraph, *, seed: int = 0) -> GeneratedData:
    """Examples of the data section's shape, some 64 batches of them: the same for the same seed.

    Lengths are uniform between a tenth of the longest that `keep` allows and all of it. A target is as long as its
    source, give or take a tenth; a recording has 14 tokens a second, and no more than CTC can place.
    """
    settings = checked.graph.data
    random, examples = np.random.default_rng(seed), BATCHES * batch_examples(checked.graph)
    make: _MakeText | _MakeSpeech
    if isinstance(settings, ParallelText):
        most = int(plain_ends(settings.keep)[1])
        least = max(int(plain_ends(settings.keep)[0]), round(most * SHORTEST_SHARE), 1)
        source = random.integers(least, most + 1, examples)
        target = np.clip(np.rint(source * random.normal(1.0, 0.1, examples)), least, most).astype(np.int64)
        make = _MakeText(source, target, tuple(one.num_tokens for one in settings.tokenizers), seed)
        # a row counts as its longer side with its end mark
        lengths, budget = np.maximum(source, target) + 1.0, np.maximum(source, target) + 1.0
    else:
        assert isinstance(settings, Speech), settings.name
        rate, top = settings.feature.rate, longest(checked.graph)["N"]
        samples = random.integers(max(1, round(top * SHORTEST_SHARE)), top + 1, examples)
        tokens = _num_tokens(samples / rate, samples, frames_of_loss(checked.graph), settings.labels)
        make = _MakeSpeech(settings, samples, tokens, seed)
        lengths, budget = samples / rate, tokens.astype(np.float64)
    return GeneratedData(make, lengths, budget, settings.buckets)


def _num_tokens(
    seconds: NDArray[np.float64],
    samples: NDArray[np.int64],
    frames: Callable[[Any], Any] | None,
    most: int | None,
) -> NDArray[np.int64]:
    tokens = np.maximum(1, seconds * TOKENS_PER_SECOND)
    if frames is not None:
        # half as many as there are frames: repeats take one more each
        tokens = np.minimum(tokens, np.maximum(1, frames(samples) // 2))
    return np.minimum(tokens, np.inf if most is None else most).astype(np.int64)


@dataclass
class GeneratedData:
    """Opened data (see `OpenedData`) that is made while it is read.

    lengths    of each example, in seconds or in tokens
    in_tokens  the same where batches are counted in tokens
    """

    make: _MakeText | _MakeSpeech
    lengths: NDArray[np.float64]
    in_tokens: NDArray[np.float64]
    buckets: int
    tally: Tally = field(default_factory=Tally)
    splits: tuple[str, ...] = ("train",)
    in_memory: bool = True

    def num_examples(self, split: str) -> int:
        return len(self.lengths)

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
        return len(self._plan(batch, seed=seed, epoch=epoch, share=share))

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
        """One epoch's batches, cut into lengths as the spec's data would be; always mixed, never augmented."""
        plan = self._plan(batch, seed=seed, epoch=epoch, share=share)
        for number in range(start_batch, len(plan)):
            own = share.of(plan[number])
            made = self.make(own or plan[number][:1], epoch=epoch, number=number)
            if share.size > 1:
                made = replace(made, counts=bool(own), total=len(plan[number]))
            yield made.pin_memory() if pin else made

    def decode(self, tokens: Sequence[int]) -> str:
        """Nothing was said."""
        return ""

    def save_codecs(self, folder: Path) -> None:
        """There are none."""

    def _plan(self, batch: Quantity | int, *, seed: int, epoch: int, share: Share) -> Batches:
        size = batch_size(batch, parts=share.size)
        lengths = self.in_tokens if size.of == "tokens" else self.lengths
        order = shuffled(len(lengths), seed=seed, epoch=epoch)
        return mixed(bucketed_batches(order, lengths, size, buckets=self.buckets), seed=seed, epoch=epoch)


@dataclass(frozen=True)
class _MakeText:
    """Batches of random tokens; numbers of tokens without end marks."""

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    vocabularies: tuple[int, ...]
    seed: int

    def __call__(self, rows: Sequence[int], *, epoch: int, number: int) -> Batch:
        random = np.random.default_rng((self.seed, epoch, number))
        sides = [
            [random.integers(NUM_MARKS, size, int(count[row]), dtype=np.int32) for row in rows]
            for count, size in zip((self.source, self.target), self.vocabularies, strict=True)
        ]
        ids = [f"generated:{row}" for row in rows]
        return collate_text(*sides, ids=ids, texts=[""] * len(rows), epoch=epoch, number=number)


@dataclass(frozen=True)
class _MakeSpeech:
    """Batches of noise."""

    settings: Speech
    samples: NDArray[np.int64]
    tokens: NDArray[np.int64]
    seed: int

    def __call__(self, rows: Sequence[int], *, epoch: int, number: int) -> Batch:
        random = np.random.default_rng((self.seed, epoch, number))
        feature = self.settings.feature
        made = [
            Row(
                identity=f"generated:{row}",
                samples=random.random(int(self.samples[row]), dtype=np.float32) - np.float32(0.5),
                tokens=tuple(random.integers(0, self.settings.tokenizer.num_tokens, int(self.tokens[row])).tolist()),
                text="",
            )
            for row in rows
        ]
        pad_to = self.settings.pad_to * round(feature.hop * feature.rate)
        return collate(made, rate=feature.rate, pad_to=pad_to, epoch=epoch, number=number, skipped=0)
