"""What the compiler knows of parallel text: streams, facts, sizes, and files in graph.json."""

from __future__ import annotations

import json

import pytest
from s2sc.compiler.front import Analysis, analyse
from s2sc.compiler.graph import CheckedGraph
from s2sc.compiler.graph_file import GraphFileError, graph_from_json, graph_json
from s2sc.compiler.longest import longest, shortest
from s2sc.compiler.memory import batch_examples
from s2sc.compiler.parts.data.parallel_text import ParallelText
from s2sc.dsl.source import Source
from s2sc.dsl.values import EnvironmentPath, JoinedPath, PairOf, SplitOf

SPEC = """edition 1

data parallel_text {
  root   = path(env("CORPUS", default = "data"), "text")
  source = words(size = 40)
  target = characters(size = 30)
  train  = [pair("a.en", path("b", "a.de")), "more.tsv", pair(path(env("X", default = "x"), "c.en"), "c.de")]
  valid  = split(train, 10%)
  test   = pair("test.en", "test.de")
  keep   = 2 .. 50 tokens
}

encoder {
  out = data.source -> embedding(data.source.vocab, 16) -> lstm(16)
}

decoder {
  h      = data.target.shifted -> embedding(data.target.shifted.vocab, 16) -> lstm(16)
  logits = (h, encoder.out) -> cross_attention(heads = 2) -> linear(data.target.vocab)
  infer  = logits -> greedy
}

loss = cross_entropy(decoder.logits, data.target)

hyperparameters {
  batch     = 1000 tokens
  optimizer = adam(lr = 1e-3)
  stop      = 100 steps
  seed      = 1
}
"""


def analysed(text: str = SPEC) -> Analysis:
    return analyse(Source("spec.s2s", text))


def checked(text: str = SPEC) -> CheckedGraph:
    found = analysed(text)
    assert found.checked is not None, [one.message for one in found.findings]
    return found.checked


def test_streams_have_time_axes_of_their_own() -> None:
    graph = checked().graph
    types = {path: (str(given), given.vocabulary, given.axes[1].name) for path, given in graph.inputs.items()}
    assert types == {
        "data.source": ("seq[B, S]", 40, "source_time"),
        "data.target": ("seq[B, U]", 30, "target_time"),
        "data.target.shifted": ("seq[B, U]", 30, "target_time"),
    }
    assert graph.targets == ("data.target", "data.target.shifted")


def test_vocabularies_are_known_before_any_tokenizer_is_trained() -> None:
    nodes = checked().graph.nodes
    assert nodes["encoder.out.embedding"].cost.parameters == 40 * 16
    assert nodes["decoder.h.embedding"].cost.parameters == 30 * 16
    joint = SPEC.replace("  source = words(size = 40)\n  target = characters(size = 30)", "  tokens = words(size = 7)")
    assert {given.vocabulary for given in checked(joint).graph.inputs.values()} == {7}


def test_lengths_are_those_kept_and_the_end_mark() -> None:
    graph = checked().graph
    assert {name: longest(graph)[name] for name in "SU"} == {"S": 51, "U": 51}
    assert {name: shortest(graph)[name] for name in "SU"} == {"S": 3, "U": 3}
    assert batch_examples(graph) == 1000 // 51


def test_pairs_of_files_are_what_was_written() -> None:
    data = checked().graph.data
    assert isinstance(data, ParallelText)
    assert data.train == (
        PairOf("a.en", "b/a.de"),
        "more.tsv",
        PairOf(JoinedPath((EnvironmentPath("X", "x"), "c.en")), "c.de"),
    )
    assert data.valid == SplitOf("train", 0.1)
    assert data.test == (PairOf("test.en", "test.de"),)


def test_graph_json_holds_pairs_and_reads_them_back() -> None:
    graph = checked()
    written = graph_json(graph)
    again = graph_from_json(written)
    assert again.graph.data == graph.graph.data
    assert graph_json(again) == written
    assert json.loads(written)["data"]["params"]["test"] == [{"pair": ["test.en", "test.de"]}]


@pytest.mark.parametrize(
    "pair",
    [{"pair": ["a"]}, {"pair": ["a", "b", "c"]}, {"pair": ["a", 3]}, {"pair": "ab"}, {"pair": ["a", "b"], "x": 1}],
)
def test_a_graph_json_with_another_kind_of_pair_is_refused(pair: object) -> None:
    content = json.loads(graph_json(checked()))
    content["data"]["params"]["test"] = [pair]
    with pytest.raises(GraphFileError, match=r"does not fit the schema"):
        graph_from_json(json.dumps(content).encode())


def test_which_texts_are_trained_on_is_no_part_of_the_architecture() -> None:
    other = (
        SPEC.replace('"more.tsv"', '"less.tsv"').replace("2 .. 50", "1 .. 99").replace("words(size = 40)", "words(40)")
    )
    assert checked(other).architecture_hash == checked().architecture_hash
    bigger = SPEC.replace("size = 40", "size = 41")
    assert checked(bigger).architecture_hash != checked().architecture_hash
