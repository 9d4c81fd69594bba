"""A component's Mismatch as a diagnostic: with the place, the shapes and the origin of the numbers."""

from __future__ import annotations

from collections.abc import Mapping

from ..dsl.diagnostics import Diagnostic, Edit, Findings, Fix, Label, Severity
from ..dsl.values import Static
from .component import Mismatch
from .graph import NodeOrigin
from .provenance import Value, inside, labels_of, span_of
from .tensor_type import TensorType

_SEVERITY: dict[str, Severity] = {"S2S309": "warning", "S2S407": "warning", "S2S409": "info"}


def report_mismatch(
    mismatch: Mismatch,
    origin: NodeOrigin,
    findings: Findings,
    *,
    place: str,
    inputs: Mapping[str, tuple[TensorType, ...]] | None = None,
    more: tuple[Label, ...] = (),
) -> bool:
    """Add the diagnostic of a mismatch; True if it is an error. `more` says where the inputs come from."""
    severity = _SEVERITY.get(mismatch.code, "error")
    value = origin.params.get(mismatch.param) if mismatch.param else None
    labels = labels_of(value, besides=origin.span, text=f"`{mismatch.param}` comes from here")
    for label in more:
        if not any(inside(label.span, other.span) for other in (*labels, *more) if other is not label):
            labels += (label,)
    labels += mismatch.labels
    notes = [shapes_note(inputs)] if inputs else []
    if isinstance(value, Static) and value.origin.kind == "default" and not value.operands:
        notes.append(f"`{mismatch.param}` has its default, {value.value}")
    findings.add(
        Diagnostic(
            mismatch.code,
            severity,
            mismatch.message,
            origin.span,
            mismatch.at,
            place,
            labels,
            tuple(notes),
            mismatch.helps,
            origin.reached,
            _instead(mismatch.instead, value, origin),
        )
    )
    return severity == "error"


def _instead(text: str, value: Value | None, origin: NodeOrigin) -> tuple[Fix, ...]:
    """Write another value where this one is written in the very call: of a name, others may want the old one."""
    span = span_of(value)
    if not text or span is None or not inside(span, origin.span) or span == origin.span:
        return ()
    return (Fix(f"write {text}", (Edit(span, text),), safe=False),)


def shapes_note(inputs: Mapping[str, tuple[TensorType, ...]]) -> str:
    """`shapes: x is seq[batch, time, 64]`."""
    pieces = []
    for name, group in inputs.items():
        for index, given in enumerate(group):
            label = name if len(group) == 1 else f"input {index + 1}"
            pieces.append(f"{label} is {given.named}")
    return "shapes: " + ", ".join(pieces)
