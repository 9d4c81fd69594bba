"""A model measured on a split, by free-running search, from counts that do not depend on the batch."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Protocol

import torch

from ..compiler.part import Part
from ..dsl.values import Quantity
from .data.batch import Batch
from .data.opened import OpenedData
from .data.sampler import Share
from .distributed import ALONE, World
from .model import Model

# the number of a batch, and of each of its rows here (id, reference, hypothesis, loss, weight, whether it fits)
Measured = tuple[int, list[list[Any]]]


class Metric(Protocol):
    """Counts that add up to a figure: those of two parts of the data, added, are those of both.

    Besides it has `update(reference, hypothesis)` if it counts over texts, or `update_likelihood(total, tokens)` if
    over how likely the model finds the true tokens: the sum of negative log likelihoods, and of how many.
    """

    @property
    def counts(self) -> Sequence[float]: ...

    def merge(self, counts: Sequence[Any]) -> None: ...

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
    world: World = ALONE,
    on_batch: Callable[[int], None] = lambda done: None,
) -> Evaluation:
    """Run the search over a whole split. The model is left in the mode that it was in.

    world  the processes that share the work: each of them gets all figures, the same ones for any number of them (but
           for the last digit of what is summed up in each, as for a perplexity)
    """
    counts = [build_metric(part) for part in metrics]
    count_likelihood = _methods(counts, "update_likelihood")
    # without a search nothing was read, and a rate of it would mean nothing
    count_texts = _methods(counts, "update") if model.searches else []
    was_training = model.module.training
    model.module.eval()
    examples = 0
    found_here: list[Measured] = []
    try:
        with torch.inference_mode():
            share = Share(world.rank, world.size)
            for found in data.batches(split, batch=batch, share=share):
                moved = found.to(device)
                outputs = model(moved)
                loss_B = model.loss(outputs, moved).double()
                fits_B = _fits(model, loss_B)
                if found.counts:
                    likelihood = _likelihood(model, moved)
                    if likelihood is not None:
                        for update in count_likelihood:
                            update(*likelihood)
                    texts = _texts(model, outputs, moved, data)
                    for update in count_texts:
                        for reference, hypothesis in zip(found.texts, texts, strict=True):
                            update(reference, hypothesis)
                    weight_B = model.loss_weight(moved)
                    columns = (found.ids, found.texts, texts, loss_B.tolist(), weight_B.tolist(), fits_B.tolist())
                    found_here.append((found.number, [list(row) for row in zip(*columns, strict=True)]))
                examples += found.total or len(found)
                on_batch(examples)
    finally:
        model.module.train(was_training)
    rows_of_all = _together(world.gather(found_here))
    figures = {part.name: build_metric(part) for part in metrics}
    for counts_of_one in world.gather([list(count.counts) for count in counts]):
        for figure, part_of_it in zip(figures.values(), counts_of_one, strict=True):
            figure.merge(part_of_it)
    fitting = [(float(loss), float(weight)) for *_, loss, weight, fits in rows_of_all if fits]
    return Evaluation(
        metrics={name: figure.value for name, figure in figures.items()},
        loss=_mean(fitting),
        examples=len(rows_of_all),
        infeasible=len(rows_of_all) - len(fitting),
        pairs=[(str(identity), str(reference), str(hypothesis)) for identity, reference, hypothesis, *_ in rows_of_all],
        signatures={name: said for name, figure in figures.items() if (said := getattr(figure, "signature", ""))},
    )


def _together(found: Sequence[Sequence[Measured]]) -> list[list[Any]]:
    """The rows that processes found, in the order of evaluation: of each batch they have every so many."""
    parts: dict[int, list[list[list[Any]]]] = {}
    for of_process in found:
        for number, rows in of_process:
            parts.setdefault(number, []).append(rows)
    columns = (column for _, of_batch in sorted(parts.items()) for column in zip_longest(*of_batch))
    return [row for column in columns for row in column if row is not None]


def _mean(losses: Sequence[tuple[float, float]]) -> float | None:
    # sums that are exact before they are rounded do not depend on the order
    weight = math.fsum(weight for _, weight in losses)
    return math.fsum(loss for loss, _ in losses) / weight if weight else None


def _likelihood(model: Model, batch: Batch) -> tuple[float, int] | None:
    """How likely the batch's tokens were, as the loss has just reckoned, and how many; None where it does not."""
    likelihood_B = getattr(model.loss_layer, "likelihood_B", None)
    if not isinstance(likelihood_B, torch.Tensor):
        return None
    return math.fsum(likelihood_B.double().tolist()), model.num_target_tokens(batch)


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
