"""A model that writes token by token as two files: near the model, of any sizes, never one without the other."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from s2sc.compiler.front import analyse
from s2sc.compiler.graph import CheckedGraph
from s2sc.dsl.source import Source
from s2sc.runtime.export.pair import PairReport, Text, export_pair
from s2sc.runtime.export.pair_metadata import ENCODER, STEP
from s2sc.runtime.export.pair_parity import Sentence
from s2sc.runtime.lower import lower
from s2sc.runtime.lower_step import lower_step
from s2sc.runtime.onnx_stepping import OnnxPair, OnnxStepper, likeliest, source_feeds
from s2sc.runtime.search.beam import beam
from s2sc.runtime.stepping import TorchStepper
from torch import Tensor

VOCABULARY = 24
SPEC = """
edition 1
data parallel_text {{
  tokens = words(size = {vocabulary})
  train  = pair("train.en", "train.de")
  valid  = pair("valid.en", "valid.de")
  keep   = 1 .. 40 tokens
}}
block feed_forward(x: seq) => y {{
  y = x + (x -> layer_norm -> linear(32) -> relu -> linear(16))
}}
block encoder_layer(x: seq) => y {{
  a = x + (x -> layer_norm -> self_attention(2))
  y = a -> feed_forward
}}
block decoder_layer(x: seq, memory: seq) => y {{
  a = x + (x -> layer_norm -> self_attention(2, causal = true))
  c = a + cross_attention(a -> layer_norm, memory, heads = 2)
  y = c -> feed_forward
}}
block convolution(x: seq, memory: seq) => y {{
  h = x -> conv1d(32, kernel = 3, pad = "causal", weight_norm = true) -> glu
  y = x + h + attention(h, memory, kind = "dot").context
}}
encoder {{
  shared emb = embedding(data.source.vocab, 16, scale = true)
  {encoder}
}}
decoder {{
  x = data.target.shifted -> encoder.emb
  {decoder}
  logits = h -> linear(data.target.vocab{tie})
  infer  = logits -> beam(width = 3)
}}
loss = cross_entropy(decoder.logits, data.target)
hyperparameters {{
  batch = 4 examples
  stop = 1 steps
  seed = 1
  optimizer = adam(lr = 1e-3)
}}
export onnx {{
  precision = {precision}
  outputs   = [decoder.logits]
  licence   = "CC0-1.0"
  dynamic {{ batch = 1 .. 16; time = 1 .. 40 tokens }}
  check   {{ examples = 8; max_abs_diff = {tolerance} }}
}}
"""
ENCODERS = {
    "transformer": "out = data.source -> emb -> positions -> repeat 2 { encoder_layer } -> layer_norm",
    "lstm": "out = data.source -> emb -> lstm(8, bidirectional = true)",
    "convolutional": "out = data.source -> emb -> conv1d(32, kernel = 3) -> glu",
}
DECODERS = {
    "transformer": "h = x -> positions -> repeat 2 { decoder_layer(memory = encoder.out) } -> layer_norm",
    "lstm": "a = attention_rnn(x, encoder.out, size = 16, attention_size = 8)\n  h = a.y + (a.y -> lstm(16))",
    "convolutional": "h = x -> repeat 2 { convolution(memory = encoder.out) }",
}
KINDS = sorted(DECODERS)
TOLERANCES = {"fp32": 1e-4, "fp16": 2e-2}


@dataclass(frozen=True)
class Made:
    """A translator with weights, sentences, and what its export gave."""

    checked: CheckedGraph
    state: Mapping[str, Tensor]
    sentences: list[Sentence]
    report: PairReport

    @property
    def folder(self) -> Path:
        return self.report.folder

    def pair(self) -> OnnxPair:
        return OnnxPair(self.folder / ENCODER, self.folder / STEP)

    def torch_stepper(self, sources: Sequence[Sequence[int]]) -> TorchStepper:
        root = torch.nn.Module()
        lowered = lower_step(self.checked, root)
        root.load_state_dict({name: self.state[name] for name in root.state_dict()})
        for module in (lowered.first, lowered.step):
            module.eval()
        feeds = source_feeds(sources)
        return TorchStepper(lowered, [torch.from_numpy(feeds[name]) for name in lowered.takes])


def compiled(kind: str, precision: str, *, tolerance: float | None = None) -> CheckedGraph:
    text = SPEC.format(
        vocabulary=VOCABULARY,
        encoder=ENCODERS[kind],
        decoder=DECODERS[kind],
        precision=precision,
        tolerance=tolerance or TOLERANCES[precision],
        tie=", tie = encoder.emb" if kind == "transformer" else "",
    )
    analysis = analyse(Source("translator.s2s", text))
    assert analysis.checked is not None, [(finding.code, finding.message) for finding in analysis.findings]
    return analysis.checked


def weights(checked: CheckedGraph) -> dict[str, Tensor]:
    torch.manual_seed(5)
    state = dict(lower(checked).module.state_dict())
    return {name: tensor * 1.5 if tensor.dim() > 1 else tensor for name, tensor in state.items()}


def sentences() -> list[Sentence]:
    rng = np.random.default_rng(2)
    drawn = [
        (rng.integers(3, VOCABULARY, n).tolist(), rng.integers(3, VOCABULARY, n).tolist()) for n in (1, 3, 40, 9, 5)
    ]
    return [Sentence((*source, 2), tuple(target), written(target)) for source, target in drawn]


def written(numbers: Sequence[int]) -> str:
    return " ".join(f"w{number}" for number in numbers)


TEXT = Text({"tokens": b"some words"}, written, lambda hypotheses, references: float(hypotheses == references))


def exported(kind: str, precision: str, folder: Path, **changes: Any) -> Made:
    checked = compiled(kind, precision, **changes)
    state = weights(checked)
    report = export_pair(checked, state, sentences=sentences(), text=TEXT, folder=folder)
    return Made(checked, state, sentences(), report)


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Made]:
    """Exports, each made once."""
    known: dict[tuple[str, str], Made] = {}

    def of(kind: str, precision: str) -> Made:
        if (kind, precision) not in known:
            known[kind, precision] = exported(kind, precision, tmp_path_factory.mktemp(f"{kind}_{precision}"))
        return known[kind, precision]

    return of


# --- the files ---


@pytest.mark.parametrize("precision", sorted(TOLERANCES))
@pytest.mark.parametrize("kind", KINDS)
def test_the_pair_is_near_the_model_and_the_report_says_how_near(make: Any, kind: str, precision: str) -> None:
    made: Made = make(kind, precision)
    found = json.loads((made.folder / "parity.json").read_text())
    assert found == made.report.to_json()
    assert found["passed"]
    assert 0 < found["probabilities"]["max_abs_diff"] < TOLERANCES[precision]
    assert found["greedy_tokens"]["equal_share"] > (0.9 if precision == "fp16" else 0.999)
    assert found["greedy_sentences"]["sentences"] == 5
    assert set(found["bleu"]) == {"torch", "onnx", "split"}
    assert found["models"] == [
        {
            "file": name,
            "sha256": hashlib.sha256((made.folder / name).read_bytes()).hexdigest(),
            "bytes": (made.folder / name).stat().st_size,
        }
        for name in (ENCODER, STEP)
    ]
    assert sorted(path.name for path in made.folder.iterdir()) == sorted([ENCODER, STEP, "parity.json"])
    assert "sentences" in made.report.to_text()


@pytest.mark.parametrize("precision", sorted(TOLERANCES))
@pytest.mark.parametrize("kind", KINDS)
def test_beams_of_the_pair_are_the_model_s(make: Any, kind: str, precision: str) -> None:
    made: Made = make(kind, precision)
    sources = [sentence.source for sentence in made.sentences]
    lengths_B = np.array([len(source) for source in sources])
    settings: dict[str, Any] = {
        "begin": 1,
        "end": 2,
        "width": 3,
        "length_penalty": 0.6,
        "n_best": 2,
        "min_tokens": 0,
        "max_tokens": 12,
    }
    ours = beam(made.torch_stepper(sources), lengths_B, **settings)
    theirs = beam(OnnxStepper(made.pair(), source_feeds(sources)), lengths_B, **settings)
    for expected, found in zip(ours, theirs, strict=True):
        assert isinstance(expected, list)
        assert isinstance(found, list)
        if precision == "fp32":
            assert [one.tokens for one in found] == [one.tokens for one in expected]
        assert found[0].score == pytest.approx(expected[0].score, abs=10 * TOLERANCES[precision])


@pytest.mark.parametrize("kind", KINDS)
def test_batches_and_lengths_that_were_not_exported_run(make: Any, kind: str) -> None:
    made: Made = make(kind, "fp32")
    pair = made.pair()
    rng = np.random.default_rng(0)
    for rows, longest in ((1, 1), (1, 40), (3, 7), (16, 40)):
        sources = [rng.integers(3, VOCABULARY, max(1, longest - row)).tolist() for row in range(rows)]
        ours, theirs = made.torch_stepper(sources), OnnxStepper(pair, source_feeds(sources))
        for _ in range(35):
            tokens_R = rng.integers(3, VOCABULARY, rows)
            expected = ours.logits(torch.from_numpy(tokens_R)).numpy()
            np.testing.assert_allclose(theirs.logits(tokens_R), expected, atol=1e-4)


def test_rows_follow_their_parents(make: Any) -> None:
    made: Made = make("transformer", "fp32")
    sources = [sentence.source for sentence in made.sentences]
    ours, theirs = made.torch_stepper(sources), OnnxStepper(made.pair(), source_feeds(sources))
    rng = np.random.default_rng(0)
    rows = len(sources)
    for _ in range(20):
        parents_R = rng.integers(0, rows, rng.integers(1, 9))
        rows = len(parents_R)
        tokens_R = rng.integers(3, VOCABULARY, rows)
        expected, likely = ours.advance(tokens_R, parents_R, 4)
        found, tokens = theirs.advance(tokens_R, parents_R, 4)
        np.testing.assert_allclose(found, expected, atol=1e-4)
        assert (tokens == likely).mean() > 0.99


def test_the_likeliest_are_in_order_and_the_lower_of_two_equal_ones_comes_first() -> None:
    rng = np.random.default_rng(0)
    logits_RV = rng.integers(0, 4, (50, 12)).astype(np.float32)
    exact = logits_RV - np.log(np.exp(logits_RV).sum(-1, keepdims=True))
    for k in (1, 2, 5, 11, 12, 20):
        log_probs, tokens = likeliest(logits_RV, k)
        expected = np.argsort(-logits_RV, -1, kind="stable")[:, :k]
        np.testing.assert_array_equal(tokens, expected)
        np.testing.assert_allclose(log_probs, np.take_along_axis(exact, expected, -1), atol=1e-6)
    logits_RV[3, 5] = np.nan
    log_probs, _ = likeliest(logits_RV, 3)
    assert np.isnan(log_probs[3]).all()
    assert np.isfinite(np.delete(log_probs, 3, 0)).all()


def test_every_weight_that_may_be_half_is_half(make: Any) -> None:
    made: Made = make("lstm", "fp16")
    assert made.report.weights.halved > 0.8 * (made.report.weights.halved + made.report.weights.kept)
    half, single = 0, 0
    for name in (ENCODER, STEP):
        for tensor in onnx.load(made.folder / name, load_external_data=False).graph.initializer:
            half += int(np.prod(tensor.dims)) if tensor.data_type == onnx.TensorProto.FLOAT16 else 0
            single += int(np.prod(tensor.dims)) if tensor.data_type == onnx.TensorProto.FLOAT else 0
    assert half > 0.5 * (half + single)


def test_the_files_say_nothing_of_the_machine(make: Any) -> None:
    made: Made = make("transformer", "fp16")
    for name in (ENCODER, STEP):
        content = (made.folder / name).read_bytes()
        for told in (os.getcwd(), str(Path.home()), str(made.folder), "def ", ".py", "Traceback", "torch"):
            assert told.encode() not in content, told
