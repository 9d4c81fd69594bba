"""What two versions of a spec differ in: figures, names, values with their places, and old checkpoints."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from s2sc.compiler.difference import Difference, Side, difference
from s2sc.compiler.front import analyse
from s2sc.compiler.graph_file import graph_from_json, graph_json
from s2sc.dsl.source import Source

HERE = Path(__file__).parent.parent / "golden" / "difference"
SPEC = """edition 1
let d = 64
let half = d / 2

data parallel_text {
  corpus = reversal
  tokens = words(size = 16)
  keep   = 1 .. 10 tokens
}

encoder {
  out = data.source -> embedding(data.source.vocab, d) -> lstm(half, bidirectional = true) -> repeat 3 { lstm(d) }
}

decoder {
  q      = data.target.shifted -> embedding(data.target.vocab, d) -> lstm(d)
  att    = attention(query = q, memory = encoder.out, kind = "bahdanau")
  logits = (q, att.context) -> concat -> linear(data.target.vocab)
  infer  = logits -> beam(width = 2)
}

loss = cross_entropy(decoder.logits, data.target)

hyperparameters {
  batch     = 10 examples
  optimizer = adam(lr = 1e-3)
  stop      = 20 steps
  seed      = 1
}
"""
CHANGES = {
    "a let's name": (("let half", "let per_direction"), ("lstm(half", "lstm(per_direction")),
    "a comment": (("let half", "# for both directions\nlet half"),),
    "a learning rate": (("1e-3", "5e-4"),),
    "another optimizer": (("adam(lr = 1e-3)", "momentum(lr = 0.1)"),),
    "a wider model": (("let d = 64", "let d = 96"),),
    "another name": (("  q      =", "  state  ="), ("query = q", "query = state"), ("(q, att", "(state, att")),
    "a dropout more": (("-> repeat 3", "-> dropout(0.1) -> repeat 3"),),
    "other attention": (("bahdanau", "general"),),
    "one layer less": (("repeat 3", "repeat 2"),),
}


def side(name: str, text: str) -> Side:
    found = analyse(Source("model.s2s", text))
    assert found.checked is not None, [(one.code, one.message) for one in found.findings]
    return Side(name, found.checked, f"{name}:")


def changed(what: str) -> Difference:
    text = SPEC
    for before, after in CHANGES[what]:
        assert before in text
        text = text.replace(before, after)
    return difference(side("old", SPEC), side("new", text))


def test_the_texts_are_those_that_are_kept() -> None:
    found = "\n".join(f"# {what}\n{changed(what).to_text()}" for what in CHANGES)
    golden = HERE / "texts.txt"
    if os.environ.get("S2SC_UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(found)
    assert found == golden.read_text()


@pytest.mark.parametrize(
    ("what", "load", "resume"),
    [
        ("a comment", "yes", True),
        ("a learning rate", "yes", True),
        ("another optimizer", "yes", False),
        ("a wider model", "partly", False),
        ("another name", "partly", False),
        ("a dropout more", "yes", False),
        ("one layer less", "partly", False),
    ],
)
def test_whether_old_checkpoints_load(what: str, load: str, resume: bool) -> None:
    found = changed(what).checkpoints
    assert (found.load, found.resume) == (load, resume)


def test_only_a_change_of_meaning_is_a_difference() -> None:
    assert changed("a comment").is_empty
    assert changed("a let's name").is_empty
    assert not changed("a comment").same_text
    assert not changed("a learning rate").is_empty


def test_a_changed_number_is_named_with_both_places() -> None:
    (lr,) = changed("a learning rate").values
    assert lr.before is not None
    assert lr.after is not None
    assert (lr.path, lr.before.value, lr.after.value) == ("hyperparameters.optimizer.lr", "0.001", "0.0005")
    assert (lr.before.place, lr.after.place) == ("old:model.s2s:26:25", "new:model.s2s:26:25")


def test_a_renamed_statement_keeps_its_nodes() -> None:
    found = changed("another name")
    assert {(one.before, one.after) for one in found.nodes} == {
        ("decoder.q.embedding", "decoder.state.embedding"),
        ("decoder.q.lstm", "decoder.state.lstm"),
    }
    assert not found.values


def test_a_graph_without_its_text_is_compared_too() -> None:
    old = side("old", SPEC)
    bare = Side("graph.json", graph_from_json(graph_json(old.checked)))
    assert difference(bare, old).is_empty
    assert difference(old, bare).is_empty


def test_the_json_has_all_that_the_text_has() -> None:
    content = json.loads(json.dumps(changed("a wider model").to_json()))
    assert (content["format"], content["version"], content["same"]) == ("s2sc.difference", 1, False)
    figures = {figure["name"]: (figure["before"], figure["after"]) for figure in content["figures"]}
    assert figures["parameters"][0] < figures["parameters"][1]
    assert content["checkpoints"]["reshaped"]["encoder.out.embedding.weight"] == [[16, 64], [16, 96]]
