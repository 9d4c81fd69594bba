"""Attention with one trained score."""

from __future__ import annotations

from torch import Tensor

from ...compiler.component import Component
from ..attention_score import ScoringLayer, real_places
from .layer import Inputs


class Attention(ScoringLayer):
    """Attend from each query to all places of a memory (Bahdanau et al. 2015, Luong et al. 2015)."""

    layout = "BTC"
    needs = ("memory_lengths",)

    def __init__(
        self,
        *,
        query_features: int,
        memory_features: int,
        kind: str,
        size: int | None = None,
        normalize: bool = False,
        scale: bool = False,
    ) -> None:
        super().__init__()
        sizes = {"query": query_features, "memory": memory_features, "width": size or query_features}
        self.make_score(kind, **sizes, normalize=normalize, scale=scale)

    @classmethod
    def arguments(cls, operation: Component, inputs: Inputs) -> dict[str, object]:
        features = {f"{name}_features": inputs[name][0].features for name in ("query", "memory")}
        return {**features, **operation.values()}

    def forward(
        self,
        query_BTD: Tensor,
        memory_BSC: Tensor,
        *,
        values: Tensor | None = None,
        memory_lengths: Tensor | None = None,
    ) -> Tensor:
        """Give the context [B, T, features of the values] of each query."""
        begun = self.begin(memory=memory_BSC, values=values, memory_lengths=memory_lengths)
        return self.attend(query_BTD, begun["keys"], begun["values"], begun["real"])

    def begin(
        self, *, memory: Tensor, values: Tensor | None = None, memory_lengths: Tensor | None = None
    ) -> dict[str, Tensor]:
        return {
            "keys": self.keys(memory),
            "values": memory if values is None else values,
            "real": real_places(memory, memory_lengths),
        }

    def step(self, *, position: Tensor, query: Tensor, keys: Tensor, values: Tensor, real: Tensor) -> tuple[Tensor]:
        return (self.attend(query, keys, values, real),)
