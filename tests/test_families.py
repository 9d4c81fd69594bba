"""Contracts over what training is made of: every metric, loss, optimizer, schedule, regularizer and initializer."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest
import torch
from s2sc.compiler.catalogue import builtin
from s2sc.compiler.optimizer import Optimizer
from s2sc.compiler.part import Mismatch, Part
from s2sc.compiler.parts.optim.inv_poly import InvPoly
from s2sc.compiler.run_length import RunLength
from s2sc.compiler.tensor_type import seq, tokens
from s2sc.dsl.signature import Param
from s2sc.dsl.values import Quantity
from s2sc.runtime.evaluation import build_metric
from s2sc.runtime.initialize import initialize
from s2sc.runtime.layers.layer import layer_class
from s2sc.runtime.optim.groups import NamedParameter
from s2sc.runtime.optim.lookup import optimizer_for, regularizer_for, schedule_for
from torch import Tensor, nn

CLASSES = sorted(builtin().classes(), key=lambda cls: cls.name)
LENGTH = RunLength(steps=200, steps_per_epoch=20)
SENTENCES = ("a cat sat on the mat", "the dog ran far away today", "no one knows", "one two three four five six seven")

# values of parameters that no default says and no range can be drawn from
_LISTS: dict[str, tuple[Any, ...]] = {"int": (40, 90), "number": (0.5, 0.25)}


def of(family: str, measures: str = "") -> list[Any]:
    found = [cls for cls in CLASSES if cls.family == family]
    chosen = [cls for cls in found if not measures or make(cls).facts()["measures"] == measures]
    assert chosen, f"the catalogue has no {family}"
    return [pytest.param(cls, id=cls.name) for cls in chosen]


def make(cls: type[Part], seed: int | None = None) -> Part:
    """A part with its defaults and what it needs, or with numbers drawn for everything."""
    rng = random.Random(f"{cls.name} {seed}")
    for attempt in range(400):
        # of parameters that exclude each other, few may be drawn
        share = 0.7 if attempt < 200 else 0.1
        drawn = [param for param in cls.params if param.required or (seed is not None and rng.random() < share)]
        found = cls(**{**{p.name: p.default for p in cls.params}, **{p.name: _value(p, rng) for p in drawn}})
        try:
            found.check_params()
        except Mismatch:
            continue
        return found
    raise AssertionError(f"no valid parameters found for {cls.name}")


def _value(param: Param, rng: random.Random) -> Any:
    if param.type == "part":
        return rng.uniform(1e-3, 1.0) if param.or_number else None
    if param.or_flag:
        return True
    if param.choices:
        return rng.choice(param.choices)
    if param.type == "bool":
        return rng.random() < 0.5
    if param.type == "list":
        return _LISTS[param.item]
    low = param.minimum if param.minimum is not None else (param.above or 0.0) + 1e-3
    high = min(1.0, *(bound for bound in (param.maximum, param.below) if bound is not None), 1.0)
    number = rng.uniform(low, max(low, high * 0.99))
    if param.units:
        amount = 1 + round(30 * number)
        return Quantity(amount, param.units[0], f"{amount} {param.units[0]}")
    return max(1, round(8 * number)) if param.type == "int" else number


# ---------------------------------------------------------------- metrics


@pytest.mark.parametrize("cls", of("metric"))
def test_a_metric_says_which_way_is_better_and_what_it_measures(cls: type[Part]) -> None:
    facts = make(cls).facts()
    assert facts["direction"] in ("min", "max")
    method = {"texts": "update", "likelihoods": "update_likelihood"}[str(facts["measures"])]
    count = build_metric(make(cls))
    other = ({"update", "update_likelihood"} - {method}).pop()
    assert hasattr(count, method)
    assert not hasattr(count, other)


@pytest.mark.parametrize("cls", of("metric"))
def test_nothing_to_measure_has_no_figure(cls: type[Part]) -> None:
    assert build_metric(make(cls)).value is None


@pytest.mark.parametrize("cls", of("metric", "texts"))
def test_a_perfect_reading_gives_the_best_value(cls: type[Part]) -> None:
    part = make(cls)
    better = max if part.facts()["direction"] == "max" else min
    values = []
    for spoil in (lambda text: text, lambda text: text.replace("a", "o"), lambda text: "", lambda text: text[::-1]):
        count: Any = build_metric(part)
        for text in SENTENCES:
            count.update(text, spoil(text))
        values.append(count.value)
    assert all(value is not None and math.isfinite(value) for value in values)
    assert better(values) == values[0]
    assert values.count(values[0]) == 1


@pytest.mark.parametrize("cls", of("metric", "likelihoods"))
def test_a_certain_model_gives_the_best_value(cls: type[Part]) -> None:
    part = make(cls)
    better = max if part.facts()["direction"] == "max" else min
    values = []
    for total in (0.0, 1.0, 30.0, 1e6):
        count: Any = build_metric(part)
        count.update_likelihood(total, 10)
        values.append(count.value)
    assert better(values) == values[0]
    assert values.count(values[0]) == 1


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("cls", of("metric"))
def test_merged_shards_equal_the_whole(cls: type[Part], seed: int) -> None:
    part, rng = make(cls, seed), random.Random(seed)
    whole, *shards = (build_metric(part) for _ in range(4))
    for text in SENTENCES * 3:
        heard = " ".join(word for word in text.split() if rng.random() < 0.8)
        for count in (whole, rng.choice(shards)):
            found: Any = count
            if hasattr(found, "update"):
                found.update(text, heard)
            else:
                found.update_likelihood(float(len(heard)), len(text))
    first: Any = shards[0]
    for other in shards[1:]:
        first.merge(other.counts)
    assert first.value == pytest.approx(whole.value, rel=1e-12)
    assert getattr(first, "signature", "") == getattr(whole, "signature", "")


# ---------------------------------------------------------------- losses


@pytest.mark.parametrize("cls", of("loss"))
def test_a_loss_says_what_each_example_counts_and_tells_likelihoods_if_it_promised(cls: Any) -> None:
    lengths = torch.tensor([3, 1, 2])
    target = torch.tensor([[0, 1, 2], [2, 0, 0], [1, 0, 0]])
    types = {"logits": (seq("U", 5),), "target": (tokens("U", 4),)}
    operation: Any = next(found for seed in range(99) if _fits(found := make(cls, seed), types))
    layer = layer_class(cls)(**layer_class(cls).arguments(operation, types))
    logits_BUV = torch.randn(3, 3, 5, requires_grad=True)
    given = {"logits_lengths": lengths * 1, "target_lengths": lengths}
    loss_B = layer(logits_BUV, target, **{name: given[name] for name in layer.needs})
    weight_B = layer.example_weight(lengths)
    assert loss_B.shape == weight_B.shape == (3,)
    assert loss_B.dtype == torch.float32
    assert (weight_B > 0).all()
    likelihood_B = getattr(layer, "likelihood_B", None)
    assert isinstance(likelihood_B, Tensor) == cls.likelihoods
    if isinstance(likelihood_B, Tensor):
        assert not likelihood_B.requires_grad
        assert (likelihood_B > 0).all()


def _fits(operation: Any, types: Any) -> bool:
    try:
        operation.check(types)
    except Mismatch:
        return False
    return True


# ---------------------------------------------------------------- optimizers


def _weights() -> list[NamedParameter]:
    generator = torch.Generator().manual_seed(0)
    kinds: tuple[Any, ...] = ("weight", "bias", "norm")
    return [NamedParameter(kind, nn.Parameter(torch.randn(4, 3, generator=generator)), kind) for kind in kinds]


def _descend(optimizer: torch.optim.Optimizer, parameters: list[NamedParameter], num_steps: int) -> Iterator[float]:
    """The values of a quadratic with its minimum at 0.5, before each step."""
    for _ in range(num_steps):
        optimizer.zero_grad()
        value = torch.stack([(one.tensor - 0.5).square().sum() for one in parameters]).sum()
        torch.autograd.backward(value)
        yield value.item()
        optimizer.step()


@pytest.mark.parametrize("cls", of("optimizer"))
def test_a_quadratic_goes_down(cls: Any) -> None:
    parameters = _weights()
    part = make(cls).changed(lr={"adagrad": 0.5, "ftrl": 0.5, "torch": 0.5}.get(cls.name, 0.01))
    first, *_, last = _descend(optimizer_for(part, parameters), parameters, 300)
    assert last < first / 10


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("cls", of("optimizer"))
def test_the_state_of_an_optimizer_goes_round(cls: type[Part], seed: int) -> None:
    """Ten steps are the same as five, a checkpoint, and five by another optimizer."""
    part = make(cls, seed)
    straight, broken = _weights(), _weights()
    list(_descend(optimizer_for(part, straight), straight, 10))
    first = optimizer_for(part, broken)
    list(_descend(first, broken, 5))
    second = optimizer_for(part, broken)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    list(_descend(second, broken, 5))
    for one, other in zip(straight, broken, strict=True):
        assert torch.equal(one.tensor, other.tensor)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("cls", of("optimizer"))
def test_an_optimizer_keeps_as_many_numbers_as_the_plan_counts(cls: Any, seed: int) -> None:
    part, parameters = make(cls, seed), _weights()
    assert isinstance(part, Optimizer)
    optimizer = optimizer_for(part, parameters)
    list(_descend(optimizer, parameters, 2))
    for one in parameters:
        states = [state for state in optimizer.state[one.tensor].values() if isinstance(state, Tensor)]
        assert sum(state.shape == one.tensor.shape for state in states) == part.kept_numbers(), part


# ---------------------------------------------------------------- schedules


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("cls", of("schedule"))
def test_a_rate_is_finite_never_negative_and_known_from_the_step_alone(cls: type[Part], seed: int) -> None:
    rate_of = schedule_for(make(cls, seed), 1e-2)
    rates = [rate_of(step, LENGTH) for step in range(400)]
    assert all(math.isfinite(rate) and rate >= 0 for rate in rates)
    assert any(rate > 0 for rate in rates[:100])
    again = schedule_for(make(cls, seed), 1e-2)
    assert [again(step, LENGTH) for step in reversed(range(400))] == rates[::-1]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("cls", of("schedule"))
def test_a_rate_follows_the_optimizers(cls: type[Part], seed: int) -> None:
    """Twice the rate twice, but for bounds that are said in numbers."""
    bounds = {name: 0.0 if name == "min_lr" else None for name in ("min_lr", "max_lr")}
    values = make(cls, seed).values()
    bounded = {name: value for name, value in bounds.items() if name in values}
    part, twice = cls(**{**values, **bounded}), cls(**{**values, **bounded})
    if cls is InvPoly:
        # it reaches its least rate whatever the highest is
        part, twice = part.changed(min_lr=1e-5), part.changed(min_lr=2e-5)
    one, two = schedule_for(part, 1e-2), schedule_for(twice, 2e-2)
    assert all(two(step, LENGTH) == pytest.approx(2 * one(step, LENGTH), rel=1e-9) for step in range(300))


# ---------------------------------------------------------------- regularizers


@pytest.mark.parametrize("cls", of("regularizer"))
def test_a_regularizer_shrinks_weights_and_spares_biases_and_norms(cls: Any) -> None:
    parameters = _weights()
    before = [one.tensor.detach().clone() for one in parameters]
    optimizer = torch.optim.SGD([one.tensor for one in parameters], lr=0.1)
    regularizer = regularizer_for(
        cls(**{**{param.name: param.default for param in cls.params}, "rate": 0.3}), parameters
    )
    for one in parameters:
        one.tensor.grad = torch.zeros_like(one.tensor)
    regularizer.add_gradient()
    regularizer.decay(0.1)
    optimizer.step()
    weight, bias, norm = (one.tensor.detach() for one in parameters)
    expected = before[0] - 0.1 * 0.3 * (before[0].sign() if cls.name == "l1" else before[0])
    torch.testing.assert_close(weight, expected)
    assert torch.equal(bias, before[1])
    assert torch.equal(norm, before[2])


# ---------------------------------------------------------------- initializers


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("cls", of("initializer"))
def test_an_initializer_fills_matrices_alone_and_alike_under_a_seed(cls: type[Part], seed: int) -> None:
    part = make(cls, seed)
    results = []
    for order in (1, 1, -1):
        made = [
            NamedParameter("a.weight", nn.Parameter(torch.full((6, 4), 9.0)), "weight"),
            NamedParameter("b.weight", nn.Parameter(torch.full((8, 3, 5), 9.0)), "weight"),
            NamedParameter("b.bias", nn.Parameter(torch.full((8,), 9.0)), "bias"),
            NamedParameter("c.weight", nn.Parameter(torch.full((2, 4), 9.0)), "norm"),
        ]
        torch.manual_seed(seed)
        initialize(part, made[::order])
        results.append({one.name: one.tensor.detach() for one in made})
    first, *others = results
    assert all(torch.equal(first[name], other[name]) for other in others for name in first)
    assert all((first[name] != 9.0).all() and first[name].isfinite().all() for name in ("a.weight", "b.weight"))
    assert all((first[name] == 9.0).all() for name in ("b.bias", "c.weight"))


# ---------------------------------------------------------------- doors


_DOORS: dict[str, tuple[str, ...]] = {
    "optimizer": ("build",),
    "regularizer": ("add_gradient", "decay"),
    "initializer": ("fill",),
    "metric": ("build",),
}


@pytest.mark.parametrize("family", _DOORS)
def test_a_file_of_a_family_has_its_door(family: str) -> None:
    room = {"metric": "metrics", "initializer": "init"}.get(family, "optim")
    for cls in CLASSES:
        if cls.family == family:
            file = import_module(f"s2sc.runtime.{room}.{cls.name}")
            doors: list[Callable[..., Any]] = [getattr(file, door) for door in _DOORS[family] if hasattr(file, door)]
            assert len(doors) == 1, cls.name
