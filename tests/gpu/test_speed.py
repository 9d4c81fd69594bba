"""The bench on a GPU: its clock, its memory, its peak, and a compiled training graph."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from s2sc.compiler.front import analyse_file
from s2sc.compiler.graph import CheckedGraph
from s2sc.compiler.recompute import segments
from s2sc.runtime.benchmark import measure_speed
from s2sc.runtime.data.generated import generated_data
from s2sc.runtime.model import build_model
from s2sc.runtime.peak import measured_peak
from s2sc.runtime.recomputed import recomputed

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device")

SPEC = Path(__file__).parents[2] / "specs/toy/reversal_tt.s2s"


@pytest.mark.parametrize("compile", ["false", "true"])
def test_steps_are_timed_by_the_device_and_none_is_skipped(compile: str) -> None:
    found = measure_speed(
        compiled(f"hyperparameters.compile={compile}"),
        generated_data(compiled()),
        precision="fp32",
        device=torch.device("cuda"),
        steps=5,
        warmup=3,
    )
    assert len(found.step_seconds) == 5
    assert min(found.step_seconds) > 0
    assert found.skipped == 0
    assert found.memory_bytes is not None
    assert 0 < found.memory_bytes < torch.cuda.get_device_properties(0).total_memory


def test_what_is_computed_again_takes_less_memory_and_gives_the_same_losses() -> None:
    peaks, losses = [], []
    for recompute in ("false", "true"):
        graph = compiled(f"hyperparameters.recompute={recompute}")
        torch.manual_seed(0)
        model = build_model(graph)
        model.module.cuda().train()
        settings = graph.graph.hyperparameters.values()
        if settings["recompute"]:
            model = recomputed(model, segments(graph.graph))
        given = next(iter(generated_data(graph).batches("train", batch=settings["batch"]))).to("cuda")
        for _ in range(2):
            torch.manual_seed(1)
            torch.cuda.reset_peak_memory_stats()
            loss = model.loss(model(given), given).mean()
            torch.autograd.backward(loss)
        peaks.append(torch.cuda.max_memory_allocated())
        weights = [weight.grad.norm() for weight in model.module.parameters() if weight.grad is not None]
        losses.append((loss.detach(), torch.stack(weights)))
        del model, given, loss, weights
    assert peaks[1] < peaks[0]
    for one, other in zip(losses[0], losses[1], strict=True):
        # the same numbers drawn for dropout; kernels may add up in another order
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-5)


def test_products_in_half_precision_are_faster_than_in_true_float32() -> None:
    device = torch.device("cuda")
    if torch.cuda.get_device_capability(device) < (8, 0):
        pytest.skip("this GPU has no products in bf16")
    assert measured_peak(device, "bf16") > measured_peak(device, "fp32")


def compiled(*sets: str) -> CheckedGraph:
    found = analyse_file(SPEC, sets=sets)
    assert found.checked is not None
    return found.checked
