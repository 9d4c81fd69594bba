"""The greatest numbers of rows are those that torch's own selection finds."""

from __future__ import annotations

import pytest
import torch
from s2sc.runtime.likeliest import likeliest


@pytest.mark.parametrize("width", [1, 7, 64, 640, 700, 8000, 8001])
@pytest.mark.parametrize("k", [1, 5, 11])
def test_it_finds_what_topk_finds(width: int, k: int) -> None:
    # all numbers of a row differ, so there is one answer
    scores = torch.stack([torch.randperm(width, generator=torch.Generator().manual_seed(row)) for row in range(9)])
    values, places = likeliest(scores.float(), k)
    expected = scores.float().topk(min(k, width), -1)
    assert torch.equal(values, expected.values)
    assert torch.equal(places, expected.indices)


@pytest.mark.parametrize("place", [0, 500, 4159])
def test_nan_comes_first_and_the_impossible_last(place: int) -> None:
    scores = torch.full((2, 4160), -torch.inf)
    scores[0, 70] = 1.0
    scores[0, place] = torch.nan
    values, places = likeliest(scores, 3)
    assert values[0].isnan()[0]
    assert places[0, :2].tolist() == [place, 70]
    assert values[1].tolist() == [-torch.inf] * 3
    assert len(set(places[1].tolist())) == 3


def test_equal_numbers_are_found_once_each() -> None:
    values, places = likeliest(torch.zeros(3, 2000), 6)
    assert values.eq(0).all()
    assert all(len(set(row)) == 6 for row in places.tolist())
