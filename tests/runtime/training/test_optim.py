"""Optimizers, schedules and penalties against their formulas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from s2sc.compiler.parts.optim.adam import Adam
from s2sc.compiler.parts.optim.adamw import AdamW
from s2sc.compiler.parts.optim.exp import Exp
from s2sc.compiler.parts.optim.fixed import Fixed
from s2sc.compiler.parts.optim.inverse_sqrt import InverseSqrt
from s2sc.compiler.parts.optim.l2 import L2
from s2sc.compiler.parts.optim.momentum import Momentum
from s2sc.compiler.parts.optim.noam import Noam
from s2sc.compiler.parts.optim.piecewise import Piecewise
from s2sc.compiler.parts.optim.poly import Poly
from s2sc.compiler.parts.optim.weight_decay import WeightDecay
from s2sc.compiler.run_length import RunLength, run_length
from s2sc.dsl.values import Quantity
from s2sc.runtime.model import build_model
from s2sc.runtime.optim.groups import NamedParameter, named_parameters
from s2sc.runtime.optim.lookup import optimizer_for, regularizer_for, schedule_for
from torch import nn

LENGTH = RunLength(steps=100, steps_per_epoch=10)


def steps(amount: float) -> Quantity:
    return Quantity(amount, "steps", f"{amount} steps")


def epochs(amount: float) -> Quantity:
    return Quantity(amount, "epochs", f"{amount} epochs")


def three() -> list[NamedParameter]:
    return [NamedParameter(kind, nn.Parameter(torch.tensor([2.0])), kind) for kind in ("weight", "bias", "norm")]


# ---------------------------------------------------------------- schedules


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("begin", [None, steps(40), epochs(5)])
@pytest.mark.parametrize("warmup", [None, steps(7), epochs(0.5)])
def test_poly_is_its_formula(power: float, begin: Quantity | None, warmup: Quantity | None) -> None:
    part = Poly(power=power, warmup=warmup, begin=begin, min_lr=1e-5)
    rate = schedule_for(part, 1e-2)
    rise = {None: 0, "steps": 7, "epochs": 5}[None if warmup is None else warmup.family]
    start = max({None: 0, "steps": 40, "epochs": 50}[None if begin is None else begin.family], rise)
    for step in range(101):
        if step < rise:
            expected = 1e-2 * (step + 1) / rise
        elif step < start:
            expected = 1e-2
        else:
            expected = 1e-5 + (1e-2 - 1e-5) * (1 - (step - start) / (100 - start)) ** power
        assert rate(step, LENGTH) == pytest.approx(expected, rel=1e-12), step
    assert rate(100, LENGTH) == 1e-5
    assert rate(500, LENGTH) == 1e-5


@pytest.mark.parametrize("part", [None, Fixed()])
def test_without_a_schedule_the_rate_stays(part: Any) -> None:
    rate = schedule_for(part, 3e-3)
    assert {rate(step, LENGTH) for step in range(200)} == {3e-3}


def test_noam_is_its_formula_and_highest_at_the_end_of_the_warmup() -> None:
    rate = schedule_for(Noam(d=512, warmup=steps(4000)), 2.0)
    for step in (0, 1, 100, 3998, 3999, 4000, 10_000, 1_000_000):
        expected = 2.0 * 512**-0.5 * min((step + 1) * 4000**-1.5, (step + 1) ** -0.5)
        assert rate(step, LENGTH) == pytest.approx(expected, rel=1e-12), step
    assert max(range(9000), key=lambda step: rate(step, LENGTH)) == 3999
    assert rate(3999, LENGTH) == pytest.approx(2.0 / (512 * 4000) ** 0.5, rel=1e-12)


def test_noam_counts_its_warmup_in_epochs_too_and_stays_below_its_cap() -> None:
    part = Noam(d=16, warmup=epochs(2), coefficient=3.0, max_lr=0.1)
    rate, free = schedule_for(part, 1.0), schedule_for(Noam(d=16, warmup=epochs(2), coefficient=3.0), 1.0)
    assert free(19, LENGTH) == pytest.approx(3.0 / (16 * 20) ** 0.5)
    assert {rate(step, LENGTH) for step in range(15, 30)} == {0.1}
    assert rate(0, LENGTH) == free(0, LENGTH) < 0.1


def test_the_highest_rate_of_noam_is_known_before_training() -> None:
    part = Noam(d=512, warmup=steps(4000), coefficient=1.5)
    assert part.highest(2.0) == pytest.approx(schedule_for(part, 2.0)(3999, LENGTH), rel=1e-12)
    assert Noam(d=512, warmup=steps(4000), max_lr=1e-4).highest(2.0) == 1e-4
    assert Noam(d=512, warmup=epochs(2)).highest(2.0) is None


def test_inverse_sqrt_is_its_formula_and_noams_curve() -> None:
    rate = schedule_for(InverseSqrt(warmup=steps(40)), 3e-3)
    same = schedule_for(Noam(d=1, warmup=steps(40), coefficient=40**0.5), 3e-3)
    for step in range(200):
        expected = 3e-3 * min((step + 1) / 40, (40 / (step + 1)) ** 0.5)
        assert rate(step, LENGTH) == pytest.approx(expected, rel=1e-12)
        assert same(step, LENGTH) == pytest.approx(expected, rel=1e-12)
    assert max(rate(step, LENGTH) for step in range(200)) == rate(39, LENGTH) == pytest.approx(3e-3)


@pytest.mark.parametrize("staircase", [False, True])
@pytest.mark.parametrize("begin", [None, steps(15), epochs(3)])
def test_exp_is_its_formula(begin: Quantity | None, staircase: bool) -> None:
    rate = schedule_for(Exp(rate=0.5, steps=epochs(2), begin=begin, staircase=staircase, min_lr=1e-3), 1e-2)
    start = {None: 0, "steps": 15, "epochs": 30}[None if begin is None else begin.family]
    for step in range(200):
        past = max(0, step - start) / 20
        expected = max(1e-3, 1e-2 * 0.5 ** (past // 1 if staircase else past))
        assert rate(step, LENGTH) == pytest.approx(expected, rel=1e-12), step


def test_exp_without_steps_has_fallen_once_at_the_end() -> None:
    rate = schedule_for(Exp(rate=0.1, begin=steps(20)), 1e-2)
    assert rate(20, LENGTH) == 1e-2
    assert rate(60, LENGTH) == pytest.approx(1e-2 * 0.1**0.5)
    assert rate(100, LENGTH) == pytest.approx(1e-3)


def test_piecewise_has_the_rate_of_the_last_boundary_that_was_passed() -> None:
    rate = schedule_for(Piecewise(boundaries=(10, 20), rates=(0.1, 0.5)), 2.0)
    found = [rate(step, LENGTH) for step in range(30)]
    assert found == [2.0] * 10 + [0.2] * 10 + [1.0] * 10


def test_the_length_of_a_run() -> None:
    assert run_length(steps(7), 3) == RunLength(7, 3)
    assert run_length(epochs(2.5), 4) == RunLength(10, 4)
    assert run_length(epochs(0.1), 30) == RunLength(3, 30)
    minute = Quantity(60.0, "time", "60s")
    assert run_length(minute, 3).steps > 1e9  # nothing is known yet
    assert run_length(minute, 3, step=10, seconds=15.0) == RunLength(40, 3)
    assert run_length(minute, 3, step=50, seconds=61.0) == RunLength(51, 3)


# ---------------------------------------------------------------- optimizers


def test_adamw_decays_weights_and_spares_the_rest() -> None:
    """w - lr * weight_decay * w, beside a gradient of zero."""
    parameters = three()
    optimizer = optimizer_for(AdamW(lr=0.1, weight_decay=0.5), parameters)
    for parameter in parameters:
        parameter.tensor.grad = torch.zeros(1)
    optimizer.step()
    assert [p.tensor.item() for p in parameters] == pytest.approx([2.0 - 0.1 * 0.5 * 2.0, 2.0, 2.0])


def test_adamw_without_weights_has_one_group() -> None:
    assert len(optimizer_for(AdamW(lr=0.1), three()[1:]).param_groups) == 1


@pytest.mark.parametrize("make", [Adam, AdamW])
def test_adam_is_its_formula(make: Any) -> None:
    part = make(lr=0.1, beta1=0.8, beta2=0.9, epsilon=1e-3)
    (parameter,) = three()[1:2]
    optimizer = optimizer_for(part, [parameter])
    w, m, v = 2.0, 0.0, 0.0
    for t, g in enumerate([0.5, -1.0, 0.25], start=1):
        parameter.tensor.grad = torch.tensor([g])
        optimizer.step()
        m, v = 0.8 * m + 0.2 * g, 0.9 * v + 0.1 * g * g
        w -= 0.1 * m / (1 - 0.8**t) / ((v / (1 - 0.9**t)) ** 0.5 + 1e-3)
        assert parameter.tensor.item() == pytest.approx(w, rel=1e-5)


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_is_its_formula(nesterov: bool) -> None:
    parameters = three()
    optimizer = optimizer_for(Momentum(lr=0.1, momentum=0.7, nesterov=nesterov), parameters)
    w, v = 2.0, 0.0
    for g in (0.5, -1.0, 0.25):
        for parameter in parameters:
            parameter.tensor.grad = torch.tensor([g])
        optimizer.step()
        v = 0.7 * v + g
        w -= 0.1 * (g + 0.7 * v if nesterov else v)
        assert [p.tensor.item() for p in parameters] == pytest.approx([w] * 3, rel=1e-5)


# ---------------------------------------------------------------- penalties


@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize("norms", [False, True])
def test_weight_decay_takes_its_share_besides_the_optimizer(biases: bool, norms: bool) -> None:
    """w - lr * rate * w, whatever the gradient is; nothing is added to it."""
    parameters = three()
    for parameter in parameters:
        parameter.tensor.grad = torch.ones(1)
    regularizer = regularizer_for(WeightDecay(rate=0.5, biases=biases, norms=norms), parameters)
    regularizer.add_gradient()
    assert [p.tensor.grad.item() for p in parameters if p.tensor.grad is not None] == [1.0, 1.0, 1.0]
    regularizer.decay(0.1)
    left = 2.0 - 0.1 * 0.5 * 2.0
    assert [p.tensor.item() for p in parameters] == pytest.approx([left, left if biases else 2, left if norms else 2])


def test_adam_with_weight_decay_is_adamw() -> None:
    """The same numbers after some steps, to the rounding of float32."""
    ours, theirs = three(), three()
    adam, adamw = optimizer_for(Adam(lr=0.1), ours), optimizer_for(AdamW(lr=0.1, weight_decay=0.3), theirs)
    regularizer = regularizer_for(WeightDecay(rate=0.3), ours)
    for gradient in (0.5, -1.0, 0.25):
        for parameter in (*ours, *theirs):
            parameter.tensor.grad = torch.tensor([gradient])
        regularizer.decay(0.1)
        adam.step()
        adamw.step()
    assert [p.tensor.item() for p in ours] == pytest.approx([p.tensor.item() for p in theirs], rel=1e-6)


@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize("norms", [False, True])
def test_l2_leaves_out_biases_and_norms(biases: bool, norms: bool) -> None:
    parameters = three()
    for parameter in parameters:
        parameter.tensor.grad = torch.ones(1)
    regularizer_for(L2(rate=0.25, biases=biases, norms=norms), parameters).add_gradient()
    found = [p.tensor.grad.item() for p in parameters if p.tensor.grad is not None]
    assert found == [1.5, 1.5 if biases else 1.0, 1.5 if norms else 1.0]


def test_what_has_no_gradient_gets_no_penalty() -> None:
    parameters = three()
    regularizer_for(L2(rate=0.25), parameters).add_gradient()
    assert all(parameter.tensor.grad is None for parameter in parameters)


def test_every_weight_is_known_for_what_it_is(kit: Any, corpus: Path) -> None:
    checked = kit.graph_of()
    found = named_parameters(build_model(checked).module, checked)
    assert {parameter.name: parameter.kind for parameter in found} == {
        "encoder.out.conv1d.weight": "weight",
        "encoder.out.batch_norm.weight": "norm",
        "encoder.out.batch_norm.bias": "norm",
        "decoder.logits.linear.weight": "weight",
        "decoder.logits.linear.bias": "bias",
    }
