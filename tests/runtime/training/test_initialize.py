"""Initializers: what they fill, from which distribution, and that a seed repeats them."""

from __future__ import annotations

import math

import pytest
import torch
from s2sc.compiler.part import Part
from s2sc.compiler.parts.init.normal import Normal
from s2sc.compiler.parts.init.orthogonal import Orthogonal
from s2sc.compiler.parts.init.uniform import Uniform
from s2sc.compiler.parts.init.variance_scaling import VarianceScaling
from s2sc.compiler.parts.init.xavier import Xavier
from s2sc.runtime.initialize import initialize
from s2sc.runtime.optim.groups import NamedParameter
from torch import nn

ROWS, COLUMNS = 300, 200


def parameters() -> list[NamedParameter]:
    return [
        NamedParameter("b.weight", nn.Parameter(torch.zeros(ROWS, COLUMNS)), "weight"),
        NamedParameter("a.weight", nn.Parameter(torch.zeros(30, 20, 10)), "weight"),
        NamedParameter("a.bias", nn.Parameter(torch.zeros(30)), "bias"),
        NamedParameter("n.weight", nn.Parameter(torch.ones(30)), "norm"),
    ]


def filled(part: Part, seed: int = 1) -> list[torch.Tensor]:
    torch.manual_seed(seed)
    made = parameters()
    initialize(part, made)
    return [one.tensor.detach() for one in made]


@pytest.mark.parametrize(
    ("part", "std"),
    [
        (Uniform(low=-0.1, high=0.1), 0.2 / math.sqrt(12)),
        (Normal(std=0.3), 0.3),
        (Xavier(), math.sqrt(2 / (ROWS + COLUMNS))),
        (Xavier(distribution="normal"), math.sqrt(2 / (ROWS + COLUMNS))),
        (VarianceScaling(scale=2.0), math.sqrt(2 / COLUMNS)),
        (VarianceScaling(mode="fan_out", distribution="uniform"), math.sqrt(1 / ROWS)),
        (VarianceScaling(mode="fan_avg"), math.sqrt(2 / (ROWS + COLUMNS))),
        (Orthogonal(gain=2.0), 2.0 / math.sqrt(ROWS)),
    ],
    ids=repr,
)
def test_matrices_have_the_variance_that_is_said_and_nothing_else_is_touched(part: Part, std: float) -> None:
    matrix, kernel, bias, norm = filled(part)
    # 60,000 numbers: their standard deviation is known to about 0.3 %
    assert matrix.std().item() == pytest.approx(std, rel=0.03)
    assert matrix.mean().item() == pytest.approx(0.0, abs=0.03 * std + 1e-3)
    assert bool((kernel != 0).any())
    assert bool((bias == 0).all())
    assert bool((norm == 1).all())


def test_a_seed_repeats_and_another_differs() -> None:
    first, again, other = (filled(Normal(), seed)[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_orthogonal_fills_the_gates_of_a_recurrent_layer_one_by_one() -> None:
    weight = nn.Parameter(torch.zeros(4 * 8, 8))
    initialize(Orthogonal(), [NamedParameter("x.weight_hh_l0", weight, "weight")])
    for gate in weight.detach().view(4, 8, 8):
        torch.testing.assert_close(gate @ gate.T, torch.eye(8), atol=1e-5, rtol=0)


def test_rows_of_normed_weights_have_the_length_that_was_drawn() -> None:
    weight, gain = nn.Parameter(torch.ones(30, 20)), nn.Parameter(torch.ones(30))
    initialize(
        Orthogonal(gain=3.0), [NamedParameter("x.gain", gain, "norm"), NamedParameter("x.weight", weight, "weight")]
    )
    torch.testing.assert_close(gain.detach(), weight.detach().norm(dim=1))
    assert gain.detach().square().sum().item() == pytest.approx(9.0 * 20)
