"""How a model is trained."""

from __future__ import annotations

from ....dsl.values import DType, Quantity
from ...part import Mismatch, Part, param, part


@part("hyperparameters", family="section")
class Hyperparameters(Part):
    """Batches, precision, optimizer and everything else that training needs and the model does not."""

    batch: Quantity = param(
        doc="size of a batch on each device", unit=("examples", "tokens", "time"), above=0, training=True
    )
    stop: Quantity = param(doc="when training ends", unit=("epochs", "steps", "time"), above=0, training=True)
    optimizer: Part = param(doc="how weights are changed", families=("optimizer",), training=True)
    schedule: Part | None = param(
        default=None, doc="how the learning rate changes, none keeps it", families=("schedule",), training=True
    )
    regularizer: Part | None = param(default=None, doc="penalty on weights", families=("regularizer",), training=True)
    initializer: Part | None = param(
        default=None,
        doc="what matrices start from, none for each layer's own way",
        families=("initializer",),
        training=True,
    )
    precision: DType | Part = param(
        default=DType("fp32"),
        doc="what is computed and stored in which numbers",
        choices=("fp32", "tf32", "bf16"),
        families=("precision",),
        training=True,
    )
    clip: float | None = param(default=None, doc="greatest norm of the whole gradient", above=0, training=True)
    dropout: float | None = param(
        default=None, doc="share to drop, for blocks to read", minimum=0, below=1, training=True
    )
    seed: int = param(default=0, doc="start of every random number", minimum=0, maximum=2**31 - 1, training=True)
    metrics: tuple[Part, ...] = param(default=(), doc="measured on each split", families=("metric",), training=True)
    evaluate: Quantity = param(
        default=Quantity(1, "epochs", "1 epochs"),
        doc="how often the valid split is measured",
        unit=("epochs", "steps"),
        above=0,
        training=True,
    )
    log: int = param(default=50, doc="how often the loss is written down", unit="steps", minimum=1, training=True)
    workers: int = param(default=2, doc="processes that read data", minimum=0, maximum=256, training=True)
    checkpoint: Part = param(default=None, doc="what is kept on disk", families=("section",), training=True)

    def check_params(self) -> None:
        names = [metric.name for metric in self.metrics]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise Mismatch("S2S303", f"metrics names {twice} twice: a figure has one name", param="metrics")
