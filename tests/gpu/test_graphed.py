"""CUDA graphs: the losses, gradients and statistics of steps whose kernels are launched one by one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from s2sc.compiler.front import analyse_file
from s2sc.runtime.data.generated import generated_data
from s2sc.runtime.graphed import CudaRecorder, Graphed, graphed
from s2sc.runtime.model import build_model
from torch import Tensor, nn

from ..runtime.test_graphed import steps

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device")

SPECS = Path(__file__).parents[2] / "specs"
DEVICE = torch.device("cuda")


@pytest.mark.parametrize("spec", [SPECS / "wav2letter.s2s", SPECS / "toy/reversal_tt.s2s"])
@pytest.mark.parametrize("precision", ["fp32", "autocast(bf16)"])
def test_a_graph_gives_what_the_model_gives(spec: Path, precision: str) -> None:
    checked = analyse_file(spec, sets=(f"hyperparameters.precision={precision}",)).checked
    assert checked is not None
    size = checked.graph.hyperparameters.values()["batch"]
    source = generated_data(checked).batches("train", batch=size)
    one, other, third = (next(source).to(DEVICE) for _ in range(3))
    order = [one, other, one, other, third, one, other, one]
    models = [build_model(checked) for _ in range(2)]
    for model in models:
        model.module.to(DEVICE)
    models[1].module.load_state_dict(models[0].module.state_dict())
    recorded = graphed(models[1], CudaRecorder(DEVICE), warn=pytest.fail)
    plain, replayed = steps(models[0], order), steps(recorded, order)
    for number, (expected, found) in enumerate(zip(plain, replayed, strict=True)):
        assert len(expected) == len(found)
        for tensor, again in zip(expected, found, strict=True):
            # kernels that add up in any order are in both
            most = float(tensor.abs().max()) + 1e-6
            torch.testing.assert_close(again, tensor, rtol=2e-2, atol=1e-2 * most, msg=f"step {number}")
    assert isinstance(recorded.trained, Graphed)
    assert len(recorded.trained._records) == 2


class Waits(nn.Module):
    """A layer whose result depends on a number that the host reads."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones((), device=DEVICE))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"y": x * self.weight * float(x.max())}


def test_a_layer_that_waits_for_the_device_is_found_before_anything_is_recorded() -> None:
    said: list[str] = []
    module = Graphed(Waits(), CudaRecorder(DEVICE), said.append)
    x = torch.arange(4.0, device=DEVICE)
    for _ in range(4):
        assert torch.equal(module(x)["y"], 3 * x)
    assert len(said) == 1
    assert "cuda_graphs" in said[0]
    assert torch.cuda.get_sync_debug_mode() == 0
