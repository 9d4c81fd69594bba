"""How many frames one output sees: exact through strides, dilations and branches."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ..dsl.values import Ref
from .graph import Graph


@dataclass(frozen=True)
class Field:
    """What one output sees of the data's frames: so many before and after its own, and the step to the next output."""

    before: Fraction
    after: Fraction
    step: Fraction

    @property
    def frames(self) -> int:
        return int(self.before + self.after) + 1


def field_of(graph: Graph, ref: Ref) -> Field | None:
    """The field of a tensor over the frames of the data section; None where it does not depend on them."""
    return fields_of(graph).get(ref.path)


def fields_of(graph: Graph) -> dict[str, Field]:
    """The fields of all nodes that depend on the frames of the data section, by path."""
    fields: dict[str, Field] = {}
    for path, node in graph.nodes.items():
        if path.startswith("data."):
            if any(given.is_seq for given in node.outputs.values()):
                fields[path] = Field(Fraction(0), Fraction(0), Fraction(1))
            continue
        seen = [fields[one.path] for one in node.refs() if one.path in fields and not one.lengths]
        if not seen:
            continue
        window = node.operation.window()
        step = max(field.step for field in seen)
        fields[path] = Field(
            max(field.before for field in seen) + window.before * step,
            max(field.after for field in seen) + window.after * step,
            step * window.stride,
        )
    return fields
