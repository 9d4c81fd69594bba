"""Passes that are done again from a record, here by one that runs them once more: what is recorded, where, and when.

tests/gpu/test_graphed.py says the same of CUDA graphs.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from s2sc.compiler.front import analyse_file
from s2sc.compiler.graph import CheckedGraph
from s2sc.runtime.data.batch import Batch
from s2sc.runtime.data.generated import generated_data
from s2sc.runtime.data.grid import PARTS, next_length, on_grid
from s2sc.runtime.graphed import MOST_GRAPHS, Graphed, Results, graphed
from s2sc.runtime.model import Model, build_model
from s2sc.runtime.run_folder import RunError
from torch import Tensor, nn

SPECS = Path(__file__).parents[2] / "specs"
SPEECH, TEXT = SPECS / "wav2letter.s2s", SPECS / "toy/reversal_tt.s2s"


class Anew:
    """Does work again by running it, into the tensors of the first time."""

    def __init__(self) -> None:
        self.records = self.replays = 0

    def rehearse(self, work: Callable[[], None]) -> None:
        with torch.random.fork_rng():
            work()

    def record(self, work: Callable[[], Results]) -> tuple[Results, Callable[[], None]]:
        with torch.random.fork_rng():
            given = work()
        self.records += 1

        def again() -> None:
            self.replays += 1
            # where it is asked for no gradient is taken: what was recorded has all that it needs
            with torch.enable_grad():
                found = work()
            for into, one in zip(given, found, strict=True):
                if into is not None and one is not None:
                    into.detach().copy_(one.detach())

        return given, again


def checked(spec: Path, *sets: str) -> CheckedGraph:
    found = analyse_file(spec, sets=sets)
    assert found.checked is not None
    return found.checked


def batches(graph: CheckedGraph, number: int) -> list[Batch]:
    size = graph.graph.hyperparameters.values()["batch"]
    return [batch for batch, _ in zip(generated_data(graph).batches("train", batch=size), range(number), strict=False)]


def longest(batch: Batch) -> int:
    return max(one.shape[1] for one in batch.inputs.values())


def steps(model: Model, given: list[Batch]) -> list[list[Tensor]]:
    """Of each step the loss, the gradients and the running statistics."""
    torch.manual_seed(5)
    model.module.train()
    found = []
    for batch in given:
        loss = model.loss(model(batch), batch).mean()
        torch.autograd.backward(loss)
        weights = list(model.module.parameters())
        gradients = [one.grad.clone() for one in weights if one.grad is not None]
        for one in weights:
            one.grad = None
        found.append([loss.detach(), *gradients, *(buffer.clone() for buffer in model.module.buffers())])
    return found


@pytest.mark.parametrize("spec", [SPEECH, TEXT])
def test_a_record_gives_what_the_model_gives(spec: Path) -> None:
    """Losses, gradients, running statistics and what dropout draws, over shapes that come in turn."""
    graph = checked(spec)
    one, other, third = batches(graph, 3)
    order = [one, other, one, other, third, one, other, one]
    models = [build_model(graph) for _ in range(2)]
    models[1].module.load_state_dict(models[0].module.state_dict())
    recorder = Anew()
    replayed = graphed(models[1], recorder, warn=pytest.fail)
    for expected, found in zip(steps(models[0], order), steps(replayed, order), strict=True):
        assert len(expected) == len(found) > 1
        for tensor, again in zip(expected, found, strict=True):
            assert torch.equal(tensor, again)
    # two passes of two shapes; the third one came once
    assert (recorder.records, recorder.replays) == (4, 10)


def test_gradients_of_several_batches_add_up() -> None:
    """What a record writes is not what the batch before it left."""
    graph = checked(TEXT)
    (batch,) = batches(graph, 1)
    model = build_model(graph)
    recorded = graphed(model, Anew(), warn=pytest.fail)
    model.module.train()
    sums = []
    for number in (1, 1, 1, 3):
        for _ in range(number):
            torch.manual_seed(2)
            torch.autograd.backward(recorded.loss(recorded(batch), batch).mean())
        sums.append([one.grad.clone() for one in model.module.parameters() if one.grad is not None])
        for one in model.module.parameters():
            one.grad = None
    for once, thrice in zip(sums[2], sums[3], strict=True):
        torch.testing.assert_close(thrice, once + once + once, rtol=0, atol=0)


class Sum(nn.Module):
    """Three weights whose gradients are the same numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other, self.row = (nn.Parameter(torch.ones(shape)) for shape in (3, 3, (1, 3)))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"y": x * (self.one + self.other + self.row[0])}


def test_no_weight_has_the_gradient_of_another() -> None:
    """What a clip or a penalty changes in place, it changes once."""
    module = Graphed(weights := Sum(), Anew(), pytest.fail)
    for _ in range(3):
        weights.zero_grad()
        torch.autograd.backward(module(torch.ones(3))["y"].sum())
        found = [one.grad for one in weights.parameters() if one.grad is not None]
        torch._foreach_mul_(found, 2)
        assert len(found) == 3
        assert all(one.eq(2).all() for one in found)


class Waits(nn.Module):
    """Reads from the device, at least when it is rehearsed."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"y": x * self.weight}


class Refuses(Anew):
    def rehearse(self, work: Callable[[], None]) -> None:
        raise RuntimeError("called a synchronizing CUDA operation")


def test_what_cannot_be_recorded_is_said_once_and_runs() -> None:
    said: list[str] = []
    module = Graphed(Waits(), Refuses(), said.append)
    for size in (2, 2, 3, 3, 2):
        assert torch.equal(module(torch.ones(size))["y"], torch.ones(size))
    assert said == [
        "cuda_graphs: there are none, a layer does what they cannot hold (called a synchronizing CUDA operation)"
    ]


class Breaks(Anew):
    def record(self, work: Callable[[], Results]) -> tuple[Results, Callable[[], None]]:
        raise RuntimeError("operation failed due to a previous error during capture")


def test_a_record_that_breaks_ends_the_run_with_a_way_out() -> None:
    module = Graphed(Waits(), Breaks(), pytest.fail)
    module(torch.ones(2))
    with pytest.raises(RunError, match=r"a previous error during capture.*; train with cuda_graphs = false"):
        module(torch.ones(2))


def test_there_are_so_many_records_and_no_more() -> None:
    recorder = Anew()
    module = Graphed(Waits(), recorder, pytest.fail)
    for _ in range(2):
        for size in range(1, MOST_GRAPHS + 10):
            assert torch.equal(module(torch.ones(size))["y"], torch.ones(size))
    assert recorder.records == 2 * MOST_GRAPHS


def test_nothing_is_recorded_where_no_gradient_is_asked_for() -> None:
    recorder = Anew()
    module = Graphed(Waits(), recorder, pytest.fail)
    with torch.no_grad():
        for _ in range(3):
            module(torch.ones(2))
    assert recorder.records == 0


def test_lengths_of_the_grid_are_few_and_never_much_longer() -> None:
    found = [next_length(length) for length in range(100_000)]
    assert all(length <= long <= length * (1 + 1 / PARTS) for length, long in enumerate(found))
    assert all(next_length(long) == long for long in found)
    # from one power of two to the next there are eight
    assert len({long for long in found if 1024 <= long < 2048}) == PARTS


def test_a_padded_batch_gives_the_same_loss() -> None:
    for spec in (SPEECH, TEXT):
        graph = checked(spec, "hyperparameters.precision=fp32")
        batch = next(one for one in batches(graph, 9) if next_length(longest(one)) != longest(one))
        model = build_model(graph)
        model.module.eval()
        padded = on_grid(batch, {})
        assert longest(padded) == next_length(longest(batch))
        torch.testing.assert_close(model.loss(model(padded), padded), model.loss(model(batch), batch))


def test_no_stream_becomes_longer_than_the_model_has_places_for() -> None:
    values = {"data.source": torch.ones(2, 17, dtype=torch.int64), "data.target": torch.ones(2, 17, 3)}
    batch = Batch(values, {}, ("", ""), ("", ""), 0, 0)
    padded = on_grid(batch, {"data.source": 17})
    assert padded.inputs["data.source"].shape == (2, 17)
    assert padded.inputs["data.target"].shape == (2, 18, 3)
    assert padded.inputs["data.target"][:, 17:].eq(0).all()
