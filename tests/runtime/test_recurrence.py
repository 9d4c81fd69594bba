"""Recurrent layers against torch's own on packed sequences: results, last states, padding, rows without frames."""

from __future__ import annotations

import pytest
import torch
from s2sc.runtime.late_gradient import LateProduct
from s2sc.runtime.layers.attention_rnn import AttentionRnn
from s2sc.runtime.layers.gru import Gru
from s2sc.runtime.layers.lstm import Lstm
from s2sc.runtime.layers.rnn import Rnn
from s2sc.runtime.recurrence import RecurrentLayer
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

OURS = {"lstm": Lstm, "gru": Gru, "rnn": Rnn}
THEIRS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
LENGTHS = torch.tensor([5, 9, 1, 7])
FEATURES, SIZE, LAYERS = 6, 5, 2


@pytest.mark.parametrize("with_states", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("name", OURS)
def test_results_states_and_gradients_are_those_of_packed_sequences(
    name: str, bidirectional: bool, with_states: bool
) -> None:
    torch.manual_seed(1)
    ours = OURS[name](features=FEATURES, size=SIZE, layers=LAYERS, bidirectional=bidirectional)
    theirs = THEIRS[name](FEATURES, SIZE, LAYERS, batch_first=True, bidirectional=bidirectional)
    _copy(ours, theirs)
    x_BTD = torch.randn(4, 9, FEATURES)
    directions = 2 if bidirectional else 1
    starts = [torch.randn(4, LAYERS * directions, SIZE) for _ in range(ours.num_states)] if with_states else []
    inputs = [tensor.clone().requires_grad_() for tensor in (x_BTD, *starts)]
    y_BTC, *states = ours(inputs[0], lengths=LENGTHS, **dict(zip(("h0", "c0"), inputs[1:], strict=False)))
    copies = [tensor.clone().requires_grad_() for tensor in (x_BTD, *starts)]
    given = [start.transpose(0, 1).contiguous() for start in copies[1:]]
    hidden = None if not given else given[0] if len(given) == 1 else tuple(given)
    packed = pack_padded_sequence(copies[0], LENGTHS, batch_first=True, enforce_sorted=False)
    found, last = theirs(packed, hidden)
    expected_BTC, _ = pad_packed_sequence(found, batch_first=True)
    expected = [state.transpose(0, 1) for state in (last if isinstance(last, tuple) else (last,))]
    for row, length in enumerate(LENGTHS.tolist()):
        torch.testing.assert_close(y_BTC[row, :length], expected_BTC[row, :length], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(states, expected, atol=1e-5, rtol=1e-5)

    real_BT1 = (torch.arange(9) < LENGTHS[:, None]).unsqueeze(2)
    torch.autograd.backward(_sum(y_BTC * real_BT1, states))
    torch.autograd.backward(_sum(expected_BTC, expected))
    for mine, other in zip(inputs, copies, strict=True):
        torch.testing.assert_close(mine.grad, other.grad, atol=1e-5, rtol=1e-4)
    for key, weight in theirs.named_parameters():
        if key.startswith("weight"):
            torch.testing.assert_close(ours.get_parameter(key).grad, weight.grad, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("name", OURS)
def test_a_row_without_frames_keeps_its_states(name: str, bidirectional: bool) -> None:
    layer = OURS[name](features=FEATURES, size=SIZE, bidirectional=bidirectional)
    starts = {f"{state}0": torch.randn(2, 1 + bidirectional, SIZE) for state in ("h", "c")[: layer.num_states]}
    _, *states = layer(torch.zeros(2, 4, FEATURES), lengths=torch.tensor([0, 4]), **starts)
    for start, state in zip(starts.values(), states, strict=True):
        torch.testing.assert_close(state[0], start[0])


@pytest.mark.parametrize("feed", ["context", "attentional"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_gradients_of_the_loop_are_those_of_its_steps(cell: str, feed: str) -> None:
    torch.manual_seed(1)
    layer = AttentionRnn(features=4, memory_features=3, size=5, cell=cell, feed=feed, normalize=True)
    x_BTD, memory_BSC, lengths_B = torch.randn(2, 6, 4), torch.randn(2, 7, 3), torch.tensor([4, 7])
    memory_BSC[0, 4:] = 0
    all_at_once = layer(x_BTD, memory_BSC, memory_lengths=lengths_B)
    torch.autograd.backward(_sum(all_at_once[0], list(all_at_once[1:])))
    late = {name: weight.grad for name, weight in layer.named_parameters()}
    layer.zero_grad()
    stepwise = _step_by_step(layer, x_BTD, memory_BSC, lengths_B)
    torch.testing.assert_close(stepwise, list(all_at_once), atol=1e-5, rtol=1e-5)
    torch.autograd.backward(_sum(stepwise[0], stepwise[1:]))
    for name, weight in layer.named_parameters():
        torch.testing.assert_close(late[name], weight.grad, atol=1e-5, rtol=1e-4)


def test_late_gradients_survive_two_backward_passes() -> None:
    weight = torch.randn(3, 2, requires_grad=True)
    product = LateProduct(weight)
    x_BI = torch.randn(4, 2)
    total = (product(x_BI) + product(x_BI)).sum()
    torch.autograd.backward(total, retain_graph=True)
    assert weight.grad is not None
    once = weight.grad.clone()
    torch.autograd.backward(total)
    torch.testing.assert_close(weight.grad, 2 * once)


def _step_by_step(layer: AttentionRnn, x_BTD: Tensor, memory_BSC: Tensor, lengths_B: Tensor) -> list[Tensor]:
    begun = layer.begin(memory=memory_BSC, memory_lengths=lengths_B)
    state = {name: torch.zeros(2, 5) for name in ("h", "c")[: 2 if layer.cell == "lstm" else 1]}
    state["attended"] = torch.zeros(2, 3)
    if layer.vector_weight is not None:
        state["vector"] = torch.zeros(2, 5)
    results = []
    for place in range(x_BTD.shape[1]):
        made = layer.step(position=torch.tensor(place), x=x_BTD[:, place : place + 1], **begun, **state)
        results.append(made[:3])
        state = dict(zip(state, made[3:], strict=True))
    return [torch.cat(parts, 1) for parts in zip(*results, strict=True)]


def _sum(y_BTC: Tensor, others: list[Tensor]) -> Tensor:
    total = y_BTC.cos().sum()
    for other in others:
        total = total + other.sin().sum()
    return total


def _copy(ours: RecurrentLayer, theirs: nn.RNNBase) -> None:
    """Put our weights into torch's layer; it has the biases twice."""
    with torch.no_grad():
        for key, weight in theirs.named_parameters():
            kind, _, cell = key.partition("_l")
            if kind.startswith("weight"):
                weight.copy_(ours.get_parameter(key))
            else:
                weight.copy_(ours.biases(f"l{cell}", weight.dtype)[kind == "bias_hh"])
