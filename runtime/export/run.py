"""Export of a run: its best weights, compared on the recordings it chose them by."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import overload

import torch

from ..data.audio import Samples
from ..data.bad_audio import BadAudio
from ..data.clips import Clips
from ..data.example import Example
from ..data.opening import open_data
from ..data.speech import SpeechData
from ..run_folder import Run
from ..run_recogniser import load_trained
from .onnx import ExportReport, export_onnx


def export_run(
    run: Run,
    *,
    environment: Mapping[str, str],
    label: str = "onnx",
    fp32_too: bool = False,
    on_progress: Callable[[str], None] = lambda stage: None,
) -> ExportReport:
    """Write model.onnx and parity.json into a run's folder.

    environment  for env() in the paths of its data
    on_progress  takes a line for each stage and each warning

    The word error rate is that of the valid split, or of train where there is none; never of test. Raises RunError,
    BadData, ExportFailed, StorageError.
    """
    checked = run.graph()
    model = load_trained(run, torch.device("cpu"), warn=on_progress)
    split, data = _opened(run, environment, on_progress)
    clips, references = _readable(data, split, on_progress)
    return export_onnx(
        checked,
        model.module.state_dict(),
        waveforms=clips,
        references=references,
        split=split,
        folder=run.folder,
        label=label,
        spec_hash=hashlib.sha256(run.spec.read_bytes()).hexdigest() if run.spec.is_file() else "",
        fp32_too=fp32_too,
        on_progress=on_progress,
    )


class _Recordings(Sequence[Samples]):
    """Recordings that are decoded when they are asked for: a whole split need not fit into memory."""

    def __init__(self, clips: Clips, examples: Sequence[Example]) -> None:
        self.clips, self.examples = clips, examples

    def __len__(self) -> int:
        return len(self.examples)

    @overload
    def __getitem__(self, place: int) -> Samples: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Samples]: ...

    def __getitem__(self, place: int | slice) -> Samples | Sequence[Samples]:
        if isinstance(place, slice):
            return [self.clips.read(example) for example in self.examples[place]]
        return self.clips.read(self.examples[place])


def _opened(run: Run, environment: Mapping[str, str], warn: Callable[[str], None]) -> tuple[str, SpeechData]:
    checked, base = run.graph(), run.base()
    for split in ("valid", "train"):
        data = open_data(checked, base=base, environment=environment, splits=[split], warn=warn)
        if split in data.splits:
            return split, data
    raise AssertionError("data without anything to train on")


def _readable(data: SpeechData, split: str, warn: Callable[[str], None]) -> tuple[_Recordings, list[str]]:
    sound: list[Example] = []
    for example in data.examples(split):
        try:
            data.clips.read(example)
        except BadAudio as error:
            warn(f"left out of the comparison: {example.problem(error.reason, error.message)}")
        else:
            sound.append(example)
    return _Recordings(data.clips, sound), [example.text for example in sound]
