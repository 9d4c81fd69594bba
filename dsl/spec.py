"""A resolved spec: every block, table and repeat expanded, every parameter bound, no shapes yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .source import Source, Span
from .syntax import TypeExpression
from .values import ModuleReference, PartValue, Ref, Static


@dataclass(frozen=True)
class Instance:
    """One use of a component (or loss, or search).

    path      where it stands: "encoder.stack.3.1.conv1d"
    weights   path of its weights; differs from `path` for a shared module
    inputs    by input name; a variadic input has several, in order
    reached   the blocks it came through, outermost first
    """

    path: str
    component: str
    family: str
    params: Mapping[str, Static | PartValue | ModuleReference]
    inputs: Mapping[str, tuple[Ref, ...]]
    weights: str
    span: Span
    reached: tuple[str, ...] = ()


@dataclass(frozen=True)
class Constraint:
    """A type written in a block's signature, to be checked on a tensor.

    Axis names are variables that mean the same within one `scope` (one use of the block); names that are static
    parameters of the block have been replaced by their numbers in `sizes`.
    """

    ref: Ref
    type: TypeExpression
    sizes: Mapping[str, int]
    scope: str
    what: str
    span: Span


@dataclass(frozen=True)
class Spec:
    """What `resolve` hands on.

    name             the file's stem
    sources          all files it came from, the spec itself first
    data             the bound data section
    instances        in the order in which they were reached
    names            every named tensor of a section: "decoder.logits" -> Ref
    loss             the loss instance's output, or None after an error
    hyperparameters  the bound section
    exports          by label ("onnx")
    infer            what evaluation and inference run: the Ref of `decoder.infer`, or None
    lets             the spec's own names for values and parts
    """

    name: str
    edition: int
    sources: tuple[Source, ...]
    data: PartValue
    instances: tuple[Instance, ...]
    constraints: tuple[Constraint, ...]
    names: Mapping[str, Ref]
    loss: Ref | None
    infer: Ref | None
    hyperparameters: PartValue
    exports: Mapping[str, PartValue]
    profile: str | None = None
    lets: Mapping[str, Static | PartValue] = field(default_factory=dict)
