"""An exported file held against the model it came from, on real recordings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..data.audio import Samples
from ..lower import Lowered
from ..metrics.wer import WordErrorRate
from ..onnx_recogniser import padded
from ..recognition import batches
from ..search.best_path import collapse
from .failed import ExportFailed
from .metadata import Metadata, Search

Scores = Callable[[Sequence[Samples]], tuple[Any, Any]]
"""Gives scores [B, T, V] and lengths [B] of a batch of clips."""


@dataclass(frozen=True)
class Parity:
    """How near the file is to the float32 model.

    max_abs_diff  largest difference of a probability over the real frames of the `compared` clips
    equal_tokens  share of their `frames` whose likeliest class is the same
    torch_wer, onnx_wer   over all `read` clips; None where nothing was said in them
    """

    max_abs_diff: float
    equal_tokens: float
    frames: int
    compared: int
    torch_wer: float | None
    onnx_wer: float | None
    read: int

    @property
    def delta_wer(self) -> float | None:
        """Positive where the file makes more errors."""
        return None if self.torch_wer is None or self.onnx_wer is None else self.onnx_wer - self.torch_wer


def compare(
    model: Scores,
    file: Scores,
    waveforms: Sequence[Samples],
    references: Sequence[str],
    metadata: Metadata,
    *,
    compared: Sequence[int],
) -> Parity:
    """Run both on all clips; ExportFailed where lengths differ or the file gives what is no number.

    compared  the places of the clips that are compared number by number
    """
    search = metadata.search
    assert search is not None
    closely = set(compared)
    rates = WordErrorRate(), WordErrorRate()
    largest, equal, frames = 0.0, 0, 0
    num_samples = {place: len(waveform) for place, waveform in enumerate(waveforms)}
    for places in batches(num_samples, rate=metadata.rate, most=metadata.limits.most_batch):
        clips = [waveforms[place] for place in places]
        expected, found = _rows(*model(clips)), _rows(*file(clips))
        for place, ours, theirs in zip(places, expected, found, strict=True):
            _hold(ours, theirs, seconds=num_samples[place] / metadata.rate)
            for rate, scores_TV in zip(rates, (ours, theirs), strict=True):
                rate.update(references[place], text_of(scores_TV, search))
            if place in closely:
                largest = max(largest, float(np.abs(_probabilities(ours) - _probabilities(theirs)).max(initial=0.0)))
                equal += int((ours.argmax(-1) == theirs.argmax(-1)).sum())
                frames += len(ours)
    share = equal / frames if frames else 1.0
    return Parity(largest, share, frames, len(closely), rates[0].value, rates[1].value, len(waveforms))


def spread(count: int, wanted: int) -> tuple[int, ...]:
    """Up to `wanted` places of `count`, evenly spread: neighbours in a manifest are alike."""
    wanted = min(count, wanted)
    return tuple(number * count // wanted for number in range(wanted))


def model_scores(lowered: Lowered, search: Search, names: Sequence[str]) -> Scores:
    """The lowered module as a function of clips; `names` are the file's names of its outputs."""
    key = dict(zip(names, lowered.outputs, strict=True))

    def scores(clips: Sequence[Samples]) -> tuple[Any, Any]:
        with torch.inference_mode():
            found = lowered.module(*to_tensors(clips, lowered).values())
        return found[key[search.scores]].float().numpy(), found[key[search.lengths]].numpy()

    return scores


def to_tensors(clips: Sequence[Samples], lowered: Lowered) -> dict[str, Tensor]:
    """A padded batch as the inputs of a lowered module."""
    feeds = padded(clips)
    return {name: torch.from_numpy(feeds[name]) for name in lowered.inputs}


def longest_clip(waveforms: Sequence[Samples], *, num_samples: int) -> Samples:
    """A clip of the greatest length that the file takes, made of real ones."""
    joined = np.concatenate([np.zeros(1, np.float32), *waveforms[:64]])
    clip: Samples = np.resize(joined[1:] if len(joined) > 1 else joined, num_samples)
    return clip


def text_of(scores_TV: Any, search: Search) -> str:
    """The text of one clip's scores, as inference reads it."""
    tokens = collapse(scores_TV.argmax(-1), blank=search.blank)
    return "".join(search.symbols[token] for token in tokens if token < len(search.symbols))


def _rows(scores_BTV: Any, lengths_B: Any) -> list[Any]:
    return [scores_TV[: int(length)] for scores_TV, length in zip(scores_BTV, lengths_B, strict=True)]


def _hold(expected: Any, found: Any, *, seconds: float) -> None:
    if expected.shape != found.shape:
        shapes = f"{list(found.shape)} from the file, {list(expected.shape)} from the model"
        raise ExportFailed(f"the scores of a clip of {seconds:.3g} s are {shapes}")
    if not np.isfinite(expected).all():
        raise ExportFailed(f"the trained model gives NaN or infinite scores for a clip of {seconds:.3g} s")
    if not np.isfinite(found).all():
        raise ExportFailed(f"the file gives NaN or infinite scores for a clip of {seconds:.3g} s")


def _probabilities(scores_TV: Any) -> Any:
    """Softmax, which leaves log probabilities what they are."""
    exact = scores_TV.astype(np.float64)
    powers = np.exp(exact - exact.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)
