"""A model measured on a split, by free-running search, from counts that do not depend on the batch."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from ..compiler.part import Part
from ..dsl.values import Quantity
from .data.batch import Batch
from .data.opened import OpenedData
from .model import Model


class Metric(Protocol):
    """Counts that add up to a figure.

    It has `update(reference, hypothesis)` if it counts over texts, or `update_likelihood(total, tokens)` if over how
    likely the model finds the true tokens: the sum of negative log likelihoods, and of how many.
    """

    @property
    def value(self) -> float | None: ...


@dataclass
class Evaluation:
    """What a split gave.

    metrics  by name; None where the split has nothing to measure it on
    loss     mean over what the loss counts: tokens, or the examples that fit into their frames
    pairs    (id, reference, hypothesis) of every example, in the order of evaluation
    signatures  how a metric was computed, by its name, where a metric says so
    """

    metrics: dict[str, float | None]
    loss: float | None
    examples: int
    infeasible: int = 0
    pairs: list[tuple[str, str, str]] = field(default_factory=list)
    signatures: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The figures, without the texts; None for what is no number."""
        figures = {**self.metrics, "loss": self.loss}
        finite = {
            name: value if value is not None and math.isfinite(value) else None for name, value in figures.items()
        }
        signatures = {f"{name}_signature": signature for name, signature in self.signatures.items()}
        return {**finite, "examples": self.examples, **signatures}


def evaluate(
    model: Model,
    data: OpenedData,
    split: str,
    *,
    metrics: Sequence[Part],
    batch: Quantity | int,
    device: torch.device,
    num_workers: int = 0,
    on_batch: Callable[[int], None] = lambda done: None,
) -> Evaluation:
    """Run the search over a whole split. The model is left in the mode that it was in."""
    counts = {part.name: build_metric(part) for part in metrics}
    was_training = model.module.training
    model.module.eval()
    total_loss, total_weight, feasible, examples = 0.0, 0.0, 0, 0
    pairs: list[tuple[str, str, str]] = []
    try:
        with torch.inference_mode():
            for found in data.batches(split, batch=batch, num_workers=num_workers):
                moved = found.to(device)
                outputs = model(moved)
                loss_B = model.loss(outputs, moved).double()
                fits_B = _fits(model, loss_B)
                total_loss += float((loss_B * fits_B).sum())
                total_weight += float((model.loss_weight(moved) * fits_B).sum())
                feasible += int(fits_B.sum())
                _count_likelihood(model, moved, counts.values())
                texts = _texts(model, outputs, moved, data)
                pairs.extend(zip(found.ids, found.texts, texts, strict=True))
                examples += len(found)
                on_batch(examples)
    finally:
        model.module.train(was_training)
    # without a search nothing was read, and a rate of it would mean nothing
    for update in _methods(counts.values(), "update") if model.searches else ():
        for _, reference, hypothesis in pairs:
            update(reference, hypothesis)
    return Evaluation(
        metrics={name: count.value for name, count in counts.items()},
        loss=total_loss / total_weight if total_weight else None,
        examples=examples,
        infeasible=examples - feasible,
        pairs=pairs,
        signatures={name: said for name, count in counts.items() if (said := getattr(count, "signature", ""))},
    )


def _count_likelihood(model: Model, batch: Batch, counts: Iterable[Metric]) -> None:
    """Tell what measures likelihoods how likely the batch's tokens were, as the loss has just reckoned."""
    likelihood_B = getattr(model.loss_layer, "likelihood_B", None)
    if isinstance(likelihood_B, torch.Tensor):
        for update in _methods(counts, "update_likelihood"):
            update(float(likelihood_B.double().sum()), model.num_target_tokens(batch))


def _methods(counts: Iterable[Metric], name: str) -> list[Callable[..., None]]:
    return [method for count in counts if (method := getattr(count, name, None)) is not None]


def build_metric(part: Part) -> Metric:
    """An empty count for a metric of the spec."""
    file = importlib.import_module(f".metrics.{part.name}", package=__package__)
    metric: Metric = file.build(part)
    return metric


def _texts(model: Model, outputs: Any, batch: Batch, data: OpenedData) -> list[str]:
    if not model.searches:
        return [""] * len(batch)
    return [data.decode(tokens) for tokens in model.hypotheses(outputs, batch)]


def _fits(model: Model, loss_B: torch.Tensor) -> torch.Tensor:
    infeasible_B = getattr(model.loss_layer, "infeasible_B", None)
    return ~infeasible_B if isinstance(infeasible_B, torch.Tensor) else torch.ones_like(loss_B, dtype=torch.bool)
