"""A decoder run token by token with onnxruntime: what a search over tokens calls, without torch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from .export.pair_metadata import (
    AFTER,
    ROOM,
    CarriedArray,
    EncoderFacts,
    PairMetadata,
    read_encoder_facts,
    read_pair_metadata,
)
from .export.properties import BadModelFile
from .extras import extra
from .onnx_session import checked_facts, open_session, read_model, words

with extra("serve", "running an exported file"):
    import numpy as np
    from numpy.typing import NDArray

TOKENS, POSITION, LOGITS = "tokens", "position", "logits"

# Room for so many tokens at first; it doubles when it is full.
_FIRST_ROOM = 16
_TYPES = {
    "float16": "tensor(float16)",
    "float32": "tensor(float)",
    "int64": "tensor(int64)",
    "bool": "tensor(bool)",
}
_Arrays = dict[str, Any]


class OnnxPair:
    """An encoder and a step made by one `s2sc export`, checked against what they say of themselves.

    encoder, step  the files
    device         "cpu", or "cuda" where onnxruntime really gets at a GPU; `device` says afterwards which one it is

    Raises BadModelFile where a file is too large, no ONNX, not one of ours or not the other's, or asks for other files.
    """

    def __init__(self, encoder: Path, step: Path, *, device: Literal["cpu", "cuda"] = "cpu", threads: int = 0) -> None:
        self.encoder_path, self.step_path = encoder, step
        contents = read_model(encoder), read_model(step)
        self._encoder, self._step = (
            open_session(content, name=str(path), device=device, threads=threads)
            for content, path in zip(contents, (encoder, step), strict=True)
        )
        self.metadata: PairMetadata = checked_facts(_encoder_metadata, self._encoder, str(encoder))
        self.facts: EncoderFacts = checked_facts(read_encoder_facts, self._encoder, str(encoder))
        other: PairMetadata = checked_facts(_step_metadata, self._step, str(step))
        if other.pair != self.metadata.pair or self.facts.step != hashlib.sha256(contents[1]).hexdigest():
            raise BadModelFile(f"{encoder} and {step} come from different exports: use two files of one export")
        if other != self.metadata:
            raise BadModelFile(f"{step}: says other things of itself than {encoder}")
        self._check_ends()
        providers = self._step.get_providers()
        self.device: Literal["cpu", "cuda"] = "cuda" if "CUDAExecutionProvider" in providers else "cpu"
        self.begun = tuple(output.name for output in self._encoder.get_outputs())
        self.reads = frozenset(given.name for given in self._step.get_inputs())

    def begin(self, feeds: Mapping[str, NDArray[Any]]) -> _Arrays:
        """What the encoder computes for a batch, by name; `feeds` by what the metadata calls `takes`."""
        takes = {name: feeds[name] for name in self.metadata.takes}
        return self._run(self._encoder, self.encoder_path, self.begun, takes)

    def step(self, feeds: Mapping[str, NDArray[Any]]) -> tuple[NDArray[Any], _Arrays]:
        """Logits [R, 1, V], and the new states by name."""
        states = [kept.name for kept in self.metadata.state]
        names = [LOGITS, *(name + AFTER for name in states)]
        needed = {name: value for name, value in feeds.items() if name in self.reads}
        made = self._run(self._step, self.step_path, names, needed)
        logits = made[LOGITS]
        rows = len(feeds[TOKENS])
        if logits.shape != (rows, 1, self.metadata.vocab):
            shapes = f"{list(logits.shape)}, not {[rows, 1, self.metadata.vocab]}"
            raise BadModelFile(f"{self.step_path}: its logits are {shapes}")
        return logits, {name: made[name + AFTER] for name in states}

    def _run(self, session: Any, path: Path, names: Sequence[str], feeds: Mapping[str, Any]) -> _Arrays:
        try:
            return dict(zip(names, session.run(list(names), dict(feeds)), strict=True))
        except Exception as error:  # onnxruntime's errors have no common type of their own
            raise BadModelFile(f"{path}: cannot be run: {words(error)}") from None

    def _check_ends(self) -> None:
        """Hold the sessions' inputs and outputs against the metadata."""
        meta = self.metadata
        int64 = _TYPES["int64"]
        _check(self.encoder_path, "takes", self._encoder.get_inputs(), dict.fromkeys(meta.takes, (int64, None)))
        given = [kept for kept in meta.state if kept.name in meta.given]
        _check(self.encoder_path, "gives", self._encoder.get_outputs(), _ends([*meta.once, *given]))
        carried = _ends([*meta.once, *meta.state])
        tokens: dict[str, _End] = {TOKENS: (int64, (None, 1)), POSITION: (int64, ())}
        expected = {**carried, **tokens}
        found = {one.name for one in self._step.get_inputs()}
        # what a step does not read need not be there
        inputs = {name: end for name, end in expected.items() if name in found or name not in (POSITION, *carried)}
        _check(self.step_path, "takes", self._step.get_inputs(), inputs)
        after = _ends([replace(kept, name=kept.name + AFTER) for kept in meta.state])
        logits: dict[str, _End] = {LOGITS: (_TYPES["float32"], (None, 1, meta.vocab))}
        _check(self.step_path, "gives", self._step.get_outputs(), {**logits, **after})


class OnnxStepper:
    """The rows of one batch, each a sentence or one of its hypotheses, on their way through the target.

    feeds  what the encoder takes, by name; rows first
    """

    def __init__(self, pair: OnnxPair, feeds: Mapping[str, NDArray[Any]]) -> None:
        self._pair = pair
        meta = pair.metadata
        begun = pair.begin(feeds)
        num_rows = len(next(iter(feeds.values())))
        self._all = {kept.name: begun[kept.name] for kept in meta.once}
        self._once = dict(self._all)
        self._rows: NDArray[np.int64] = np.arange(num_rows)
        self._room = _FIRST_ROOM
        self._position = 0
        self._state = {
            kept.name: begun[kept.name] if kept.name in meta.given else self._zeros(kept, num_rows)
            for kept in meta.state
        }

    def advance(
        self, tokens_R: NDArray[np.int64], parents_R: NDArray[np.int64], k: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Feed a token to each row and give the `k` likeliest that may follow it.

        tokens_R   the rows' newest tokens (the begin mark at first)
        parents_R  the row of the call before (of the batch, at first) that each row continues
        returns    log probabilities [R, k] and tokens [R, k], the likeliest first
        """
        self._follow(parents_R)
        return likeliest(self.logits(tokens_R), k)

    def logits(self, tokens_R: NDArray[np.int64]) -> NDArray[np.float32]:
        """Feed a token to each row and give the logits [R, V] of the next one."""
        if self._position >= self._room:
            self._enlarge()
        feeds = {TOKENS: tokens_R[:, None], POSITION: np.array(self._position), **self._once, **self._state}
        logits_R1V, self._state = self._pair.step(feeds)
        self._position += 1
        logits_RV: NDArray[np.float32] = logits_R1V[:, 0].astype(np.float32, copy=False)
        return logits_RV

    def _follow(self, parents_R: NDArray[np.int64]) -> None:
        """Make each row the continuation of its parent."""
        if np.array_equal(parents_R, np.arange(len(self._rows))):
            return
        self._state = {name: value[parents_R] for name, value in self._state.items()}
        rows = self._rows[parents_R]
        if not np.array_equal(rows, self._rows):
            # from the batch itself: rows of one sentence share what is computed once
            self._once = {name: value[rows] for name, value in self._all.items()}
        self._rows = rows

    def _enlarge(self) -> None:
        before, self._room = self._room, 2 * self._room
        for kept in self._pair.metadata.state:
            if ROOM in kept.shape:
                value = self._state[kept.name]
                padding = [(0, 0)] * value.ndim
                padding[1 + kept.shape.index(ROOM)] = (0, self._room - before)
                self._state[kept.name] = np.pad(value, padding)

    def _zeros(self, kept: CarriedArray, num_rows: int) -> NDArray[Any]:
        shape = [self._room if size == ROOM else int(size) for size in kept.shape]
        return np.zeros([num_rows, *shape], kept.dtype)


def source_feeds(sentences: Sequence[Sequence[int]], *, least_rows: int = 1) -> dict[str, NDArray[np.int64]]:
    """The inputs of one batch: token numbers with zeros behind their end marks, and their lengths."""
    rows = [*sentences, *[sentences[-1]] * (least_rows - len(sentences))]
    source_BS = np.zeros((len(rows), max(map(len, rows))), np.int64)
    for row, sentence in zip(source_BS, rows, strict=True):
        row[: len(sentence)] = sentence
    return {"source": source_BS, "source_lengths": np.array([len(sentence) for sentence in rows], np.int64)}


def likeliest(logits_RV: NDArray[np.float32], k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The `k` greatest log probabilities of each row and their places: the greatest first, the lower of two equal ones.

    A row with NaN gives NaN.
    """
    highest_R1 = logits_RV.max(-1, keepdims=True)
    total_R1 = np.log(np.exp(logits_RV - highest_R1).sum(-1, keepdims=True)) + highest_R1
    tokens_RK = _greatest(logits_RV, min(k, logits_RV.shape[-1]))
    return np.take_along_axis(logits_RV, tokens_RK, -1) - total_R1, tokens_RK


def _greatest(values_RV: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    if k == 1:
        first_R1: NDArray[np.int64] = values_RV.argmax(-1)[:, None]
        return first_R1
    # in order, so that a stable sort leaves the lower place first
    some_RK = np.sort(np.argpartition(values_RV, -k, -1)[:, -k:], -1)
    found_RK = np.take_along_axis(values_RV, some_RK, -1)
    places_RK: NDArray[np.int64] = np.take_along_axis(some_RK, np.argsort(-found_RK, -1, kind="stable"), -1)
    # which of several equal ones are the last to be chosen is left open above
    tied_R = (values_RV >= found_RK.min(-1, keepdims=True)).sum(-1) > k
    places_RK[tied_R] = np.argsort(-values_RV[tied_R], -1, kind="stable")[:, :k]
    return places_RK


# The type of an input or output, and its shape; None for an axis whose size varies, or for any shape.
_End = tuple[str, tuple[int | None, ...] | None]


def _ends(carried: Sequence[CarriedArray]) -> dict[str, _End]:
    return {
        kept.name: (_TYPES[kept.dtype], (None, *(size if isinstance(size, int) else None for size in kept.shape)))
        for kept in carried
    }


def _check(path: Path, what: str, found: Sequence[Any], expected: Mapping[str, _End]) -> None:
    ends = {one.name: one for one in found}
    odd = sorted(ends.keys() ^ expected.keys())
    if odd:
        told = (
            f"{what} {odd[0][:80]!a} and does not say so" if odd[0] in ends else f"says that it {what} {odd[0][:80]!a}"
        )
        raise BadModelFile(f"{path}: {told}" if odd[0] in ends else f"{path}: {told}, and does not")
    for name, (type_, shape) in expected.items():
        one = ends[name]
        fits = shape is None or (
            len(one.shape) == len(shape)
            and all(
                not isinstance(size, int) or not isinstance(real, int) or size == real
                for size, real in zip(shape, one.shape, strict=True)
            )
        )
        if one.type != type_ or not fits:
            shown = f"{one.type} {list(one.shape)}"
            raise BadModelFile(f"{path}: {what} {name[:80]!a} as {shown[:120]}, which it does not say of itself")


def _encoder_metadata(properties: Mapping[str, str]) -> PairMetadata:
    return read_pair_metadata(properties, part="encoder")


def _step_metadata(properties: Mapping[str, str]) -> PairMetadata:
    return read_pair_metadata(properties, part="step")
