"""The bench on a GPU: its clock, its memory, its peak, and a compiled training graph."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from s2sc.compiler.front import analyse_file
from s2sc.compiler.graph import CheckedGraph
from s2sc.runtime.benchmark import measure_speed
from s2sc.runtime.data.generated import generated_data
from s2sc.runtime.peak import measured_peak

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


def test_products_in_half_precision_are_faster_than_in_true_float32() -> None:
    device = torch.device("cuda")
    if torch.cuda.get_device_capability(device) < (8, 0):
        pytest.skip("this GPU has no products in bf16")
    assert measured_peak(device, "bf16") > measured_peak(device, "fp32")


def compiled(*sets: str) -> CheckedGraph:
    found = analyse_file(SPEC, sets=sets)
    assert found.checked is not None
    return found.checked
