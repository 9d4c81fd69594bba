"""Weights in shards on a GPU: one process that deals them out to itself takes the steps of one that does not."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from s2sc.compiler.front import analyse_file
from s2sc.runtime.data.generated import generated_data
from s2sc.runtime.distributed import World, meeting
from s2sc.runtime.place_in_world import Place
from s2sc.runtime.run_folder import Run
from s2sc.runtime.shards import own_rows
from s2sc.runtime.training.preparing import prepare
from s2sc.runtime.training.quiet import QuietProgress

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device")

SPEC = Path(__file__).parents[2] / "specs/toy/reversal_tt.s2s"
DEVICE = "cuda"


class AsOfSeveral(World):
    """A process without others that does all that several do."""

    @property
    def alone(self) -> bool:
        """It is told that there are others."""
        return False


def taken(world: World, folder: Path, *sets: str) -> tuple[list[list[float]], dict[str, Any]]:
    """What four steps gave, the third one of a loss that is no number; and the weights after them."""
    found = analyse_file(SPEC, sets=("hyperparameters.batch=60 tokens", "hyperparameters.ema=0.9", *sets))
    assert found.checked is not None, [finding.message for finding in found.findings]
    device, data = torch.device(DEVICE), generated_data(found.checked)
    trainer = prepare(found.checked, Run(folder), data, device=device, progress=QuietProgress(), world=world)
    trainer.state.model.module.train()
    figures = []
    for number, batch in enumerate(islice(data.batches("train", batch=trainer.settings["batch"]), 4)):
        trainer.stepper.gradients([batch.to(device)])
        if number == 2:
            trainer.stepper._loss *= float("nan")
        figures.append(trainer.stepper.apply(1e-2).numbers())
    tensors = trainer.state.to_checkpoint(made_with={}).tensors
    # one process has all rows
    return figures, {group: own_rows(held, first=True) for group, held in tensors.items()}


@pytest.mark.parametrize("precision", ["fp32", "mixed(bf16)"])
def test_steps_are_those_of_whole_weights(tmp_path: Path, precision: str) -> None:
    sets = (f"hyperparameters.precision={precision}", "hyperparameters.dropout=0")
    store = dist.FileStore(str(tmp_path / "store"), 1)  # type: ignore[attr-defined]  # torch's stubs do not export it
    whole, before = taken(World(device=torch.device(DEVICE)), tmp_path / "whole", *sets)
    with meeting(Place(0, 1, 0, "", 0), store, DEVICE):
        dealt = ('hyperparameters.strategy="fsdp"', "hyperparameters.bucket=20 KiB")
        world = AsOfSeveral(device=torch.device(DEVICE))
        found, after = taken(world, tmp_path / "fsdp", *sets, *dealt)
    assert [one[2] for one in found] == [0, 0, 1, 0]
    # norms are summed in another order
    assert found == [pytest.approx(one, rel=1e-4, nan_ok=True) for one in whole]
    for group in ("model", "optimizer", "averages"):
        for name, value in before[group].items():
            torch.testing.assert_close(after[group][name].cpu(), value.cpu(), rtol=1e-3, atol=1e-4, msg=name)
