"""Every schedule against its closed formula at every step of a short run."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from s2sc.compiler.catalogue import builtin
from s2sc.compiler.pages.sample import values_of
from s2sc.compiler.parts.optim.cosine import Cosine
from s2sc.compiler.parts.optim.exp import Exp
from s2sc.compiler.parts.optim.fixed import Fixed
from s2sc.compiler.parts.optim.inv_poly import InvPoly
from s2sc.compiler.parts.optim.one_cycle import OneCycle
from s2sc.compiler.parts.optim.piecewise import Piecewise
from s2sc.compiler.parts.optim.poly import Poly
from s2sc.compiler.run_length import RunLength
from s2sc.compiler.schedule import Schedule
from s2sc.dsl.values import Quantity

LENGTH = RunLength(steps=100, steps_per_epoch=10)
LR = 2e-3


def steps(amount: float) -> Quantity:
    return Quantity(amount, "steps", f"{amount} steps")


def epochs(amount: float) -> Quantity:
    return Quantity(amount, "epochs", f"{amount} epochs")


def schedules() -> list[type[Schedule]]:
    return [cls for cls in builtin().classes() if issubclass(cls, Schedule)]


FALLS: dict[str, tuple[Schedule, Callable[[float], float]]] = {
    # the share of the fall that is over (it may be past 1) -> the rate
    "cosine": (
        Cosine(min_lr=1e-5),
        lambda share: 1e-5 + (LR - 1e-5) * 0.5 * (1 + math.cos(math.pi * min(share, 1))),
    ),
    "inv_poly": (
        InvPoly(min_lr=2e-5),
        lambda share: max(2e-5, LR / (1 + 99 * share)),
    ),
    "inv_poly with a power": (
        InvPoly(min_lr=2e-5, power=0.5),
        lambda share: max(2e-5, LR / math.sqrt(1 + (100**2 - 1) * share)),
    ),
    "poly": (Poly(power=2.0), lambda share: LR * max(0, 1 - share) ** 2),
    "exp": (Exp(rate=0.1), lambda share: LR * 10**-share),
    "exp in jumps": (Exp(rate=0.1, staircase=True), lambda share: LR * 10 ** -math.floor(share)),
}


@pytest.mark.parametrize("name", FALLS)
@pytest.mark.parametrize(("warmup", "rise"), [(None, 0), (steps(7), 7), (epochs(1.5), 15)])
@pytest.mark.parametrize(("begin", "level"), [(None, 0), (steps(10), 10), (epochs(4), 40)])
@pytest.mark.parametrize(("fall", "lasts"), [(None, None), (steps(30), 30)])
def test_a_fall_is_its_formula_at_every_step(
    name: str, warmup: Any, rise: int, begin: Any, level: int, fall: Any, lasts: int | None
) -> None:
    part, formula = FALLS[name]
    part = part.changed(warmup=warmup, begin=begin, steps=fall)
    start = max(rise, level)
    for step in range(130):
        if step < rise:
            expected = LR * (step + 1) / rise
        elif step < start:
            expected = LR
        else:
            expected = formula((step - start) / (lasts or 100 - start))
        assert part.learning_rate(LR, step, LENGTH) == pytest.approx(expected, rel=1e-9, abs=1e-18), step


def test_a_fall_ends_where_it_says() -> None:
    assert Cosine(min_lr=1e-5).learning_rate(LR, 100, LENGTH) == 1e-5
    assert InvPoly(min_lr=1e-5).learning_rate(LR, 100, LENGTH) == pytest.approx(1e-5)
    assert InvPoly(min_lr=LR).learning_rate(LR, 50, LENGTH) == LR


def test_a_schedule_without_a_fall_warms_up_too() -> None:
    fixed = Fixed(warmup=steps(4))
    assert [fixed.learning_rate(1.0, step, LENGTH) for step in range(6)] == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    piecewise = Piecewise(boundaries=(2, 5), rates=(0.5, 0.1), warmup=steps(4))
    found = [piecewise.learning_rate(1.0, step, LENGTH) for step in range(7)]
    assert found == pytest.approx([0.25, 0.5, 0.75 * 0.5, 0.5, 0.5, 0.1, 0.1])


@pytest.mark.parametrize("curve", ["cosine", "line"])
@pytest.mark.parametrize(("warmup", "rise"), [(None, 30), (steps(45), 45), (epochs(2), 20)])
def test_one_cycle_is_its_formula_at_every_step(curve: str, warmup: Any, rise: int) -> None:
    part = OneCycle(warmup=warmup, first=0.1, last=0.001, curve=curve)
    for step in range(100):
        up = step < rise
        share = step / (rise - 1) if up else (step - rise + 1) / (99 - rise + 1)
        low, high = (LR * 0.1, LR) if up else (LR * 0.001, LR)
        share = share if up else 1 - share
        # half a wave from low (share 0) to high (share 1)
        part_way = share if curve == "line" else (1 - math.cos(math.pi * share)) / 2
        assert part.learning_rate(LR, step, LENGTH) == pytest.approx(low + (high - low) * part_way, rel=1e-12), step
    assert part.learning_rate(LR, 99, LENGTH) == pytest.approx(LR * 0.001)
    assert part.learning_rate(LR, 500, LENGTH) == pytest.approx(LR * 0.001)


def test_one_cycle_of_a_step_is_its_rate() -> None:
    assert OneCycle().learning_rate(LR, 0, RunLength(1, 1)) == LR


@pytest.mark.parametrize("cls", schedules(), ids=lambda cls: cls.name)
def test_every_schedule_is_positive_and_rises_over_its_warmup(cls: type[Schedule]) -> None:
    values = {**values_of(cls), "warmup": steps(20)}
    if "boundaries" in values:
        values |= {"boundaries": (60, 80)}
    part = cls(**values)
    rates = [part.learning_rate(LR, step, LENGTH) for step in range(100)]
    assert all(rate > 0 and math.isfinite(rate) for rate in rates)
    assert rates[:20] == sorted(rates[:20])
    assert rates[0] < rates[19] == max(rates)
    for step, what in part.turns(LENGTH):
        assert 0 <= step <= 100, what
