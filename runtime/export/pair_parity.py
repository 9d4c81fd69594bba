"""An exported encoder and step held against the model they came from, over whole greedy decodes of real sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from ..lower_step import LoweredStep
from ..onnx_stepping import OnnxPair, OnnxStepper, source_feeds
from ..stepping import TorchStepper
from .failed import ExportFailed

_BATCH = 16


@dataclass(frozen=True)
class Sentence:
    """A source sentence as numbers, its end mark included, and its translation as numbers without marks and as text."""

    source: tuple[int, ...]
    target: tuple[int, ...]
    reference: str


@dataclass(frozen=True)
class Place:
    """A sentence, and how many tokens were chosen before."""

    sentence: int
    position: int


@dataclass(frozen=True)
class PairParity:
    """How near the pair is to the float32 model.

    max_abs_diff     largest difference of a probability, the pair fed the tokens that the model chooses
    at               where it is
    equal_tokens     share of those `tokens` that the pair would choose too
    equal_sentences  share of the `sentences` that the pair, fed its own tokens, translates as the model does, to the
                     last token
    torch, onnx      what each writes
    """

    max_abs_diff: float
    at: Place
    equal_tokens: float
    tokens: int
    equal_sentences: float
    sentences: int
    torch: tuple[tuple[int, ...], ...]
    onnx: tuple[tuple[int, ...], ...]


class Steps(Protocol):
    """Rows on their way through the target."""

    def logits(self, tokens_B: NDArray[np.int64], /) -> NDArray[np.float32]:
        """Feed a token to each row and give the logits [B, V] of the next one."""


@dataclass(frozen=True)
class Decoding:
    """How far a greedy decode goes: the marks, and the most tokens of a translation by the source's length."""

    begin: int
    end: int
    most: Callable[[int], int]


def compare(reference: LoweredStep, pair: OnnxPair, sentences: Sequence[Sentence], decoding: Decoding) -> PairParity:
    """Decode all sentences greedily with both; ExportFailed where either gives what is no number."""
    seen = _Differences()
    ours: list[tuple[int, ...]] = []
    theirs: list[tuple[int, ...]] = []
    for start in range(0, len(sentences), _BATCH):
        group = [sentence.source for sentence in sentences[start : start + _BATCH]]
        watch = partial(seen.add, onnx_steps(pair, group), start)
        ours += greedy(torch_steps(reference, group), group, decoding, watch=watch)
        theirs += greedy(onnx_steps(pair, group), group, decoding)
    same = sum(a == b for a, b in zip(ours, theirs, strict=True))
    return PairParity(
        max_abs_diff=max(seen.largest, 0.0),
        at=seen.at,
        equal_tokens=seen.equal / seen.tokens if seen.tokens else 1.0,
        tokens=seen.tokens,
        equal_sentences=same / len(sentences) if sentences else 1.0,
        sentences=len(sentences),
        torch=tuple(ours),
        onnx=tuple(theirs),
    )


class _Differences:
    """What the steps of both show when both are fed the model's tokens."""

    def __init__(self) -> None:
        self.largest, self.at, self.equal, self.tokens = -1.0, Place(0, 0), 0, 0

    def add(
        self,
        other: Steps,
        first: int,
        expected_BV: NDArray[np.float32],
        fed_B: NDArray[np.int64],
        open_B: NDArray[np.bool_],
        position: int,
    ) -> None:
        """Take one step with the other and compare; `first` is the number of the batch's first sentence."""
        found_BV = other.logits(fed_B)
        _hold(expected_BV[open_B], found_BV[open_B], position)
        difference_B = np.abs(_probabilities(expected_BV) - _probabilities(found_BV)).max(-1) * open_B
        if difference_B.max() > self.largest:
            self.largest = float(difference_B.max())
            self.at = Place(first + int(difference_B.argmax()), position)
        self.equal += int(((expected_BV.argmax(-1) == found_BV.argmax(-1)) & open_B).sum())
        self.tokens += int(open_B.sum())


def greedy(
    steps: Steps,
    sources: Sequence[Sequence[int]],
    decoding: Decoding,
    *,
    watch: Callable[[NDArray[Any], NDArray[Any], NDArray[Any], int], None] = lambda *seen: None,
) -> list[tuple[int, ...]]:
    """The likeliest token after the likeliest token, without the end mark.

    watch  sees the logits [B, V], what was fed, the rows that have not ended, and how many tokens came before
    """
    most_B = np.array([decoding.most(len(source)) for source in sources])
    chosen: list[list[int]] = [[] for _ in sources]
    fed_B = np.full(len(sources), decoding.begin, np.int64)
    open_B = most_B > 0
    for position in range(int(most_B.max(initial=0))):
        logits_BV = steps.logits(fed_B)
        watch(logits_BV, fed_B, open_B, position)
        fed_B = logits_BV.argmax(-1)
        open_B = open_B & (fed_B != decoding.end)
        for row in np.flatnonzero(open_B):
            chosen[row].append(int(fed_B[row]))
        open_B = open_B & (most_B > position + 1)
        if not open_B.any():
            break
    return [tuple(row) for row in chosen]


def torch_steps(lowered: LoweredStep, sources: Sequence[Sequence[int]]) -> TorchSteps:
    """The float32 model on a batch."""
    feeds = source_feeds(sources)
    return TorchSteps(TorchStepper(lowered, [torch.from_numpy(feeds[name]) for name in lowered.takes]))


def onnx_steps(pair: OnnxPair, sources: Sequence[Sequence[int]]) -> OnnxStepper:
    """The files on a batch."""
    return OnnxStepper(pair, source_feeds(sources))


class TorchSteps:
    """torch's steps with numpy's arrays."""

    def __init__(self, stepper: TorchStepper) -> None:
        self.stepper = stepper

    def logits(self, tokens_B: NDArray[np.int64]) -> NDArray[np.float32]:
        """Feed a token to each row and give the logits [B, V] of the next one."""
        found: NDArray[np.float32] = self.stepper.logits(torch.from_numpy(tokens_B)).float().numpy()
        return found


def _hold(expected_BV: NDArray[Any], found_BV: NDArray[Any], position: int) -> None:
    for what, logits_BV in (("the trained model gives", expected_BV), ("the files give", found_BV)):
        if not np.isfinite(logits_BV).all():
            raise ExportFailed(f"{what} NaN or infinite scores for token {position + 1} of a translation")


def _probabilities(logits_BV: NDArray[Any]) -> NDArray[np.float64]:
    powers = np.exp(logits_BV.astype(np.float64) - logits_BV.max(-1, keepdims=True))
    found: NDArray[np.float64] = powers / powers.sum(-1, keepdims=True)
    return found
