"""Every optimizer against its paper's equations, written plainly in float64, over many steps."""

from __future__ import annotations

import copy
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from s2sc.compiler.parts.optim.adafactor import Adafactor
from s2sc.compiler.parts.optim.adagrad import Adagrad
from s2sc.compiler.parts.optim.adam import Adam
from s2sc.compiler.parts.optim.by_norm import ByNorm
from s2sc.compiler.parts.optim.by_value import ByValue
from s2sc.compiler.parts.optim.ftrl import Ftrl
from s2sc.compiler.parts.optim.l1 import L1
from s2sc.compiler.parts.optim.lamb import Lamb
from s2sc.compiler.parts.optim.larc import Larc
from s2sc.compiler.parts.optim.momentum import Momentum
from s2sc.compiler.parts.optim.novograd import NovoGrad
from s2sc.compiler.parts.optim.rmsprop import RMSprop
from s2sc.compiler.parts.optim.sgd import Sgd
from s2sc.compiler.parts.optim.torch import Torch
from s2sc.compiler.torch_optimizers import OPTIONS
from s2sc.runtime.optim.groups import NamedParameter
from s2sc.runtime.optim.lookup import clip_for, optimizer_for, regularizer_for
from s2sc.runtime.training import state
from safetensors.torch import load_file, save_file
from torch import nn

Array = Any
Update = Callable[[Any, Array, Array, dict[str, Any], int, float, bool], Array]
STEPS = 60
SHAPES = {"weight": (5, 4), "kernel": (3, 4, 2), "bias": (4,)}


def parameters() -> list[NamedParameter]:
    generator = torch.Generator().manual_seed(1)
    return [
        NamedParameter(
            name, nn.Parameter(torch.randn(shape, generator=generator)), "bias" if name == "bias" else "weight"
        )
        for name, shape in SHAPES.items()
    ]


def rates() -> list[float]:
    """A rate that changes, as schedules make it."""
    return [0.02 / (1 + 0.05 * step) for step in range(STEPS)]


def gradients(seed: int = 2) -> list[list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    return [[rng.normal(size=shape) * 10 ** rng.uniform(-2, 1) for shape in SHAPES.values()] for _ in range(STEPS)]


def run(part: Any) -> list[np.ndarray]:
    """Where our optimizer gets to."""
    held = parameters()
    take(optimizer_for(part, held), held, slice(0, STEPS))
    return [one.tensor.detach().numpy() for one in held]


def take(optimizer: torch.optim.Optimizer, held: list[NamedParameter], which: slice) -> None:
    """Some of the steps."""
    for rate, given in zip(rates()[which], gradients()[which], strict=True):
        for group in optimizer.param_groups:
            group["lr"] = rate
        for one, gradient in zip(held, given, strict=True):
            one.tensor.grad = torch.tensor(gradient, dtype=torch.float32)
        optimizer.step()


def reference(part: Any, update: Update) -> list[np.ndarray]:
    """Where the equations get to."""
    weights = [one.tensor.detach().double().numpy().copy() for one in parameters()]
    states: list[dict[str, Any]] = [{} for _ in weights]
    for step, (rate, given) in enumerate(zip(rates(), gradients(), strict=True), start=1):
        for number, (gradient, name) in enumerate(zip(given, SHAPES, strict=True)):
            decays = name != "bias"
            weights[number] = update(part, weights[number], gradient, states[number], step, rate, decays)
    return weights


def sgd(part: Sgd, w: Array, g: Array, s: dict[str, Any], t: int, lr: float, decays: bool) -> Array:
    return w - lr * g


def momentum(part: Momentum, w: Array, g: Array, s: dict[str, Any], t: int, lr: float, decays: bool) -> Array:
    s["v"] = part.momentum * s.get("v", 0) + g
    return w - lr * (g + part.momentum * s["v"] if part.nesterov else s["v"])


def adagrad(part: Adagrad, w: Array, g: Array, s: dict[str, Any], t: int, lr: float, decays: bool) -> Array:
    s["v"] = s.get("v", part.initial) + g**2
    return w - lr * g / (np.sqrt(s["v"]) + part.epsilon)


def rmsprop(part: RMSprop, w: Array, g: Array, s: dict[str, Any], t: int, lr: float, decays: bool) -> Array:
    s["v"] = part.rho * s.get("v", 0) + (1 - part.rho) * g**2
    s["m"] = part.rho * s.get("m", 0) + (1 - part.rho) * g
    variance = s["v"] - s["m"] ** 2 if part.centered else s["v"]
    s["b"] = part.momentum * s.get("b", 0) + g / (np.sqrt(variance) + part.epsilon)
    return w - lr * s["b"]


def adafactor(part: Adafactor, w: Array, g: Array, s: dict[str, Any], t: int, lr: float, decays: bool) -> Array:
    beta = 1 - t**-part.decay
    square = g**2 + part.epsilon1
    if w.ndim > 1:
        s["R"] = beta * s.get("R", 0) + (1 - beta) * square.mean(-1)
        s["C"] = beta * s.get("C", 0) + (1 - beta) * square.mean(-2)
        v = s["R"][..., :, None] * s["C"][..., None, :] / s["R"].mean(-1)[..., None, None]
    else:
        v = s["v"] = beta * s.get("v", 0) + (1 - beta) * square
    u = g / np.sqrt(v)
    u = u / max(1, np.sqrt((u**2).mean()) / part.clip)
    if part.beta1:
        u = s["m"] = part.beta1 * s.get("m", 0) + (1 - part.beta1) * u
    alpha = lr * (max(part.epsilon2, np.sqrt((w**2).mean())) if part.relative else 1)
    return w - alpha * u - lr * (part.weight_decay if decays else 0) * w


def lamb(part: Lamb, w: Array, g: Array, s: dict[str, Any], t: int, lr: float, decays: bool) -> Array:
    s["m"] = part.beta1 * s.get("m", 0) + (1 - part.beta1) * g
    s["v"] = part.beta2 * s.get("v", 0) + (1 - part.beta2) * g**2
    r = s["m"] / (1 - part.beta1**t) / (np.sqrt(s["v"] / (1 - part.beta2**t)) + part.epsilon)
    r = r + (part.weight_decay if decays else 0) * w
    return w - lr * np.linalg.norm(w) / np.linalg.norm(r) * r


def novograd(part: NovoGrad, w: Array, g: Array, s: dict[str, Any], t: int, lr: float, decays: bool) -> Array:
    square = (g**2).sum()
    s["v"] = square if t == 1 else part.beta2 * s["v"] + (1 - part.beta2) * square
    d = g / (np.sqrt(s["v"]) + part.epsilon) + (part.weight_decay if decays else 0) * w
    s["m"] = part.beta1 * s.get("m", 0) + (1 - part.beta1 if part.averaged else 1) * d
    return w - lr * s["m"]


def ftrl(part: Ftrl, w: Array, g: Array, s: dict[str, Any], t: int, lr: float, decays: bool) -> Array:
    s["n"] = s.get("n", part.initial) + g**2
    q = (part.beta + np.sqrt(s["n"])) / lr
    s["z"] = s.get("z", 0) + g - (q - s.get("q", 0)) * w
    s["q"] = q
    return np.where(np.abs(s["z"]) <= part.l1, 0, (np.sign(s["z"]) * part.l1 - s["z"]) / (q + part.l2))


CASES: list[tuple[Any, Update]] = [
    (Sgd(lr=1.0), sgd),
    (Momentum(lr=1.0, momentum=0.8), momentum),
    (Momentum(lr=1.0, momentum=0.8, nesterov=True), momentum),
    (Adagrad(lr=1.0), adagrad),
    (Adagrad(lr=1.0, initial=0.1, epsilon=1e-3), adagrad),
    (RMSprop(lr=1.0), rmsprop),
    (RMSprop(lr=1.0, rho=0.9, momentum=0.5, epsilon=1e-3), rmsprop),
    (RMSprop(lr=1.0, rho=0.9, momentum=0.5, epsilon=1e-3, centered=True), rmsprop),
    (Adafactor(lr=1.0), adafactor),
    (Adafactor(lr=1.0, beta1=0.9, weight_decay=0.1, clip=0.5), adafactor),
    (Adafactor(lr=1.0, relative=False, decay=0.5, epsilon1=1e-4), adafactor),
    (Lamb(lr=1.0), lamb),
    (Lamb(lr=1.0, beta1=0.8, beta2=0.95, epsilon=1e-3, weight_decay=0.2), lamb),
    (NovoGrad(lr=1.0), novograd),
    (NovoGrad(lr=1.0, beta1=0.9, beta2=0.5, weight_decay=0.1, averaged=True), novograd),
    (Ftrl(lr=1.0), ftrl),
    (Ftrl(lr=1.0, initial=0.0, beta=1.0, l1=0.3, l2=0.2), ftrl),
]


@pytest.mark.parametrize(("part", "update"), CASES, ids=lambda value: str(value) if hasattr(value, "lr") else "")
def test_an_optimizer_is_its_equations(part: Any, update: Update) -> None:
    for found, expected in zip(run(part), reference(part, update), strict=True):
        # 60 steps of float32, each rounding to 6e-8 of numbers about 1
        np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-5)


def test_ftrl_without_penalties_is_adagrad() -> None:
    """Also while the rate falls: q takes the rate of its own step."""
    for one, other in zip(run(Ftrl(lr=1.0, initial=0.1)), run(Adagrad(lr=1.0, initial=0.1)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_l1_of_ftrl_makes_weights_zero() -> None:
    found = run(Ftrl(lr=1.0, l1=1e4))
    assert all((weight == 0).all() for weight in found)


def test_the_second_beta_of_novograd_has_effect() -> None:
    slow, fast = run(NovoGrad(lr=1.0, beta2=0.98)), run(NovoGrad(lr=1.0, beta2=0.1))
    assert all(np.abs(one - other).max() > 1e-2 for one, other in zip(slow, fast, strict=True))


def test_the_first_step_of_novograd_has_the_length_of_the_rate() -> None:
    """|g| / sqrt(|g|^2) = 1: the first value is not averaged with a 0."""
    (one,) = parameters()[:1]
    before = one.tensor.detach().clone()
    one.tensor.grad = torch.full_like(before, 37.0)
    optimizer_for(NovoGrad(lr=0.25), [one]).step()
    assert (one.tensor.detach() - before).norm().item() == pytest.approx(0.25)


@pytest.mark.parametrize("part", [Lamb(lr=0.1), NovoGrad(lr=0.1), Ftrl(lr=0.1), Adafactor(lr=0.1, beta1=0.9)])
def test_a_step_that_is_called_off_changes_nothing(part: Any) -> None:
    """As torch's fused optimizers do it: `found_inf` is 1 on the device, and the gradient is not finite."""
    held = parameters()
    optimizer = optimizer_for(part, held)
    for broken in (False, True, False, True):
        for one in held:
            one.tensor.grad = torch.full_like(one.tensor, float("nan") if broken else 0.5)
        before = copy.deepcopy([[one.tensor.detach() for one in held], optimizer.state_dict()["state"]])
        optimizer.found_inf = torch.tensor(float(broken))  # type: ignore[attr-defined]  # what a stepper sets
        optimizer.step()
        after = [[one.tensor.detach() for one in held], optimizer.state_dict()["state"]]
        same = [torch.equal(one, other) for one, other in zip(before[0], after[0], strict=True)]
        assert all(same) if broken else not any(same)
        if broken:
            for number, entries in before[1].items():
                assert all(torch.equal(value, after[1][number][name]) for name, value in entries.items())


@pytest.mark.parametrize(
    "part", [Momentum(lr=0.1), Momentum(lr=0.1, nesterov=True), Adam(lr=0.1), Lamb(lr=0.1)], ids=str
)
def test_the_first_step_may_be_called_off(part: Any) -> None:
    """A loss scale that begins too high: the steps that follow are those of a run that began with them."""
    tried, straight = parameters(), parameters()
    optimizer = optimizer_for(part, tried)
    for one in tried:
        one.tensor.grad = torch.full_like(one.tensor, float("inf"))
    optimizer.found_inf = torch.tensor(1.0)  # type: ignore[attr-defined]  # what a stepper sets
    optimizer.step()
    optimizer.found_inf = torch.tensor(0.0)  # type: ignore[attr-defined]  # what a stepper sets
    take(optimizer, tried, slice(0, 3))
    take(optimizer_for(part, straight), straight, slice(0, 3))
    for one, other in zip(tried, straight, strict=True):
        assert torch.equal(one.tensor, other.tensor)


@pytest.mark.parametrize("part", [Lamb(lr=0.1), NovoGrad(lr=0.1), Ftrl(lr=0.1), Adafactor(lr=0.1, beta1=0.9)])
def test_what_is_half_keeps_its_states_as_they_are(part: Any) -> None:
    """One number for a tensor is float32 beside bfloat16 weights, and loading it does not round it."""
    held = [NamedParameter("w", nn.Parameter(torch.ones(3, 4, dtype=torch.bfloat16)), "weight")]
    first, second = optimizer_for(part, held), optimizer_for(part, held)
    held[0].tensor.grad = torch.full((3, 4), 0.3, dtype=torch.bfloat16)
    first.step()
    assert held[0].tensor.dtype == torch.bfloat16
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    before, after = first.state_dict()["state"][0], second.state_dict()["state"][0]
    assert before.keys() == after.keys()
    for name, value in before.items():
        assert value.dtype == after[name].dtype == (torch.bfloat16 if value.dim() else torch.float32)
        assert torch.equal(value, after[name])


@pytest.mark.parametrize("part", [part for part, _ in CASES] + [Torch(kind=kind, lr=1.0) for kind in OPTIONS], ids=str)
def test_a_state_goes_through_a_checkpoints_files(part: Any, tmp_path: Path) -> None:
    """Ten steps are five, a checkpoint on disk, and five by an optimizer that never saw the first."""
    straight, broken = parameters(), parameters()
    whole, first = optimizer_for(part, straight), optimizer_for(part, broken)
    take(whole, straight, slice(0, 10))
    take(first, broken, slice(0, 5))
    numbers, tensors = state._optimizer_state(first)
    save_file(tensors, tmp_path / "state")
    second = optimizer_for(part, broken)
    state._load_optimizer(second, load_file(tmp_path / "state"), json.loads(json.dumps(numbers)))
    take(second, broken, slice(5, 10))
    for one, other in zip(straight, broken, strict=True):
        assert torch.equal(one.tensor, other.tensor)


def test_a_state_of_other_rows_is_refused() -> None:
    one = [NamedParameter("w", nn.Parameter(torch.ones(4, 3)), "weight")]
    optimizer = optimizer_for(Adafactor(lr=0.1), one)
    for rows in ((5, 1), (1, 3, 1), (4,)):
        with pytest.raises(ValueError, match="rows of weight 0 has the shape"):
            state._load_optimizer(optimizer, {"0.rows": torch.ones(rows)}, {})


# ---------------------------------------------------------------- torch by name


def test_the_table_of_optimizers_is_torchs() -> None:
    """Every name and every option, but for those that the table leaves out on purpose."""
    found = {
        name: cls
        for name, cls in vars(torch.optim).items()
        if isinstance(cls, type) and issubclass(cls, torch.optim.Optimizer)
    }
    # Adafactor there reads from the device at each step; it has a part of its own
    left_out = {"Optimizer", "LBFGS", "SparseAdam", "Muon", "Adafactor"}
    assert set(found) - left_out == set(OPTIONS)
    kernels = {"self", "params", "lr", "foreach", "fused", "capturable", "maximize", "differentiable"}
    for name, options in OPTIONS.items():
        assert set(options) == set(inspect.signature(found[name]).parameters) - kernels, name
    declared = {param.name for param in Torch.params} - {"kind", "lr", "larc"}
    assert declared == {option for options in OPTIONS.values() for option in options}


@pytest.mark.parametrize("kind", OPTIONS)
def test_an_optimizer_of_torch_is_the_one_of_that_name(kind: str) -> None:
    held, theirs = parameters(), parameters()
    ours = optimizer_for(Torch(kind=kind, lr=0.01), held)
    other = getattr(torch.optim, kind)([one.tensor for one in theirs], lr=0.01)
    assert type(ours) is type(other)
    for given in gradients()[:5]:
        for one, two, gradient in zip(held, theirs, given, strict=True):
            one.tensor.grad = torch.tensor(gradient, dtype=torch.float32)
            two.tensor.grad = one.tensor.grad.clone()
        ours.step()
        other.step()
    for one, two in zip(held, theirs, strict=True):
        torch.testing.assert_close(one.tensor, two.tensor)


def test_options_of_torch_reach_it_and_decay_spares_biases() -> None:
    optimizer = optimizer_for(Torch(kind="NAdam", lr=0.1, betas=(0.8, 0.9), weight_decay=0.3), parameters())
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.3, 0.0]
    assert all(group["betas"] == (0.8, 0.9) for group in optimizer.param_groups)


# ---------------------------------------------------------------- layer-wise rates, penalties, clipping


def larc_factor(mode: str, w: Array, g: Array, lr: float, eta: float, least: float, epsilon: float) -> float:
    if not w.any():
        return 1.0 if mode == "clip" else eta
    if mode == "clip":
        return min(max(eta * float(np.linalg.norm(w)) / (lr * (float(np.linalg.norm(g)) + epsilon)), least), 1.0)
    return max(eta * float(np.linalg.norm(w)) / (float(np.linalg.norm(g)) + epsilon), least)


@pytest.mark.parametrize("mode", ["clip", "scale"])
@pytest.mark.parametrize(("part", "update"), CASES, ids=lambda value: str(value) if hasattr(value, "lr") else "")
def test_larc_scales_the_gradient_of_any_optimizer(part: Any, update: Update, mode: str) -> None:
    larc = Larc(eta=0.02, mode=mode, min_update=1e-3, epsilon=1e-5)

    def scaled(part: Any, w: Array, g: Array, s: dict[str, Any], t: int, lr: float, decays: bool) -> Array:
        factor = larc_factor(mode, w, g, lr, larc.eta, larc.min_update, larc.epsilon)
        return update(part, w, g * factor, s, t, lr, decays)

    for found, expected in zip(run(part.changed(larc=larc)), reference(part, scaled), strict=True):
        np.testing.assert_allclose(found, expected, rtol=5e-4, atol=5e-5)


@pytest.mark.parametrize(
    ("larc", "weight", "gradient", "factor"),
    [
        (Larc(eta=0.01), 2.0, 1.0, 0.01 * 4 / (0.1 * 2)),  # the step would be too large
        (Larc(eta=0.01), 2.0, 1e-3, 1.0),  # small enough
        (Larc(eta=0.01), 0.0, 5.0, 1.0),  # no size to go by
        (Larc(eta=1e-9, min_update=0.25), 2.0, 1.0, 0.25),
        (Larc(eta=0.01, mode="scale"), 2.0, 1.0, 0.01 * 4 / 2),
        (Larc(eta=0.01, mode="scale"), 2.0, 1e-3, 0.01 * 4 / 2e-3),
        (Larc(eta=0.01, mode="scale"), 0.0, 5.0, 0.01),
    ],
)
def test_larc_in_both_modes(larc: Larc, weight: float, gradient: float, factor: float) -> None:
    one = NamedParameter("w", nn.Parameter(torch.full((4,), weight)), "weight")
    one.tensor.grad = torch.full((4,), gradient)
    optimizer_for(Sgd(lr=0.1, larc=larc), [one]).step()
    assert one.tensor[0].item() == pytest.approx(weight - 0.1 * factor * gradient, rel=1e-5)


def test_a_number_for_larc_is_its_eta() -> None:
    for one, other in zip(run(Adam(lr=1.0, larc=0.01)), run(Adam(lr=1.0, larc=Larc(eta=0.01))), strict=True):
        assert (one == other).all()


def test_l1_adds_the_sign() -> None:
    held = parameters()
    for one in held:
        one.tensor.grad = torch.ones_like(one.tensor)
    regularizer_for(L1(rate=0.25), held).add_gradient()
    for one in held:
        expected = 1 + (0.25 * one.tensor.detach().sign() if one.kind == "weight" else 0 * one.tensor.detach())
        assert one.tensor.grad is not None
        assert torch.equal(one.tensor.grad, expected)


@pytest.mark.parametrize("most", [0.5, 100.0])
def test_clipping_by_norm_keeps_the_direction(most: float) -> None:
    given = [torch.tensor([3.0, -4.0]), torch.tensor([[12.0]])]
    clip = clip_for(ByNorm(most=most))
    assert clip is not None
    found = [one.clone() for one in given]
    clip(found, torch.nn.utils.get_total_norm(found))
    for one, before in zip(found, given, strict=True):
        torch.testing.assert_close(one, before * min(1.0, most / 13.0))
    plain = clip_for(most)
    assert plain is not None
    again = [one.clone() for one in given]
    plain(again, torch.nn.utils.get_total_norm(again))
    assert all(torch.equal(one, other) for one, other in zip(found, again, strict=True))


def test_clipping_by_value_takes_each_number_by_itself() -> None:
    given = [torch.tensor([3.0, -4.0, 0.25]), torch.tensor([[float("nan")]])]
    clip = clip_for(ByValue(most=1.5))
    assert clip is not None
    clip(given, torch.tensor(0.0))
    assert given[0].tolist() == [1.5, -1.5, 0.25]
    assert given[1].isnan().all()
    assert clip_for(None) is None
