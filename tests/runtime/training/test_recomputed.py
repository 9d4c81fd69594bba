"""`recompute`: the same gradients from fewer tensors that are kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from s2sc.compiler.front import analyse_file
from s2sc.compiler.memory import memory
from s2sc.compiler.recompute import place, runs, segments
from s2sc.runtime.compiled import compiled
from s2sc.runtime.data.generated import generated_data
from s2sc.runtime.model import Model, build_model
from s2sc.runtime.recomputed import recomputed
from s2sc.runtime.run_folder import Run
from s2sc.runtime.training import trainer as engine
from s2sc.runtime.training.preparing import prepare

SPECS = Path(__file__).parents[3] / "specs"
SPEECH = ("data.keep=0.2s .. 1s", "hyperparameters.batch=3 examples")
TEXT = ("data.keep=1 .. 12 tokens", "hyperparameters.batch=60 tokens")
CASES = {
    "wav2letter.s2s": (*SPEECH, "hyperparameters.recompute=true", "hyperparameters.dropout=0.2"),
    "spoken_digits.s2s": (*SPEECH, "hyperparameters.recompute=true", "hyperparameters.precision=mixed(bf16)"),
    "toy/reversal_tt.s2s": (*TEXT, "hyperparameters.recompute=true", "hyperparameters.precision=autocast(bf16)"),
    "toy/reversal_cc.s2s": (*TEXT, 'hyperparameters.recompute=["*"]'),
    "toy/reversal_rr.s2s": (*TEXT, 'hyperparameters.recompute=["encoder", "decoder.*"]'),
}


def graph_of(spec: str, *sets: str) -> Any:
    found = analyse_file(SPECS / spec, sets=sets)
    assert found.checked is not None, [finding.message for finding in found.findings]
    return found.checked


@contextmanager
def kept_bytes() -> Iterator[list[int]]:
    """The bytes of the storages that the forward pass keeps for the backward pass."""
    seen: dict[int, torch.Tensor] = {}
    total: list[int] = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        seen[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield total
    total.append(sum(tensor.untyped_storage().nbytes() for tensor in seen.values()))


@pytest.mark.parametrize("spec", CASES)
def test_gradients_and_running_statistics_are_those_without(spec: str, kit: Any, tmp_path: Path) -> None:
    found = []
    for recompute in (True, False):
        sets = [*CASES[spec], *([] if recompute else ["hyperparameters.recompute=false"])]
        graph = graph_of(spec, *sets)
        data = generated_data(graph)
        trainer = prepare(
            graph, Run(tmp_path / str(recompute)), data, device=torch.device("cpu"), progress=kit.Silent()
        )
        trainer.state.model.module.train()
        torch.manual_seed(3)
        batch = graph.graph.hyperparameters.values()["batch"]
        for one in islice(data.batches("train", batch=batch), 3):
            engine._train_step(trainer, [one])
        found.append((trainer.state.losses, trainer.state.model.module.state_dict()))
    assert found[0][0] == found[1][0]
    for name, value in found[1][1].items():
        assert torch.equal(found[0][1][name], value), name


@pytest.mark.parametrize("spec", CASES)
def test_less_is_kept_and_the_plan_says_so(spec: str) -> None:
    with_it, without = graph_of(spec, *CASES[spec]), graph_of(spec, *CASES[spec], "hyperparameters.recompute=false")
    whole = build_model(without)
    whole.module.train()
    batch = next(iter(generated_data(without).batches("train", batch=without.graph.hyperparameters.values()["batch"])))
    sizes = []
    for model in (whole, recomputed(whole, segments(with_it.graph))):
        with kept_bytes() as total:
            loss = model.loss(model(batch), batch).sum()
        assert torch.isfinite(loss)
        sizes.append(total[0])
    assert sizes[1] < 0.9 * sizes[0]
    ours, plain = memory(with_it.graph), memory(without.graph)
    assert ours.activations < plain.activations
    assert plain.recomputed == 0 < ours.recomputed


def test_it_goes_together_with_compiled_pieces() -> None:
    graph = graph_of("wav2letter.s2s", *CASES["wav2letter.s2s"])
    whole = build_model(graph)
    whole.module.train()
    batch = next(iter(generated_data(graph).batches("train", batch=3)))

    def gradients(model: Model) -> list[torch.Tensor]:
        torch.manual_seed(1)
        whole.module.zero_grad(set_to_none=True)
        torch.autograd.backward(model.loss(model(batch), batch).sum())
        return [weight.grad.clone() for weight in whole.module.parameters() if weight.grad is not None]

    plain = gradients(whole)
    again = gradients(compiled(recomputed(whole, segments(graph.graph)), backend="eager"))
    assert len(plain) == len(again)
    for one, other in zip(plain, again, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize(
    ("recompute", "code", "says"),
    [
        ('["encodr.*"]', "S2S211", "recompute names `encodr.*`, where there is no layer"),
        ('["data.audio"]', "S2S211", "recompute names `data.audio`, where there is no layer"),
    ],
)
def test_a_name_of_nothing_is_an_error_with_its_place(recompute: str, code: str, says: str) -> None:
    found = analyse_file(SPECS / "wav2letter.s2s", sets=[f"hyperparameters.recompute={recompute}"])
    (error,) = [finding for finding in found.findings if finding.severity == "error"]
    assert (error.code, error.message) == (code, says)
    assert error.labels or error.span is not None


def test_true_wants_a_block_that_is_repeated() -> None:
    found = analyse_file(SPECS / "toy/reversal_rr.s2s", sets=["hyperparameters.recompute=true"])
    (error,) = [finding for finding in found.findings if finding.severity == "error"]
    assert "no block is repeated here" in error.message


def test_a_segment_that_reads_itself_through_something_else_comes_in_pieces() -> None:
    found = runs(["a1", "a2", "b1", "a3", "out"], {"a1": "a", "a2": "a", "b1": "b", "a3": "a"})
    assert found == [("a", ["a1", "a2"]), ("b", ["b1"]), ("a", ["a3"]), (None, ["out"])]


@pytest.mark.parametrize(
    ("pattern", "segment"),
    [("*", "encoder.h.3"), ("encoder.h", "encoder.h.3"), ("encoder.h.*", "encoder.h.3")],
)
def test_a_name_that_holds_repetitions_stands_for_each(pattern: str, segment: str) -> None:
    assert place("encoder.h.3.ffn.linear", pattern) == (segment, True)
    assert place("encoder.h.3.ffn.linear", "encoder.h.*.ffn") == ("encoder.h.3.ffn", False)
    assert place("encoder.h.3.1.linear", "encoder.h.3") == ("encoder.h.3.1", True)
