"""Export of a model that writes token by token: an encoder and a step, two ONNX files that work as one."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn

from ...compiler.data_layer import BEGIN, END
from ...compiler.graph import CheckedGraph, Graph
from ...compiler.part import plain_ends
from ...compiler.parts.sections.check import Check
from ...compiler.parts.sections.dynamic import Dynamic
from ...compiler.parts.sections.export_onnx import MOST_WEIGHT_BYTES
from ...compiler.places import most_lengths
from ...compiler.step_form import ROOM
from ..layers.layer import LayerOf, layer_class
from ..lower import placeholder_name
from ..lower_step import LOGITS, POSITION, TOKENS, CarriedTensor, LoweredStep, lower_step
from ..onnx_stepping import OnnxPair, source_feeds
from ..stepping import TorchStepper
from ..storage import Storage, StorageError, replace_file
from .drift import first_drift, output_drift, runs_in_torch
from .failed import ExportFailed
from .methods import methods_as_modules
from .onnx import MODEL, PARITY
from .pair_metadata import (
    AFTER,
    ENCODER,
    STEP,
    CarriedArray,
    EncoderFacts,
    PairMetadata,
    TextLimits,
    TokenSearch,
)
from .pair_parity import Decoding, PairParity, Sentence, compare
from .parity import spread
from .precision import LARGEST_HALF, HalfWeights, halve_weights, largest_results
from .prepare import form, load_trained_weights, section_of, trained_module
from .program import Program, make_program

_FORMAT = 1
_DTYPES = {torch.float16: "float16", torch.float32: "float32", torch.int64: "int64", torch.bool: "bool"}
# what the spec limits neither in `dynamic` nor in its data
_MOST_SOURCE = 1024
_ROWS, _SOURCE, _PLACES = 2, 5, 7
_Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class PairReport:
    """What an export wrote, and how near the two files are to the model.

    folder          holds encoder.onnx and step.onnx
    sha256, bytes   of the files by name
    split           where the compared sentences come from
    tolerance       largest difference of a probability that the spec allows
    torch_bleu, onnx_bleu   of greedy decodes of the compared sentences; None where nothing measures them
    largest_result  largest size of a result that the files hold in half precision, which goes to 65,504; 0 without any
    """

    folder: Path
    sha256: Mapping[str, str]
    bytes: Mapping[str, int]
    split: str
    parity: PairParity
    tolerance: float
    torch_bleu: float | None
    onnx_bleu: float | None
    weights: HalfWeights
    largest_result: float

    def to_text(self) -> str:
        """The findings in a few lines."""
        parity, weights = self.parity, self.weights
        sizes = " and ".join(f"{self.folder / name} ({_size(size)})" for name, size in self.bytes.items())
        lines = [
            f"wrote {sizes}",
            f"probabilities differ by up to {parity.max_abs_diff:.2g} over {parity.tokens} tokens of "
            f"{parity.sentences} sentences ({self.tolerance:g} is allowed); "
            f"{100 * parity.equal_tokens:.2f} % choose the same",
        ]
        share = f"{100 * parity.equal_sentences:.1f} % of the greedy translations are the same to the last token"
        if self.torch_bleu is not None and self.onnx_bleu is not None:
            share += f"; BLEU on these of {self.split}: {self.onnx_bleu:.2f}, of the model {self.torch_bleu:.2f}"
        lines.append(share)
        if weights.halved:
            lost = sum(weights.vanished.values())
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
            "models": [
                {"file": name, "sha256": self.sha256[name], "bytes": self.bytes[name]} for name in (ENCODER, STEP)
            ],
            "passed": parity.max_abs_diff <= self.tolerance,
            "probabilities": {"max_abs_diff": parity.max_abs_diff, "tolerance": self.tolerance},
            "greedy_tokens": {"equal_share": parity.equal_tokens, "tokens": parity.tokens},
            "greedy_sentences": {"equal_share": parity.equal_sentences, "sentences": parity.sentences},
            "bleu": {"torch": self.torch_bleu, "onnx": self.onnx_bleu, "split": self.split},
            "weights": {
                "fp16": weights.halved,
                "fp32": weights.kept,
                "overflowed": 0,
                "vanished": sum(weights.vanished.values()),
                "vanished_in": dict(weights.vanished),
            },
            "largest_half_result": self.largest_result,
        }


@dataclass(frozen=True)
class Text:
    """What of the data leaves with a model: tokenizers as files, and how numbers become text.

    bleu  of hypotheses against references; None: nothing measures it
    """

    tokenizers: Mapping[str, bytes]
    decode: Callable[[Sequence[int]], str]
    bleu: Callable[[Sequence[str], Sequence[str]], float | None] = lambda hypotheses, references: None


def export_pair(
    checked: CheckedGraph,
    state_dict: Mapping[str, Tensor],
    *,
    sentences: Sequence[Sentence],
    text: Text,
    folder: Path,
    split: str = "valid",
    label: str = "onnx",
    spec_hash: str = "",
    layer_of: LayerOf = layer_class,
    on_progress: Callable[[str], None] = lambda stage: None,
    storage: Storage | None = None,
) -> PairReport:
    """Write folder/encoder.onnx, folder/step.onnx and folder/parity.json as `export <label>` of the spec says.

    state_dict  trained weights by their paths
    sentences   real ones of a `split`; `check.examples` of them, spread evenly, are compared
    spec_hash   SHA-256 of the spec's text, where the graph does not know it
    layer_of    where the torch side of a component is found

    Raises ExportFailed where the files would not do what the model does, and StorageError where they cannot be
    written. After ExportFailed neither file has its final name, not even one of an earlier export. encoder.onnx is the
    last to come and the first to go, so where a kill leaves it, its step and its report are there and belong to it.
    """
    storage = storage or Storage()
    try:
        storage.make_folder(folder)
        for name in (ENCODER, STEP):
            for left in folder.glob(f".{name}.*.tmp"):
                storage.remove(left)
        try:
            leaving = _Leaving(checked, state_dict, label, spec_hash, layer_of)
            return _export(leaving, sentences, text, folder, split, on_progress, storage)
        except ExportFailed:
            _remove(folder, storage)
            raise
    except OSError as error:
        raise StorageError(f"cannot write {folder / ENCODER}", error) from error


def _export(
    leaving: _Leaving,
    sentences: Sequence[Sentence],
    text: Text,
    folder: Path,
    split: str,
    on_progress: Callable[[str], None],
    storage: Storage,
) -> PairReport:
    on_progress("lowering the encoder and the step")
    fitting = [one for one in sentences if leaving.fits(one)]
    compared = [fitting[place] for place in spread(len(fitting), leaving.check.examples)]
    if not compared:
        raise ExportFailed(f"the {split} split holds no sentences to compare the files on")
    reference = leaving.lowered("fp32")[0]
    largest = 0.0
    if leaving.precision == "fp16":
        on_progress("holding its results against the range of half precision")
        largest = leaving.within_half(compared)
    lowered, root = leaving.lowered(leaving.precision)
    weights = halve_weights(root, leaving.exported)
    on_progress(f"writing ONNX in {leaving.precision}")
    programs = leaving.programs(lowered)
    contents = leaving.contents(programs, text.tokenizers)
    temporary = {name: folder / f".{name}.{os.getpid()}.tmp" for name in (ENCODER, STEP)}
    try:
        for name, content in contents.items():
            storage.write(temporary[name], content)
        on_progress(f"comparing greedy translations of {len(compared)} sentences in onnxruntime")
        pair = OnnxPair(temporary[ENCODER], temporary[STEP])
        parity = compare(reference, pair, compared, leaving.decoding)
        references = [one.reference for one in compared]
        bleus = [text.bleu([text.decode(row) for row in rows], references) for rows in (parity.torch, parity.onnx)]
        report = PairReport(
            folder=folder,
            sha256={name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
            bytes={name: len(content) for name, content in contents.items()},
            split=split,
            parity=parity,
            tolerance=leaving.check.max_abs_diff,
            torch_bleu=bleus[0],
            onnx_bleu=bleus[1],
            weights=weights,
            largest_result=largest,
        )
        # from here to the last rename there is no model: beside the report of another it would be a lie
        _remove(folder, storage)
        storage.sync_folder(folder)
        replace_file(folder / PARITY, _json(report.to_json()), storage)
        if parity.max_abs_diff > report.tolerance:
            raise _drifted(programs, reference, report, compared[parity.at.sentence], leaving)
        storage.rename(temporary[STEP], folder / STEP)
        storage.sync_folder(folder)
        storage.rename(temporary[ENCODER], folder / ENCODER)
        storage.sync_folder(folder)
    finally:
        for path in temporary.values():
            storage.remove(path)
        if not (folder / ENCODER).exists():
            storage.remove(folder / STEP)
    return report


def _remove(folder: Path, storage: Storage) -> None:
    """Take away an earlier export: the encoder first, without which the step is nothing."""
    for name in (ENCODER, STEP, MODEL):
        storage.remove(folder / name)


class _Leaving:
    """A trained graph that writes token by token, and what of it leaves under which names."""

    def __init__(
        self, checked: CheckedGraph, state: Mapping[str, Tensor], label: str, spec_hash: str, layer_of: LayerOf
    ) -> None:
        self.layer_of = layer_of
        self.checked, self.state, self.label = checked, state, label
        section = section_of(checked, label)
        assert isinstance(section.check, Check)
        self.check, self.opset, self.precision = section.check, section.opset, section.precision.name
        self.exported = form(checked, label, self.precision)
        self.shape = lower_step(self.exported, layer_of=layer_of)
        self.metadata = _describe(self.exported, label, self.shape, spec_hash)
        self.decoding = Decoding(BEGIN, END, self.most_tokens)

    def fits(self, sentence: Sentence) -> bool:
        """Whether it is within the declared limits, and there are places for its translation."""
        most = self.metadata.search.most_places
        # one more than its tokens: the begin mark
        return len(sentence.source) <= self.metadata.limits.most_source and (
            most is None or len(sentence.target) + 1 <= most
        )

    def most_tokens(self, source: int) -> int:
        """How long a translation gets that is compared."""
        return int(self.metadata.search.most_tokens(np.array([source]))[0])

    def lowered(self, precision: str) -> tuple[LoweredStep, nn.Module]:
        """The trained encoder and step in the form of a precision, and their layers; weights are still float32."""
        root = nn.Module()
        lowered = lower_step(form(self.checked, self.label, precision), root, layer_of=self.layer_of)
        load_trained_weights(root, self.state)
        for module in (root, lowered.first, lowered.step):
            module.eval()
        return lowered, root

    def within_half(self, sentences: Sequence[Sentence]) -> float:
        """The largest result that half precision has to hold; ExportFailed names the first that it cannot.

        The whole decoder at once has the step's results for every token.
        """
        graph = self.exported.graph
        assert graph.infer is not None
        (logits,) = graph.nodes[graph.infer.path].inputs["x"]
        whole = trained_module(self.exported, {LOGITS: logits}, self.state, layer_of=self.layer_of)
        largest: dict[str, float] = {}
        for sentence in sentences:
            feeds = _teacher_forced(graph, sentence, whole.inputs)
            for path, size in largest_results(whole.module, feeds).items():
                largest[path] = max(largest.get(path, 0.0), size)
        for path, size in largest.items():
            if not size <= LARGEST_HALF:
                reach = f"its results reach {size:,.4g}, half goes to {LARGEST_HALF:,.0f}"
                raise ExportFailed(f"{path} overflows half precision: {reach}", node=path)
        return max(largest.values(), default=0.0)

    def programs(self, lowered: LoweredStep) -> dict[str, Program]:
        """The encoder and the step as ONNX, without metadata yet."""
        given = {name: torch.from_numpy(value) for name, value in source_feeds([[END] * _SOURCE] * _ROWS).items()}
        takes = {name: given[name] for name in lowered.takes}
        # what it computes is wanted for its sizes only: half is not computed everywhere
        begun: Mapping[str, Tensor] = self.lowered("fp32")[0].first(*takes.values())
        carried = (*lowered.once, *lowered.state)
        sizes: dict[str, Tensor] = {TOKENS: torch.zeros(_ROWS, 1, dtype=torch.int64), POSITION: torch.tensor(1)}
        axes: dict[str, dict[int, str]] = {TOKENS: {0: "rows"}}
        for kept in carried:
            shape = begun[kept.name].shape if kept.name in begun else (_ROWS, *_places(kept))
            sizes[kept.name] = torch.zeros(shape, dtype=kept.dtype)
            axes[kept.name] = {0: "rows"} | {axis: _axis_name(kept, axis) for axis in _open_axes(kept)}
        first = self._program(
            lowered.first,
            takes,
            {name: {0: "batch"} if name.endswith("_lengths") else {0: "batch", 1: "source"} for name in takes},
            list(begun),
        )
        step = self._program(
            lowered.step,
            {name: sizes[name] for name in lowered.arguments},
            axes,
            [LOGITS, *(kept.name + AFTER for kept in lowered.state)],
        )
        return {ENCODER: first, STEP: step}

    def _program(
        self,
        module: fx.GraphModule,
        inputs: Mapping[str, Tensor],
        dynamic: Mapping[str, Mapping[int, str]],
        outputs: Sequence[str],
    ) -> Program:
        num_bytes = sum(tensor.numel() * tensor.element_size() for tensor in module.parameters())
        if num_bytes > MOST_WEIGHT_BYTES:
            message = f"weights of {num_bytes / 2**30:.1f} GiB do not fit into one ONNX file (2 GiB)"
            raise ExportFailed(f"{message}; several files come with a later version")
        module = methods_as_modules(module)
        return make_program(module, inputs, dynamic=dynamic, outputs=outputs, opset=self.opset, properties={})

    def contents(self, programs: Mapping[str, Program], tokenizers: Mapping[str, bytes]) -> dict[str, bytes]:
        """The files' bytes: each says which pair it belongs to, and the encoder which step it was made with."""
        both = hashlib.sha256()
        for name in (ENCODER, STEP):
            both.update(hashlib.sha256(programs[name].to_bytes()).digest())
        facts = replace(self.metadata, pair=both.hexdigest())
        step = programs[STEP].with_properties(facts.to_properties("step")).to_bytes()
        encoder_facts = EncoderFacts(hashlib.sha256(step).hexdigest(), tokenizers)
        encoder = programs[ENCODER].with_properties(facts.to_properties("encoder", **encoder_facts.to_properties()))
        return {ENCODER: encoder.to_bytes(), STEP: step}

    def at(self, reference: LoweredStep, sentence: Sentence, position: int) -> dict[str, tuple[_Tensors, _Tensors]]:
        """What each file is fed and should give: the encoder, and the step after `position` tokens of the model's."""
        source = {name: torch.from_numpy(value) for name, value in source_feeds([sentence.source]).items()}
        stepper = TorchStepper(reference, [source[name] for name in reference.takes])
        begun = {name: value.clone() for name, value in stepper.carried.items() if name in self.begun}
        tokens = torch.tensor([BEGIN])
        for _ in range(position):
            tokens = stepper.logits(tokens).argmax(-1)
        dtypes = {one.name: one.dtype for one in (*self.shape.once, *self.shape.state)}
        carried = {name: value.to(dtypes[name], copy=True) for name, value in stepper.carried.items()}
        known = {TOKENS: tokens[:, None], POSITION: torch.tensor(position), **carried}
        logits = stepper.logits(tokens)[:, None]
        after = {one.name + AFTER: stepper.carried[one.name] for one in self.shape.state}
        return {
            ENCODER: ({name: source[name] for name in self.shape.takes}, begun),
            STEP: ({name: known[name] for name in self.shape.arguments}, {LOGITS: logits, **after}),
        }

    @property
    def begun(self) -> frozenset[str]:
        """What the encoder gives."""
        return frozenset(one.name for one in self.shape.once) | self.shape.given


def _describe(exported: CheckedGraph, label: str, lowered: LoweredStep, spec_hash: str) -> PairMetadata:
    """The facts that both files carry."""
    graph = exported.graph
    section = section_of(exported, label)
    assert graph.infer is not None
    search = graph.nodes[graph.infer.path]
    (logits,) = search.inputs["x"]
    type_ = graph.type_of(logits)
    assert type_ is not None
    strange = [name for name in lowered.takes if name not in ("source", "source_lengths")]
    if strange or "source" not in lowered.takes:
        what = f"reads {strange[0]}" if strange else "reads nothing of a source"
        raise ExportFailed(f"only a model that translates data.source can be exported in two files; this one {what}")
    return PairMetadata(
        name=graph.name,
        spec=spec_hash or graph.origins.spec_hash,
        architecture=exported.architecture_hash,
        licence=section.licence,
        precision=section.precision.name,
        pair="0" * 64,
        limits=_limits(graph, section.dynamic),
        search=TokenSearch(
            search.operation.name, BEGIN, END, most_places=lowered.most_tokens, **search.operation.values()
        ),
        vocab=type_.axes[-1].dim.known,
        takes=lowered.takes,
        once=tuple(_array(kept, lowered) for kept in lowered.once),
        state=tuple(_array(kept, lowered) for kept in lowered.state),
        given=lowered.given,
    )


def _limits(graph: Graph, dynamic: object) -> TextLimits:
    """Sizes that `dynamic` declares; lengths of sentences are the data's where it does not say."""
    assert isinstance(dynamic, Dynamic)
    batch = plain_ends(dynamic.batch)
    (symbol,) = graph.inputs["data.source"].time.symbols
    stream = next(one for one in graph.symbols if one.name == symbol)
    least, most = stream.minimum or 1, stream.maximum or _MOST_SOURCE
    if dynamic.time is not None:
        # the end mark is a token of the encoder's, not of the sentence
        least, most = (int(end) + 1 for end in plain_ends(dynamic.time))
    places = most_lengths(graph).get("data.source", most)
    if places < most and dynamic.time is not None:
        raise ExportFailed(
            f"dynamic.time goes to {most - 1:,} tokens, but the model has places for {places - 1:,} and an end mark"
        )
    return TextLimits(int(batch[0]), int(batch[1]), max(1, least), min(most, places))


def _array(kept: CarriedTensor, lowered: LoweredStep) -> CarriedArray:
    zeros = kept in lowered.state and kept.name not in lowered.given
    shape: list[int | str] = []
    for axis, dim in enumerate(kept.shape, start=1):
        if zeros and not dim.is_known and str(dim) != ROOM:
            raise ExportFailed(f"{kept.name} starts as zeros of the size {dim}, which the files cannot say")
        shape.append(dim.known if dim.is_known else _axis_name(kept, axis) if str(dim) != ROOM else ROOM)
    return CarriedArray(kept.name, tuple(shape), _DTYPES[kept.dtype])


def _places(kept: CarriedTensor) -> list[int]:
    return [dim.value({ROOM: _PLACES}) for dim in kept.shape]


def _open_axes(kept: CarriedTensor) -> list[int]:
    return [axis for axis, dim in enumerate(kept.shape, start=1) if not dim.is_known]


def _axis_name(kept: CarriedTensor, axis: int) -> str:
    """A size that varies, by a name that ONNX takes: "room", or that of a size of the source."""
    text = str(kept.shape[axis - 1])
    slug = "".join(letter if letter.isalnum() else "_" for letter in text).strip("_")
    return "room" if text == ROOM else f"source_{slug}"


def _teacher_forced(graph: Graph, sentence: Sentence, names: Sequence[str]) -> dict[str, Tensor]:
    """The whole model's inputs: the source and its translation."""
    found = {name: torch.from_numpy(value) for name, value in source_feeds([sentence.source]).items()}
    shifted = torch.tensor([[BEGIN, *sentence.target]])
    for path in graph.targets:
        # all of them are as long; only the shifted one is read
        found[placeholder_name(path)] = shifted
        found[f"{placeholder_name(path)}_lengths"] = torch.tensor([shifted.shape[1]])
    return {name: found[name] for name in names}


def _drifted(
    programs: Mapping[str, Program], reference: LoweredStep, report: PairReport, sentence: Sentence, leaving: _Leaving
) -> ExportFailed:
    """Why the pair is too far off: the file and its first node that is, on the sentence where it is worst."""
    parity = report.parity
    message = (
        f"probabilities differ by up to {parity.max_abs_diff:.2g} at token {parity.at.position + 1} of a translation, "
        f"the spec allows {report.tolerance:g}"
    )
    for name, (feeds, expected) in leaving.at(reference, sentence, parity.at.position).items():
        model, program = programs[name].model, programs[name].exported
        if runs_in_torch(program):
            drift = first_drift(model, program, feeds, tolerance=report.tolerance)
        else:
            drift = output_drift(model, expected, feeds, tolerance=report.tolerance)
        if drift is not None:
            where = f"{drift.path or drift.value} ({drift.operator}) of {name}"
            off = f"off by {drift.difference:.2g} of {drift.largest:.3g}"
            node = drift.path or drift.value.removesuffix(AFTER).rpartition(".")[0]
            return ExportFailed(f"{message}; the first node that drifts is {where}: {off}", node=node)
    return ExportFailed(f"{message}; no node by itself is off by as much, the differences add up")


def _json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=True, allow_nan=False) + "\n").encode()


def _size(num_bytes: int) -> str:
    return f"{num_bytes / 1e6:.1f} MB" if num_bytes >= 1e6 else f"{num_bytes / 1e3:.1f} kB"
