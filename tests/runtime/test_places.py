"""Models that have places for so many tokens and no more: refused early, searched within, said in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import s2sc
import torch
from s2sc.cli import main as cli
from s2sc.compiler.derive_step import derive_step
from s2sc.compiler.front import Analysis, analyse
from s2sc.compiler.graph import CheckedGraph
from s2sc.compiler.places import most_lengths
from s2sc.dsl.source import Source
from s2sc.runtime.data.batch import Batch
from s2sc.runtime.model import build_model
from s2sc.runtime.no_answer import NoAnswer
from s2sc.runtime.run_translator import RunTranslator
from s2sc.runtime.search.text_length import most_tokens
from s2sc.runtime.too_long import TooLong

SPEC = """
edition 1
data parallel_text {{
  tokens = words(size = 16)
  train  = pair("train.en", "train.de")
  valid  = pair("valid.en", "valid.de")
  test   = pair("test.en", "test.de")
  keep   = 1 .. {keep} tokens
}}
encoder {{
  shared emb = embedding(data.source.vocab, 8)
  out = data.source -> emb -> {before}positions(kind = "learned", max_tokens = {source})
}}
decoder {{
  x = data.target.shifted -> encoder.emb -> positions(kind = "learned", max_tokens = {target})
  y = x + cross_attention(x -> self_attention(2, causal = true), encoder.out, heads = 2)
  logits = y -> linear(data.target.vocab)
  infer  = logits -> {search}
}}
loss = cross_entropy(decoder.logits, data.target)
hyperparameters {{
  batch = 4 examples
  stop = 2 steps
  seed = 1
  optimizer = adam(lr = 1e-3)
}}
"""


def analysed(*, keep: int = 5, source: int = 6, target: int = 6, before: str = "", search: str = "greedy") -> Analysis:
    text = SPEC.format(keep=keep, source=source, target=target, before=before, search=search)
    return analyse(Source("places.s2s", text))


def checked_graph(**sizes: object) -> CheckedGraph:
    analysis = analysed(**sizes)  # type: ignore[arg-type]  # passed on by name
    assert analysis.checked is not None, [finding.message for finding in analysis.findings]
    return analysis.checked


# --- what the compiler says ---


@pytest.mark.parametrize(("sizes", "wrong"), [
    ({}, 0),
    ({"source": 5}, 1),
    ({"target": 5}, 1),
    ({"source": 5, "target": 4}, 2),
    ({"source": 3, "before": "stack_frames(2) -> linear(8) -> "}, 0),
    ({"source": 2, "before": "stack_frames(2) -> linear(8) -> "}, 1),
])  # fmt: skip
def test_fewer_places_than_the_data_keeps_are_an_error(sizes: dict[str, object], wrong: int) -> None:
    findings = analysed(**sizes).findings  # type: ignore[arg-type]  # passed on by name
    found = [finding for finding in findings if finding.severity == "error"]
    assert [finding.code for finding in found] == ["S2S408"] * wrong
    assert all(finding.labels for finding in found), "the upper end of keep is pointed at"


def test_the_longest_streams_are_known() -> None:
    graph = checked_graph(source=9, target=7).graph
    assert most_lengths(graph) == {"data.source": 9, "data.target": 7, "data.target.shifted": 7}
    halved = checked_graph(source=9, target=7, before="stack_frames(2) -> linear(8) -> ").graph
    assert most_lengths(halved)["data.source"] == 18


def test_a_step_knows_its_places() -> None:
    graph = checked_graph(source=9, target=7).graph
    assert graph.infer is not None
    step, _ = derive_step(graph, graph.nodes[graph.infer.path].inputs["x"][0])
    assert step is not None
    assert step.most_tokens == 7


# --- what is searched ---


def test_no_text_is_longer_than_there_are_places() -> None:
    lengths_B = np.array([1, 20])
    assert most_tokens(lengths_B, None).tolist() == [12, 50]
    assert most_tokens(lengths_B, None, 15).tolist() == [12, 15]
    assert most_tokens(lengths_B, 30, 15).tolist() == [15, 15]
    assert most_tokens(lengths_B, 8, 15).tolist() == [8, 8]


@pytest.mark.parametrize("search", ["greedy", "greedy(max_tokens = 50)", "beam(width = 3)", "beam(max_tokens = 50)"])
def test_a_search_stops_at_the_last_place(search: str) -> None:
    torch.manual_seed(0)
    model = build_model(checked_graph(search=search))
    with torch.no_grad():
        # no text ends by itself
        model.module.get_parameter("decoder.logits.linear.bias")[2] = -100.0
    model.module.eval()
    assert model.decoder is not None
    for found in model.decoder.search(batch([6, 2])):
        assert not isinstance(found, NoAnswer)
        assert {len(one.tokens) for one in found} == {6}


def batch(sources: list[int], targets: list[int] | None = None) -> Batch:
    lengths = {"data.source": sources, "data.target": targets or sources, "data.target.shifted": targets or sources}
    return Batch(
        inputs={path: torch.full((len(sources), max(found)), 3) for path, found in lengths.items()},
        lengths={path: torch.tensor(found) for path, found in lengths.items()},
        ids=tuple(f"line {number}" for number in range(len(sources))),
        texts=("",) * len(sources),
        epoch=0,
        number=0,
    )


@pytest.mark.parametrize(("sources", "targets", "said"), [
    ([3, 7], [2, 6], "line 1: `data.source` has a length of 7"),
    ([6, 2], [9, 3], "line 0: `data.target"),
])  # fmt: skip
def test_what_is_too_long_for_the_model_is_named(sources: list[int], targets: list[int], said: str) -> None:
    with pytest.raises(TooLong, match=said):
        build_model(checked_graph())(batch(sources, targets))


# --- a whole run ---


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two steps, whose test split is given a sentence that is too long."""
    made = tmp_path_factory.mktemp("places")
    words = ["a", "b", "c", "d e", "e f g", "h a b c", "b c d e f"]
    for split in ("train", "valid", "test"):
        for side in ("en", "de"):
            (made / f"{split}.{side}").write_text("\n".join(words) + "\n")
    (made / "places.s2s").write_text(SPEC.format(keep=5, source=6, target=6, before="", search="greedy"))
    assert (
        cli.main(["compile", str(made / "places.s2s"), "--train", "--out", str(made / "run"), "--device", "cpu"]) == 0
    )
    for side in ("en", "de"):
        (made / f"test.{side}").write_text("\n".join([*words, "a b c d e f g h"]) + "\n")
    return made / "run"


def test_a_line_that_is_too_long_is_refused_and_stops_no_other(folder: Path) -> None:
    translator = s2sc.load(folder, device="cpu")
    assert isinstance(translator, RunTranslator)
    assert translator.limits.most_source == 6
    answers = list(translator.translate(["a b", "a b c d e f g", "c"]))
    assert [answer.reason for answer in answers] == ["", "too_long", ""]
    assert answers[1].message == "7 tokens, the model takes up to 5"


def test_a_split_with_a_sentence_that_is_too_long_is_said_in_a_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert cli.main(["eval", str(folder), "--split", "test", "--device", "cpu"]) == 1
    err = capsys.readouterr().err
    assert "`data.source` has a length of 9, and the model has places for 6" in err
    assert "Traceback" not in err
    assert cli.main(["eval", str(folder), "--split", "valid", "--device", "cpu"]) == 0
