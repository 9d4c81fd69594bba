"""A step with float32 masters: each operation in its place, and what fp16 alone would lose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pytest
import torch
from s2sc.compiler.part import Part
from s2sc.compiler.parts.optim.l2 import L2
from s2sc.compiler.parts.optim.weight_decay import WeightDecay
from s2sc.compiler.parts.scaling.backoff import Backoff as BackoffPart
from s2sc.compiler.parts.scaling.static import Static as StaticPart
from s2sc.runtime.data.batch import Batch
from s2sc.runtime.model import Model
from s2sc.runtime.optim.groups import NamedParameter
from s2sc.runtime.optim.lookup import Regularizer, clip_for, regularizer_for
from s2sc.runtime.training.running_statistics import RunningStatistics
from s2sc.runtime.training.scaling.backoff import Backoff
from s2sc.runtime.training.scaling.off import Off
from s2sc.runtime.training.scaling.scaler import Scaler
from s2sc.runtime.training.scaling.static import Static
from s2sc.runtime.training.step import Stepper
from s2sc.runtime.training.weights import Weights
from torch import Tensor, nn

CPU = torch.device("cpu")
HALVES = pytest.mark.parametrize("half", [torch.float16, None], ids=["mixed", "fp32"])


@dataclass
class Rows:
    """A batch of a regression; each row is an example."""

    x_BC: Tensor
    y_B: Tensor
    ids: Sequence[str] = ("first",)
    total: int = 0

    def __len__(self) -> int:
        return len(self.x_BC)


class Regression:
    """What a step asks of a model: a product in what the weights are stored in, and a float32 loss of each row."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def __call__(self, batch: Rows) -> Tensor:
        found: Tensor = self.module(batch.x_BC).float()
        return found

    def loss(self, found_B1: Tensor, batch: Rows) -> Tensor:
        return (found_B1.squeeze(1) - batch.y_B).square()

    def loss_weight(self, batch: Rows) -> Tensor:
        return torch.ones(len(batch))


class Product(nn.Module):
    """One product; counts its rows in a buffer as a normalisation's running statistics do."""

    seen: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight.clone())
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x_BC: Tensor) -> Tensor:
        self.seen += x_BC.sum().detach()
        return x_BC.to(self.weight.dtype) @ self.weight.t()


def stepper(
    module: nn.Module,
    half: torch.dtype | None,
    *,
    optimizer: Callable[[list[Tensor]], torch.optim.Optimizer] = lambda tensors: torch.optim.SGD(tensors, lr=1.0),
    scaler: Scaler | None = None,
    regularizer: Part | Regularizer | None = None,
    clip: float | None = None,
) -> Stepper:
    named = [NamedParameter(name, tensor, "weight") for name, tensor in module.named_parameters()]
    stored = {} if half is None else {one.name: half for one in named}
    weights = Weights(named, stored=stored, masters=True)
    return Stepper(
        cast("Model", Regression(module)),
        weights,
        optimizer(weights.tensors),
        scaler or Off(CPU),
        regularizer if isinstance(regularizer, Regularizer) else regularizer_for(regularizer, weights.named),
        RunningStatistics(module),
        clip=clip_for(clip),
    )


def take(one: Stepper, rows: Rows, rate: float = 1.0) -> list[float]:
    one.gradients([cast("Batch", rows)])
    return one.apply(rate).numbers()


# ---------------------------------------------------------------- what fp16 loses


def test_a_penalty_does_not_vanish() -> None:
    """Weights of 1e-4 under a penalty of 1e-4 have a gradient of 1e-8, of which fp16 has nothing."""
    module = Product(torch.full((1, 2), 1e-4))
    one = stepper(module, torch.float16, regularizer=L2(rate=1e-4), scaler=Static(StaticPart(scale=8.0), CPU))
    before = one.weights.tensors[0].detach().clone()
    # these rows give no gradient of their own
    take(one, Rows(torch.zeros(4, 2), torch.zeros(4)))
    given = before - one.weights.tensors[0].detach()
    torch.testing.assert_close(given, torch.full((1, 2), 1e-8), rtol=0, atol=1e-11)
    assert (torch.full((1, 2), 1e-4, dtype=torch.float16) * 1e-4).eq(0).all()


def test_a_decay_does_not_vanish() -> None:
    module = Product(torch.ones(1, 2))
    one = stepper(module, torch.float16, regularizer=WeightDecay(rate=1e-4))
    for _ in range(100):
        take(one, Rows(torch.zeros(4, 2), torch.zeros(4)), rate=0.1)
    torch.testing.assert_close(one.weights.tensors[0].detach(), torch.full((1, 2), 0.99999**100), rtol=1e-5, atol=0)
    # 1 - 1e-5 is 1 in fp16, and so it would have stayed
    assert module.weight.max().item() == pytest.approx(0.999, abs=5e-4)


def test_small_gradients_do_not_vanish_behind_a_scale() -> None:
    moved = {}
    for scale in (1.0, 2.0**14):
        module = Product(torch.zeros(1, 1))
        one = stepper(module, torch.float16, scaler=Static(StaticPart(scale=scale), CPU))
        # the gradient is 2 * 1e-5 * 1e-4 = 2e-9
        take(one, Rows(torch.full((1, 1), 1e-4), torch.full((1,), -1e-5)))
        moved[scale] = -one.weights.tensors[0].item()
    assert moved[1.0] == 0.0
    assert moved[2.0**14] == pytest.approx(2e-9, rel=2e-2)


@HALVES
def test_least_squares_are_solved(half: torch.dtype | None) -> None:
    torch.manual_seed(4)
    x_BC, y_B = torch.rand(10, 10) + 2 * torch.eye(10), torch.rand(10)
    solution = torch.linalg.solve(x_BC, y_B)
    one = stepper(
        Product(torch.zeros(1, 10)),
        half,
        optimizer=lambda tensors: torch.optim.Adam(tensors, lr=0.05, fused=True),
        scaler=None if half is None else Backoff(BackoffPart(), CPU),
    )
    for number in range(1200):
        take(one, Rows(x_BC, y_B), rate=0.05 * 0.996**number)
    torch.testing.assert_close(one.weights.tensors[0].detach()[0], solution, rtol=0, atol=0.01)


@HALVES
def test_a_huge_penalty_prevents_learning(half: torch.dtype | None) -> None:
    torch.manual_seed(4)
    rows = Rows(torch.eye(4), torch.full((4,), 30.0))
    one = stepper(
        Product(torch.rand(1, 4)),
        half,
        optimizer=lambda tensors: torch.optim.Adam(tensors, lr=0.05),
        scaler=None if half is None else Backoff(BackoffPart(), CPU),
        regularizer=L2(rate=1e4),
    )
    losses = [take(one, rows, rate=0.05)[0] for _ in range(300)]
    # 30² is the loss of weights that are 0
    assert losses[-1] > 800


# ---------------------------------------------------------------- the order


class Watched(Backoff):
    """A scale that remembers what it was told."""

    told: list[tuple[bool, float]]

    def update(self, overflow: Tensor, largest: Tensor) -> None:
        self.told.append((bool(overflow), float(largest)))
        super().update(overflow, largest)


def test_each_operation_comes_in_its_place() -> None:
    """The loss is x·w with x = (3, 4) and a penalty's gradient of (0, 12): every number says what went before it."""
    log: list[tuple[str, Any]] = []
    module = Product(torch.zeros(1, 2))
    scaler = Watched(BackoffPart(max=64.0, min=1.0), CPU)
    scaler.told = []
    held: list[Weights] = []

    def penalize() -> None:
        (gradient,) = (tensor.grad for tensor in held[0].tensors)
        assert gradient is not None
        log.append(("penalty", (gradient.dtype, gradient.tolist())))
        gradient.add_(torch.tensor([[0.0, 12.0]]))

    one = stepper(
        module,
        torch.float16,
        scaler=scaler,
        regularizer=Regularizer(penalize, lambda rate: log.append(("decay", rate))),
        clip=6.5,
    )
    held.append(one.weights)
    half_gradient: list[list[list[float]]] = []
    module.weight.register_hook(lambda gradient: half_gradient.append(gradient.tolist()))  # type: ignore[no-untyped-call]  # torch leaves it untyped
    one.optimizer.register_step_pre_hook(
        lambda *_: log.append(("optimizer", [tensor.grad.tolist() for tensor in one.weights.tensors]))  # type: ignore[union-attr]  # there is one
    )
    write_back = one.weights.write_back

    def watched() -> None:
        log.append(("write back", None))
        write_back()

    one.weights.write_back = watched  # type: ignore[method-assign]  # as it is, and told of
    # the gradient of (x·w - y)² at w = 0 is -2·y·x: y = -1/2 makes it x
    figures = take(one, Rows(torch.tensor([[3.0, 4.0]]), torch.tensor([-0.5])), rate=0.5)

    # half gradients carry the scale
    assert half_gradient == [[[3.0 * 64, 4.0 * 64]]]
    # the penalty comes to float32 gradients without it, and the scaler is told of them as they were before
    assert log[0] == ("penalty", (torch.float32, [[3.0, 4.0]]))
    assert scaler.told == [(False, 4.0)]
    # the norm is that of both, taken before the clip
    assert figures == pytest.approx([0.25, (3.0**2 + 16.0**2) ** 0.5, 0, 0, 64])
    # then the clip, the decay, the optimizer and the model
    assert [name for name, _ in log] == ["penalty", "decay", "optimizer", "write back"]
    ratio = 6.5 / (3.0**2 + 16.0**2) ** 0.5
    assert log[2][1][0][0] == pytest.approx([3.0 * ratio, 16.0 * ratio], rel=1e-5)
    assert module.weight.dtype == torch.float16
    assert module.weight.tolist()[0] == pytest.approx([-0.5 * 3.0 * ratio, -0.5 * 16.0 * ratio], rel=1e-3)
    assert all(tensor.grad is None for tensor in (module.weight, *one.weights.tensors))


@pytest.mark.parametrize("scaler", [Backoff(BackoffPart(), CPU), Static(StaticPart(scale=2.0**14), CPU), Off(CPU)])
def test_an_overflow_leaves_everything_but_the_scale_as_it_was(scaler: Scaler) -> None:
    module = Product(torch.ones(1, 2))
    one = stepper(
        module,
        torch.float16,
        scaler=scaler,
        optimizer=lambda tensors: torch.optim.Adam(tensors, lr=0.1),
        regularizer=WeightDecay(rate=0.5),
    )
    good = Rows(torch.full((1, 2), 0.1), torch.ones(1))
    assert take(one, good)[2] == 0
    before = [tensor.detach().clone() for tensor in (*one.weights.tensors, module.weight, module.seen)]
    moments = {name: tensor.clone() for name, tensor in one.optimizer.state[one.weights.tensors[0]].items()}
    scale = float(scaler.value)
    # the gradient is above 65,504 in fp16 even without a scale
    skipped = take(one, Rows(torch.full((1, 2), 300.0), torch.full((1,), -300.0)))
    assert skipped[2] == 1
    after = (*one.weights.tensors, module.weight, module.seen)
    assert all(torch.equal(a, b) for a, b in zip(after, before, strict=True))
    assert all(torch.equal(moments[name], tensor) for name, tensor in one.optimizer.state[after[0]].items())
    assert float(scaler.value) == (scale / 2 if isinstance(scaler, Backoff) else scale)
    assert all(tensor.grad is None for tensor in (module.weight, *one.weights.tensors))
    assert take(one, good)[2] == 0


def test_gradients_of_several_batches_are_summed_in_float32() -> None:
    module = Product(torch.zeros(1, 1))
    one = stepper(module, torch.float16)
    # the mean of 2048 and 63 times 1: in fp16 2048 + 1 is 2048, and so are their shares
    rows = [Rows(torch.ones(1, 1), torch.full((1,), -value * 512)) for value in (2.0, *[1 / 1024] * 63)]
    one.gradients([cast("Batch", row) for row in rows])
    one.apply(1.0)
    assert one.weights.tensors[0].item() == pytest.approx(-(2048.0 + 63.0) / 64, rel=1e-6)
