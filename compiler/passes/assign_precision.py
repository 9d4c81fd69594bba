"""Give every node its compute type, and put the casts between them into the graph."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...dsl.diagnostics import Findings
from ...dsl.suggest import closest
from ...dsl.values import DType, Ref
from ..components.cast import Cast
from ..graph import Graph, Node
from ..part import Part
from ..pass_contract import graph_pass
from ..path_patterns import is_among, matches
from ..settings import items


@graph_pass(needs=("types", "classes", "clean"), gives=("precision",))
def assign_precision(graph: Graph, findings: Findings) -> Graph:
    """Compute in the precision that hyperparameters ask for, as far as each component tolerates it."""
    precision = graph.hyperparameters.values()["precision"]
    _check_kept(graph, findings)
    return assign(graph, half_of(precision), keep=kept_of(precision))


def _check_kept(graph: Graph, findings: Findings) -> None:
    """An error for each pattern that names no layer with weights in half."""
    path = "hyperparameters.precision.keep"
    halves = {node.weights for node in graph.nodes.values() if node.operation.precision == "half"}
    for pattern, span in items(graph, path):
        if not any(matches(one, pattern) for one in halves):
            near = closest(pattern, halves)
            findings.error(
                "S2S211",
                f"keep names `{pattern}`, where no layer computes in half precision",
                span,
                place=path,
                helps=(f"did you mean `{near}`?",) if near else (),
            )


def half_of(precision: Any) -> str:
    """The precision of what may be computed in half: `fp32`, `autocast(bf16)` -> "bf16"."""
    if isinstance(precision, Part):
        precision = precision.values()["dtype"]
    return "fp32" if precision is None else precision.name


def kept_of(precision: Any) -> tuple[str, ...]:
    """Patterns of the paths that stay float32: those of `mixed(fp16, keep = ["encoder.emb"])`."""
    kept: tuple[str, ...] = precision.values().get("keep", ()) if isinstance(precision, Part) else ()
    return kept


def given_in(compute: str) -> str:
    """What the results of a computation are stored in: tf32 is how float32 is multiplied."""
    return "fp32" if compute == "tf32" else compute


def assign(graph: Graph, half: str, *, keep: tuple[str, ...] = ()) -> Graph:
    """Assign compute types, `half` to what tolerates it; casts of an earlier assignment stay where they fit.

    keep  patterns of the paths of weights that stay float32
    """
    nodes: dict[str, Node] = {}
    casts: dict[tuple[Ref, str], Ref] = {}
    gives: dict[str, str] = {
        path: "int64" if given.element == "index" else "fp32" for path, given in graph.inputs.items()
    }
    for path, node in graph.nodes.items():
        if isinstance(node.operation, Cast):
            target = node.operation.dtype.name
            nodes[path] = replace(node, compute=target, gives=target)
            casts[(node.inputs["x"][0], target)] = Ref(path, "y")
            gives[path] = target
            continue
        compute = _compute(node, "fp32" if is_among(node.weights, keep) else half, gives)
        inputs = {
            name: tuple(
                _cast(ref, given_in(compute), f"{path}.cast_{name}{position or ''}", graph, nodes, casts, gives)
                for position, ref in enumerate(refs)
            )
            for name, refs in node.inputs.items()
        }
        real = any(given.element == "real" for given in node.outputs.values())
        gives[path] = given_in(compute) if real else "int64"
        nodes[path] = replace(node, inputs=inputs, compute=compute, gives=gives[path])
    return graph.with_nodes(nodes.values())


def _compute(node: Node, half: str, gives: dict[str, str]) -> str:
    """A component that follows computes in float32 as soon as one of its inputs is."""
    if node.operation.precision == "half":
        return half
    if node.operation.precision == "fp32":
        return "fp32"
    given = {gives[ref.path] for ref in node.refs() if not ref.lengths} - {"int64"}
    return given.pop() if len(given) == 1 else "fp32"


def _cast(
    ref: Ref,
    compute: str,
    path: str,
    graph: Graph,
    nodes: dict[str, Node],
    casts: dict[tuple[Ref, str], Ref],
    gives: dict[str, str],
) -> Ref:
    """The tensor in the wanted precision; one cast serves all that read it."""
    given = graph.type_of(ref)
    if given is None or given.element == "index" or ref.lengths or gives[ref.path] == compute:
        return ref
    if (ref, compute) not in casts:
        clean = ref.path in nodes and nodes[ref.path].clean
        nodes[path] = Node(
            path,
            Cast(dtype=DType(compute)),
            {"x": (ref,)},
            path,
            derived=True,
            outputs={"y": given},
            compute=compute,
            gives=compute,
            clean=clean,
        )
        casts[(ref, compute)] = Ref(path, "y")
        gives[path] = compute
    return casts[(ref, compute)]
