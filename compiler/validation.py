"""Faults of parameter values as diagnostics."""

from __future__ import annotations

from ..dsl.diagnostics import Diagnostic, Edit, Findings, Fix, Label
from ..dsl.values import PartValue, Static
from .catalogue import Catalogue
from .part import severity_of
from .provenance import inside, labels_of
from .schema import Fault, validate_params


def validate(value: PartValue, catalogue: Catalogue, findings: Findings, *, place: str) -> bool:
    """Check a bound part against its declaration; True if there was no error."""
    sound = True
    for fault in validate_params(value, catalogue):
        severity = severity_of(fault.code)
        sound = sound and severity != "error"
        span = value.span if fault.span is None else fault.span
        labels = labels_of(fault.value, besides=span)
        if not inside(span, value.span) and value.family != "section":
            labels = (*labels, Label(value.span, f"used by {value.name} here"))
        findings.add(
            Diagnostic(
                fault.code,
                severity,
                fault.message,
                span,
                fault.at,
                place,
                labels,
                _default_note(fault.param, fault.value),
                fault.helps,
                fixes=_meant(fault),
            )
        )
    return sound


def _meant(fault: Fault) -> tuple[Fix, ...]:
    if not fault.instead or fault.span is None or not fault.span.text.startswith(fault.instead[:1]):
        return ()
    return (Fix(f"write {fault.instead}", (Edit(fault.span, fault.instead),), safe=True),)


def _default_note(param: str, value: object) -> tuple[str, ...]:
    if isinstance(value, Static) and value.origin.kind == "default":
        return (f"`{param}` has its default",)
    return ()
