"""Loss scales against plain Python of the same rules, over 10,000 random gradients with planted overflows."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from s2sc.compiler.parts.precision.autocast import Autocast
from s2sc.compiler.parts.scaling.backoff import Backoff as BackoffPart
from s2sc.compiler.parts.scaling.logmax import LogMax as LogMaxPart
from s2sc.compiler.parts.scaling.static import Static as StaticPart
from s2sc.dsl.values import DType
from s2sc.runtime.training.scaling.backoff import Backoff
from s2sc.runtime.training.scaling.guarded import Guarded
from s2sc.runtime.training.scaling.logmax import LogMax
from s2sc.runtime.training.scaling.off import Off
from s2sc.runtime.training.scaling.static import Static

CPU = torch.device("cpu")


def gradients(seed: int, *, overflows: float, steps: int = 1_000) -> Iterator[tuple[float, bool]]:
    """The largest gradient of each step and whether it overflowed: alone, in rows, and zeros among them."""
    rng = random.Random(seed)
    bad = 0
    for _ in range(steps):
        if rng.random() < overflows:
            bad = rng.choice((1, 1, 2, 20))
        if bad:
            bad -= 1
            yield rng.choice((math.inf, math.nan)), True
        else:
            yield 0.0 if rng.random() < 0.01 else math.exp(rng.gauss(1.0, 2.0)), False


def step(scaler: Any, largest: float, overflow: bool) -> float:
    scaler.update(torch.tensor(overflow), torch.tensor(largest))
    return float(scaler.value)


def clip(value: float, least: float, most: float) -> float:
    return min(max(value, least), most)


def plain_backoff(part: BackoffPart, given: list[tuple[float, bool]]) -> Iterator[float]:
    """The rule by its definition: steps are numbered, and so is the last overflow, which was before the first step."""
    scale, last = part.max, -1
    for number, (_, overflow) in enumerate(given):
        if overflow:
            scale, last = clip(scale / part.factor, part.min, part.max), number
        elif (number - last) % part.window == 0:
            scale = clip(scale * part.factor, part.min, part.max)
        yield scale


def plain_logmax(part: LogMaxPart, given: list[tuple[float, bool]]) -> Iterator[float]:
    scale, seen, mean, slow, square = part.max, 0, 0.0, 0.0, 0.0
    for largest, overflow in given:
        if overflow or largest > 0:
            x = part.log_max if overflow else math.log2(torch.tensor(largest).item())
            seen += 1
            mean = part.beta1 * mean + (1 - part.beta1) * x
            slow = part.beta2 * slow + (1 - part.beta2) * x
            square = part.beta2 * square + (1 - part.beta2) * x * x
            fast_weight, slow_weight = 1 - part.beta1**seen, 1 - part.beta2**seen
            sigma = math.sqrt(max(square / slow_weight - (slow / slow_weight) ** 2, 0.0))
            cutoff = mean / fast_weight + part.deviations * sigma
            scale = clip(2.0 ** (part.log_max - cutoff), part.min, part.max)
        yield scale


@pytest.mark.parametrize(
    ("part", "overflows", "steps"),
    [
        pytest.param(BackoffPart(), 0.0005, 10_000, id="defaults"),
        pytest.param(BackoffPart(window=7), 0.05, 1_000, id="often"),
        pytest.param(BackoffPart(min=4.0, max=2.0**20, factor=4.0, window=33), 0.01, 1_000, id="other bounds"),
        pytest.param(BackoffPart(min=0.5, max=100.0, window=1), 0.2, 1_000, id="always"),
        pytest.param(BackoffPart(window=7), 0.0, 1_000, id="no overflow"),
    ],
)
def test_backoff_is_the_plain_rule(part: BackoffPart, overflows: float, steps: int) -> None:
    given = list(gradients(7, overflows=overflows, steps=steps))
    scaler = Backoff(part, CPU)
    assert [step(scaler, *one) for one in given] == list(plain_backoff(part, given))


@pytest.mark.parametrize(
    ("part", "overflows", "steps"),
    [
        pytest.param(LogMaxPart(), 0.0005, 10_000, id="defaults"),
        pytest.param(LogMaxPart(log_max=15.0, beta1=0.9, beta2=0.99, deviations=1.0), 0.05, 1_000, id="faster"),
        pytest.param(LogMaxPart(min=8.0, max=2.0**24, deviations=0.0), 0.01, 1_000, id="other bounds"),
        pytest.param(LogMaxPart(beta1=0.0, beta2=0.0), 0.01, 1_000, id="no memory"),
        pytest.param(LogMaxPart(), 0.0, 1_000, id="no overflow"),
    ],
)
def test_logmax_is_the_plain_rule(part: LogMaxPart, overflows: float, steps: int) -> None:
    given = list(gradients(11, overflows=overflows, steps=steps))
    scaler = LogMax(part, CPU)
    found = [step(scaler, *one) for one in given]
    # the scale is a float32; sums of float64 differ in their last digits by the order of their terms, and a square
    # root near 0 keeps half of them
    assert found == pytest.approx(list(plain_logmax(part, given)), rel=1e-5)


@pytest.mark.parametrize(("largest", "scale"), [(10.0, 6553.6), (100.0, 655.36), (1.0, 16384.0), (1e-3, 16384.0)])
def test_logmax_settles_at_the_published_scales(largest: float, scale: float) -> None:
    scaler = LogMax(LogMaxPart(), CPU)
    for _ in range(200):
        found = step(scaler, largest, False)
    assert found == pytest.approx(scale, rel=1e-4)


def test_logmax_uses_its_log_max() -> None:
    scaler = LogMax(LogMaxPart(log_max=12.0), CPU)
    assert step(scaler, 10.0, False) == pytest.approx(2.0**12 / 10, rel=1e-6)


def test_a_gradient_of_zero_changes_nothing() -> None:
    scaler = LogMax(LogMaxPart(), CPU)
    assert step(scaler, 0.0, False) == 2.0**14
    step(scaler, 10.0, False)
    before = scaler.state()
    step(scaler, 0.0, False)
    assert scaler.state() == before
    assert math.isfinite(step(scaler, 10.0, False))


def test_fourteen_overflows_lead_from_the_largest_scale_to_the_floor() -> None:
    scaler = Backoff(BackoffPart(), CPU)
    for number in range(1, 20):
        step(scaler, math.inf, True)
        assert bool(scaler.at_floor) == (number >= 14)
    assert float(scaler.value) == 1.0


def test_the_guard_never_lets_the_scale_of_autocast_reach_zero() -> None:
    scaler = Guarded(Autocast(dtype=DType("fp16")), CPU)
    for _ in range(300):
        found = step(scaler, math.nan, True)
    assert found == 1.0
    assert bool(scaler.at_floor)


@pytest.mark.parametrize("overflows", [0.0, 0.001])
def test_the_guard_follows_the_scaler_of_torch_between_its_bounds(overflows: float) -> None:
    part = Autocast(dtype=DType("fp16"), grow_every=50)
    ours, theirs = Guarded(part, CPU), torch.amp.GradScaler("cpu", growth_interval=50)
    weight = torch.nn.Parameter(torch.zeros(()))
    optimizer = torch.optim.SGD([weight], lr=0.0)
    for largest, overflow in gradients(3, overflows=overflows, steps=300):
        theirs.scale(weight)
        weight.grad = torch.tensor(largest)
        theirs.step(optimizer)
        theirs.update()
        wanted = theirs.get_scale()
        assert step(ours, largest, overflow) == min(wanted, 2.0**24)
        if wanted >= 2.0**24:
            break


def test_a_static_scale_stays_and_is_always_at_its_floor() -> None:
    scaler = Static(StaticPart(scale=1024), CPU)
    assert step(scaler, math.inf, True) == step(scaler, 1.0, False) == 1024
    assert bool(scaler.at_floor)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Backoff(BackoffPart(window=7), CPU),
        lambda: LogMax(LogMaxPart(), CPU),
        lambda: Static(StaticPart(scale=8.0), CPU),
        lambda: Guarded(Autocast(dtype=DType("fp16"), grow_every=5), CPU),
        lambda: Off(CPU),
    ],
    ids=["backoff", "logmax", "static", "guarded", "off"],
)
def test_a_scale_goes_on_from_its_state(make: Any) -> None:
    given = list(gradients(5, overflows=0.1, steps=300))
    whole, first, second = make(), make(), make()
    expected = [step(whole, *one) for one in given][150:]
    for one in given[:150]:
        step(first, *one)
    second.load(first.state())
    assert [step(second, *one) for one in given[150:]] == expected


def test_another_scaler_takes_over_the_scale_within_its_own_bounds() -> None:
    before = Backoff(BackoffPart(), CPU)
    step(before, math.inf, True)
    after = LogMax(LogMaxPart(max=4096.0), CPU)
    after.load(before.state())
    assert float(after.value) == 4096.0
    again = Backoff(BackoffPart(), CPU)
    again.load(after.state())
    assert float(again.value) == 4096.0


SCALERS = [
    pytest.param(Backoff, BackoffPart(min=4.0, window=5), id="backoff"),
    pytest.param(LogMax, LogMaxPart(min=4.0, beta1=0.9, beta2=0.99), id="logmax"),
    pytest.param(Guarded, Autocast(dtype=DType("fp16"), grow_every=5, min_scale=4.0), id="guarded"),
]


@pytest.mark.parametrize(("kind", "part"), SCALERS)
def test_a_scaler_goes_on_as_if_it_had_not_stopped(kind: Any, part: Any) -> None:
    given = list(gradients(3, overflows=0.05, steps=300))
    whole = kind(part, CPU)
    expected = [step(whole, *one) for one in given]
    before = kind(part, CPU)
    # 133 lies within a window
    found = [step(before, *one) for one in given[:133]]
    after = kind(part, CPU)
    after.load(before.state())
    assert after.state() == before.state()
    found += [step(after, *one) for one in given[133:]]
    assert found == expected


@pytest.mark.parametrize(("kind", "part"), SCALERS)
def test_a_scaler_takes_no_value_beyond_its_bounds_from_a_checkpoint(kind: Any, part: Any) -> None:
    scaler = kind(part, CPU)
    new = scaler.state()
    scaler.load({})
    assert scaler.state() == new
    assert not scaler.at_floor
    scaler.load({**new, "value": 1e-3})
    assert scaler.state() == {**new, "value": 4.0}
    assert scaler.at_floor
    scaler.load({**new, "value": 2.0**60})
    assert scaler.state()["value"] == max(new["value"], 2.0**24 if kind is Guarded else 0.0)


@pytest.mark.parametrize(("kind", "part"), SCALERS[:2])
def test_a_value_of_another_scaler_starts_with_no_statistics(kind: Any, part: Any) -> None:
    scaler, plain = kind(part, CPU), kind(part, CPU)
    scaler.load({"value": 64.0})
    assert scaler.state() == {**plain.state(), "value": 64.0}
