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
    accumulate: int = param(
        default=1,
        doc="batches whose gradients add up to one step",
        unit_doc="batches",
        minimum=1,
        maximum=100000,
        training=True,
    )
    clip: float | Part | None = param(
        default=None,
        doc="greatest norm of the whole gradient, or by_value(…)",
        families=("clip",),
        above=0,
        training=True,
    )
    guard: Part | None = param(
        default=None, doc="what is done when the loss jumps, none goes on", families=("guard",), training=True
    )
    dropout: float | None = param(
        default=None, doc="share to drop, for blocks to read", minimum=0, below=1, training=True
    )
    seed: int = param(default=0, doc="start of every random number", minimum=0, maximum=2**31 - 1, training=True)
    deterministic: bool = param(default=False, doc="the same bits each time, even where that is slower", training=True)
    ema: float | None = param(
        default=None,
        doc="measure and keep a moving average of the weights, with this share kept at each step",
        above=0,
        below=1,
        training=True,
    )
    average: int | None = param(
        default=None,
        doc="end with the mean of the weights of so many last checkpoints",
        unit_doc="checkpoints",
        minimum=2,
        maximum=1000,
        training=True,
    )
    freeze: tuple[str, ...] = param(
        default=(), doc='layers whose weights stay as they are, by path: "encoder", "decoder.*.emb"', training=True
    )
    recompute: bool | tuple[str, ...] = param(
        default=False,
        doc="what is computed again in the backward pass, not kept: true for repeated blocks, or paths as in freeze",
        training=True,
    )
    init_from: str | None = param(
        default=None, doc="a run whose weights training starts from, where names and shapes fit", training=True
    )
    patience: int | None = param(
        default=None,
        doc="stop after so many evaluations in a row without a better `checkpoint.best`",
        unit_doc="evaluations",
        minimum=1,
        maximum=100000,
        training=True,
    )
    metrics: tuple[Part, ...] = param(default=(), doc="measured on each split", families=("metric",), training=True)
    evaluate: Quantity = param(
        default=Quantity(1, "epochs", "1 epochs"),
        doc="how often the valid split is measured",
        unit=("epochs", "steps"),
        above=0,
        training=True,
    )
    log: int = param(default=50, doc="how often the loss is written down", unit="steps", minimum=1, training=True)
    compile: bool = param(
        default=False,
        doc="make kernels for all but recurrent layers by torch.compile, in the first steps",
        training=True,
    )
    channels_last: bool = param(
        default=False, doc="convolutions with the channels of a frame next to each other in memory", training=True
    )
    cuda_graphs: bool = param(
        default=False,
        doc="on a GPU launch all kernels of a batch's shape together, as small models need; pads to fewer shapes",
        training=True,
    )
    strategy: str = param(
        default="ddp",
        doc="what each of several devices holds: all weights, or its shard of them",
        choices=("ddp", "fsdp"),
        training=True,
    )
    bucket: int = param(
        default=25 * 2**20,
        doc="gradients (with fsdp: weights too) that travel between devices together",
        unit="bytes",
        minimum=1,
        training=True,
    )
    workers: int = param(default=2, doc="processes that read data", minimum=0, maximum=256, training=True)
    checkpoint: Part = param(default=None, doc="what is kept on disk", families=("section",), training=True)

    def check_params(self) -> None:
        names = [metric.name for metric in self.metrics]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise Mismatch("S2S303", f"metrics names {twice} twice: a figure has one name", param="metrics")
        if self.ema is not None and self.average is not None:
            raise Mismatch(
                "S2S301",
                "ema and average are two ways to average weights: a run ends with one of them",
                param="average",
                helps=("leave one of them out",),
            )
        other = next((name for name in ("compile", "recompute") if self.values()[name]), None)
        if self.cuda_graphs and other is not None:
            raise Mismatch(
                "S2S301",
                f"cuda_graphs and {other} do not go together: a graph holds a model's own kernels and all they give",
                param="cuda_graphs",
                helps=("leave one of them out",),
            )
        kept = self.checkpoint.values() if isinstance(self.checkpoint, Part) else {}
        if self.average is not None and int(kept.get("keep", self.average)) < self.average:
            raise Mismatch(
                "S2S303",
                f"average wants the last {self.average} checkpoints, and {kept['keep']} are kept",
                param="average",
                helps=(f"say checkpoint {{ keep = {self.average} }}",),
            )
        if self.patience is not None and kept.get("best") is None:
            raise Mismatch(
                "S2S301",
                "patience waits for a better value of checkpoint.best, which is not said",
                param="patience",
                helps=("say checkpoint { best = min(valid.loss) }, or another metric",),
            )
