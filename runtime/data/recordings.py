"""The recordings of a whole data set, looked at before training starts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from .archive import BadArchive
from .bad_audio import BadAudio
from .clips import Clips
from .corpus import OnProgress
from .example import Example, Problem
from .tally import BadData

_SAMPLE_BYTES = 4
_MOST_THREADS = 8


def check_recordings(
    examples: Mapping[str, tuple[Example, ...]],
    clips: Clips,
    *,
    kept_bytes: int,
    on_progress: OnProgress | None = None,
) -> tuple[dict[str, tuple[Example, ...]], list[Problem]]:
    """Complete examples with their durations and find the bad ones among them.

    Where no manifest says it, a duration comes from the recording's header. If all recordings fit into `kept_bytes`
    they are decoded, and kept in memory. Returns the sound examples by split, and the problems in the order of the
    manifests. Raises BadData where the archive cannot be read.
    """
    flat = [(split, example) for split, found in examples.items() for example in found]
    found, problems = flat, list[Problem]()
    if any(example.seconds is None for _, example in flat):
        measured = _each(flat, lambda example: _measured(example, clips), "reading headers", on_progress)
        found, problems = _sorted_out(measured)
    num_bytes = sum((example.seconds or 0.0) * clips.rate * _SAMPLE_BYTES for _, example in found)
    if num_bytes <= kept_bytes:
        decoded = _each(found, lambda example: _decoded(example, clips), "reading recordings", on_progress)
        found, bad = _sorted_out(decoded)
        problems.extend(bad)
    places = {(example.manifest, example.line): place for place, (_, example) in enumerate(flat)}
    problems.sort(key=lambda problem: places[problem.manifest, problem.line])
    sound: dict[str, list[Example]] = {split: [] for split in examples}
    for split, example in found:
        sound[split].append(example)
    return {split: tuple(kept) for split, kept in sound.items()}, problems


def _measured(example: Example, clips: Clips) -> Example | Problem:
    if example.seconds is not None:
        return example
    try:
        return replace(example, seconds=clips.header(example).seconds)
    except BadAudio as error:
        return example.problem(error.reason, error.message)


def _decoded(example: Example, clips: Clips) -> Example | Problem:
    """The example with the duration that its samples have."""
    try:
        return replace(example, seconds=clips.keep(example) / clips.rate)
    except BadAudio as error:
        return example.problem(error.reason, error.message)


def _each(
    examples: Iterable[tuple[str, Example]],
    look: Callable[[Example], Example | Problem],
    what: str,
    on_progress: OnProgress | None,
) -> Iterator[tuple[str, Example | Problem]]:
    """Look at every example, several at a time (decoding and resampling let go of the interpreter's lock)."""
    examples = list(examples)
    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as pool:
        try:
            looks = pool.map(look, [example for _, example in examples])
            for done, ((split, _), found) in enumerate(zip(examples, looks, strict=True), start=1):
                if on_progress is not None:
                    on_progress(what, done, len(examples))
                yield split, found
        except BadArchive as error:
            pool.shutdown(cancel_futures=True)
            raise BadData("bad_archive", str(error)) from None


def _sorted_out(
    looked_at: Iterable[tuple[str, Example | Problem]],
) -> tuple[list[tuple[str, Example]], list[Problem]]:
    found: list[tuple[str, Example]] = []
    problems: list[Problem] = []
    for split, item in looked_at:
        if isinstance(item, Problem):
            problems.append(item)
        else:
            found.append((split, item))
    return found, problems
