"""Where the data section writes its limits."""

from __future__ import annotations

from ..dsl.diagnostics import Label
from ..dsl.source import Span
from ..dsl.values import PartValue, Ref
from .graph import Graph
from .provenance import span_of
from .tensor_type import TensorType


def label_of_limit(graph: Graph, param: str, text: str, *, besides: Span | None) -> tuple[Label, ...]:
    """A label at a limit of the data section (`keep = 0.1s .. 16.7s`), if it is written."""
    data = graph.origins.data
    span = span_of(data.params.get(param)) if data is not None else None
    return () if span is None or span == besides else (Label(span, text),)


def label_of_vocabulary(graph: Graph, ref: Ref, given: TensorType) -> tuple[Label, ...]:
    """A label where the data section says how many tokens a stream has, if `ref` is one."""
    data = graph.origins.data
    if data is None or not ref.path.startswith("data."):
        return ()
    stream = ref.path.split(".")[1]
    for tokenizer in (data.params.get(stream), data.params.get("tokens")):
        if isinstance(tokenizer, PartValue):
            span = span_of(tokenizer.params.get("size")) or tokenizer.span
            return (Label(span, f"{given.vocabulary} tokens come from here"),)
    return ()
