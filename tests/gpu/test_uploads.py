"""Batches that are copied to a GPU beside its work: they are there, whole, when a step begins."""

from __future__ import annotations

from collections.abc import Generator

import pytest
import torch
from s2sc.runtime.data.batch import Batch
from s2sc.runtime.training.uploads import uploaded

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device")

DEVICE = "cuda"


def batch(number: int) -> Batch:
    values = torch.full((64, 20_000), float(number))
    found = Batch({"data.x": values}, {"data.x": torch.full((64,), number)}, ("",) * 64, ("",) * 64, 0, number)
    return found.pin_memory()


def steps(count: int) -> Generator[tuple[list[Batch], int, int], None, None]:
    for number in range(count):
        yield [batch(2 * number), batch(2 * number + 1)], 0, number + 1


def test_they_are_whole_under_work_that_is_queued() -> None:
    """Memory is freed and taken again while the device is busy: nothing may be written over too early."""
    count, device = 40, torch.device(DEVICE)
    large = torch.randn(2048, 2048, device=device)
    sums, places = [], []
    for held, there, _, following in uploaded(steps(count), device):
        for _ in range(4):
            large = (large @ large).clamp(-1, 1)
        assert [one.inputs["data.x"].device.type for one in there] == ["cuda", "cuda"]
        assert [one.number for one in there] == [one.number for one in held]
        # of what is there when the device comes to it
        sums.append(torch.stack([one.inputs["data.x"].mean() + one.lengths["data.x"].float().mean() for one in there]))
        places.append(following)
        del there
    assert places == list(range(1, count + 1))
    assert torch.stack(sums).flatten().tolist() == [2.0 * number for number in range(2 * count)]
