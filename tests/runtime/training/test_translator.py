"""A small translator's loss and figures: means over what counts, whatever the batches, and what a run writes down."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from s2sc.compiler.front import analyse
from s2sc.compiler.graph import CheckedGraph
from s2sc.dsl.source import Source
from s2sc.dsl.values import Quantity
from s2sc.runtime.data.batch import Batch
from s2sc.runtime.data.opened import OpenedData
from s2sc.runtime.data.opening import open_data
from s2sc.runtime.evaluation import Evaluation, evaluate
from s2sc.runtime.model import Model, build_model
from s2sc.runtime.run_folder import Run
from s2sc.runtime.training.trainer import train
from torch import Tensor

SPEC = """edition 1
data parallel_text {
  corpus = reversal(examples = 400, longest = 5)
  tokens = words(size = 13)
}
encoder { out = data.source -> embedding(data.source.vocab, 8) -> gru(8) }
decoder {
  att    = attention_rnn(data.target.shifted -> embedding(data.target.vocab, 8), encoder.out, size = 8)
  logits = (att.y, att.context) -> concat -> linear(pad_to(8, data.target.vocab))
  infer  = logits -> greedy
}
loss = cross_entropy(decoder.logits, data.target, smoothing = 0.1, average = "tokens")
hyperparameters {
  batch = 8 examples; stop = 6 steps; seed = 3; optimizer = adam(lr = 2e-2); metrics = [bleu, chrf, perplexity]
  initializer = uniform(low = -0.3, high = 0.3)
  evaluate = 3 steps; log = 2 steps; workers = 0
  checkpoint { every = 3 steps; best = min(valid.perplexity) }
}
"""


def checked(text: str = SPEC) -> CheckedGraph:
    analysis = analyse(Source("reversal.s2s", text))
    assert analysis.checked is not None, [found.message for found in analysis.findings]
    return analysis.checked


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> OpenedData:
    return open_data(checked(), base=tmp_path_factory.mktemp("reversal"), environment={})


def built(text: str = SPEC) -> Model:
    torch.manual_seed(5)
    return build_model(checked(text))


def measured(model: Model, data: OpenedData, amount: float, unit: str) -> Evaluation:
    return evaluate(
        model,
        data,
        "valid",
        metrics=checked().graph.hyperparameters.values()["metrics"],
        batch=Quantity(amount, unit, f"{amount} {unit}"),
        device=torch.device("cpu"),
    )


@pytest.mark.parametrize("average", ["tokens", "examples"])
def test_figures_do_not_depend_on_the_batches(opened: OpenedData, average: str) -> None:
    model = built(SPEC.replace('"tokens"', f'"{average}"'))
    *parts, all_ = (
        measured(model, opened, *size)
        for size in ((1, "examples"), (3, "examples"), (7, "examples"), (30, "tokens"), (100, "examples"))
    )
    for found in parts:
        # sums over padded rows round in another order
        assert {**found.metrics, "loss": found.loss} == pytest.approx({**all_.metrics, "loss": all_.loss}, rel=1e-5)
        assert found.signatures == all_.signatures
        assert sorted(found.pairs) == sorted(all_.pairs)


def test_losses_and_perplexity_are_means_over_tokens_or_examples(opened: OpenedData) -> None:
    model = built()
    by_examples = built(SPEC.replace('"tokens"', '"examples"'))
    plain = built(SPEC.replace("smoothing = 0.1", "smoothing = 0"))
    found = measured(model, opened, 7, "examples")
    num_tokens = num_examples = 0
    for batch in opened.batches("valid", batch=Quantity(7, "examples", "7 examples")):
        num_tokens += model.num_target_tokens(batch)
        num_examples += len(batch)
    assert found.loss is not None
    assert found.examples == num_examples < num_tokens
    assert found.loss * num_tokens / num_examples == pytest.approx(measured(by_examples, opened, 7, "examples").loss)
    unsmoothed = measured(plain, opened, 7, "examples")
    assert unsmoothed.loss is not None
    assert unsmoothed.loss != pytest.approx(found.loss, rel=1e-4)
    assert found.metrics["perplexity"] == pytest.approx(math.exp(unsmoothed.loss), rel=1e-5)
    assert unsmoothed.metrics["perplexity"] == found.metrics["perplexity"]


def test_a_batch_is_averaged_over_its_tokens_not_its_places(opened: OpenedData) -> None:
    """Rows of several lengths: what lies behind the short ones counts for nothing."""
    model = built()
    model.module.train()
    batch = next(iter(opened.batches("valid", batch=Quantity(9, "examples", "9 examples"))))
    lengths_B = batch.lengths["data.target"]
    assert len(set(lengths_B.tolist())) > 1
    assert model.loss_weight(batch).tolist() == lengths_B.tolist()
    loss_B = model.loss(model(batch), batch)
    mean = (loss_B.sum() / model.loss_weight(batch).sum()).item()
    # a model that knows nothing is about as unsure as it can be
    assert mean == pytest.approx(math.log(13), rel=0.2)


@pytest.mark.parametrize("average", ["tokens", "examples"])
def test_what_a_run_says_it_lost_is_the_mean_over_its_batch(
    opened: OpenedData, average: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    means: list[float] = []
    loss = Model.loss

    def remember(model: Model, outputs: Any, batch: Batch) -> Tensor:
        loss_B = loss(model, outputs, batch)
        if model.module.training:
            lengths_B = batch.lengths["data.target"]
            counted = int(lengths_B.sum()) if average == "tokens" else len(lengths_B)
            means.append(loss_B.detach().double().sum().item() / counted)
        return loss_B

    monkeypatch.setattr(Model, "loss", remember)
    text = SPEC.replace('"tokens"', f'"{average}"').replace("log = 2", "log = 1").replace("stop = 6", "stop = 3")
    run = Run(tmp_path / "run")
    run.begin(checked(text), spec_text=text, base=tmp_path, started_with={})
    train(checked(text), run, opened, device=torch.device("cpu"), progress=Shown())
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text("utf-8").splitlines()]
    assert [line["loss"] for line in lines if "split" not in line] == pytest.approx(means, rel=1e-6)
    assert len(means) == 3


@pytest.mark.parametrize("search", ["greedy", "beam(width = 3)"])
def test_tokens_that_pad_the_vocabulary_are_neither_taught_nor_found(opened: OpenedData, search: str) -> None:
    """16 logits for 13 tokens: the loss smooths over 13, and no search chooses the others, however likely."""
    text = SPEC.replace("-> greedy", f"-> {search}")
    graph = checked(text).graph
    assert graph.nodes["decoder.logits.class_mask"].operation.values()["classes"] == 13
    model = built(text)
    batch = next(iter(opened.batches("valid", batch=Quantity(9, "examples", "9 examples"))))
    bias = next(tensor for name, tensor in model.module.named_parameters() if name.endswith("logits.linear.bias"))
    plain_B = model.loss(model(batch), batch)
    with torch.no_grad():
        bias[13:] = 50.0
        model.module.eval()
        found = model.hypotheses(model(batch), batch)
    assert max((token for row in found for token in row), default=0) < 13
    torch.testing.assert_close(model.loss(model(batch), batch), plain_B)


def test_a_run_writes_down_how_its_scores_were_computed(opened: OpenedData, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    graph = checked()
    run.begin(graph, spec_text=SPEC, base=tmp_path, started_with={})
    shown = Shown()
    result = train(graph, run, opened, device=torch.device("cpu"), progress=shown)
    valid = result["valid"]
    assert valid["bleu_signature"].startswith("nrefs:1|case:mixed")
    assert valid["chrf_signature"].startswith("nrefs:1|case:mixed")
    assert {"bleu", "chrf", "perplexity", "loss"} <= set(valid)
    assert valid["perplexity"] < 13.5
    assert result["best_step"] in (3, 6)
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text("utf-8").splitlines()]
    assert [line["step"] for line in lines if line.get("split") == "valid"] == [3, 6]
    assert all("bleu_signature" in line for line in lines if "split" in line)
    assert len(shown.measured) == 2


class Shown:
    """A display that remembers what was measured."""

    def __init__(self) -> None:
        self.measured: list[Any] = []

    def evaluation(self, record: Any, pairs: Any) -> None:
        self.measured.append(record)

    def start(self, **_: Any) -> None: ...
    def advance(self, record: Any) -> None: ...
    def train(self, record: Any) -> None: ...
    def result(self, *_: Any) -> None: ...
    def preparing(self, *_: Any) -> None: ...
    def say(self, message: str) -> None: ...
    def warn(self, message: str) -> None: ...
    def finish(self) -> None: ...
