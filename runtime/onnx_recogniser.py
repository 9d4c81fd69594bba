"""Transcription with an exported file: onnxruntime and numpy, no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from .data.audio import Samples
from .export.metadata import Limits, Metadata, read_metadata
from .export.properties import BadModelFile
from .extras import extra
from .no_answer import NoAnswer
from .onnx_session import checked_facts, open_session, read_model, words
from .recognition import Recogniser
from .search.best_path import best_path

with extra("serve", "running an exported file"):
    import numpy as np

_INPUTS = {"audio_waveform": "tensor(float)", "audio_waveform_lengths": "tensor(int64)"}


class OnnxRecogniser(Recogniser):
    """A model file made by `s2sc export`, ready to transcribe.

    device  "cpu", or "cuda" where onnxruntime really gets at a GPU; `device` says afterwards which one it is

    Raises BadModelFile where the file is too large, no ONNX, not one of ours, or asks for other files.
    """

    def __init__(self, path: Path, *, device: Literal["cpu", "cuda"] = "cpu", threads: int = 0) -> None:
        self.path = path
        self._session = open_session(read_model(path), name=str(path), device=device, threads=threads)
        self.metadata: Metadata = checked_facts(read_metadata, self._session, str(path))
        self.device: Literal["cpu", "cuda"] = (
            "cuda" if "CUDAExecutionProvider" in self._session.get_providers() else "cpu"
        )
        search = self.metadata.search
        if search is None:
            raise BadModelFile(f"{path}: gives no scores that text can be read from")
        self._search = search
        outputs = {output.name for output in self._session.get_outputs()}
        if not {search.scores, search.lengths} <= outputs:
            raise BadModelFile(f"{path}: lacks the output {search.scores} or {search.lengths}")
        inputs = {given.name: given.type for given in self._session.get_inputs()}
        if inputs != _INPUTS:
            raise BadModelFile(
                f"{path}: takes {', '.join(sorted(inputs)) or 'nothing'} instead of a waveform and lengths"
            )

    @property
    def rate(self) -> int:
        """Samples a second that the model was trained with; recordings are resampled to it."""
        return self.metadata.rate

    @property
    def limits(self) -> Limits:
        """Batches and clips that the file was declared for."""
        return self.metadata.limits

    def recognise(self, clips: Sequence[Samples]) -> list[str | NoAnswer]:
        """The texts of one batch."""
        scores_BTV, lengths_B = self.scores(clips)
        tokens = best_path(scores_BTV, lengths_B, blank=self._search.blank)
        return [
            self._text(row, scores_TV[: max(0, int(length))])
            for row, scores_TV, length in zip(tokens, scores_BTV, lengths_B, strict=True)
        ]

    def scores(self, clips: Sequence[Samples]) -> tuple[Any, Any]:
        """What the search reads: scores [B, T, V] and lengths [B]."""
        feeds = padded(clips, least_rows=self.limits.least_batch)
        try:
            found = self._session.run([self._search.scores, self._search.lengths], feeds)
        except Exception as error:  # onnxruntime's errors have no common type of their own
            raise BadModelFile(f"{self.path}: cannot be run: {words(error)}") from None
        scores_BTV, lengths_B = (np.asarray(value)[: len(clips)] for value in found)
        if scores_BTV.ndim != 3 or lengths_B.shape != (len(clips),):
            raise BadModelFile(f"{self.path}: its scores are not [batch, time, classes]")
        return scores_BTV, lengths_B

    def _text(self, tokens: list[int], scores_TV: Any) -> str | NoAnswer:
        if not np.isfinite(scores_TV).all():
            return NoAnswer("the model gave numbers that are NaN or infinite")
        symbols = self._search.symbols
        if any(token >= len(symbols) for token in tokens):
            return NoAnswer(f"the model chose a class that its vocabulary of {len(symbols)} symbols does not have")
        return "".join(symbols[token] for token in tokens)


def padded(clips: Sequence[Samples], *, least_rows: int = 1) -> dict[str, Any]:
    """The inputs of one batch: waveforms with zeros behind their ends, and their lengths."""
    rows = [*clips, *[clips[-1]] * (least_rows - len(clips))]
    waveform_BN = np.zeros((len(rows), max(len(clip) for clip in rows)), np.float32)
    for row, clip in zip(waveform_BN, rows, strict=True):
        row[: len(clip)] = clip
    return {"audio_waveform": waveform_BN, "audio_waveform_lengths": np.array([len(clip) for clip in rows], np.int64)}
