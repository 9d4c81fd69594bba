"""CTC: the loss against all paths counted out, and best path decoding with and without torch."""

from __future__ import annotations

import itertools
import math

import torch
from s2sc.runtime.losses.ctc_loss import CtcLoss
from s2sc.runtime.search.best_path import best_path
from s2sc.runtime.search.greedy_ctc import greedy_ctc
from torch import Tensor


def _collapse(path: tuple[int, ...], blank: int) -> list[int]:
    return [token for token, _ in itertools.groupby(path) if token != blank]


def _loss(loss: CtcLoss, logits_BTV: Tensor, frames: list[int], texts: list[list[int]]) -> Tensor:
    target = torch.zeros(len(texts), max(map(len, texts)), dtype=torch.int64)
    for row, text in enumerate(texts):
        target[row, : len(text)] = torch.tensor(text, dtype=torch.int64)
    losses_B: Tensor = loss(
        logits_BTV,
        target,
        logits_lengths=torch.tensor(frames),
        target_lengths=torch.tensor([len(text) for text in texts]),
    )
    return losses_B


def test_loss_is_the_likelihood_of_all_paths_that_read_as_the_text() -> None:
    logits_BTV = torch.randn(3, 5, 3, generator=torch.Generator().manual_seed(0))
    frames, texts = [5, 4, 3], [[0, 1], [1, 1], []]
    found = _loss(CtcLoss(blank=2), logits_BTV, frames, texts)
    for row, (num_frames, text) in enumerate(zip(frames, texts, strict=True)):
        log_probs_TV = logits_BTV[row, :num_frames].log_softmax(-1)
        total = sum(
            math.exp(sum(float(log_probs_TV[frame, token]) for frame, token in enumerate(path)))
            for path in itertools.product(range(3), repeat=num_frames)
            if _collapse(path, 2) == text
        )
        assert math.isclose(float(found[row]), -math.log(total), rel_tol=1e-4)


def test_a_text_that_does_not_fit_costs_nothing_teaches_nothing_and_is_counted() -> None:
    loss = CtcLoss(blank=2)
    logits_BTV = torch.randn(4, 3, 3, requires_grad=True)
    found = _loss(loss, logits_BTV, [3, 3, 2, 0], [[0, 1], [1, 1, 0], [1, 1], [0]])
    torch.autograd.backward(found.sum())
    assert loss.infeasible_B is not None
    assert loss.infeasible_B.tolist() == [False, True, True, True]
    assert found[1:].tolist() == [0.0, 0.0, 0.0]
    assert logits_BTV.grad is not None
    assert not logits_BTV.grad[1:].any()
    assert logits_BTV.grad[0].any()
    assert logits_BTV.grad.isfinite().all()


def test_best_paths_are_the_same_with_and_without_torch() -> None:
    generator = torch.Generator().manual_seed(1)
    scores_BTV = torch.randint(3, (6, 20, 4), generator=generator).float()
    lengths_B = torch.tensor([20, 0, 1, 7, 19, 12])
    expected = [
        _collapse(tuple(scores_BTV[row, :length].argmax(-1).tolist()), 3) for row, length in enumerate(lengths_B)
    ]
    assert greedy_ctc(scores_BTV, lengths_B, blank=3) == expected
    assert best_path(scores_BTV.numpy(), lengths_B.numpy(), blank=3) == expected
