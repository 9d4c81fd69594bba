"""How a training begins: model, optimizer and all else made from the graph; or taken up where a checkpoint left it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from ...compiler.frozen import frozen_weights
from ...compiler.graph import CheckedGraph
from ...compiler.precisions import has_masters
from ...compiler.recompute import segments
from ..checkpoint import load_checkpoint
from ..compiled import compiled
from ..convolution import channels_last
from ..data.batch import Batch
from ..data.grid import on_grid
from ..data.opened import OpenedData
from ..data.sampler import Share
from ..distributed import ALONE, World
from ..graphed import CudaRecorder, graphed
from ..initialize import initialize
from ..layers.layer import LayerOf, layer_class
from ..lower import module_path
from ..metrics_file import MetricsFile
from ..model import Model, build_model
from ..optim.groups import named_parameters
from ..optim.lookup import clip_for, optimizer_for, regularizer_for, schedule_for
from ..progress import Progress
from ..recomputed import recomputed
from ..run_folder import Run
from ..sharded import Sharded
from ..tensorboard import Board
from ..tf32 import use_tf32
from .averages import Averages
from .halves import halves
from .keeping import made_with, place
from .quiet import QuietBoard, QuietMetrics, QuietProgress
from .running_statistics import RunningStatistics
from .scaling.lookup import scaler_for
from .state import TrainingState
from .step import Stepper, may_run_ahead
from .strategy import Part, alone, ddp, fsdp
from .training import Trainer
from .transfer import start_from
from .uploads import unchanged
from .weights import Weights


def prepare(
    checked: CheckedGraph,
    run: Run,
    data: OpenedData,
    *,
    device: torch.device,
    progress: Progress,
    layer_of: LayerOf = layer_class,
    world: World = ALONE,
    fresh: bool = True,
) -> Trainer:
    """All that a graph and its data need to be trained, at the start of a run.

    fresh  whether it starts there, and not from a checkpoint: from the weights of another run, if the spec says so
    """
    settings = checked.graph.hyperparameters.values()
    use_tf32(settings["precision"])
    torch.manual_seed(settings["seed"])
    model = build_model(checked, layer_of=layer_of)
    model.module.to(device)
    parameters = named_parameters(model.module, checked)
    initialize(settings["initializer"], parameters)
    if fresh and settings["init_from"] is not None:
        _transfer(model, Path(settings["init_from"]), progress)
    frozen = [module_path(path) for path in frozen_weights(checked.graph)]
    for one in parameters:
        if any(one.name.startswith(f"{path}.") for path in frozen):
            one.tensor.requires_grad_(False)
    if settings["channels_last"]:
        channels_last(model.module)
    if settings["recompute"]:
        model = recomputed(model, segments(checked.graph))
    deals_out = not world.alone and settings["strategy"] == "fsdp"
    # shards are cut first: a piece lies in what is fetched together
    if settings["compile"] and not deals_out:
        model = compiled(model)
    shaped: Callable[[Batch], Batch] = unchanged
    if settings["cuda_graphs"] and (device.type != "cuda" or not world.alone):
        progress.warn("cuda_graphs are for one process with a GPU: this run goes without")
    elif settings["cuda_graphs"]:
        model = graphed(model, CudaRecorder(device), warn=progress.warn)
        shaped = partial(on_grid, most=model.most)
    weights = Weights(parameters, stored=halves(parameters, checked.graph), masters=has_masters(checked.graph))
    statistics = RunningStatistics(model.module)
    part: Part = alone
    dealt: Sharded | None = None
    how = {"seed": settings["seed"], "bucket_bytes": settings["bucket"]}
    if deals_out:
        part, dealt = fsdp(model, world, **how, compile=settings["compile"])
        weights.follow(named_parameters(model.module, checked))
    elif not world.alone:
        part = ddp(model, world, **how)
    optimizer = optimizer_for(settings["optimizer"], weights.named)
    averages = Averages(weights.named, settings["ema"]) if settings["ema"] is not None else None
    scaler = scaler_for(settings["precision"], device)
    num_batches = data.num_batches(
        "train",
        batch=settings["batch"],
        seed=settings["seed"],
        shuffle=True,
        augment=True,
        share=Share(world.rank, world.size),
    )
    return Trainer(
        checked=checked,
        data=data,
        run=run,
        progress=progress if world.is_first else QuietProgress(),
        device=device,
        settings=settings,
        state=TrainingState(model, weights, optimizer, scaler, device, averages),
        stepper=Stepper(
            model,
            weights,
            optimizer,
            scaler,
            regularizer_for(settings["regularizer"], weights.named),
            statistics,
            averages=averages,
            clip=clip_for(settings["clip"]),
            world=world,
            part=part,
            collects=world.alone or dealt is not None,
            waits=not may_run_ahead(optimizer, device),
        ),
        rate_of=schedule_for(settings["schedule"], float(settings["optimizer"].lr)),
        batches_per_epoch=max(num_batches, 1),
        metrics=MetricsFile(run.metrics) if world.is_first else QuietMetrics(),
        board=Board(run.tensorboard, warn=progress.warn) if world.is_first else QuietBoard(),
        world=world,
        sharded=dealt,
        shaped=shaped,
    )


def _transfer(model: Model, folder: Path, progress: Progress) -> None:
    done = start_from(model.module, folder)
    progress.say(f"starts from {folder}: {done.loaded} tensors are taken")
    for line in done.lines():
        progress.say(f"  not taken: {line}")


def take_up(trainer: Trainer) -> None:
    """Go on from the newest checkpoint, if there is one; CheckpointError if it is foreign."""
    found = load_checkpoint(trainer.run.checkpoints, warn=trainer.progress.warn)
    if found is None:
        trainer.progress.say("there is no checkpoint yet: training starts from the beginning")
        return
    different = trainer.state.load(found, made_with=made_with(trainer))
    if different:
        trainer.progress.warn(f"inexact resume: different from before: {', '.join(different)}")
    trainer.saved, trainer.best_saved = place(trainer.state), trainer.state.best
    trainer.progress.say(f"goes on from step {found.step}")
