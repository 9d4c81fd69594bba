"""Transcription with a trained run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from ..dsl.values import Quantity, Range
from .data.alphabet import AlphabetCodec
from .data.audio import Samples
from .data.batch import Batch
from .export.metadata import Limits
from .layers.layer import LayerOf, layer_class
from .no_answer import NoAnswer
from .recognition import Recogniser
from .run_folder import Run, RunError
from .trained import load_trained

MOST_SECONDS = 120.0


class RunRecogniser(Recogniser):
    """A run's best weights, ready to transcribe."""

    def __init__(
        self,
        run: Run,
        device: torch.device,
        *,
        layer_of: LayerOf = layer_class,
        warn: Callable[[str], None] = lambda message: None,
    ) -> None:
        graph = run.graph().graph
        data = graph.data.values()
        self._model = load_trained(run, device, layer_of=layer_of, warn=warn)
        if self._model.search is None:
            raise RunError(f"{run.folder}: the spec has no `infer` in its decoder")
        self._device = device
        self._codec = AlphabetCodec(data["text"].symbols, lower=data["text"].lower)
        self._rate = int(data["audio"].rate)
        self._limits = _limits(data["keep"])

    @property
    def rate(self) -> int:
        """Samples a second that the model was trained with."""
        return self._rate

    @property
    def limits(self) -> Limits:
        """What it takes: any batch, and recordings of up to two minutes."""
        return self._limits

    def recognise(self, clips: Sequence[Samples]) -> list[str | NoAnswer]:
        """The texts of one batch."""
        longest = max(len(clip) for clip in clips)
        waveform_BN = torch.zeros(len(clips), longest)
        for row, clip in enumerate(clips):
            waveform_BN[row, : len(clip)] = torch.tensor(clip)
        path = "data.audio.waveform"
        batch = Batch(
            inputs={path: waveform_BN},
            lengths={path: torch.tensor([len(clip) for clip in clips])},
            ids=tuple(str(row) for row in range(len(clips))),
            texts=("",) * len(clips),
            seconds=tuple(len(clip) / self._rate for clip in clips),
            epoch=0,
            number=0,
        ).to(self._device)
        with torch.inference_mode():
            outputs = self._model(batch)
            tokens = self._model.hypotheses(outputs, batch)
        scores = [outputs[name] for name in self._model.infer_from.values() if name in outputs]
        broken = [any(bool(score[row].isnan().any()) for score in scores) for row in range(len(clips))]
        return [
            NoAnswer("the model gave numbers that are NaN") if bad else self._codec.decode(row)
            for row, bad in zip(tokens, broken, strict=True)
        ]


def _limits(keep: Range | None) -> Limits:
    low = keep.low if keep is not None else 0.0
    least = low.amount if isinstance(low, Quantity) else low
    return Limits(least_batch=1, most_batch=64, least_seconds=min(float(least), 0.1), most_seconds=MOST_SECONDS)
