"""A checked graph's data is held against the model before training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from s2sc.compiler.front import analyse
from s2sc.dsl.source import Source
from s2sc.runtime.data.opening import frames_of_loss, open_data
from s2sc.runtime.data.tally import BadData

SPEC = """edition 1

let chars = alphabet("abcdefghijklmnopqrstuvwxyz' ")

data speech {
  audio  = logmel(rate = 8kHz, bins = 8, window = 20ms, hop = 10ms)
  text   = chars
  train  = ["train.jsonl"]
  test   = ["test.jsonl"]
  keep   = 0.1s .. 1s
  on_bad = "skip"
}

encoder { out = data.audio -> conv1d(8, kernel = 3, stride = STRIDE, pad = "same") }

decoder { logits = encoder.out -> linear(chars.size + 1) }

loss = ctc_loss(logits = decoder.logits, target = data.text, blank = chars.size)

hyperparameters {
  batch     = 4 examples
  stop      = 1 epochs
  optimizer = adam(lr = 1e-3)
  seed      = 17
}
"""


def checked(stride: int) -> Any:
    analysis = analyse(Source("spec.s2s", SPEC.replace("STRIDE", str(stride))))
    assert analysis.checked is not None, list(analysis.findings)
    return analysis.checked


def test_the_loss_sees_as_many_frames_as_the_strides_leave() -> None:
    frames = frames_of_loss(checked(3).graph)
    assert frames is not None
    assert frames(np.array([800, 1, 2400, 801, 800])).tolist() == [4, 1, 10, 4, 4]


def test_texts_that_do_not_fit_leave_training_and_are_counted(kit: Any, tmp_path: Path) -> None:
    kit.write_corpus(tmp_path)
    kit.write_corpus(tmp_path, name="test.jsonl")
    told: list[str] = []
    data = open_data(checked(5), base=tmp_path, environment={}, warn=told.append)
    left_out = data.tally.left_out["infeasible", "train"]
    assert left_out == 8
    assert (data.num_examples("train"), data.num_examples("test")) == (16, 24)
    assert data.tally.lines() == ["left out 8 of train: more labels than frames are left after the strides"]


def test_a_model_that_no_text_fits_is_an_error(kit: Any, tmp_path: Path) -> None:
    kit.write_corpus(tmp_path)
    kit.write_corpus(tmp_path, name="test.jsonl")
    with pytest.raises(BadData, match="stride less"):
        open_data(checked(40), base=tmp_path, environment={})


TRANSLATION = """edition 1

data parallel_text {
  corpus = reversal(examples = 60, longest = 6)
  tokens = words(size = 13)
}

encoder { out = data.source -> embedding(data.source.vocab, 8) -> lstm(8) }

decoder {
  h      = data.target.shifted -> embedding(data.target.vocab, 8) -> lstm(8)
  logits = (h, encoder.out) -> cross_attention(heads = 2) -> linear(data.target.vocab)
  infer  = logits -> greedy
}

loss = cross_entropy(decoder.logits, data.target)

hyperparameters {
  batch     = 64 tokens
  stop      = 1 epochs
  optimizer = adam(lr = 1e-3)
  seed      = 17
}
"""


def test_texts_are_opened_by_the_same_door(tmp_path: Path) -> None:
    checked = analyse(Source("spec.s2s", TRANSLATION)).checked
    assert checked is not None
    environment = {"S2SC_CACHE": str(tmp_path / "cache")}
    data = open_data(checked, base=tmp_path, environment=environment)
    assert data.splits == ("train", "valid", "test")
    assert data.in_memory
    data.save_codecs(tmp_path / "tokens")
    again = open_data(checked, base=tmp_path, environment=environment, splits=["test"], tokens=tmp_path / "tokens")
    (batch,) = again.batches("test", batch=8)
    assert batch.inputs.keys() == batch.lengths.keys() == checked.graph.inputs.keys()
    assert [again.decode(row) for row in batch.inputs["data.source"].tolist()] != [""] * 3
    assert data.num_batches("train", batch=checked.graph.hyperparameters.values()["batch"]) > 1
