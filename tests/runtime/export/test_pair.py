"""A model that writes token by token as two files: near the model, of any sizes, never one without the other."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
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
from s2sc.runtime.data.codecs import Codecs
from s2sc.runtime.data.words import WordsCodec
from s2sc.runtime.export.failed import ExportFailed
from s2sc.runtime.export.pair import PairReport, Text, _Leaving, export_pair
from s2sc.runtime.export.pair_metadata import ENCODER, STEP, pair_beside
from s2sc.runtime.export.pair_parity import Sentence
from s2sc.runtime.export.properties import BadModelFile
from s2sc.runtime.lower import lower
from s2sc.runtime.lower_step import lower_step
from s2sc.runtime.no_answer import NoAnswer
from s2sc.runtime.onnx_recogniser import OnnxRecogniser
from s2sc.runtime.onnx_stepping import OnnxPair, OnnxStepper, likeliest, source_feeds
from s2sc.runtime.onnx_translator import OnnxTranslator
from s2sc.runtime.search.beam import beam
from s2sc.runtime.stepping import TorchStepper
from s2sc.runtime.storage import Storage, StorageError
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
LEARNED = 'positions(kind = "learned", max_tokens = 41)'
ENCODERS = {
    "transformer": "out = data.source -> emb -> positions -> repeat 2 { encoder_layer } -> layer_norm",
    "lstm": "out = data.source -> emb -> lstm(8, bidirectional = true)",
    "convolutional": f"out = data.source -> emb -> {LEARNED} -> conv1d(32, kernel = 3) -> glu",
}
DECODERS = {
    "transformer": "h = x -> positions -> repeat 2 { decoder_layer(memory = encoder.out) } -> layer_norm",
    "lstm": "a = attention_rnn(x, encoder.out, size = 16, attention_size = 8)\n  h = a.y + (a.y -> lstm(16))",
    "convolutional": f"h = x -> {LEARNED} -> repeat 2 {{ convolution(memory = encoder.out) }}",
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


CODEC = WordsCodec([f"w{number}" for number in range(3, VOCABULARY)], VOCABULARY)
TEXT = Text(Codecs(CODEC, CODEC).to_files(), CODEC.decode, lambda hypotheses, references: float(len(hypotheses)))


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


# --- what must not leave ---


def test_a_pair_that_drifts_is_refused_with_the_layer_and_leaves_nothing(tmp_path: Path) -> None:
    for name in (ENCODER, STEP):
        (tmp_path / name).write_bytes(b"of an earlier export")
    with pytest.raises(
        ExportFailed, match=r"the spec allows 1e-06; the first node that drifts is .* of encoder.onnx"
    ) as failed:
        exported("transformer", "fp16", tmp_path, tolerance=1e-6)
    assert failed.value.node == "encoder.out.positions"
    assert [path.name for path in tmp_path.iterdir()] == ["parity.json"]
    assert not json.loads((tmp_path / "parity.json").read_text())["passed"]


@pytest.mark.parametrize("value", [float("nan"), 1e5])
def test_weights_that_half_cannot_hold_are_named(tmp_path: Path, value: float) -> None:
    checked = compiled("lstm", "fp16")
    state = weights(checked)
    state["decoder.logits.linear.weight"][3, 2] = value
    with pytest.raises(ExportFailed) as failed:
        export_pair(checked, state, sentences=sentences(), text=TEXT, folder=tmp_path)
    assert failed.value.node.startswith("decoder.logits")
    assert not list(tmp_path.glob("*.onnx"))


def test_a_split_without_sentences_compares_nothing(tmp_path: Path) -> None:
    checked = compiled("lstm", "fp16")
    with pytest.raises(ExportFailed, match="no sentences"):
        export_pair(checked, weights(checked), sentences=[], text=TEXT, folder=tmp_path)


class Killed(BaseException):
    pass


class _Killing(Storage):
    """The process ends at one operation: nothing is done after it."""

    def __init__(self, at: int) -> None:
        self.left = at

    def _count(self) -> None:
        self.left -= 1
        if self.left <= 0:
            raise Killed

    def write(self, path: Path, content: bytes) -> None:
        if self.left == 1:
            path.write_bytes(content[: len(content) // 2])
        self._count()
        super().write(path, content)

    def rename(self, old: Path, new: Path) -> None:
        self._count()
        super().rename(old, new)

    def sync_folder(self, folder: Path) -> None:
        self._count()
        super().sync_folder(folder)

    def remove(self, path: Path) -> None:
        self._count()
        super().remove(path)


class _Full(Storage):
    """A disk that is full for one operation."""

    def __init__(self, at: int) -> None:
        self.left = at

    def _count(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise OSError(28, "No space left on device")

    def write(self, path: Path, content: bytes) -> None:
        self._count()
        super().write(path, content)

    def rename(self, old: Path, new: Path) -> None:
        self._count()
        super().rename(old, new)

    def sync_folder(self, folder: Path) -> None:
        self._count()
        super().sync_folder(folder)


@pytest.mark.parametrize("fail", [_Killing, _Full])
def test_an_end_at_any_moment_leaves_a_whole_pair_with_its_report_or_none(
    make: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fail: Any
) -> None:
    made: Made = make("lstm", "fp16")
    made_once: list[Any] = []
    make_programs = _Leaving.programs

    def programs(self: Any, lowered: Any) -> Any:
        made_once[:] = made_once or [make_programs(self, lowered)]
        return made_once[0]

    monkeypatch.setattr(_Leaving, "programs", programs)
    monkeypatch.setattr("s2sc.runtime.export.pair.compare", lambda *given: made.report.parity)
    for at in range(1, 40):
        folder = tmp_path / str(at)
        folder.mkdir()
        for name in (ENCODER, STEP, "parity.json"):
            (folder / name).write_bytes((made.folder / name).read_bytes())
        ended = False
        try:
            export_pair(made.checked, made.state, sentences=sentences()[:2], text=TEXT, folder=folder, storage=fail(at))
        except (Killed, StorageError):
            ended = True
        if (folder / ENCODER).exists():
            OnnxPair(folder / ENCODER, folder / STEP)
            told = {one["file"]: one["sha256"] for one in json.loads((folder / "parity.json").read_text())["models"]}
            assert told == {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (ENCODER, STEP)}
        elif fail is _Full:
            assert not (folder / STEP).exists()
        if not ended:
            assert at > 8
            break
    else:
        raise AssertionError("the export never succeeded")


# --- files of unknown origin ---


def test_files_of_two_exports_are_refused(make: Any) -> None:
    half, single = make("transformer", "fp16"), make("transformer", "fp32")
    with pytest.raises(BadModelFile, match="different exports"):
        OnnxPair(half.folder / ENCODER, single.folder / STEP)
    with pytest.raises(BadModelFile, match="not the step"):
        OnnxPair(half.folder / ENCODER, half.folder / ENCODER)
    with pytest.raises(BadModelFile, match="not the encoder"):
        OnnxPair(half.folder / STEP, half.folder / STEP)


def test_a_file_without_the_other_is_named(make: Any, tmp_path: Path) -> None:
    assert pair_beside(tmp_path) is None
    (tmp_path / STEP).write_bytes((make("lstm", "fp16").folder / STEP).read_bytes())
    with pytest.raises(BadModelFile, match="encoder\\.onnx is missing"):
        pair_beside(tmp_path / STEP)
    with pytest.raises(BadModelFile, match="encoder\\.onnx is missing"):
        pair_beside(tmp_path / ENCODER)
    with pytest.raises(BadModelFile, match="encoder\\.onnx is missing"):
        pair_beside(tmp_path)
    (tmp_path / ENCODER).write_bytes(b"")
    assert pair_beside(tmp_path) == pair_beside(tmp_path / STEP) == (tmp_path / ENCODER, tmp_path / STEP)
    with pytest.raises(BadModelFile, match="onnxruntime refuses it"):
        OnnxPair(tmp_path / ENCODER, tmp_path / STEP)
    with pytest.raises(BadModelFile, match="writes token by token"):
        OnnxRecogniser(make("lstm", "fp16").folder / STEP)


def forged(made: Made, folder: Path, **changes: Any) -> tuple[Path, Path]:
    """Files that say other things of themselves, both alike; a change may be a function of the step's model."""
    models = {name: onnx.load(made.folder / name, load_external_data=False) for name in (ENCODER, STEP)}
    for key, change in changes.items():
        if callable(change):
            change(models[STEP])
            continue
        for model in models.values():
            for fact in model.metadata_props:
                if fact.key == f"s2sc.{key}":
                    fact.value = change if isinstance(change, str) else json.dumps(change)
    (folder / STEP).write_bytes(models[STEP].SerializeToString())
    for fact in models[ENCODER].metadata_props:
        if fact.key == "s2sc.step" and "step" not in changes:
            fact.value = hashlib.sha256((folder / STEP).read_bytes()).hexdigest()
    (folder / ENCODER).write_bytes(models[ENCODER].SerializeToString())
    return folder / ENCODER, folder / STEP


def facts(made: Made, key: str) -> Any:
    (found,) = (one.value for one in onnx.load(made.folder / ENCODER).metadata_props if one.key == f"s2sc.{key}")
    return json.loads(found)


BAD_FACTS: dict[str, tuple[Any, str]] = {
    "format": ("7", "format 7"),
    "vocab": (0, "vocab"),
    "pair": ("x", "pair"),
    "step": ("0" * 64, "different exports"),
    "takes": ({"a": 1}, "takes"),
    "batch": ([0, 1], "batch"),
    "source_tokens": ("[1", "source_tokens"),
    "once": ([{"name": "x", "shape": [1], "dtype": "float64"}], "once"),
    "tokenizers": ({"tokens.json": "%"}, "tokenizers"),
    "search": ({"kind": "beam"}, "search"),
    "state": ([{"name": "x", "shape": [1 << 30, 8], "dtype": "int64", "zeros": True}], "numbers"),
}


@pytest.mark.parametrize("key", sorted(BAD_FACTS))
def test_facts_that_are_none_are_named(make: Any, tmp_path: Path, key: str) -> None:
    value, said = BAD_FACTS[key]
    with pytest.raises(BadModelFile, match=said):
        OnnxPair(*forged(make("lstm", "fp16"), tmp_path, **{key: value}))


def test_facts_that_the_models_belie_are_named(make: Any, tmp_path: Path) -> None:
    made: Made = make("transformer", "fp16")
    state, once = facts(made, "state"), facts(made, "once")
    search = facts(made, "search")
    other = [*state[:-1], {**state[-1], "dtype": "float32"}]
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"state": state[1:]}, "takes .* does not say so"),
        ({"state": [*state, {**state[-1], "name": "more"}]}, "says that it gives 'more.after'"),
        ({"state": other}, "which it does not say of itself"),
        ({"once": once[1:]}, "does not say so"),
        ({"vocab": VOCABULARY + 1}, "which it does not say of itself"),
        ({"takes": ["source"]}, "does not say so"),
        ({"takes": ["source", "source_lengths", "else"]}, "says that it takes 'else'"),
        ({"search": {**search, "width": 0}}, "search"),
        ({"search": {**search, "end": VOCABULARY}}, "search"),
        ({"search": {**search, "n_best": 4}}, "search"),
        ({"search": {**search, "length_penalty": -1}}, "search"),
        ({"search": {**search, "kind": "sample"}}, "not known"),
        ({"tokenizers": {"tokens.json": "e30="}}, "tokenizers"),
    ]
    for changes, said in wrong:
        with pytest.raises(BadModelFile, match=said):
            OnnxTranslator(*forged(made, tmp_path, **changes))


def test_numbers_that_are_none_give_no_answer(make: Any, tmp_path: Path) -> None:
    def break_bias(model: onnx.ModelProto) -> None:
        (bias,) = (one for one in model.graph.initializer if list(one.dims) == [VOCABULARY])
        broken = onnx.numpy_helper.to_array(bias).copy()
        broken[5] = np.nan
        bias.CopyFrom(onnx.numpy_helper.from_array(broken, bias.name))

    translator = OnnxTranslator(*forged(make("lstm", "fp16"), tmp_path, model=break_bias))
    for found in translator.search([(4, 5), (6,)]):
        assert isinstance(found, NoAnswer)


# --- translation ---


@pytest.mark.parametrize("kind", KINDS)
def test_lines_are_translated_as_by_the_model(make: Any, kind: str) -> None:
    made: Made = make(kind, "fp32")
    translator = OnnxTranslator(made.folder / ENCODER, made.folder / STEP)
    assert translator.most_texts == 3
    lines = [sentence.reference for sentence in made.sentences]
    answers = list(translator.translate([*lines, "", "w4 " * 50], n_best=2))
    sources = [(*CODEC.encode(line)[1], 2) for line in lines]
    lengths_B = np.array([len(source) for source in sources])
    settings: dict[str, Any] = {"begin": 1, "end": 2, "width": 3, "length_penalty": 0.6, "n_best": 2}
    settings |= {"min_tokens": 0, "max_tokens": None, "most_places": 41 if kind == "convolutional" else None}
    expected = beam(made.torch_stepper(sources), lengths_B, **settings)
    for answer, found in zip(answers, expected, strict=False):
        assert isinstance(found, list)
        assert [one.text for one in answer.found] == [CODEC.decode(one.tokens) for one in found]
        assert [one.score for one in answer.found] == pytest.approx([one.score for one in found], abs=1e-3)
    assert answers[-2].text == ""
    assert (answers[-1].reason, answers[-1].text) == ("too_long", None)


def test_the_command_line_translates_with_either_file_or_their_folder_and_without_torch(
    make: Any, tmp_path: Path
) -> None:
    made: Made = make("transformer", "fp16")
    for name in (ENCODER, STEP):
        (tmp_path / name).write_bytes((made.folder / name).read_bytes())
    (tmp_path / "lines.txt").write_text("w4 w5\nw6\n")
    show = "import sys\nfrom s2sc.cli.main import main\ncode = main()\n"
    show += "print(code, *sorted({'torch', 'onnx', 'onnxscript', 'safetensors'} & set(sys.modules)), file=sys.stderr)"
    told = set()
    for model in (tmp_path, tmp_path / ENCODER, tmp_path / STEP):
        arguments = [sys.executable, "-c", show, "infer", str(model), str(tmp_path / "lines.txt")]
        run = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=120)
        assert run.stderr == "0\n"
        assert len(run.stdout.splitlines()) == 2
        told.add(run.stdout)
    assert len(told) == 1


def test_more_source_tokens_than_there_are_places_are_not_declared(tmp_path: Path) -> None:
    text = SPEC.format(
        vocabulary=VOCABULARY,
        encoder=ENCODERS["convolutional"],
        decoder=DECODERS["convolutional"],
        precision="fp32",
        tolerance=1e-4,
        tie="",
    ).replace("time = 1 .. 40 tokens", "time = 1 .. 60 tokens")
    checked = analyse(Source("translator.s2s", text)).checked
    assert checked is not None
    with pytest.raises(ExportFailed, match="goes to 60 tokens, but the model has places for 40 and an end mark"):
        export_pair(checked, weights(checked), sentences=sentences(), text=TEXT, folder=tmp_path)


def test_sentences_without_places_are_not_compared(tmp_path: Path) -> None:
    checked = compiled("convolutional", "fp32")
    long = Sentence((3, 2), tuple([3] * 41), "long")
    with pytest.raises(ExportFailed, match="no sentences to compare"):
        export_pair(checked, weights(checked), sentences=[long], text=TEXT, folder=tmp_path)
