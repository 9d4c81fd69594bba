"""Several processes train a translator as one does, with what saves memory and time too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from s2sc.runtime.distributed import ALONE
from s2sc.tests.processes import together
from s2sc.tests.runtime.distributed.work import training_on_texts

SPEC = """edition 1
data parallel_text {
  corpus = reversal(examples = 60, longest = 5)
  tokens = words(size = 13)
}
block layer(x: seq) => y { y = x + (x -> layer_norm -> self_attention(heads = 2) -> linear(8)) }
encoder { out = data.source -> embedding(data.source.vocab, 8) -> positions -> repeat 2 as i { layer } }
decoder {
  att    = attention_rnn(data.target.shifted -> embedding(data.target.vocab, 8), encoder.out, size = 8)
  logits = (att.y, att.context) -> concat -> linear(pad_to(8, data.target.vocab))
  infer  = logits -> greedy
}
loss = cross_entropy(decoder.logits, data.target, smoothing = 0.1, average = "tokens")
hyperparameters {
  batch = 6 examples; stop = 6 steps; seed = 3; optimizer = momentum(lr = 0.05); metrics = [bleu, perplexity]
  evaluate = 6 steps; log = 1 steps; workers = 0
  checkpoint { every = 6 steps; best = min(valid.perplexity) }
}
"""
WAYS: dict[str, tuple[str, ...]] = {
    "": (),
    "an example at a time": (),
    "recomputed": ('hyperparameters.recompute=["encoder"]',),
    "recomputed, accumulated": ('hyperparameters.recompute=["encoder"]', "hyperparameters.accumulate=2"),
    "frozen": ('hyperparameters.freeze=["encoder.*"]',),
    "halves": ("hyperparameters.precision=mixed(bf16)", 'hyperparameters.recompute=["encoder"]'),
}
# sums in another order, six steps on end; halves have 8 bits
TOLERANCE = {"halves": 2e-2}


def losses(folder: Path) -> list[float]:
    records = map(json.loads, (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    return [line["loss"] for line in records if "split" not in line]


@pytest.mark.parametrize("way", WAYS)
def test_losses_are_those_of_one_process(way: str, tmp_path: Path) -> None:
    text = SPEC.replace('average = "tokens"', 'average = "examples"') if way == "an example at a time" else SPEC
    alone = training_on_texts(ALONE, str(tmp_path / "1"), text, WAYS[way])
    sets = ("hyperparameters.batch=3 examples", *WAYS[way])
    found = together(training_on_texts, 2, tmp_path, str(tmp_path / "2"), text, sets)
    tolerance = TOLERANCE.get(way, 1e-4)
    assert losses(tmp_path / "2") == pytest.approx(losses(tmp_path / "1"), rel=tolerance)
    assert len(losses(tmp_path / "1")) == 6
    assert found[0]["valid"] == found[1]["valid"]
    assert found[0]["valid"]["loss"] == pytest.approx(alone["valid"]["loss"], rel=10 * tolerance)
    assert found[0]["valid"]["examples"] == alone["valid"]["examples"]
