"""A run's trained model, ready to evaluate."""

from __future__ import annotations

from collections.abc import Callable

import torch

from .checkpoint import CheckpointError, load_best
from .layers.layer import LayerOf, layer_class
from .model import Model, build_model
from .run_folder import Run, RunError
from .tf32 import use_tf32
from .training.state import load_model


def load_trained(
    run: Run,
    device: torch.device,
    *,
    layer_of: LayerOf = layer_class,
    warn: Callable[[str], None] = lambda message: None,
) -> Model:
    """A run's model with its best weights, or its newest where none was best.

    Checkpoints that are passed over are named through `warn`; RunError, CheckpointError.
    """
    checked = run.graph()
    checkpoint = load_best(run.checkpoints, warn=warn)
    if checkpoint is None:
        raise RunError(f"{run.folder} has no checkpoint yet")
    if checkpoint.state.get("made_with", {}).get("architecture") != checked.architecture_hash:
        raise CheckpointError(f"{run.folder}: the checkpoint of step {checkpoint.step} belongs to another architecture")
    use_tf32(checked.graph.hyperparameters.values()["precision"])
    model = build_model(checked, layer_of=layer_of)
    load_model(model, checkpoint)
    model.module.to(device).eval()
    return model
