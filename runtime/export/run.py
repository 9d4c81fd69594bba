"""Export of a run: its best weights, compared on the recordings or sentences it chose them by."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import overload

import torch

from ...compiler.data_layer import END
from ...compiler.parts.data.parallel_text import ParallelText
from ...compiler.parts.metrics.bleu import Bleu
from ..data.audio import Samples
from ..data.bad_audio import BadAudio
from ..data.clips import Clips
from ..data.codecs import BadTokens, open_codecs
from ..data.example import Example
from ..data.opened import OpenedData
from ..data.opening import open_data
from ..data.parallel_text import ParallelTextData
from ..data.speech import SpeechData
from ..layers.layer import LayerOf, layer_class
from ..run_folder import Run, RunError
from ..trained import load_trained
from .onnx import ExportReport, export_onnx
from .pair import PairReport, Text, export_pair
from .pair_parity import Sentence

# Of more sentences than this, those to compare are not drawn from all.
_MOST_SENTENCES = 20_000


def export_run(
    run: Run,
    *,
    environment: Mapping[str, str],
    fp32_too: bool = False,
    layer_of: LayerOf = layer_class,
    on_progress: Callable[[str], None] = lambda stage: None,
) -> ExportReport | PairReport:
    """Write model.onnx, or encoder.onnx and step.onnx where tokens are chosen one by one, and parity.json into a run.

    environment  for env() in the paths of its data
    layer_of     where the torch side of a component is found
    on_progress  takes a line for each stage and each warning

    What is compared is from the valid split, or from train where there is none; never from test. Raises RunError,
    BadData, ExportFailed, StorageError.
    """
    checked = run.graph()
    model = load_trained(run, torch.device("cpu"), layer_of=layer_of, warn=on_progress)
    split, data = _opened(run, environment, on_progress)
    spec_hash = hashlib.sha256(run.spec.read_bytes()).hexdigest() if run.spec.is_file() else ""
    if isinstance(data, ParallelTextData):
        return export_pair(
            checked,
            model.module.state_dict(),
            sentences=_sentences(data, split),
            text=_text(run, data),
            folder=run.folder,
            split=split,
            label="onnx",
            spec_hash=spec_hash,
            layer_of=layer_of,
            on_progress=on_progress,
        )
    assert isinstance(data, SpeechData)
    clips, references = _readable(data, split, on_progress)
    return export_onnx(
        checked,
        model.module.state_dict(),
        waveforms=clips,
        references=references,
        split=split,
        folder=run.folder,
        label="onnx",
        spec_hash=spec_hash,
        layer_of=layer_of,
        fp32_too=fp32_too,
        on_progress=on_progress,
    )


def _sentences(data: ParallelTextData, split: str) -> list[Sentence]:
    """The sentences of a split as numbers and text."""
    examples = islice(data.examples(split), _MOST_SENTENCES)
    return [Sentence((*one.source, END), tuple(one.target), one.text) for one in examples]


def _text(run: Run, data: ParallelTextData) -> Text:
    """What of the run's texts leaves with the model: its own tokenizers."""
    settings = run.graph().graph.data
    assert isinstance(settings, ParallelText)
    try:
        return Text(open_codecs(run.tokens, settings).to_files(), data.decode, _bleu)
    except BadTokens as bad:
        raise RunError(str(bad)) from None


def _bleu(hypotheses: Sequence[str], references: Sequence[str]) -> float | None:
    # speech leaves without what scores translations
    from ..metrics.bleu import build

    metric = build(Bleu())
    for reference, hypothesis in zip(references, hypotheses, strict=True):
        metric.update(reference, hypothesis)
    return metric.value


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


def _opened(run: Run, environment: Mapping[str, str], warn: Callable[[str], None]) -> tuple[str, OpenedData]:
    checked, base = run.graph(), run.base()
    for split in ("valid", "train"):
        tokens = run.tokens if run.tokens.is_dir() else None
        data = open_data(checked, base=base, environment=environment, splits=[split], tokens=tokens, warn=warn)
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
