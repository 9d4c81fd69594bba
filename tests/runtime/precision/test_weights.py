"""Masters: what the optimizer sees of half weights, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from s2sc.runtime.optim.groups import NamedParameter
from s2sc.runtime.training.weights import Weights
from torch import Tensor, nn

HALVES = pytest.mark.parametrize("half", [torch.float16, torch.bfloat16], ids=["fp16", "bf16"])
OPTIMIZERS: dict[str, Callable[[list[Tensor]], torch.optim.Optimizer]] = {
    "sgd": lambda tensors: torch.optim.SGD(tensors, lr=0.1, momentum=0.9),
    "adam": lambda tensors: torch.optim.Adam(tensors, lr=0.01, fused=True),
    "adamw": lambda tensors: torch.optim.AdamW(tensors, lr=0.01),
    "adagrad": lambda tensors: torch.optim.Adagrad(tensors, lr=0.01),
    "rmsprop": lambda tensors: torch.optim.RMSprop(tensors, lr=0.01),
    "radam": lambda tensors: torch.optim.RAdam(tensors, lr=0.01),
    "nadam": lambda tensors: torch.optim.NAdam(tensors, lr=0.01),
    "adadelta": lambda tensors: torch.optim.Adadelta(tensors, lr=0.01),
    "adamax": lambda tensors: torch.optim.Adamax(tensors, lr=0.01),
    "rprop": lambda tensors: torch.optim.Rprop(tensors, lr=0.01),
    "asgd": lambda tensors: torch.optim.ASGD(tensors, lr=0.01),
}


class Tied(nn.Module):
    """Two products with one matrix between them, and a normalisation that stays float32."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.first = nn.Linear(6, 6)
        self.norm = nn.LayerNorm(6)

    def forward(self, x_BC: Tensor) -> Tensor:
        half = self.first.weight.dtype
        y_BC = self.norm(self.first(x_BC.to(half)).to(self.norm.weight.dtype))
        return nn.functional.linear(y_BC.to(half), self.first.weight)


def weights_of(module: nn.Module, dtype: torch.dtype | None, *, masters: bool = True) -> Weights:
    named = [
        NamedParameter(name, tensor, "norm" if "norm" in name else "bias" if "bias" in name else "weight")
        for name, tensor in module.named_parameters()
    ]
    stored = {} if dtype is None else {name.name: dtype for name in named if name.kind != "norm"}
    return Weights(named, stored=stored, masters=masters)


@HALVES
def test_halves_have_float32_masters_and_the_rest_none(half: torch.dtype) -> None:
    module = Tied()
    before = {name: tensor.clone() for name, tensor in module.named_parameters()}
    held = list(module.parameters())
    weights = weights_of(module, half)
    assert list(weights.masters) == ["first.weight", "first.bias"]
    assert [one.tensor.dtype for one in weights.named] == [torch.float32] * 4
    assert [one.tensor for one in weights.named][2:] == held[2:]
    # the very same objects: a graph that holds them goes on to
    assert all(a is b for a, b in zip(module.parameters(), held, strict=True))
    assert [tensor.dtype for tensor in module.parameters()] == [half, half, torch.float32, torch.float32]
    # a master starts from what the weight was, not from what was left of it
    assert torch.equal(weights.masters["first.weight"], before["first.weight"])
    assert torch.equal(module.first.weight, before["first.weight"].to(half))


def test_without_masters_the_optimizer_sees_halves() -> None:
    module = Tied()
    weights = weights_of(module, torch.bfloat16, masters=False)
    assert not weights.masters
    assert [one.tensor for one in weights.named] == list(module.parameters())
    assert module.first.weight.dtype == torch.bfloat16


def test_in_float32_nothing_is_copied() -> None:
    module = Tied()
    weights = weights_of(module, None)
    assert not weights.masters
    assert all(one.tensor is tensor for one, tensor in zip(weights.named, module.parameters(), strict=True))


@HALVES
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_any_optimizer_updates_the_masters(name: str, half: torch.dtype) -> None:
    module = Tied()
    weights = weights_of(module, half)
    optimizer = OPTIMIZERS[name](weights.tensors)
    # the same optimizer, handed the same gradients in float32
    plain = [tensor.detach().clone().requires_grad_() for tensor in weights.tensors]
    reference = OPTIMIZERS[name](plain)
    for seed in range(3):
        torch.manual_seed(seed)
        module(torch.randn(4, 6)).float().square().mean().backward()
        weights.collect()
        for tensor, one in zip(plain, weights.tensors, strict=True):
            assert one.grad is not None
            assert one.grad.dtype == torch.float32
            tensor.grad = one.grad.clone()
        optimizer.step()
        reference.step()
        weights.write_back()
        weights.clear()
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(weights.tensors, plain, strict=True))
        assert torch.equal(module.first.weight, weights.masters["first.weight"].to(half))
    assert all(tensor.grad is None for tensor in (*module.parameters(), *weights.tensors))


def test_a_tied_weight_has_one_master_with_the_gradient_of_both_uses() -> None:
    module, double = Tied(), Tied()
    weights = weights_of(module, torch.bfloat16)
    x_BC = torch.randn(4, 6)
    module(x_BC).float().square().mean().backward()
    (found, *_) = weights.collect()
    double(x_BC).square().mean().backward()
    assert double.first.weight.grad is not None
    # bfloat16 has 8 digits
    torch.testing.assert_close(found, double.first.weight.grad, rtol=0.1, atol=0.02)
    assert len(weights.named) == 4


def test_gradients_of_several_batches_add_up_in_float32() -> None:
    weight = nn.Parameter(torch.zeros(3))
    weights = Weights([NamedParameter("w", weight, "weight")], stored={"w": torch.float16}, masters=True)
    for value in (2048.0, 1.0, 1.0):
        # in fp16 2048 + 1 is 2048
        weight.grad = torch.full((3,), value, dtype=torch.float16)
        weights.collect()
        assert weight.grad is None
    (total,) = weights.collect()
    assert total.tolist() == [2050.0] * 3


def test_what_fp16_cannot_hold_becomes_its_largest_number() -> None:
    weight = nn.Parameter(torch.tensor([1e5, -1e5, 65504.0, 65519.0, 1e-9]))
    Weights([NamedParameter("w", weight, "weight")], stored={"w": torch.float16}, masters=True)
    assert weight.tolist() == [65504.0, -65504.0, 65504.0, 65504.0, 0.0]


def test_small_steps_are_kept_where_halves_would_lose_them() -> None:
    weight = nn.Parameter(torch.ones(1))
    weights = Weights([NamedParameter("w", weight, "weight")], stored={"w": torch.float16}, masters=True)
    optimizer = torch.optim.SGD(weights.tensors, lr=1e-4)
    for _ in range(100):
        weight.grad = torch.ones(1, dtype=torch.float16)
        weights.collect()
        optimizer.step()
        weights.write_back()
        weights.clear()
    # 1 - 1e-4 is 1 in fp16
    assert weight.item() == pytest.approx(0.99, abs=5e-4)


@pytest.mark.parametrize("after", [None, torch.float16, torch.bfloat16], ids=["fp32", "fp16", "bf16"])
@pytest.mark.parametrize("before", [None, torch.float16, torch.bfloat16], ids=["fp32", "fp16", "bf16"])
def test_a_state_is_restored_in_another_precision(before: torch.dtype | None, after: torch.dtype | None) -> None:
    saved, other = Tied(), Tied()
    first, second = weights_of(saved, before), weights_of(other, after)
    with torch.no_grad():
        for tensor in first.tensors:
            tensor.add_(torch.randn_like(tensor))
    first.write_back()
    state = first.state_dict(saved)
    assert {tensor.dtype for tensor in state.values()} == {torch.float32}
    second.load_state_dict(other, state)
    assert all(torch.equal(a, b) for a, b in zip(first.tensors, second.tensors, strict=True))
    assert torch.equal(other.first.weight, state["first.weight"].to(other.first.weight.dtype))


def test_a_state_of_plain_halves_goes_into_masters() -> None:
    saved, other = Tied(), Tied()
    first = weights_of(saved, torch.bfloat16, masters=False)
    second = weights_of(other, torch.float16)
    second.load_state_dict(other, first.state_dict(saved))
    assert torch.equal(second.masters["first.weight"], saved.first.weight.float())


def test_a_state_that_does_not_fit_is_refused() -> None:
    module = Tied()
    weights = weights_of(module, torch.float16)
    state = weights.state_dict(module)
    del state["first.weight"]
    with pytest.raises(RuntimeError, match=r"first\.weight"):
        weights.load_state_dict(module, state)
