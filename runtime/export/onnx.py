"""Export of a trained model to one self-contained ONNX file that does what the model does."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ...compiler.graph import CheckedGraph
from ...compiler.parts.sections.check import Check
from ...compiler.parts.sections.export_onnx import MOST_WEIGHT_BYTES
from ..data.audio import Samples
from ..layers.layer import LayerOf, layer_class
from ..lower import Lowered
from ..onnx_recogniser import OnnxRecogniser
from ..storage import Storage, StorageError, replace_file
from .drift import first_drift
from .failed import ExportFailed
from .fold import fold_batch_norms
from .metadata import Metadata
from .parity import Parity, Scores, compare, longest_clip, model_scores, spread, to_tensors
from .precision import LARGEST_HALF, HalfWeights, halve_weights, largest_results
from .prepare import describe, examples, form, output_names, section_of, trained_module
from .program import Program, make_program

MODEL = "model.onnx"
MODEL_FP32 = "model.fp32.onnx"
PARITY = "parity.json"
_FORMAT = 1


@dataclass(frozen=True)
class ExportReport:
    """What an export wrote, and how near the file is to the model.

    path, sha256     the file
    split            where the compared clips come from
    tolerance        largest difference of a probability that the spec allows
    bytes            the file's size, and that of the same graph with float32 weights
    folded           batch norms that are part of the weights before them now
    longest_seconds  the longest clip that was run: the longest that the file takes
    largest_result   largest size of a result that the file holds in half precision, which goes to 65,504; 0 without any
    """

    path: Path
    split: str
    sha256: str
    parity: Parity
    tolerance: float
    bytes: int
    bytes_fp32: int
    weights: HalfWeights
    folded: tuple[str, ...]
    longest_seconds: float
    largest_result: float

    def to_text(self) -> str:
        """The findings in a few lines."""
        parity, weights = self.parity, self.weights
        lost = sum(weights.vanished.values())
        near = f"probabilities differ by up to {parity.max_abs_diff:.2g} on {parity.compared} clips"
        same = f"{100 * parity.equal_tokens:.2f} % of {parity.frames} frames choose the same"
        lines = [
            f"wrote {self.path}: {_size(self.bytes)}, {self.bytes / self.bytes_fp32:.3f} of the same in float32",
            f"{near} ({self.tolerance:g} is allowed); {same}",
        ]
        if parity.torch_wer is not None and parity.onnx_wer is not None:
            words = f"WER on {self.split}: {100 * parity.onnx_wer:.2f} %, of the model {100 * parity.torch_wer:.2f} %"
            lines.append(f"{words} ({parity.read} clips)")
        if weights.halved:
            lines.append(
                f"{weights.halved:,} weights in half precision, none overflowed, {lost:,} became 0; "
                f"results reach {self.largest_result:.4g} of {LARGEST_HALF:,.0f}"
            )
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """The content of parity.json."""
        parity, weights = self.parity, self.weights
        return {
            "format": _FORMAT,
            "model": {"file": self.path.name, "sha256": self.sha256},
            "passed": parity.max_abs_diff <= self.tolerance,
            "probabilities": {"max_abs_diff": parity.max_abs_diff, "tolerance": self.tolerance},
            "greedy_tokens": {"equal_share": parity.equal_tokens, "frames": parity.frames},
            "wer": {"torch": parity.torch_wer, "onnx": parity.onnx_wer, "delta": parity.delta_wer, "split": self.split},
            "clips": {"compared": parity.compared, "wer": parity.read},
            "bytes": {"model": self.bytes, "fp32": self.bytes_fp32, "share": self.bytes / self.bytes_fp32},
            "weights": {
                "fp16": weights.halved,
                "fp32": weights.kept,
                "overflowed": 0,
                "vanished": sum(weights.vanished.values()),
                "vanished_in": dict(weights.vanished),
            },
            "folded_batch_norms": len(self.folded),
            "longest": {"seconds": self.longest_seconds, "finite": True, "largest_half_result": self.largest_result},
        }


def export_onnx(
    checked: CheckedGraph,
    state_dict: Mapping[str, Tensor],
    *,
    waveforms: Sequence[Samples],
    references: Sequence[str],
    folder: Path,
    split: str = "valid",
    label: str = "onnx",
    spec_hash: str = "",
    layer_of: LayerOf = layer_class,
    fp32_too: bool = False,
    on_progress: Callable[[str], None] = lambda stage: None,
    storage: Storage | None = None,
) -> ExportReport:
    """Write folder/model.onnx and folder/parity.json as `export <label>` of the spec says.

    state_dict  trained weights by their paths
    waveforms   real clips of a `split` at the model's rate, and `references`, what is said in them: `check.examples`
                of them, spread evenly, are compared number by number, all are read for the word error rate
    spec_hash   SHA-256 of the spec's text, where the graph does not know it
    layer_of    where the torch side of a component is found
    fp32_too    also keep the same graph with float32 weights, as model.fp32.onnx

    Raises ExportFailed where the file would not do what the model does, and StorageError where it cannot be written.
    After ExportFailed no file has the final name, not even one of an earlier export; a kill leaves the earlier file,
    none, or the new one, and never one beside the report of another.
    """
    storage = storage or Storage()
    final = folder / MODEL
    try:
        storage.make_folder(folder)
        for left in folder.glob(f".{MODEL}.*.tmp"):
            storage.remove(left)
        try:
            leaving = _Leaving(checked, state_dict, label, spec_hash, layer_of)
            return _export(leaving, waveforms, references, final, split, fp32_too, on_progress, storage)
        except ExportFailed:
            storage.remove(final)
            storage.remove(folder / MODEL_FP32)
            raise
    except OSError as error:
        raise StorageError(f"cannot write {final}", error) from error


def _export(
    leaving: _Leaving,
    waveforms: Sequence[Samples],
    references: Sequence[str],
    final: Path,
    split: str,
    fp32_too: bool,
    on_progress: Callable[[str], None],
    storage: Storage,
) -> ExportReport:
    on_progress("lowering the model and folding its batch norms")
    compared = spread(len(waveforms), leaving.check.examples)
    if not compared:
        raise ExportFailed(f"the {split} split holds no recordings to compare the file on")
    longest = longest_clip(waveforms, num_samples=leaving.most_samples)
    lowered, folded = leaving.folded(leaving.precision)
    largest = 0.0
    if leaving.precision == "fp16":
        on_progress("holding its results against the range of half precision")
        largest = _within_half(lowered, [*(waveforms[place] for place in compared), longest])
    weights = halve_weights(lowered.module, leaving.exported)
    on_progress(f"writing ONNX in {leaving.precision}")
    program = leaving.program(lowered, leaving.precision)
    data = data_fp32 = program.to_bytes()
    if leaving.precision != "fp32":
        on_progress("writing ONNX in fp32, to compare the sizes")
        data_fp32 = leaving.program(leaving.folded("fp32")[0], "fp32").to_bytes()
    temporary = final.with_name(f".{MODEL}.{os.getpid()}.tmp")
    try:
        storage.write(temporary, data)
        on_progress(f"comparing {len(waveforms)} clips in onnxruntime")
        file = OnnxRecogniser(temporary)
        scores_BTV, _ = file.scores([longest])
        if not np.isfinite(scores_BTV).all():
            raise ExportFailed(f"the file gives NaN or infinite scores for {leaving.most_seconds:g} s of audio")
        parity = compare(leaving.reference(), file.scores, waveforms, references, leaving.metadata, compared=compared)
        report = ExportReport(
            path=final,
            split=split,
            sha256=hashlib.sha256(data).hexdigest(),
            parity=parity,
            tolerance=leaving.check.max_abs_diff,
            bytes=len(data),
            bytes_fp32=len(data_fp32),
            weights=weights,
            folded=tuple(folded),
            longest_seconds=leaving.most_seconds,
            largest_result=largest,
        )
        # from here to the last rename there is no model: beside the report of another it would be a lie
        storage.remove(final)
        storage.sync_folder(final.parent)
        replace_file(final.with_name(PARITY), _json(report.to_json()), storage)
        if parity.max_abs_diff > report.tolerance:
            clips = [waveforms[place] for place in compared[:4]]
            raise _drifted(program, lowered, report, clips)
        if fp32_too:
            replace_file(final.with_name(MODEL_FP32), data_fp32, storage)
        storage.rename(temporary, final)
        storage.sync_folder(final.parent)
    finally:
        storage.remove(temporary)
    return report


class _Leaving:
    """A trained graph, and what of it leaves under which names."""

    def __init__(
        self, checked: CheckedGraph, state: Mapping[str, Tensor], label: str, spec_hash: str, layer_of: LayerOf
    ) -> None:
        self.layer_of = layer_of
        self.checked, self.state, self.label = checked, state, label
        section = section_of(checked, label)
        assert isinstance(section.check, Check)
        self.check, self.opset, self.precision = section.check, section.opset, section.precision.name
        self.exported = form(checked, label, self.precision)
        self.outputs = output_names(self.exported.graph, label)
        self.metadata: Metadata = describe(self.exported, label, self.outputs, spec_hash=spec_hash)
        self.most_seconds = self.metadata.limits.most_seconds
        self.most_samples = int(self.most_seconds * self.metadata.rate)

    def lowered(self, precision: str) -> Lowered:
        """The trained module in the form of a precision; its weights are still float32."""
        exported = form(self.checked, self.label, precision)
        return trained_module(exported, output_names(exported.graph, self.label), self.state, layer_of=self.layer_of)

    def folded(self, precision: str) -> tuple[Lowered, list[str]]:
        """The same with batch norms folded, and which."""
        lowered = self.lowered(precision)
        return lowered, fold_batch_norms(lowered.module)

    def reference(self) -> Scores:
        """The trained model in float32, nothing changed, as a function of clips."""
        assert self.metadata.search is not None
        return model_scores(self.lowered("fp32"), self.metadata.search, list(self.outputs))

    def program(self, lowered: Lowered, precision: str) -> Program:
        """The module as ONNX."""
        num_bytes = sum(tensor.numel() * tensor.element_size() for tensor in lowered.module.parameters())
        if num_bytes > MOST_WEIGHT_BYTES:
            message = f"weights of {num_bytes / 2**30:.1f} GiB do not fit into one ONNX file (2 GiB)"
            raise ExportFailed(f"{message}; several files come with a later version")
        inputs, dynamic = examples(self.checked.graph, lowered, samples=self.most_samples)
        return make_program(
            lowered.module,
            inputs,
            dynamic=dynamic,
            outputs=list(self.outputs),
            opset=self.opset,
            properties=replace(self.metadata, precision=precision).to_properties(),
        )


def _within_half(lowered: Lowered, clips: Sequence[Samples]) -> float:
    """The largest result that half precision has to hold; ExportFailed names the first that it cannot."""
    largest: dict[str, float] = {}
    for clip in clips:
        for path, size in largest_results(lowered.module, to_tensors([clip], lowered)).items():
            largest[path] = max(largest.get(path, 0.0), size)
    for path, size in largest.items():
        if not size <= LARGEST_HALF:
            message = (
                f"{path} overflows half precision: its results reach {size:,.4g}, half goes to {LARGEST_HALF:,.0f}"
            )
            raise ExportFailed(message, node=path)
    return max(largest.values(), default=0.0)


def _drifted(program: Program, lowered: Lowered, report: ExportReport, clips: Sequence[Samples]) -> ExportFailed:
    """Why the file is too far off, with the first node that is."""
    drift = first_drift(program.model, program.exported, to_tensors(clips, lowered), tolerance=report.tolerance)
    message = f"probabilities differ by up to {report.parity.max_abs_diff:.2g}, the spec allows {report.tolerance:g}"
    if drift is None:
        return ExportFailed(f"{message}; no node by itself is off by as much, the differences add up")
    where = f"{drift.path or drift.value} ({drift.operator})"
    message = f"{message}; the first node that drifts is {where}: off by {drift.difference:.2g} of {drift.largest:.3g}"
    return ExportFailed(message, node=drift.path)


def _json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=True, allow_nan=False) + "\n").encode()


def _size(num_bytes: int) -> str:
    return f"{num_bytes / 1e6:.1f} MB" if num_bytes >= 1e6 else f"{num_bytes / 1e3:.1f} kB"
