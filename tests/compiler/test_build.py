"""Building: parameters validated with their places, streams put in, origins kept."""

from __future__ import annotations

import pytest
from s2sc.compiler.front import Analysis, analyse
from s2sc.compiler.rulebook import complete
from s2sc.dsl.diagnostics import Diagnostic
from s2sc.dsl.source import Source
from s2sc.dsl.values import Ref


def analysis(fragment: str) -> Analysis:
    return analyse(Source("model.s2s", complete(fragment)))


def errors(fragment: str) -> list[Diagnostic]:
    return [one for one in analysis(fragment).findings if one.severity == "error"]


def test_a_written_value_out_of_range_is_marked_itself() -> None:
    (one,) = errors("encoder { out = data.audio -> conv1d(0, kernel = 3) }")
    assert (one.code, one.span and one.span.text, one.place) == ("S2S303", "0", "encoder.out.conv1d")


def test_a_computed_value_out_of_range_is_marked_where_it_is_computed() -> None:
    (one,) = errors("let drop = 2 * 0.6\nencoder { out = data.audio -> dropout(drop) }")
    assert one.code == "S2S303"
    assert one.span is not None
    assert one.span.text == "2 * 0.6"
    assert [label.span.text for label in one.labels] == ["dropout(drop)"]


def test_a_table_cell_out_of_range_is_marked_itself() -> None:
    (one,) = errors(
        "block f(x: seq[batch, time, _], n) => y { y = x -> linear(n) }\n"
        "encoder {\n  table stack of f {\n    | n |\n    | 4 |\n    | 0 |\n  }\n  out = data.audio -> stack\n}"
    )
    assert (one.span and one.span.text, one.place) == ("0", "encoder.stack.1.0.linear")
    assert any("linear(n)" in label.span.text for label in one.labels)


def test_all_faults_come_in_one_run() -> None:
    found = errors(
        "encoder { out = data.audio -> dropout(2.0) -> conv1d(0, kernel = 0) }\n"
        "hyperparameters {\n batch = 16 examples\n optimizer = adam(lr = 0.0)\n stop = 1 epochs\n seed = 1\n}\n"
    )
    assert [one.span and one.span.text for one in found] == ["2.0", "0", "0", "0.0"]


def test_a_window_of_half_a_sample_is_a_warning() -> None:
    found = list(
        analysis(
            'data speech {\n  audio = logmel(bins = 16, hop = 10.01ms)\n  text = alphabet("abc ")\n'
            '  train = ["a.jsonl"]\n}\n'
        ).findings
    )
    assert [(one.code, one.severity, one.span and one.span.text) for one in found] == [("S2S309", "warning", "10.01ms")]


@pytest.mark.parametrize("augment", ["", "  augment = [spec_augment]\n"])
def test_data_names_stand_for_the_last_feature(augment: str) -> None:
    graph = analysis(
        f'data speech {{\n  audio = logmel(bins = 16)\n  text = alphabet("abc ")\n  train = ["a.jsonl"]\n{augment}}}\n'
    ).graph
    assert graph is not None
    last = Ref("data.audio.spec_augment" if augment else "data.audio.logmel", "y")
    assert graph.names["data.audio"] == last
    assert graph.nodes["encoder.out.conv1d"].inputs["x"] == (last,)
    assert set(graph.inputs) == {"data.audio.waveform", "data.text"}
    assert graph.targets == ("data.text",)


def test_tensors_of_an_export_are_resolved() -> None:
    graph = analysis(
        "export onnx {\n  inputs = [data.audio.waveform]\n  outputs = [decoder.log_probs.lengths]\n"
        "  dynamic { batch = 1 .. 2; time = 1s .. 2s }\n  check { examples = 2 }\n}\n"
    ).graph
    assert graph is not None
    values = graph.exports["onnx"].values()
    assert values["inputs"] == (Ref("data.audio.waveform"),)
    assert values["outputs"] == (Ref("decoder.log_probs.log_softmax", "y", lengths=True),)


def test_origins_lead_back_to_the_text() -> None:
    graph = analysis("").graph
    assert graph is not None
    assert {path: origin.span and origin.span.text for path, origin in graph.origins.nodes.items()} == {
        "data.audio.logmel": "logmel(bins = 16)",
        "encoder.out.conv1d": "conv1d(16, kernel = 5, stride = 2)",
        "encoder.out.relu": "relu",
        "decoder.logits.linear": "linear(pad_to(8, 5))",
        "decoder.log_probs.log_softmax": "log_softmax",
        "decoder.infer.greedy_ctc": "greedy_ctc(blank = 4)",
        "loss.ctc_loss": "ctc_loss(logits = decoder.logits, target = data.text, blank = 4)",
    }
    assert graph.origins.of("decoder.logits.class_mask").span is None
    assert graph.origins.of("encoder.out.conv1d.mask_x").span == graph.origins.of("encoder.out.conv1d").span
