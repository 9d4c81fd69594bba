"""A checkpoint of each format that there was: it loads as it was written, or says what to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from s2sc.runtime.checkpoint import FORMAT, load_checkpoint, save_checkpoint

GOLDEN = Path(__file__).parent / "golden"


def test_there_is_one_of_each_format() -> None:
    assert sorted(path.name for path in GOLDEN.iterdir()) == [f"format-{number}" for number in range(1, FORMAT + 1)]


def test_format_1_loads_to_the_bit(tmp_path: Path) -> None:
    found = load_checkpoint(GOLDEN / "format-1", warn=pytest.fail)
    assert found is not None
    assert found.step == 6
    assert found.state == {"best": [4, 0.25], "epoch": 3, "next_batch": 1, "step": 6}
    assert {group: sorted(held) for group, held in found.tensors.items()} == {
        "averages": ["w"],
        "model": ["half", "w"],
        "optimizer": ["0.step", "w.exp_avg"],
        "random": ["cpu"],
    }
    assert torch.equal(found.tensors["model"]["w"], torch.tensor([[1.0, -2.0], [0.5, 2.0**-149]]))
    assert torch.equal(found.tensors["model"]["half"], torch.tensor([1.5, -65504.0], dtype=torch.float16))
    assert torch.equal(found.tensors["optimizer"]["0.step"], torch.tensor(6.0))
    assert torch.equal(found.tensors["optimizer"]["w.exp_avg"], torch.tensor([[0.125, 0.0], [3.0, -1.0]]))
    assert torch.equal(found.tensors["random"]["cpu"], torch.arange(8, dtype=torch.uint8))
    assert torch.equal(found.tensors["averages"]["w"], torch.tensor([[0.75, -1.0], [0.25, 0.0]]))
    # a run goes on from it: what is written now stands beside it
    shutil.copytree(GOLDEN / "format-1", tmp_path / "run")
    save_checkpoint(tmp_path / "run", found, keep=2)
    again = load_checkpoint(tmp_path / "run", warn=pytest.fail)
    assert again is not None
    assert again.state == found.state


def test_format_2_loads_to_the_bit() -> None:
    """Two parts: two rows of a weight in the first, the third row in the second."""
    found = load_checkpoint(GOLDEN / "format-2", warn=pytest.fail)
    assert found is not None
    assert found.state == {"best": [4, 0.25], "epoch": 3, "next_batch": 1, "step": 6}
    assert {group: sorted(held) for group, held in found.tensors.items()} == {
        "averages": ["w"],
        "model": ["half", "w"],
        "optimizer": ["0.step", "w.exp_avg"],
        "random": ["cpu"],
    }
    weight = torch.tensor([[1.0, -2.0], [0.5, 2.0**-149], [4.0, 8.0]])
    assert torch.equal(found.tensors["model"]["w"], weight)
    assert torch.equal(found.tensors["model"]["half"], torch.tensor([1.5, -65504.0], dtype=torch.float16))
    assert torch.equal(found.tensors["optimizer"]["0.step"], torch.tensor(6.0))
    assert torch.equal(found.tensors["optimizer"]["w.exp_avg"], weight / 8)
    assert torch.equal(found.tensors["averages"]["w"], weight / 2)
    assert torch.equal(found.tensors["random"]["cpu"], torch.arange(8, dtype=torch.uint8))
