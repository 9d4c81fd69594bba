"""What leaves in an export: its outputs by name, its facts, and the trained module in a precision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from ...compiler.data_layer import DataLayer
from ...compiler.export_form import for_export
from ...compiler.graph import CheckedGraph, Graph
from ...compiler.part import plain_ends
from ...compiler.parts.data.speech import Speech
from ...compiler.parts.sections.dynamic import Dynamic
from ...compiler.parts.sections.export_onnx import ExportOnnx
from ...compiler.parts.text.alphabet import Alphabet
from ...compiler.signature_file import Declared
from ...compiler.user_module import UserModule
from ...dsl.values import DType, Ref
from ..layers.layer import LayerOf, layer_class
from ..lower import Lowered, lower, placeholder_name, spelt
from .failed import ExportFailed
from .metadata import Limits, Metadata, Search


def section_of(checked: CheckedGraph, label: str) -> ExportOnnx:
    """The spec's `export <label>`."""
    section = checked.graph.exports.get(label)
    if not isinstance(section, ExportOnnx):
        known = ", ".join(sorted(checked.graph.exports)) or "none"
        way_out = "add one, and a training with --resume takes it into the run"
        raise ExportFailed(f"the spec has no section `export {label}` (it has: {known}); {way_out}")
    return section


def form(checked: CheckedGraph, label: str, precision: str) -> CheckedGraph:
    """The graph that leaves, in a precision."""
    section = section_of(checked, label)
    for path, node in checked.graph.nodes.items():
        if isinstance(node.operation, UserModule):
            _refuse_without_onnx(path, node.operation.declared, section.opset)
    changed = section.changed(precision=DType(precision))
    graph = replace(checked.graph, exports={**checked.graph.exports, label: changed})
    return for_export(replace(checked, graph=graph), label)


def _refuse_without_onnx(path: str, declared: Declared, opset: int) -> None:
    """ExportFailed for a user's module that says that it cannot be exported in an opset."""
    if declared.onnx is None:
        what = (
            "says in its signature file that it has"
            if declared.says_onnx
            else "does not say in its signature file that it has"
        )
        form = "no ONNX form" if declared.says_onnx else "an ONNX form (onnx = …)"
        raise ExportFailed(f"{declared.name} {what} {form}", node=path)
    if declared.onnx > opset:
        raise ExportFailed(
            f"{declared.name} can be exported from opset {declared.onnx} on, and this is {opset}", node=path
        )


def output_names(graph: Graph, label: str) -> dict[str, Ref]:
    """The outputs by the names that the file gives them: `decoder.log_probs.lengths` -> `log_probs_lengths`."""
    section = graph.exports[label]
    assert isinstance(section, ExportOnnx)
    full = {spelt(ref, graph).replace(".", "_"): ref for ref in section.outputs}
    short = {spelt(ref, graph).partition(".")[2].replace(".", "_"): ref for ref in section.outputs}
    names = short if len(short) == len(full) and "" not in short else full
    clash = [name for name in names if name in {placeholder_name(path) for path in graph.inputs}]
    return full if clash else names


def trained_module(
    exported: CheckedGraph,
    outputs: Mapping[str, Ref],
    state: Mapping[str, Tensor],
    *,
    layer_of: LayerOf = layer_class,
) -> Lowered:
    """Lower to the given outputs and put trained weights in, for evaluation."""
    lowered = lower(exported, outputs=list(outputs.values()), layer_of=layer_of)
    load_trained_weights(lowered.module, state)
    lowered.module.eval()
    return lowered


def load_trained_weights(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Put trained weights into a module that has the model's layers or some; ExportFailed where they do not fit."""
    own = module.state_dict()
    for name, tensor in own.items():
        if name not in state:
            raise ExportFailed(f"the checkpoint lacks {name}", node=name.rpartition(".")[0])
        if state[name].shape != tensor.shape:
            shapes = f"{list(state[name].shape)} in the checkpoint, {list(tensor.shape)} in the spec"
            raise ExportFailed(f"{name} is {shapes}", node=name.rpartition(".")[0])
    module.load_state_dict({name: state[name] for name in own})


def examples(graph: Graph, lowered: Lowered, *, samples: int) -> tuple[dict[str, Tensor], dict[str, dict[int, str]]]:
    """Inputs for the exporter to follow, and the axes that vary."""
    found: dict[str, Tensor] = {}
    dynamic: dict[str, dict[int, str]] = {}
    for path, type_ in graph.inputs.items():
        name = placeholder_name(path)
        if name not in lowered.inputs:
            continue
        found[name] = torch.zeros(2, samples)
        dynamic[name] = {0: "batch", 1: type_.axes[1].name}
        if f"{name}_lengths" in lowered.inputs:
            found[f"{name}_lengths"] = torch.full((2,), samples, dtype=torch.int64)
            dynamic[f"{name}_lengths"] = {0: "batch"}
    return found, dynamic


def describe(checked: CheckedGraph, label: str, outputs: Mapping[str, Ref], *, spec_hash: str) -> Metadata:
    """The facts that the file carries; ExportFailed where it would lack what every use needs."""
    graph = checked.graph
    section = graph.exports[label]
    assert isinstance(section, ExportOnnx)
    if not isinstance(graph.data, Speech):
        raise ExportFailed(f"a model over {graph.data.name} cannot be exported yet; one over data.speech can")
    return Metadata(
        name=graph.name,
        spec=spec_hash or graph.origins.spec_hash,
        architecture=checked.architecture_hash,
        licence=section.licence,
        precision=section.precision.name,
        rate=graph.data.feature.rate,
        limits=limits_of(graph.data, section),
        search=search_of(graph, outputs),
    )


def limits_of(data: DataLayer, section: ExportOnnx) -> Limits:
    """The sizes that `dynamic` declares; lengths of clips are the data's where it does not say."""
    assert isinstance(data, Speech)
    assert isinstance(section.dynamic, Dynamic)
    batch = plain_ends(section.dynamic.batch)
    least, most = plain_ends(section.dynamic.time or data.keep)
    return Limits(int(batch[0]), int(batch[1]), float(least), float(most))


def search_of(graph: Graph, outputs: Mapping[str, Ref]) -> Search:
    """How the outputs become text: the scores that the spec's search reads, with their lengths."""
    if graph.infer is None:
        raise ExportFailed("the spec names no search (infer = log_probs -> greedy_ctc(…)), so nothing can be compared")
    search = graph.nodes[graph.infer.path]
    assert isinstance(graph.data, Speech)
    assert isinstance(graph.data.text, Alphabet)
    scores = graph.before_derived(search.inputs["x"][0])
    asked = spelt(scores, graph)
    by_place = {(graph.before_derived(ref).path, ref.lengths): name for name, ref in outputs.items()}
    places = [(scores.path, lengths) for lengths in (False, True)]
    if not all(place in by_place for place in places):
        raise ExportFailed(
            f"the outputs must hold {asked} and {asked}.lengths, which the search reads", node=scores.path
        )
    return Search(
        kind=search.operation.name,
        blank=int(search.operation.values()["blank"]),
        symbols=tuple(graph.data.text.symbols),
        scores=by_place[places[0]],
        lengths=by_place[places[1]],
    )
