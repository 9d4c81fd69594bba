"""What rules find beyond the examples of their pages, which test_pages.py runs."""

from __future__ import annotations

import pytest
from s2sc.compiler.rulebook import complete
from s2sc.dsl.diagnostics import Diagnostic
from s2sc.tests.examples import analyse_example


def findings(text: str) -> list[Diagnostic]:
    return list(analyse_example(text).findings)


HYPERPARAMETERS = """
hyperparameters {
  batch = 16 examples
  optimizer = adam(lr = 1e-3)
  stop = 10 epochs
  seed = 17
  metrics = [wer]
  evaluate = 5 steps
}
"""
DATA = (
    'data speech { audio = logmel(bins = 16)\n text = alphabet("abc ")\n keep = 1s .. 2s\n train = ["train.jsonl"] }\n'
)
NO_SEARCH = "decoder { logits = encoder.out -> linear(pad_to(8, 5)) }\n"


@pytest.mark.parametrize(
    ("fragment", "unused"),
    [
        (HYPERPARAMETERS, []),
        (HYPERPARAMETERS + DATA, ["hyperparameters.evaluate"]),
        (HYPERPARAMETERS + NO_SEARCH, ["hyperparameters.metrics"]),
    ],
)
def test_settings_that_others_leave_without_a_use(fragment: str, unused: list[str]) -> None:
    assert [(one.code, one.place) for one in findings(complete(fragment))] == [("S2S617", path) for path in unused]


def test_a_metric_of_text_chooses_nothing_where_no_search_makes_text() -> None:
    text = HYPERPARAMETERS.replace("evaluate = 5 steps", "checkpoint { best = min(valid.wer) }") + NO_SEARCH
    found = {one.code: one for one in findings(complete(text))}
    assert found["S2S606"].at == "computed are loss"
    assert found["S2S606"].helps == ("add a search: infer = … -> greedy_ctc(…)",)


def test_odd_sizes_are_said_on_either_side() -> None:
    odd = "let odd = 12\nencoder { out = data.audio -> conv1d(odd, kernel = 3) -> relu -> conv1d(16, kernel = 3) }\n"
    text = HYPERPARAMETERS.replace("seed = 17", "seed = 17\n  precision = autocast(bf16)") + odd
    messages = [one.message for one in findings(complete(text)) if one.code == "S2S507"]
    assert messages == [
        "conv1d computes in half precision with 12 features going out",
        "conv1d computes in half precision with 12 features coming in",
    ]


@pytest.mark.parametrize(
    ("lr", "schedule", "made"),
    [
        ("2.0", "noam(d = 512, warmup = 4000 steps)", None),
        ("2.0", "noam(d = 512, warmup = 2 epochs)", None),  # how high it comes is not known yet
        ("1.0", "noam(d = 512, coefficient = 900, max_lr = 1e-3)", None),
        ("1e-3", "noam(d = 512)", "noam makes 6.98771e-07 of lr = 0.001 where its curve is highest"),
        ("1.0", "inverse_sqrt", ""),
    ],
)
def test_a_rate_is_judged_by_what_its_curve_makes_of_it(lr: str, schedule: str, made: str | None) -> None:
    text = HYPERPARAMETERS.replace("lr = 1e-3", f"lr = {lr}").replace(
        "seed = 17", f"seed = 17\n  schedule = {schedule}"
    )
    found = [one for one in findings(complete(text)) if one.code == "S2S609"]
    known = "adam is known to train between 1e-06 and 0.02"
    assert [one.notes for one in found] == ([] if made is None else [(made, known) if made else (known,)])


def test_a_setting_that_a_condition_reads_is_used() -> None:
    text = HYPERPARAMETERS.replace("seed = 17", "seed = 17\n  dropout = 0.2")
    text += (
        "let kernel = if hyperparameters.dropout > 0 then 3 else 5\n"
        "encoder {\n  out = data.audio -> conv1d(16, kernel = kernel, stride = 2)\n}\n"
    )
    assert findings(complete(text)) == []


EXPORT = (
    "export onnx {{ precision = fp16; outputs = [{}]; dynamic {{ batch = 1 .. 64; time = 0.1s .. 10s }}; "
    "check {{ examples = 16 }} }}\n"
)


@pytest.mark.parametrize(
    ("fragment", "message"),
    [
        ("decoder.log_probs", "export onnx leaves out `decoder.log_probs.lengths`, which greedy_ctc reads"),
        (
            "decoder.logits",
            "export onnx leaves out `decoder.log_probs` and `decoder.log_probs.lengths`, which greedy_ctc reads",
        ),
    ],
)
def test_an_export_gives_what_the_search_reads(fragment: str, message: str) -> None:
    (one,) = findings(complete(EXPORT.format(fragment)))
    assert (one.code, one.message) == ("S2S712", message)
    assert one.helps == ("write outputs = [decoder.log_probs, decoder.log_probs.lengths]",)


def test_an_export_without_a_search_is_refused() -> None:
    (one,) = findings(complete(EXPORT.format("decoder.logits") + NO_SEARCH))
    assert (one.code, one.message) == ("S2S712", "export onnx has no search to check it with")


TRANSLATOR = """edition 1
data parallel_text {{ tokens = words(size = 16); train = pair("train.en", "train.de") }}
encoder {{ out = data.source -> embedding(data.source.vocab, 8) }}
decoder {{
  h      = data.target.shifted -> embedding(data.target.vocab, 8)
  logits = (h + attention(h, encoder.out, kind = "dot").context) -> linear(data.target.vocab)
  infer  = logits -> greedy
}}
loss = cross_entropy(decoder.logits, data.target)
hyperparameters {{ batch = 4 examples; stop = 9 steps; seed = 1; optimizer = adam(lr = 1e-3) }}
export onnx {{
  precision = fp16
  outputs = [{outputs}]
  dynamic {{ batch = 1 .. 64; time = {time} }}
  check {{ examples = 16 }}
}}
"""


@pytest.mark.parametrize(
    ("outputs", "time", "messages"),
    [
        ("decoder.logits", "1 .. 50 tokens", []),
        (
            "decoder.logits, decoder.logits.lengths",
            "1 .. 50 tokens",
            ["export onnx cannot give `decoder.logits.lengths`: greedy feeds the decoder token by token"],
        ),
        (
            "encoder.out",
            "1 .. 50 tokens",
            ["export onnx cannot give `encoder.out`: greedy feeds the decoder token by token"],
        ),
        (
            "decoder.logits",
            "0.1s .. 2s",
            ["export onnx counts 2s, data.parallel_text has lengths in tokens"],
        ),
    ],
)
def test_what_leaves_of_a_model_that_writes_token_by_token(outputs: str, time: str, messages: list[str]) -> None:
    found = findings(TRANSLATOR.format(outputs=outputs, time=time))
    assert [one.message for one in found] == messages
    assert all(one.span is not None and one.helps for one in found)


def test_a_size_of_the_data_is_labelled_at_the_setting_that_it_comes_from() -> None:
    text = (
        'let chars = alphabet("abc ")\n'
        'data speech {\n  audio = logmel(bins = 16)\n  text  = chars\n  train = ["train.jsonl"]\n'
        "  keep  = 1s .. 2s\n}\n"
        "decoder { logits = encoder.out -> linear(data.text.vocab) }\n"
    )
    (one,) = findings(complete(text))
    assert one.code == "S2S410"
    assert [label.span.text for label in one.labels] == ['alphabet("abc ")']
