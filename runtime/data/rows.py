"""The rows of batches: one clip, or several joined, changed at random while training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

from ...compiler.part import Part
from ..extras import extra
from .audio import Samples
from .augment import join_clips
from .bad_audio import BadAudio
from .clips import Clips
from .example import Example, Problem, digest

with extra("speech", "reading speech data"):
    import numpy as np
    from numpy.typing import NDArray

Augment = Callable[..., Samples]


@dataclass(frozen=True)
class Row:
    """What one row of a batch holds."""

    identity: str
    samples: Samples
    tokens: tuple[int, ...]
    text: str


@dataclass(frozen=True)
class Limits:
    """What a row of several clips must stay within."""

    seconds: float = float("inf")
    tokens: float = float("inf")


def followers(
    examples: Sequence[Example],
    order: NDArray[np.int64],
    augment: Sequence[Part],
    *,
    seed: int,
    epoch: int,
    limits: Limits,
) -> dict[int, tuple[int, ...]]:
    """Which clips are joined to which: for the index of a row's first clip, the indices of the others.

    They are the clips that come next in the epoch's order, as many as `join_clips` draws and `limits` allow. Every clip
    stays the first of one row.
    """
    settings = next((part for part in augment if part.name == "join_clips"), None)
    if settings is None:
        return {}
    found: dict[int, tuple[int, ...]] = {}
    for place, first in enumerate(order.tolist()):
        random = generator("followers", seed, epoch, examples[first].identity)
        seconds = examples[first].seconds or 0.0
        tokens = len(examples[first].tokens)
        joined: list[int] = []
        for step in range(1, min(join_clips.num_followers(settings, random), len(order) - 1) + 1):
            index = int(order[(place + step) % len(order)])
            seconds += join_clips.LONGEST_PAUSE + (examples[index].seconds or 0.0)
            tokens += 1 + len(examples[index].tokens)
            if seconds > limits.seconds or tokens > limits.tokens:
                break
            joined.append(index)
        if joined:
            found[first] = tuple(joined)
    return found


def make_row(
    examples: Sequence[Example],
    clips: Clips,
    augment: Sequence[Part],
    *,
    space: int | None,
    seed: int,
    epoch: int,
) -> tuple[Row | None, tuple[Problem, ...]]:
    """Read one row's clips and change them; whatever is random in it depends on (seed, epoch, identity) alone.

    examples  the row's first clip and those that are joined to it
    augment   in order; what stands before `join_clips` changes each clip on its own
    space     the token between joined texts

    The row is None where its first clip cannot be used; another one that cannot is left away.
    """
    sound: list[Example] = []
    samples: list[Samples] = []
    problems: list[Problem] = []
    for example in examples:
        try:
            samples.append(clips.read(example))
            sound.append(example)
        except BadAudio as error:
            problems.append(example.problem(error.reason, error.message))
    if not sound or sound[0] is not examples[0]:
        return None, tuple(problems)
    identity = examples[0].identity
    if len(samples) > 1 and not any(settings.name == "join_clips" for settings in augment):
        raise AssertionError("several clips in a row that joins none")
    for place, settings in enumerate(augment):
        if settings.name == "join_clips":
            if len(samples) > 1:
                random = generator("join_clips", seed, epoch, identity)
                samples = [join_clips.join(samples, random, rate=clips.rate)]
            continue
        apply = _augmentation(settings.name)
        for number, samples_N in enumerate(samples):
            random = generator(place, settings.name, seed, epoch, identity, number)
            if random.random() < settings.values()["chance"]:
                samples[number] = apply(settings, samples_N, random, rate=clips.rate)
    tokens, text = _joined(sound, space)
    return Row(identity, samples[0], tokens, text), tuple(problems)


def generator(*parts: object) -> np.random.Generator:
    """Random numbers that depend on nothing but the parts."""
    return np.random.Generator(np.random.Philox(key=digest(*parts)))


def _augmentation(name: str) -> Augment:
    """The function of the file of that name; the names come from the catalogue, never from a spec's text."""
    found: Augment = import_module(f".augment.{name}", __package__).apply
    return found


def _joined(examples: Sequence[Example], space: int | None) -> tuple[tuple[int, ...], str]:
    tokens = list(examples[0].tokens)
    for example in examples[1:]:
        tokens.extend(example.tokens if space is None else (space, *example.tokens))
    separator = "" if space is None else " "
    return tuple(tokens), separator.join(example.text for example in examples)
