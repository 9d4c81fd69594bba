"""A speech corpus opened for training and evaluation: its splits, in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from ...compiler.part import Part, plain_ends
from ...compiler.parts.data.speech import Speech
from ...dsl.values import Quantity, SplitOf
from ..extras import extra
from .alphabet import AlphabetCodec, codec_of
from .archive import Archive
from .batch import Batch
from .batch_size import batch_size
from .clips import Clips
from .collate import collate
from .corpus import OnProgress
from .example import Example, Problem
from .loader import TIMEOUT_SECONDS, Made, load
from .manifest import BadManifest, read_manifest
from .recordings import check_recordings
from .rows import Limits, Row, followers, make_row
from .sampler import WHOLE, Batches, BatchSize, Share, bucketed_batches, mixed, shuffled, sorted_batches
from .source import Source, open_source
from .splits import take_share
from .tally import BAD_LIMIT, BadData, BadLimit, OnBad, Tally

with extra("speech", "reading speech data"):
    import numpy as np

SPLITS = ("train", "valid", "test")
# Recordings are kept in memory, decoded, when all of them fit into this.
KEPT_BYTES = 512 * 2**20


def open_speech(
    settings: Speech,
    *,
    base: Path,
    environment: Mapping[str, str],
    splits: Sequence[str] | None = None,
    on_progress: OnProgress | None = None,
    warn: Callable[[str], None] = lambda message: None,
    limit: BadLimit = BAD_LIMIT,
    kept_bytes: int = KEPT_BYTES,
) -> SpeechData:
    """Open the data of a `data speech` section and check it.

    base         the folder that a relative root starts from
    environment  for env() in paths, and S2SC_CACHE
    splits       those wanted; None: all that the section names
    on_progress  called with (what, done, total)
    warn         takes a sentence for each bad record shown, and for what else looks wrong
    kept_bytes   decoded recordings are kept in memory when all of them fit

    Every manifest is read whole. Recordings that fit into memory are decoded now, so that training meets no bad one;
    others are decoded when their turn comes, and a bad one is then left out of its batch.
    Raises BadData.
    """
    source = open_source(settings, base=base, environment=environment, on_progress=on_progress)
    wanted = tuple(name for name in SPLITS if name in source.files and (splits is None or name in splits))
    on_bad: OnBad = "skip" if settings.on_bad == "skip" else "fail"
    tally = Tally(on_bad=on_bad, limit=limit, warn=warn)
    codec = codec_of(settings.tokenizer)
    archive = None if source.archive is None else Archive(source.root, source.archive)
    clips = Clips(source.root, archive, rate=settings.feature.rate)
    read, problems = _read(source, wanted, codec, tally)
    read, bad_audio = check_recordings(read, clips, kept_bytes=kept_bytes, on_progress=on_progress)
    tally.refuse([*problems, *bad_audio])
    examples = _divide(source, wanted, read)
    if "train" in examples:
        examples["train"] = _kept(examples["train"], settings, tally)
    for name, found in examples.items():
        if not found:
            lines = tally.lines() or ["its manifests hold no records"]
            raise BadData("empty_split", f"nothing is left of {name}: {'; '.join(lines)}", tuple(tally.refused))
    for leak in _leaks(examples):
        warn(leak)
    return SpeechData(settings, source.root.folder, codec, clips, tally, warn, examples)


@dataclass
class SpeechData:
    """The opened data of a speech section.

    tally  what did not become an example, and why; print its `lines()` at the end
    """

    settings: Speech
    root: Path
    codec: AlphabetCodec
    clips: Clips
    tally: Tally
    warn: Callable[[str], None]
    _examples: dict[str, tuple[Example, ...]]

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits that there are."""
        return tuple(self._examples)

    @property
    def rate(self) -> int:
        """Samples a second of every batch's waveform."""
        return self.clips.rate

    @property
    def in_memory(self) -> bool:
        """Whether the recordings are kept decoded."""
        return self.clips.kept_bytes > 0

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of token numbers."""
        return self.codec.decode(tokens)

    def save_codecs(self, folder: Path) -> None:
        """An alphabet stands in the graph."""

    def examples(self, split: str) -> tuple[Example, ...]:
        """A split's examples in the order of its manifests."""
        return self._examples[split]

    def num_examples(self, split: str) -> int:
        return len(self._examples[split])

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
        size = batch_size(batch, parts=share.size)
        if size.of == "examples":
            return -(-self.num_examples(split) // (max(1, int(size.amount)) * size.parts))
        return len(self._plan(split, size, seed=seed, epoch=epoch, shuffle=shuffle, augment=augment).batches)

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
        timeout_seconds: float = TIMEOUT_SECONDS,
        share: Share = WHOLE,
    ) -> Iterator[Batch]:
        """One epoch's batches from number `start_batch` on.

        Which examples they hold, in which order, and every random change is a function of (seed, epoch) and the
        examples; neither `num_workers` nor an earlier call matters. Without `shuffle` the longest examples come first.

        Raises BadData as `on_bad` says, WorkerFailed.
        """
        plan = self._plan(
            split, batch_size(batch, parts=share.size), seed=seed, epoch=epoch, shuffle=shuffle, augment=augment
        )
        make = _BatchMaker(
            examples=self._examples[split],
            clips=self.clips,
            plan=plan,
            augment=self.settings.waveform_augment if augment else (),
            space=self.codec.space,
            pad_to=self.settings.pad_to * round(self.settings.feature.hop * self.rate),
            seed=seed,
            epoch=epoch,
            share=share,
        )
        numbers = range(start_batch, len(plan.batches))
        for piece in load(make, numbers, num_workers=num_workers, timeout_seconds=timeout_seconds, warn=self.warn):
            self.tally.refuse(piece.problems)
            if piece.batch is not None:
                yield piece.batch.pin_memory() if pin else piece.batch

    def infeasible(self, split: str, frames: Callable[[Any], Any]) -> tuple[Example, ...]:
        """Examples that have more labels than CTC can place: fewer frames than labels and repeats.

        frames  the number of frames that the loss sees, for an int64 array of numbers of samples
        """
        examples = self._examples[split]
        num_samples = np.array([round((example.seconds or 0.0) * self.rate) for example in examples], np.int64)
        num_frames = np.asarray(frames(num_samples))
        return tuple(
            example
            for example, have in zip(examples, num_frames.tolist(), strict=True)
            if have < num_needed(example.tokens)
        )

    def leave_out_infeasible(self, frames: Callable[[Any], Any]) -> tuple[Example, ...]:
        """Take infeasible examples out of the training split and account for them; raises BadData if none is left.

        Out of no other: a test that leaves out what is hard for a model measures something else.
        """
        left_out = self.infeasible("train", frames)
        gone = set(left_out)
        self._examples["train"] = tuple(example for example in self._examples["train"] if example not in gone)
        self.tally.leave_out("infeasible", "train", len(left_out))
        if not self._examples["train"]:
            message = "no example of train leaves as many frames as it has labels; stride less, or use a smaller hop"
            raise BadData("empty_split", message)
        return left_out

    def _plan(self, split: str, size: BatchSize, *, seed: int, epoch: int, shuffle: bool, augment: bool) -> _Plan:
        examples = self._examples[split]
        mix = shuffle and self.settings.shuffle
        order = shuffled(len(examples), seed=seed, epoch=epoch) if mix else np.arange(len(examples))
        in_tokens = size.of == "tokens"
        own = np.array([len(example.tokens) if in_tokens else example.seconds or 0.0 for example in examples], float)
        joined: dict[int, tuple[int, ...]] = {}
        if augment:
            limits = Limits(plain_ends(self.settings.keep)[1], self.settings.labels or float("inf"))
            augmentations = self.settings.waveform_augment
            joined = followers(examples, order, augmentations, seed=seed, epoch=epoch, limits=limits)
        lengths = own.copy()
        for first, others in joined.items():
            lengths[first] += own[list(others)].sum() + (len(others) if in_tokens else 0)
        if not shuffle:
            return _Plan(sorted_batches(lengths, size), joined)
        batches = bucketed_batches(order, lengths, size, buckets=self.settings.buckets)
        return _Plan(mixed(batches, seed=seed, epoch=epoch) if mix else batches, joined)


@dataclass(frozen=True)
class _Plan:
    """An epoch: batches of indices, and the clips joined to them."""

    batches: Batches
    joined: Mapping[int, tuple[int, ...]]


@dataclass(frozen=True)
class _BatchMaker:
    """Makes a batch by its number, in whatever process."""

    examples: tuple[Example, ...]
    clips: Clips
    plan: _Plan
    augment: tuple[Part, ...]
    space: int | None
    pad_to: int
    seed: int
    epoch: int
    share: Share = WHOLE

    def __call__(self, number: int) -> Made:
        all_firsts = self.plan.batches[number]
        firsts = self.share.of(all_firsts)
        rows, problems = self._rows(firsts)
        counts = bool(rows)
        if not rows and self.share.size > 1:
            # the others may have rows, and wait for this process in every batch
            rows, problems = self._stand_in([first for first in all_firsts if first not in firsts], problems)
        if not rows:
            return Made(None, tuple(problems))
        batch = collate(
            rows,
            rate=self.clips.rate,
            pad_to=self.pad_to,
            epoch=self.epoch,
            number=number,
            skipped=len(firsts) - len(rows) if counts else 0,
        )
        total = len(all_firsts) if self.share.size > 1 else 0
        return Made(replace(batch, counts=counts, total=total), tuple(problems))

    def _stand_in(self, others: list[int], problems: list[Problem]) -> tuple[list[Row], list[Problem]]:
        for first in others:
            # what is wrong with them, the process tells whose they are
            rows, _ = self._rows((first,))
            if rows:
                return rows, problems
        return [], problems

    def _rows(self, firsts: tuple[int, ...]) -> tuple[list[Row], list[Problem]]:
        rows: list[Row] = []
        problems: list[Problem] = []
        for first in firsts:
            members = [self.examples[index] for index in (first, *self.plan.joined.get(first, ()))]
            row, found = make_row(members, self.clips, self.augment, space=self.space, seed=self.seed, epoch=self.epoch)
            problems.extend(found)
            if row is not None:
                rows.append(row)
        return rows, problems


def _read(
    source: Source, wanted: Sequence[str], codec: AlphabetCodec, tally: Tally
) -> tuple[dict[str, tuple[Example, ...]], list[Problem]]:
    """The examples of every split that is made of files and needed, and what was wrong in its manifests."""
    examples: dict[str, tuple[Example, ...]] = {}
    problems: list[Problem] = []
    for name in dict.fromkeys(source.origin(split) for split in wanted):
        found: list[Example] = []
        for path in source.manifests(name):
            try:
                manifest = read_manifest(source.root, path, codec.encode)
            except BadManifest as error:
                raise BadData("bad_manifest", str(error)) from None
            tally.records += manifest.num_records
            problems.extend(manifest.problems)
            found.extend(manifest.examples)
        examples[name], twice = _once(found)
        problems.extend(twice)
    return examples, problems


def _once(examples: Sequence[Example]) -> tuple[tuple[Example, ...], list[Problem]]:
    """Examples of several manifests of a split, each identity once."""
    first: dict[str, Example] = {}
    problems: list[Problem] = []
    for example in examples:
        known = first.setdefault(example.identity, example)
        if known is not example:
            place = f"{known.manifest}:{known.line}"
            problems.append(example.problem("duplicate_id", f"{example.identity!a} stands in {place} too"))
    return tuple(first.values()), problems


def _divide(
    source: Source, wanted: Sequence[str], read: Mapping[str, tuple[Example, ...]]
) -> dict[str, tuple[Example, ...]]:
    """The wanted splits, those that are shares of another one taken out of it."""
    examples = dict(read)
    for name in SPLITS:
        share = source.files.get(name)
        if isinstance(share, SplitOf) and share.split in examples:
            taken, rest = take_share(examples[share.split], share.share)
            examples[name], examples[share.split] = taken, rest
    return {name: examples[name] for name in wanted}


def _kept(examples: tuple[Example, ...], settings: Speech, tally: Tally) -> tuple[Example, ...]:
    """The training examples within `keep` and `labels`; the others are counted.

    Training only: what a model is measured on does not depend on what it was trained with.
    """
    shortest, longest = plain_ends(settings.keep)
    kept: list[Example] = []
    for example in examples:
        seconds = example.seconds or 0.0
        if seconds < shortest:
            tally.leave_out("too_short", "train")
        elif seconds > longest:
            tally.leave_out("too_long", "train")
        elif settings.labels is not None and len(example.tokens) > settings.labels:
            tally.leave_out("too_many_labels", "train")
        else:
            kept.append(example)
    return tuple(kept)


def _leaks(examples: Mapping[str, tuple[Example, ...]]) -> Iterator[str]:
    """Recordings that stand in training and in a split that measures it."""
    trained = {example.audio for example in examples.get("train", ())}
    for name in ("valid", "test"):
        count = sum(example.audio in trained for example in examples.get(name, ()))
        if count:
            yield f"{count} recordings of {name} are in train too, so {name} shows less than it seems to"


def num_needed(tokens: Sequence[int]) -> int:
    """The fewest frames for a text under CTC: one each label, and a blank between two that are equal."""
    return len(tokens) + sum(left == right for left, right in pairwise(tokens))
