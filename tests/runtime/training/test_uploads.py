"""On a CPU batches are taken as they are, one step at a time."""

from __future__ import annotations

from collections.abc import Generator

import torch
from s2sc.runtime.data.batch import Batch
from s2sc.runtime.training.uploads import uploaded


def test_nothing_is_asked_for_ahead() -> None:
    asked = []

    def steps() -> Generator[tuple[list[Batch], int, int], None, None]:
        for number in range(3):
            asked.append(number)
            value = torch.full((2, 4), float(number))
            yield [Batch({"x": value}, {"x": torch.tensor([4, 2])}, ("a", "b"), ("", ""), 0, number)], 0, number + 1

    for number, (held, there, epoch, following) in enumerate(uploaded(steps(), torch.device("cpu"))):
        assert asked == list(range(number + 1))
        assert (epoch, following) == (0, number + 1)
        assert torch.equal(there[0].inputs["x"], held[0].inputs["x"])
        assert there[0].ids == ("a", "b")
    assert asked == [0, 1, 2]
