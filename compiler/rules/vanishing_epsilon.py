"""S2S503: an epsilon is nothing in the precision that it is used in.

What it does: looks at the numbers that keep a divisor from being 0 (epsilon of a norm or an optimizer), in the
precision in which each is added: float32 for norms and for the state of an optimizer, whatever the model computes in.

Why it is bad: below 1.2e-38 float32 has fewer digits and many processors take such a number for 0; below 7e-46 it is 0.
A silent channel or a weight without a gradient then divides 0 by 0, often after days, and all weights are no number.

Bad:

    encoder {
      out = data.audio -> conv1d(16, kernel = 5, stride = 2)
        -> layer_norm(epsilon = 1e-46)    # warning[S2S503]
    }

Good:

    encoder {
      out = data.audio -> conv1d(16, kernel = 5, stride = 2)
        -> layer_norm(epsilon = 1e-12)
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic, Edit, Fix, Severity
from ...dsl.source import Span
from ..graph import Graph
from ..number_reach import reach_of
from ..part import Part
from ..precisions import uses
from ..provenance import applied_at, labels_of
from ..settings import setting, span_at

CODE = "S2S503"


def check(graph: Graph) -> Iterator[Diagnostic]:
    """Find an epsilon that keeps nothing from being 0; an error where the same stands in an export."""
    found: dict[tuple[str, str], Diagnostic] = {}
    for use in uses(graph):
        for path, compute in use.computes.items():
            operation, origin = graph.nodes[path].operation, graph.origins.of(path)
            where = "fp32" if operation.exact or compute == "int64" else compute
            for name, value, why in _vanishing(operation, where):
                bound = origin.params.get(name)
                span = applied_at(bound, origin.span)
                severity: Severity = "error" if use.label else "warning"
                found[path, name] = Diagnostic(
                    CODE,
                    severity,
                    f"{operation.name} adds {name} = {value:g} in {where}, where it is {why}",
                    span,
                    place=path,
                    labels=labels_of(bound, besides=span),
                    helps=(f"write {name} = 1e-5",),
                    reached=origin.reached,
                    fixes=_fixes(span if span != origin.span else None, "1e-5"),
                )
    yield from found.values()
    optimizer = setting(graph, "hyperparameters.optimizer")
    # its state is float32 whatever the model computes in
    for name, value, why in _vanishing(optimizer, "fp32"):
        place = f"hyperparameters.optimizer.{name}"
        yield Diagnostic(
            CODE,
            "warning",
            f"{optimizer.name} adds {name} = {value:g} to its float32 state, where it is {why}",
            span_at(graph, place),
            place=place,
            helps=(f"write {name} = 1e-8",),
            fixes=_fixes(span_at(graph, place), "1e-8"),
        )


def _fixes(span: Span | None, instead: str) -> tuple[Fix, ...]:
    return () if span is None else (Fix(f"write {instead}", (Edit(span, instead),), safe=False),)


def _vanishing(part: Part, precision: str) -> Iterator[tuple[str, float, str]]:
    """Parameters that are nothing, their values and what becomes of them."""
    reach = reach_of(precision)
    for name in part.divisors:
        value = part.values()[name]
        if value is not None and value < reach.normal:
            yield name, value, "0" if value <= reach.vanishing else "too small to keep its digits"
