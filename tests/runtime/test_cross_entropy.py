"""Cross entropy over tokens: against its formula counted out, with smoothing, in padded vocabularies, and its mean."""

from __future__ import annotations

import math

import pytest
import torch
from s2sc.runtime.losses.cross_entropy import CrossEntropy
from torch import Tensor

LENGTHS = torch.tensor([4, 2, 1])
TARGET = torch.tensor([[0, 3, 1, 2], [4, 2, 0, 0], [2, 0, 0, 0]])


def _layer(*, classes: int = 5, smoothing: float = 0.0, average: str = "tokens", floor: bool = False) -> CrossEntropy:
    return CrossEntropy(classes=classes, smoothing=smoothing, average=average, floor=floor)


def _logits(classes: int = 5, seed: int = 0) -> Tensor:
    return 2 * torch.randn(3, 4, classes, generator=torch.Generator().manual_seed(seed))


def _by_hand(logits_BUV: Tensor, smoothing: float) -> list[float]:
    """The double sum of the formula, number by number."""
    rows = []
    for row, length in enumerate(LENGTHS.tolist()):
        total = 0.0
        for place in range(length):
            numbers = logits_BUV[row, place].tolist()
            whole = math.log(sum(math.exp(number) for number in numbers))
            for index, number in enumerate(numbers):
                share = smoothing / len(numbers) + (1 - smoothing if index == TARGET[row, place] else 0.0)
                total -= share * (number - whole)
        rows.append(total)
    return rows


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7])
def test_loss_is_its_formula(smoothing: float) -> None:
    layer, logits_BUV = _layer(smoothing=smoothing), _logits()
    found = layer(logits_BUV, TARGET, target_lengths=LENGTHS)
    assert found.dtype == torch.float32
    assert found.tolist() == pytest.approx(_by_hand(logits_BUV, smoothing), rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7])
def test_likelihood_is_the_loss_without_smoothing(smoothing: float) -> None:
    layer, logits_BUV = _layer(smoothing=smoothing, floor=True), _logits()
    layer(logits_BUV, TARGET, target_lengths=LENGTHS)
    assert layer.likelihood_B is not None
    assert layer.likelihood_B.tolist() == pytest.approx(_by_hand(logits_BUV, 0.0), rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_gradient_is_that_of_finite_differences(smoothing: float) -> None:
    layer, logits_BUV = _layer(smoothing=smoothing), _logits().requires_grad_()
    weight_B = torch.tensor([1.0, -2.0, 0.5])
    (gradient,) = torch.autograd.grad((layer(logits_BUV, TARGET, target_lengths=LENGTHS) * weight_B).sum(), logits_BUV)
    exact = logits_BUV.detach().double()
    for place in ((0, 0, 0), (0, 1, 3), (1, 1, 2), (1, 0, 1), (2, 0, 4)):
        high, low = exact.clone(), exact.clone()
        high[place] += 1e-4
        low[place] -= 1e-4
        row = place[0]
        slope = (_by_hand(high, smoothing)[row] - _by_hand(low, smoothing)[row]) / 2e-4 * weight_B[row].item()
        assert gradient[place].item() == pytest.approx(slope, abs=1e-5)
    assert not gradient[1, 2:].any()
    assert not gradient[2, 1:].any()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_classes_that_do_not_exist_get_no_share_and_change_nothing(smoothing: float) -> None:
    """Logits of -10,000, as class_mask leaves them, behind the classes of the target."""
    layer, logits_BUV = _layer(smoothing=smoothing), _logits()
    padded_BUV = torch.cat((logits_BUV, torch.full((3, 4, 3), -1e4)), -1).requires_grad_()
    found = layer(padded_BUV, TARGET, target_lengths=LENGTHS)
    assert found.tolist() == pytest.approx(_by_hand(logits_BUV, smoothing), rel=1e-5)
    (gradient,) = torch.autograd.grad(found.sum(), padded_BUV)
    assert not gradient[..., 5:].any()
    assert gradient.isfinite().all()


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_the_floor_is_the_least_value(smoothing: float) -> None:
    """Zero, with no gradient, where the model gives the smoothed distribution itself."""
    layer = _layer(smoothing=smoothing, floor=True)
    shares = torch.nn.functional.one_hot(TARGET, 5) * (1 - smoothing) + smoothing / 5
    # a share of zero has no logarithm
    best = shares.clamp_min(1e-30).log().requires_grad_()
    found = layer(best, TARGET, target_lengths=LENGTHS)
    torch.testing.assert_close(found, torch.zeros(3), atol=1e-5, rtol=0)
    (gradient,) = torch.autograd.grad(found.sum(), best)
    torch.testing.assert_close(gradient, torch.zeros(3, 4, 5), atol=1e-6, rtol=0)
    assert (layer(_logits(), TARGET, target_lengths=LENGTHS) > 0).all()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_what_lies_behind_a_target_is_not_read(smoothing: float) -> None:
    layer, logits_BUV = _layer(smoothing=smoothing), _logits()
    expected = layer(logits_BUV, TARGET, target_lengths=LENGTHS)
    other, numbers = logits_BUV.clone(), TARGET.clone()
    for row, length in enumerate(LENGTHS.tolist()):
        other[row, length:] = torch.nan
        numbers[row, length:] = -100
    assert torch.equal(expected, layer(other, numbers, target_lengths=LENGTHS))


def test_examples_count_as_much_as_their_tokens_or_alike() -> None:
    assert _layer(average="tokens").example_weight(LENGTHS).tolist() == [4, 2, 1]
    assert _layer(average="examples").example_weight(LENGTHS).tolist() == [1, 1, 1]


def test_half_precision_is_summed_in_float32() -> None:
    layer, logits_BUV = _layer(smoothing=0.1), _logits().bfloat16()
    found = layer(logits_BUV, TARGET, target_lengths=LENGTHS)
    assert found.tolist() == pytest.approx(_by_hand(logits_BUV.float(), 0.1), rel=1e-5)


def test_the_gradient_is_that_of_torchs_operations_in_padded_vocabularies_and_batches() -> None:
    """The trainer's mean over tokens, by a whole distribution for each token; one number per class."""
    for smoothing in (0.0, 0.2):
        layer = _layer(smoothing=smoothing)
        logits_BUV = torch.cat((_logits(), torch.full((3, 4, 3), -1e4)), -1).requires_grad_()
        again_BUV = logits_BUV.detach().double().requires_grad_()
        loss = layer(logits_BUV, TARGET, target_lengths=LENGTHS).sum() / layer.example_weight(LENGTHS).sum()
        shares = torch.zeros(3, 4, 8, dtype=torch.float64)
        shares[..., :5] = smoothing / 5
        shares.scatter_add_(2, TARGET.unsqueeze(2), torch.full((3, 4, 1), 1 - smoothing, dtype=torch.float64))
        real_BU1 = (torch.arange(4) < LENGTHS.unsqueeze(1)).unsqueeze(2)
        plain = -(shares * again_BUV.log_softmax(-1) * real_BU1).sum() / LENGTHS.sum()
        assert loss.item() == pytest.approx(plain.item(), rel=1e-6)
        (found,), (expected,) = torch.autograd.grad(loss, logits_BUV), torch.autograd.grad(plain, again_BUV)
        torch.testing.assert_close(found.double(), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("keep", [False, True])
def test_a_second_way_back_is_refused(keep: bool) -> None:
    """What the first one needed is gone: it was overwritten."""
    logits_BUV = _logits().requires_grad_()
    loss = _layer(smoothing=0.1)(logits_BUV, TARGET, target_lengths=LENGTHS).sum()
    torch.autograd.grad(loss, logits_BUV, retain_graph=keep)
    with pytest.raises(RuntimeError, match=r"second time|inplace operation"):
        torch.autograd.grad(loss, logits_BUV)


def test_the_gradient_of_half_precision_comes_back_in_it() -> None:
    logits_BUV = _logits().bfloat16().requires_grad_()
    exact_BUV = logits_BUV.detach().float().requires_grad_()
    for one in (logits_BUV, exact_BUV):
        torch.autograd.backward(_layer(smoothing=0.1)(one, TARGET, target_lengths=LENGTHS).sum())
    assert logits_BUV.grad is not None
    assert exact_BUV.grad is not None
    assert torch.equal(logits_BUV.grad, exact_BUV.grad.bfloat16())


def test_what_lies_behind_a_target_learns_nothing() -> None:
    """Numbers as large as a model can give there: no gradient reaches them, and none is spoiled by them."""
    for content in (1e4, 3e38, -3e38):
        logits_BUV = _logits()
        for row, length in enumerate(LENGTHS.tolist()):
            logits_BUV[row, length:] = content
            logits_BUV[row, length:, 0] = -content
        logits_BUV.requires_grad_()
        (found,) = torch.autograd.grad(
            _layer(smoothing=0.1)(logits_BUV, TARGET, target_lengths=LENGTHS).sum(), logits_BUV
        )
        assert found.isfinite().all()
        assert not any(found[row, length:].any() for row, length in enumerate(LENGTHS.tolist()))


def test_targets_without_a_token_cost_nothing() -> None:
    logits_BUV = _logits().requires_grad_()
    loss_B = _layer(smoothing=0.1, floor=True)(logits_BUV, TARGET, target_lengths=torch.tensor([0, 0, 0]))
    assert loss_B.tolist() == [0.0, 0.0, 0.0]
    (found,) = torch.autograd.grad(loss_B.sum(), logits_BUV)
    assert not found.any()
