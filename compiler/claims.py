"""Check the types that blocks write in their signatures."""

from __future__ import annotations

from collections.abc import Mapping

from ..dsl.diagnostics import Findings, Label
from ..dsl.syntax import Binary, Expression, Name, Number
from .dim import Dim
from .dim_origins import labels_of_axis
from .graph import Graph, TypeClaim
from .tensor_type import Axis
from .unification import arithmetic, role

_ORDER = "the axes of a sequence stand in this order: seq[batch, time, features]"


def check_claims(graph: Graph, findings: Findings) -> set[str]:
    """Compare each written type with the inferred one; names of axes are variables of one use of the block.

    Gives the scopes that were given a tensor which they do not accept.
    """
    scopes: dict[str, dict[str, tuple[Axis, TypeClaim]]] = {}
    wrong: set[str] = set()
    for claim in graph.origins.claims:
        num_before = len(findings)
        _check(claim, graph, scopes.setdefault(claim.scope, {}), findings)
        if len(findings) > num_before and not claim.ref.path.startswith(f"{claim.scope}."):
            wrong.add(claim.scope)
    return wrong


def _check(claim: TypeClaim, graph: Graph, variables: dict[str, tuple[Axis, TypeClaim]], findings: Findings) -> None:
    given = graph.type_of(claim.ref) if claim.ref.path in graph.inputs or claim.ref.path in graph.nodes else None
    if given is None:
        return
    shapes = f"shapes: {claim.what} is {given.named}"

    def fault(
        code: str, message: str, axis: int | None, *, at: str = "", said: Expression | None = None, help: str = ""
    ) -> None:
        labels = () if axis is None else labels_of_axis(graph, claim.ref, axis, besides=claim.span)
        if said is not None and said.span != claim.span:
            labels += (Label(said.span, "declared here"),)
        helps = (help,) if help else ()
        findings.error(code, message, claim.span, at=at, place=claim.scope, labels=labels, notes=(shapes,), helps=helps)

    if claim.type.kind == "seq" and not given.is_seq:
        fault("S2S403", f"{claim.what} is declared as a sequence but has no time axis", None)
        return
    if claim.type.axes is None:
        return
    axes = list(claim.type.axes)
    start = 0
    if axes and isinstance(axes[0], Name) and axes[0].name == "..":
        axes = axes[1:]
        start = given.rank - len(axes)
    if given.rank - start != len(axes) or start < 0:
        fault("S2S401", f"{claim.what} is declared with {len(axes)} axes but has {given.rank}", given.rank - 1)
        return
    for offset, expression in enumerate(axes):
        index = start + offset
        axis = given.axes[index]
        if isinstance(expression, Name) and expression.name not in claim.sizes:
            if expression.name == "_":
                continue
            wanted_role = role(expression.name)
            if wanted_role is not None and wanted_role != role(axis.name):
                fault(
                    "S2S403",
                    f"axis {index + 1} of {claim.what} is declared as {expression.name} but is {axis.name}",
                    None,
                    at=f"{axis.name} ({axis.dim}), not {expression.name}",
                    said=expression,
                    help=_ORDER if given.is_seq else "",
                )
                return
            bound = variables.setdefault(expression.name, (axis, claim))
            if bound[0].dim != axis.dim:
                different = bool(bound[0].dim.symbols and axis.dim.symbols) and bound[0].dim.symbols != axis.dim.symbols
                fault(
                    "S2S403" if different else "S2S401",
                    f"`{expression.name}` is {bound[0].dim} in {bound[1].what} but {axis.dim} in {claim.what}",
                    index,
                    at=f"{bound[0].dim} is not {axis.dim}",
                    said=expression,
                )
                return
            continue
        wanted = _size(expression, claim.sizes, variables)
        if wanted is not None and wanted != axis.dim:
            fault(
                "S2S401",
                f"axis {index + 1} of {claim.what} is declared as {wanted} but is {axis.dim}",
                index,
                at=f"{wanted} is not {axis.dim}",
                said=expression,
                help=f"declare it as {axis.dim}, or as `_`, which takes any size" if axis.dim.is_known else _ORDER,
            )
            return


def _size(
    expression: Expression, sizes: Mapping[str, int], variables: Mapping[str, tuple[Axis, TypeClaim]]
) -> Dim | None:
    if isinstance(expression, Number):
        return Dim(int(expression.value))
    if isinstance(expression, Name):
        if expression.name in sizes:
            return Dim(sizes[expression.name])
        return variables[expression.name][0].dim if expression.name in variables else None
    if isinstance(expression, Binary):
        left, right = _size(expression.left, sizes, variables), _size(expression.right, sizes, variables)
        return None if left is None or right is None else arithmetic(expression.operator, left, right)
    return None
