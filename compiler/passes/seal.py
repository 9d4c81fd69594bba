"""Seal a graph that passed every pass, with the hash of its architecture."""

from __future__ import annotations

import hashlib
import json

from ...dsl.values import Ref
from ..encoding import encode
from ..graph import CheckedGraph, Graph
from ..part import Part
from ..structure import structure
from ..types_as_json import type_json
from ..user_module import user_modules

_SEAL = object()


def seal(graph: Graph) -> CheckedGraph:
    """Make the CheckedGraph; only for a graph that went through all passes without an error."""
    return CheckedGraph(graph, architecture_hash(graph), _SEAL)


def is_sealed(checked: CheckedGraph) -> bool:
    """Whether it was made here."""
    return checked._seal is _SEAL


def architecture_hash(graph: Graph) -> str:
    """SHA-256 over what decides a model's weights and what they compute.

    That is nodes, wiring, sharing, parameters that are not for training only, the streams' types and the names of
    sections' tensors; not comments, lets, files, hyperparameters or exports.
    """
    bare = structure(graph)
    content: dict[str, object] = {
        "edition": bare.edition,
        "inputs": {path: type_json(given) for path, given in bare.inputs.items()},
        "nodes": {
            path: {
                "component": node.operation.name,
                "params": _lasting_params(node.operation),
                "inputs": {name: [_ref(ref) for ref in refs] for name, refs in node.inputs.items()},
                "weights": node.weights,
            }
            for path, node in bare.nodes.items()
        },
        "names": {name: _ref(ref) for name, ref in bare.names.items()},
        "loss": bare.loss and _ref(bare.loss),
        "infer": bare.infer and _ref(bare.infer),
    }
    modules = {one.declared.name: one.declared.interface() for one in user_modules(bare)}
    if modules:
        content["modules"] = modules
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _lasting_params(part: Part) -> dict[str, object]:
    """Parameters that are not for training only."""
    values = part.values()
    return {declared.name: encode(values[declared.name]) for declared in part.params if not declared.training}


def _ref(ref: Ref) -> list[object]:
    return [ref.path, ref.port, ref.lengths]
