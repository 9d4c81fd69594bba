"""`compile = true`: the training graph in pieces, with the same losses and gradients."""

from __future__ import annotations

import io
from itertools import islice
from pathlib import Path

import pytest
import torch
from s2sc.compiler.front import analyse
from s2sc.compiler.graph import CheckedGraph
from s2sc.dsl.source import Source
from s2sc.runtime.compiled import LEAST_OPERATIONS, compiled
from s2sc.runtime.data.generated import generated_data
from s2sc.runtime.features.logmel import LogMel
from s2sc.runtime.model import Model, build_model
from s2sc.runtime.progress import PlainProgress
from s2sc.runtime.recurrence import RecurrentLayer
from s2sc.runtime.run_folder import Run
from s2sc.runtime.training import preparing

SPEC = """edition 1
let chars = alphabet("abc ")
data speech {
  audio = logmel(rate = 8kHz, bins = 8, window = 20ms, hop = 10ms)
  text  = chars
  train = ["train.jsonl"]
  keep  = 0.2s .. 1s
}
encoder { out = data.audio -> conv1d(4, kernel = 3, stride = 2) -> batch_norm -> relu -> lstm(4) -> linear(4) -> tanh }
decoder {
  logits = encoder.out -> linear(pad_to(4, chars.size + 1))
  infer  = logits -> log_softmax -> greedy_ctc(blank = chars.size)
}
loss = ctc_loss(logits = decoder.logits, target = data.text, blank = chars.size)
hyperparameters { batch = 3 examples; stop = 9 steps; seed = 1; optimizer = adam(lr = 1e-2); compile = COMPILE }
"""


def checked(compile: str) -> CheckedGraph:
    found = analyse(Source("small.s2s", SPEC.replace("COMPILE", compile)))
    assert found.checked is not None, [finding.message for finding in found.findings]
    return found.checked


def test_pieces_give_the_losses_and_gradients_of_the_whole() -> None:
    graph = checked("true")
    whole = build_model(graph)
    # what is traced is what any backend gets; this one adds no rounding of its own
    pieces = compiled(whole, backend="eager")
    whole.module.train()
    for batch in islice(generated_data(graph).batches("train", batch=3), 2):
        found = []
        for model in (whole, pieces):
            loss = model.loss(model(batch), batch).sum()
            torch.autograd.backward(loss)
            gradients = [weight.grad for weight in whole.module.parameters()]
            found.append((loss.detach(), [gradient for gradient in gradients if gradient is not None]))
            whole.module.zero_grad(set_to_none=True)
        assert torch.equal(found[0][0], found[1][0])
        for first, second in zip(found[0][1], found[1][1], strict=True):
            assert torch.equal(first, second)


def test_recurrent_layers_and_features_are_not_compiled() -> None:
    pieces = compiled(build_model(checked("true")), backend="eager").trained
    made = 0
    for piece in pieces.children():
        left_alone = any(isinstance(layer, RecurrentLayer | LogMel) for layer in piece.modules())
        is_compiled = piece._compiled_call_impl is not None
        assert not (left_alone and is_compiled)
        made += is_compiled
    # what is between features and lstm, and what comes after it
    assert made == 2
    assert LEAST_OPERATIONS > 1


def test_evaluation_and_state_know_nothing_of_it() -> None:
    whole = build_model(checked("true"))
    pieces = compiled(whole, backend="eager")
    assert pieces.module is whole.module
    assert {id(one) for one in pieces.trained.parameters()} == {id(one) for one in whole.trained.parameters()}


@pytest.mark.parametrize("asked", ["true", "false"])
def test_the_setting_is_obeyed(asked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Model] = []

    def remember(model: Model) -> Model:
        seen.append(model)
        return model

    monkeypatch.setattr(preparing, "compiled", remember)
    graph = checked(asked)
    preparing.prepare(
        graph,
        Run(tmp_path),
        generated_data(graph),
        device=torch.device("cpu"),
        progress=PlainProgress(io.StringIO()),
    )
    assert bool(seen) == (asked == "true")
