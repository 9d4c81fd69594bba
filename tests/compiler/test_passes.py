"""The passes: their order, their purity, and what they find and put in."""

from __future__ import annotations

from dataclasses import replace

import pytest
from s2sc.compiler.export_form import for_export
from s2sc.compiler.front import Analysis, analyse
from s2sc.compiler.graph import CheckedGraph, Graph
from s2sc.compiler.graph_file import graph_from_json, graph_json
from s2sc.compiler.passes import limits
from s2sc.compiler.passes.seal import architecture_hash
from s2sc.compiler.pipeline import PASSES, run_passes
from s2sc.compiler.receptive_field import field_of
from s2sc.compiler.rulebook import complete
from s2sc.compiler.structure import structure
from s2sc.dsl.diagnostics import Diagnostic, Findings
from s2sc.dsl.limits import Limits
from s2sc.dsl.source import Source
from s2sc.dsl.values import Ref

HALF = """
hyperparameters {
  batch = 16 examples
  precision = autocast(bf16)
  optimizer = adam(lr = 1e-3)
  stop = 10 epochs
  seed = 17
}
"""
BLOCKS = """
block conv(x: seq[batch, time, _], channels, kernel) => y {
  y = x -> conv1d(channels, kernel = kernel, bias = false) -> batch_norm -> relu -> dropout(0.1)
}
encoder {
  stack = data.audio -> conv(16, kernel = 3) -> conv(16, kernel = 5)
  out = stack + (stack -> conv1d(16, kernel = 3))
}
"""
SPECS = {"plain": "", "half": HALF, "blocks": BLOCKS, "half blocks": BLOCKS + HALF}


def analysis(fragment: str) -> Analysis:
    return analyse(Source("model.s2s", complete(fragment)))


def checked(fragment: str) -> CheckedGraph:
    found = analysis(fragment)
    assert found.checked is not None, [(one.code, one.message) for one in found.findings]
    return found.checked


def only(fragment: str, *, severity: str = "error") -> Diagnostic:
    found = [one for one in analysis(fragment).findings if one.severity == severity]
    assert len(found) == 1, [(one.code, one.message) for one in found]
    return found[0]


def at(one: Diagnostic) -> str:
    return one.span.text if one.span is not None else ""


# ---------------------------------------------------------------- contracts


def test_needs_are_given_by_earlier_passes() -> None:
    given: set[str] = set()
    for one in PASSES:
        assert given.issuperset(one.needs), one.name
        given |= set(one.gives)


@pytest.mark.parametrize("spec", SPECS)
def test_each_pass_twice_is_once(spec: str) -> None:
    graph = analysis(SPECS[spec]).graph
    assert graph is not None
    for one in PASSES:
        once = one(graph, Findings())
        twice = one(once, Findings())
        assert list(twice.nodes.items()) == list(once.nodes.items()), one.name
        assert twice == once, one.name
        graph = once


@pytest.mark.parametrize("spec", SPECS)
def test_a_pass_leaves_its_input_as_it_was(spec: str) -> None:
    graph = analysis(SPECS[spec]).graph
    assert graph is not None
    for one in PASSES:
        before = replace(graph, nodes=dict(graph.nodes))
        after = one(graph, Findings())
        assert graph == before, one.name
        graph = after


@pytest.mark.parametrize("spec", SPECS)
def test_passes_over_the_structure_give_the_same_graph(spec: str) -> None:
    graph = checked(SPECS[spec]).graph
    assert run_passes(structure(graph), Findings()) == graph


@pytest.mark.parametrize("spec", SPECS)
def test_every_edge_has_a_type_and_a_precision(spec: str) -> None:
    graph = checked(SPECS[spec]).graph
    for node in graph.nodes.values():
        for ref in node.refs():
            assert graph.type_of(ref) is not None
            assert graph.dtype_of(ref)


# ---------------------------------------------------------------- connect


def test_the_loss_must_exist() -> None:
    graph = analysis("").graph
    assert graph is not None
    findings = Findings()
    run_passes(replace(graph, loss=None), findings)
    assert [one.code for one in findings] == ["S2S406"]


def test_a_cycle_names_its_hops() -> None:
    graph = analysis("").graph
    assert graph is not None
    first, last = graph.nodes["encoder.out.conv1d"], graph.nodes["encoder.out.relu"]
    looped = replace(first, inputs={"x": (Ref(last.path, "y"),)})
    findings = Findings()
    run_passes(replace(graph, nodes={**graph.nodes, first.path: looped}), findings)
    (one,) = findings
    assert one.code == "S2S404"
    assert (
        "encoder.out.conv1d -> encoder.out.relu" in one.notes[0]
        or "encoder.out.relu -> encoder.out.conv1d" in (one.notes[0])
    )


def test_an_unknown_tensor_is_named() -> None:
    graph = analysis("").graph
    assert graph is not None
    node = replace(graph.nodes["encoder.out.relu"], inputs={"x": (Ref("encoder.gone", "y"),)})
    findings = Findings()
    run_passes(replace(graph, nodes={**graph.nodes, node.path: node}), findings)
    assert [(one.code, one.message) for one in findings] == [("S2S406", "there is no tensor `encoder.gone.y`")]


def test_a_missing_input_is_named() -> None:
    graph = analysis("").graph
    assert graph is not None
    node = replace(graph.nodes["encoder.out.relu"], inputs={})
    findings = Findings()
    run_passes(replace(graph, nodes={**graph.nodes, node.path: node}), findings)
    assert [(one.code, one.message) for one in findings] == [("S2S406", "relu has no input `x`")]


def test_a_dead_branch_is_a_warning_at_its_end() -> None:
    one = only(
        "encoder { out = data.audio -> conv1d(16, kernel = 5) -> relu\n aux = out -> linear(7) -> relu }",
        severity="warning",
    )
    assert (one.code, one.place) == ("S2S405", "encoder.aux.relu")


# ---------------------------------------------------------------- types


def test_a_residual_add_names_both_numbers() -> None:
    one = only(
        "let wide = 8 * 4\n"
        "block res(x: seq[batch, time, _], n) => y { y = x + (x -> conv1d(n, kernel = 3)) }\n"
        "encoder { out = data.audio -> linear(16) -> repeat 3 { res(wide) } }"
    )
    assert one.code == "S2S401"
    assert "16" in one.message
    assert "32" in one.message
    assert {label.span.text for label in one.labels} == {"16", "8 * 4"}
    assert "shapes: input 1 is seq[batch, time, 16], input 2 is seq[batch, time, 32]" in one.notes
    assert "reached through: encoder.out.0.add, block res" in one.notes


def test_copies_of_a_block_are_reported_once() -> None:
    one = only(
        "block f(x: seq[batch, time, _]) => y { y = x -> conv1d(20, kernel = 3, groups = 3) }\n"
        "encoder { a = data.audio -> f\n b = data.audio -> f\n out = a + b }"
    )
    assert one.code == "S2S402"
    assert any("1 more copy" in note for note in one.notes)


def test_different_strides_disagree() -> None:
    one = only(
        "encoder { a = data.audio -> conv1d(16, kernel = 3, stride = 2)\n"
        " b = data.audio -> conv1d(16, kernel = 3, stride = 3)\n out = (a, b) -> concat }"
    )
    assert one.code == "S2S401"
    assert "ceil(T/2)" in one.message
    assert "ceil(T/3)" in one.message
    assert len(one.labels) == 2


@pytest.mark.parametrize(
    ("fragment", "code"),
    [
        ("encoder { out = data.text -> conv1d(16, kernel = 3) }", "S2S301"),
        ("encoder { out = (data.audio, data.text) -> concat }", "S2S301"),
        ("encoder { out = data.audio -> mean_pool -> conv1d(16, kernel = 3) }", "S2S403"),
        ("block f(x: seq[time, batch, _]) => y { y = x -> relu }\nencoder { out = data.audio -> f }", "S2S403"),
        ("block f(x: seq[batch, time, 32]) => y { y = x -> relu }\nencoder { out = data.audio -> f }", "S2S401"),
        ("block f(x: seq[batch, time]) => y { y = x -> relu }\nencoder { out = data.audio -> f }", "S2S401"),
        ("block f(x: seq[batch, time, n], n) => y { y = x -> relu }\nencoder { out = data.audio -> f(8) }", "S2S401"),
        (
            "block f(x: seq[batch, time, c]) => y: seq[batch, time, c] { y = x -> linear(8) }\n"
            "encoder { out = data.audio -> f }",
            "S2S401",
        ),
    ],
)
def test_types_that_do_not_fit(fragment: str, code: str) -> None:
    assert only(fragment).code == code


def test_axis_variables_are_bound_anew_at_each_use() -> None:
    checked(
        "block f(x: seq[batch, time, c]) => y: seq[batch, time, c] { y = x -> relu }\n"
        "encoder { out = data.audio -> f -> linear(32) -> f }"
    )


def test_what_follows_an_error_stays_silent() -> None:
    one = only("encoder { out = data.audio -> conv1d(16, kernel = 3, groups = 5) -> relu -> linear(8) }")
    assert one.code == "S2S402"


def test_independent_errors_come_together() -> None:
    found = analysis(
        "encoder { out = data.audio -> conv1d(16, kernel = 3)\n bad = out -> conv1d(16, kernel = 3, groups = 5) }\n"
        "decoder { logits = encoder.out -> linear(30)\n infer = logits -> log_softmax -> greedy_ctc(blank = 4) }"
    ).findings
    assert [one.code for one in found if one.severity == "error"] == ["S2S402", "S2S410"]


# ---------------------------------------------------------------- weights


def test_a_tie_of_another_shape() -> None:
    one = only(
        "encoder { shared emb = linear(16)\n out = data.audio -> emb -> emb -> linear(32, tie = emb) -> linear(16) }"
    )
    assert one.code == "S2S411"
    assert "[32, 16]" in one.message
    assert "[16, 16]" in one.message


def test_shared_weights_of_two_shapes() -> None:
    assert only("encoder { shared emb = linear(32)\n out = data.audio -> emb -> emb }").code == "S2S411"


def test_shared_weights_count_once() -> None:
    one = checked("encoder { shared emb = linear(16)\n out = data.audio -> emb -> emb }").graph
    assert sum(node.cost.parameters for node in one.nodes.values()) == (16 * 16 + 16) + (16 * 8 + 8)


# ---------------------------------------------------------------- CTC


def test_padded_logits_are_masked_once_for_all_readers() -> None:
    graph = checked("").graph
    mask = graph.nodes["decoder.logits.class_mask"]
    assert mask.derived
    assert mask.operation.values()["classes"] == 5
    masked = Ref("decoder.logits.class_mask", "y")
    assert graph.names["decoder.logits"] == masked
    assert graph.nodes["loss.ctc_loss"].inputs["logits"] == (masked,)
    assert graph.nodes["decoder.log_probs.log_softmax"].inputs["x"] == (masked,)
    assert any("3 padded logits" in note for note in graph.notes)


def test_exported_logits_are_masked_too() -> None:
    """And once only, whichever form is exported or read back."""
    one = checked(
        "decoder {\n  logits = encoder.out -> linear(pad_to(8, 5))\n  infer = logits -> greedy_ctc(blank = 4)\n}\n"
        "export onnx {\n  outputs = [decoder.logits, decoder.logits.lengths]\n"
        "  dynamic { batch = 1 .. 64; time = 0.1s .. 10s }\n  check { examples = 16 }\n}\n"
    )
    masked = Ref("decoder.logits.class_mask", "y")
    read = graph_from_json(graph_json(one))
    for graph in (one.graph, for_export(one, "onnx").graph, read.graph):
        assert graph.exports["onnx"].values()["outputs"] == (masked, replace(masked, lengths=True))
        assert list(graph.nodes).count("decoder.logits.class_mask") == 1
    original = structure(one.graph).exports["onnx"].values()["outputs"]
    assert {ref.path for ref in original} == {"decoder.logits.linear"}


@pytest.mark.parametrize("wrong", ["data.text", "data.audio", "encoder.out", "data.audio.waveform.lengths"])
def test_only_streams_that_users_have_go_into_an_export(wrong: str) -> None:
    one = only(
        f"export onnx {{\n  inputs = [data.audio.waveform, {wrong}]\n  outputs = [decoder.log_probs]\n"
        "  dynamic { batch = 1 .. 64; time = 0.1s .. 10s }\n  check { examples = 16 }\n}\n"
    )
    assert (one.code, at(one)) == ("S2S406", wrong)


def test_exact_logits_need_no_mask() -> None:
    graph = checked(
        "decoder { logits = encoder.out -> linear(5)\n log_probs = logits -> log_softmax\n"
        " infer = log_probs -> greedy_ctc(blank = 4) }"
    ).graph
    assert "decoder.logits.class_mask" not in graph.nodes


@pytest.mark.parametrize("width", [4, 6, 30])
def test_a_wrong_number_of_logits(width: int) -> None:
    one = only(
        f"decoder {{ logits = encoder.out -> linear({width})\n log_probs = logits -> log_softmax\n"
        " infer = log_probs -> greedy_ctc(blank = 3) }"
    )
    assert one.code == "S2S410"
    assert str(width) in {label.span.text for label in one.labels} | {at(one)[-3:-1].strip("(")}


@pytest.mark.parametrize("blank", [0, 3, 8])
def test_a_blank_that_is_a_symbol_or_no_class(blank: int) -> None:
    one = only(f"loss = ctc_loss(logits = decoder.logits, target = data.text, blank = {blank})\n")
    assert one.code == "S2S410"


def data(keep: str, *, labels: str = "") -> str:
    return (
        'data speech {\n  audio = logmel(bins = 16)\n  text = alphabet("abc ")\n  train = ["a.jsonl"]\n'
        f"  keep = {keep}\n{labels}}}\n"
    )


def test_labels_that_do_not_fit_into_the_frames() -> None:
    one = only(data("0.5s .. 1s", labels="  labels = 90\n"), severity="warning")
    assert one.code == "S2S407"
    assert {label.span.text for label in one.labels} == {"90", "0.5s .. 1s"}


def test_labels_that_fit() -> None:
    assert not list(analysis(data("0.5s .. 1s", labels="  labels = 50\n")).findings)


def test_a_kernel_longer_than_the_shortest_utterance() -> None:
    one = only(
        data("0.5s .. 10s")
        + 'encoder { out = data.audio -> conv1d(16, kernel = 51, pad = "valid") -> conv1d(16, kernel = 3) }'
    )
    assert (one.code, one.place) == ("S2S408", "encoder.out.conv1d")
    assert [label.span.text for label in one.labels] == ["0.5s .. 10s"]


def test_a_kernel_as_long_as_the_shortest_utterance() -> None:
    checked(data("0.5s .. 10s") + 'encoder { out = data.audio -> conv1d(16, kernel = 50, pad = "valid") }')


# ---------------------------------------------------------------- masks and precision


def test_masks_stand_where_padding_would_leak() -> None:
    graph = checked(BLOCKS).graph
    assert not graph.nodes["encoder.stack.conv.conv1d"].inputs["x"][0].path.endswith("mask_x"), "features are clean"
    assert graph.nodes["encoder.stack.conv_2.conv1d"].inputs["x"] == (Ref("encoder.stack.conv_2.conv1d.mask_x", "y"),)
    assert graph.nodes["encoder.out.conv1d"].inputs["x"] == (Ref("encoder.out.conv1d.mask_x", "y"),)
    assert graph.nodes["encoder.out.conv1d.mask_x"].clean


def test_one_mask_serves_all_that_read_a_tensor() -> None:
    graph = checked(
        "encoder { a = data.audio -> linear(16)\n out = (a -> conv1d(16, kernel = 3)) + (a -> conv1d(16, kernel = 5)) }"
    ).graph
    assert sum(node.operation.name == "mask" for node in graph.nodes.values()) == 1


def test_fp32_casts_nothing() -> None:
    graph = checked(BLOCKS).graph
    assert {node.compute for node in graph.nodes.values()} == {"fp32"}
    assert not any(node.operation.name == "cast" for node in graph.nodes.values())


def test_half_precision_follows_what_tolerates_it() -> None:
    graph = checked(BLOCKS + HALF).graph
    computed = {node.operation.name: node.compute for node in graph.nodes.values() if not node.derived}
    assert computed == {
        "logmel": "fp32",
        "conv1d": "bf16",
        "batch_norm": "bf16",
        "relu": "bf16",
        "dropout": "bf16",
        "add": "bf16",
        "linear": "bf16",
        "log_softmax": "fp32",
        "greedy_ctc": "fp32",
        "ctc_loss": "fp32",
    }
    for node in graph.nodes.values():
        for ref in node.refs():
            if node.operation.name != "cast":
                assert graph.dtype_of(ref) in (node.compute, "int64")


def export(fragment: str) -> CheckedGraph:
    return checked(
        fragment + "export onnx { outputs = [decoder.log_probs, decoder.log_probs.lengths]\n"
        " dynamic { batch = 1 .. 4; time = 0.5s .. 10s }\n check { examples = 2 } }\n"
    )


def test_an_export_has_its_own_precision_and_no_dropout() -> None:
    trained = export(BLOCKS)
    exported = for_export(trained, "onnx")
    names = {node.operation.name for node in exported.graph.nodes.values()}
    assert "dropout" not in names
    assert exported.graph.nodes["encoder.out.conv1d"].compute == "fp16"
    assert exported.graph.nodes["decoder.log_probs.log_softmax"].compute == "fp32"
    assert exported.architecture_hash == trained.architecture_hash
    assert exported.graph.hyperparameters == trained.graph.hyperparameters
    assert trained.graph.nodes["encoder.out.conv1d"].compute == "fp32"


def test_an_export_leaves_out_augmentation() -> None:
    augmented = data("0.5s .. 10s").replace("}\n", "  augment = [spec_augment(time_width = 20)]\n}\n")
    trained = export(augmented)
    exported = for_export(trained, "onnx")
    assert "data.audio.spec_augment" in trained.graph.nodes
    assert "data.audio.spec_augment" not in exported.graph.nodes
    assert exported.graph.names["data.audio"] == Ref("data.audio.logmel", "y")


# ---------------------------------------------------------------- reach, cost, hash


def test_the_receptive_field_is_exact() -> None:
    graph: Graph = checked(
        "encoder { a = data.audio -> conv1d(16, kernel = 5, stride = 2) -> conv1d(16, kernel = 3, dilation = 4)\n"
        " out = a + (a -> conv1d(16, kernel = 7, stride = 1)) }"
    ).graph
    field = field_of(graph, graph.names["decoder.logits"])
    # 5 frames, then 2 * 4 more at a step of 2, then 6 more at a step of 2
    assert field is not None
    assert field.frames == 5 + 8 * 2 + 6 * 2
    assert field.step == 2


def test_more_parameters_than_allowed() -> None:
    one = only("encoder { out = data.audio -> linear(2000000) -> linear(2000000) -> linear(16) }")
    assert one.code == "S2S413"


def test_the_hash_ignores_training_and_names_of_lets() -> None:
    base = checked(BLOCKS).architecture_hash
    assert base == checked(BLOCKS + HALF).architecture_hash
    assert base == checked("# a comment\nlet unused = 3\n" + BLOCKS).architecture_hash
    assert base == checked(BLOCKS.replace("0.1", "0.3")).architecture_hash
    assert base == export(BLOCKS).architecture_hash


def test_the_hash_sees_the_architecture() -> None:
    base = checked(BLOCKS).architecture_hash
    for old, new in (("kernel = 5", "kernel = 7"), ("relu", "gelu"), ("stack", "layers"), ("conv(16", "conv(32")):
        changed = BLOCKS.replace("conv(16, kernel = 5)", "conv(16, kernel = 5)").replace(old, new)
        found = analysis(changed)
        assert found.checked is None or found.checked.architecture_hash != base, (old, new)


def test_the_hash_is_of_the_structure() -> None:
    graph = checked(BLOCKS + HALF).graph
    assert architecture_hash(graph) == architecture_hash(structure(graph))


def test_a_lower_cap_on_parameters_is_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not list(analyse(Source("example.s2s", complete(""))).findings)
    monkeypatch.setattr(limits, "LIMITS", Limits(parameters=1000))
    (one,) = analyse(Source("example.s2s", complete(""))).findings
    assert one.code == "S2S413"
    assert one.message == "the model has 1,432 parameters, more than the limit of 1,000"
    assert one.at == "1,296 of them are here"
