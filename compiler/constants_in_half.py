"""Constants that the precision of the operation which uses them cannot hold."""

from __future__ import annotations

from collections.abc import Iterator

from ..dsl.diagnostics import Diagnostic, Edit, Fix, Label
from .graph import Graph
from .number_reach import reach_of
from .precisions import Use
from .provenance import applied_at, labels_of
from .settings import is_written, span_at


def outside(graph: Graph, use: Use, *, code: str) -> Iterator[Diagnostic]:
    """An error for each constant that is infinite or 0 in what its operation computes in."""
    for path, compute in use.computes.items():
        operation, origin = graph.nodes[path].operation, graph.origins.of(path)
        reach = reach_of(compute) if operation.constants and compute != "int64" else None
        for name in operation.constants:
            value = operation.values()[name]
            if reach is None or not value or reach.vanishing < abs(value) < reach.infinite:
                continue
            infinite = abs(value) >= reach.infinite
            bound = origin.params.get(name)
            span = applied_at(bound, origin.span)
            labels = labels_of(bound, besides=span)
            said = f"{_precision(use)}.precision"
            if is_written(graph, said):
                where = span_at(graph, said)
                labels = (*labels, *([] if where is None else [Label(where, f"{compute} is chosen here")]))
            # a mask's penalty; what another number is for nobody but its author knows
            edits = (Edit(span, "-1e4"),) if span is not None and span != origin.span and value < 0 and infinite else ()
            fixes = (Fix("write -1e4", edits, safe=False),) if edits else ()
            least, most = f"{reach.normal:.2g}", f"{reach.largest:,.0f}"
            yield Diagnostic(
                code,
                "error",
                f"{operation.name} computes in {compute} in {use.where}, where {name} = {value:g} is "
                f"{'infinite' if infinite else '0'}",
                span,
                at=f"{compute} ends at {most}" if infinite else f"{compute} has no digits left below {least}",
                place=path,
                labels=labels,
                helps=(
                    f"stay within {most}{': -1e4 is as good for a mask' if value < 0 else ''}"
                    if infinite
                    else f"make it larger than {least}",
                    "or choose bf16 or fp32" if not use.label else "or choose precision = fp32",
                ),
                reached=origin.reached,
                fixes=fixes,
            )


def _precision(use: Use) -> str:
    return f"export.{use.label}" if use.label else "hyperparameters"
