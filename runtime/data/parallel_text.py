"""A parallel corpus opened for training and evaluation: its splits as token numbers, in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from ...compiler.part import plain_ends
from ...compiler.parts.data.parallel_text import ParallelText
from ...dsl.values import Quantity, SplitOf
from ..extras import extra
from .batch import Batch
from .batch_size import batch_size
from .codecs import BadTokens, Codecs, of_a_run
from .collate_text import collate_text
from .corpus import OnProgress
from .example import Problem
from .pairs import Pair, read_pairs
from .sampler import WHOLE, Batches, BatchSize, Share, bucketed_batches, mixed, shuffled, sorted_batches
from .splits import share_of
from .tally import BAD_LIMIT, BadData, BadLimit, OnBad, Tally
from .text_lines import BadTextFile
from .text_source import TextSource, open_text_source
from .token_training import trained_codecs

with extra("train", "training"):
    import numpy as np
    from numpy.typing import NDArray

SPLITS = ("train", "valid", "test")


def open_parallel_text(
    settings: ParallelText,
    *,
    base: Path,
    environment: Mapping[str, str],
    splits: Sequence[str] | None = None,
    tokens: Path | None = None,
    on_progress: OnProgress | None = None,
    warn: Callable[[str], None] = lambda message: None,
    limit: BadLimit = BAD_LIMIT,
) -> ParallelTextData:
    """Open the data of a `data parallel_text` section and check it.

    base         the folder that a relative root starts from
    environment  for env() in paths, and S2SC_CACHE
    splits       those wanted; None: all that the section names
    tokens       a folder with the tokenizers of a run (codecs.Codecs.save); None: they come from the training texts
    on_progress  called with (what, done, total)
    warn         takes a sentence for each bad line shown, and for what else looks wrong

    Every file is read whole and kept in memory as token numbers. Pairs that `keep` does not allow are left out of train
    and counted; valid and test stay whole, so that a figure means the same for every model.
    Raises BadData, MissingExtra.
    """
    source = open_text_source(settings, base=base, environment=environment, on_progress=on_progress)
    wanted = tuple(name for name in SPLITS if name in source.given and (splits is None or name in splits))
    on_bad: OnBad = "skip" if settings.on_bad == "skip" else "fail"
    tally = Tally(on_bad=on_bad, limit=limit, warn=warn)
    needed = wanted if tokens is not None else ("train", *wanted)
    pairs = _divide(source, _read(source, needed, settings, tally))
    codecs = _codecs(settings, pairs.get("train", []), tokens, environment, on_progress, warn)
    for leak in _leaks({name: pairs[name] for name in wanted}):
        warn(leak)
    found: dict[str, _Split] = {}
    for name in wanted:
        split = _encoded(pairs.pop(name), codecs)
        found[name] = _kept(split, settings, tally) if name == "train" else split
        if not len(found[name]):
            lines = tally.lines() or ["its files hold no lines"]
            raise BadData("empty_split", f"nothing is left of {name}: {'; '.join(lines)}", tuple(tally.refused))
    return ParallelTextData(settings, source.root.folder, codecs, tally, found)


@dataclass
class ParallelTextData:
    """The opened data of a parallel_text section.

    root    the folder that its files are in
    codecs  what turns texts into tokens and back
    tally   what did not become an example, and why; print its `lines()` at the end
    """

    settings: ParallelText
    root: Path
    codecs: Codecs
    tally: Tally
    _examples: dict[str, _Split]

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits that there are."""
        return tuple(self._examples)

    @property
    def in_memory(self) -> bool:
        """Always: texts are small."""
        return True

    def examples(self, split: str) -> Iterator[TextExample]:
        """A split's examples in the order of its files."""
        found = self._examples[split]
        for index in range(len(found)):
            tokens = found.source[index].tolist(), found.target[index].tolist()
            yield TextExample(found.ids[index], tuple(tokens[0]), tuple(tokens[1]), found.texts[index])

    def num_examples(self, split: str) -> int:
        return len(self._examples[split])

    def decode(self, tokens: Sequence[int]) -> str:
        """The target text of token numbers."""
        return self.codecs.target.decode(tokens)

    def save_codecs(self, folder: Path) -> None:
        """Write the tokenizers into a folder. Raises StorageError."""
        self.codecs.save(folder)

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
        """Batches of one epoch. Counted in examples it is the same for every epoch."""
        size = _size(batch, share)
        if size.of == "examples":
            return -(-self.num_examples(split) // (max(1, int(size.amount)) * size.parts))
        return len(self._plan(split, size, seed=seed, epoch=epoch, shuffle=shuffle))

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
        """One epoch's batches from number `start_batch` on.

        batch        so many examples, or a budget of padded tokens: rows times the longest of both sides with its end
                     mark. Only a single pair that is longer than the budget passes it.
        augment      changes nothing: there are no augmentations of text
        num_workers  changes nothing: a batch is made in less time than a process would take to hand it over

        Which examples they hold, in which order, is a function of (seed, epoch) and the examples. Without `shuffle` the
        longest examples come first.
        """
        plan = self._plan(split, _size(batch, share), seed=seed, epoch=epoch, shuffle=shuffle)
        examples = self._examples[split]
        for number in range(start_batch, len(plan)):
            own = share.of(plan[number])
            # a process without a part takes part all the same: the others wait for it in every batch
            rows = own or plan[number][:1]
            made = collate_text(
                [examples.source[row] for row in rows],
                [examples.target[row] for row in rows],
                ids=[examples.ids[row] for row in rows],
                texts=[examples.texts[row] for row in rows],
                epoch=epoch,
                number=number,
            )
            if share.size > 1:
                made = replace(made, counts=bool(own), total=len(plan[number]))
            yield made.pin_memory() if pin else made

    def _plan(self, split: str, size: BatchSize, *, seed: int, epoch: int, shuffle: bool) -> Batches:
        examples = self._examples[split]
        lengths = np.maximum(examples.source_lengths, examples.target_lengths).astype(np.float64)
        # among pairs with the same longer side, those with a like shorter side go together
        second = np.minimum(examples.source_lengths, examples.target_lengths).astype(np.float64)
        if not shuffle:
            return sorted_batches(lengths, size, second=second)
        mix = self.settings.shuffle
        order = shuffled(len(examples), seed=seed, epoch=epoch) if mix else np.arange(len(examples))
        batches = bucketed_batches(order, lengths, size, buckets=self.settings.buckets, second=second)
        return mixed(batches, seed=seed, epoch=epoch) if mix else batches


@dataclass(frozen=True)
class TextExample:
    """A pair as token numbers without marks, and the target text as it stands in its file."""

    identity: str
    source: tuple[int, ...]
    target: tuple[int, ...]
    text: str


@dataclass(frozen=True)
class _Rows:
    """Sequences of token numbers, one behind the other in one array."""

    tokens: NDArray[np.int32]
    ends: NDArray[np.int64]

    def __getitem__(self, index: int) -> NDArray[np.int32]:
        return self.tokens[self.ends[index - 1] if index else 0 : self.ends[index]]

    def lengths(self) -> NDArray[np.int64]:
        return np.diff(self.ends, prepend=0)


@dataclass(frozen=True)
class _Split:
    """The examples of a split; lengths count the end mark."""

    source: _Rows
    target: _Rows
    texts: list[str]
    places: list[tuple[str, int]]
    source_lengths: NDArray[np.int64]
    target_lengths: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def ids(self) -> _Ids:
        return _Ids(self.places)


@dataclass(frozen=True)
class _Ids:
    places: list[tuple[str, int]]

    def __getitem__(self, index: int) -> str:
        file, line = self.places[index]
        return f"{file}:{line}"


def _size(batch: Quantity | int, share: Share) -> BatchSize:
    size = batch_size(batch, parts=share.size)
    if size.of == "seconds":
        raise BadData("batch", "texts have no length in seconds: batch = 4096 tokens or 64 examples")
    return size


def _read(source: TextSource, wanted: Iterable[str], settings: ParallelText, tally: Tally) -> dict[str, list[Pair]]:
    """The pairs of every split that is made of files and needed. What is wrong in them goes to the tally."""
    keys = settings.keys[0], settings.keys[1]
    pairs: dict[str, list[Pair]] = {}
    problems: list[Problem] = []
    for name in dict.fromkeys(source.origin(split) for split in wanted):
        pairs[name] = []
        records = chain.from_iterable(read_pairs(source.root, files, keys=keys) for files in source.files(name))
        try:
            for one in records:
                if isinstance(one, Pair):
                    pairs[name].append(one)
                else:
                    problems.append(one)
                tally.records += 1
        except BadTextFile as error:
            raise BadData("bad_text_file", f"{error} (in {source.root.folder})", tuple(problems)) from None
    tally.refuse(problems)
    return pairs


def _divide(source: TextSource, read: Mapping[str, list[Pair]]) -> dict[str, list[Pair]]:
    """All splits of what was read, those that are shares of another one taken out of it."""
    pairs = dict(read)
    for name in SPLITS:
        share = source.given.get(name)
        if isinstance(share, SplitOf) and share.split in pairs:
            of = pairs[share.split]
            # by what they say: the same pair twice is on one side
            taken = share_of([f"{pair.source}\t{pair.target}" for pair in of], share.share)
            pairs[name] = [pair for place, pair in enumerate(of) if place in taken]
            pairs[share.split] = [pair for place, pair in enumerate(of) if place not in taken]
    return pairs


def _codecs(
    settings: ParallelText,
    train: Sequence[Pair],
    tokens: Path | None,
    environment: Mapping[str, str],
    on_progress: OnProgress | None,
    warn: Callable[[str], None],
) -> Codecs:
    if tokens is not None:
        try:
            return of_a_run(tokens, settings)
        except BadTokens as bad:
            raise BadData("bad_tokens", str(bad)) from None
    if not train:
        raise BadData("empty_split", "nothing is left of train to make tokenizers from")
    return trained_codecs(
        settings,
        [pair.source for pair in train],
        [pair.target for pair in train],
        environment=environment,
        on_progress=on_progress,
        warn=warn,
    )


def _encoded(pairs: Sequence[Pair], codecs: Codecs) -> _Split:
    source = _rows(codecs.source.encode_all([pair.source for pair in pairs]))
    target = _rows(codecs.target.encode_all([pair.target for pair in pairs]))
    return _Split(
        source=source,
        target=target,
        texts=[pair.target for pair in pairs],
        places=[(pair.file, pair.line) for pair in pairs],
        source_lengths=source.lengths() + 1,
        target_lengths=target.lengths() + 1,
    )


def _rows(encoded: Sequence[Sequence[int]]) -> _Rows:
    ends = np.cumsum([len(row) for row in encoded], dtype=np.int64)
    tokens = np.fromiter((token for row in encoded for token in row), np.int32, int(ends[-1]) if len(ends) else 0)
    return _Rows(tokens, ends)


def _kept(split: _Split, settings: ParallelText, tally: Tally) -> _Split:
    """The training pairs whose sides are both within `keep`; the others are counted."""
    least, most = plain_ends(settings.keep)
    shorter = np.minimum(split.source_lengths, split.target_lengths) - 1 < least
    longer = np.maximum(split.source_lengths, split.target_lengths) - 1 > most
    tally.leave_out("too_short", "train", int(shorter.sum()))
    tally.leave_out("too_long", "train", int((longer & ~shorter).sum()))
    kept = np.flatnonzero(~(shorter | longer)).tolist()
    if len(kept) == len(split):
        return split
    source = _rows([split.source[index].tolist() for index in kept])
    target = _rows([split.target[index].tolist() for index in kept])
    return _Split(
        source=source,
        target=target,
        texts=[split.texts[index] for index in kept],
        places=[split.places[index] for index in kept],
        source_lengths=source.lengths() + 1,
        target_lengths=target.lengths() + 1,
    )


def _leaks(pairs: Mapping[str, Sequence[Pair]]) -> Iterator[str]:
    """Pairs that stand in training and in a split that measures it."""
    trained = {(pair.source, pair.target) for pair in pairs.get("train", ())}
    for name in ("valid", "test"):
        count = sum((pair.source, pair.target) in trained for pair in pairs.get(name, ()))
        if count:
            yield f"{count} pairs of {name} are in train too, so {name} shows less than it seems to"
