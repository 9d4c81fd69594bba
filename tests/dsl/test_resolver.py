"""The top of a spec: declarations, order, what is missing, what is not used, and what stays silent."""

from __future__ import annotations

import pytest
from s2sc.compiler.front import analyse
from s2sc.dsl.source import Source
from s2sc.dsl.values import Ref
from s2sc.tests.small_spec import SPEC, analysed, before_data, encoder, found, said


def test_the_small_spec_is_right() -> None:
    analysis = analysed()
    assert list(analysis.findings) == []
    assert analysis.spec is not None
    assert analysis.spec.names["decoder.logits"] == Ref("decoder.logits.linear", "y")
    assert analysis.spec.loss == Ref("loss.ctc_loss", "loss")
    assert analysis.spec.infer == Ref("decoder.infer.greedy_ctc", "tokens")


def test_a_loop_is_told_once_with_all_its_hops() -> None:
    (one,) = found(("let width = 16", "let width = a\nlet a = b\nlet b = width"))
    assert (one.code, one.message) == ("S2S205", "`width` is defined through itself")
    assert one.notes == ("hops: width -> a -> b -> width",)
    assert [label.text for label in one.labels] == ["then `a`", "then `b`"]


def test_a_circle_of_tensors_is_told_once_with_all_its_hops() -> None:
    (one,) = found(encoder("out = decoder.logits -> conv(width, kernel = 3)"))
    assert (one.code, one.message) == ("S2S404", "`encoder.out` needs its own result")
    assert one.notes == ("hops: encoder.out -> decoder.logits -> encoder.out",)


@pytest.mark.parametrize(
    "break_",
    [
        ("logmel(", "logmell("),
        ("data speech", "data speach"),
        ("data speech", "data"),
        ("alphabet(", "alphabett("),
        ("hyperparameters {", "hyperparameter {"),
        ("encoder {", "endoder {"),
        ("loss = ", "los = "),
        ("let width = 16", "let width = 16 / 0"),
        ("let width = 16", "let width = widht"),
        ("block conv", "block konv"),
        ("lr = 1e-3", "lr = rate"),
    ],
    ids=lambda one: one[1],
)
def test_what_follows_from_an_error_is_not_said(break_: tuple[str, str]) -> None:
    assert len(said(break_)) == 1


def test_all_mistakes_are_found_in_one_run_in_the_order_of_the_file() -> None:
    messages = said(
        ("let width = 16", "let width = nope"),
        ("bins = 8", "n_mels = 8"),
        ("kernel = kernel", "kernal = kernel"),
        ("log_probs = logits -> log_softmax", "log_probs = logits -> log_softmaxx"),
        ("lr = 1e-3", "lr = 3ms"),
        ("[wer, cer]", "[wer, sir]"),
    )
    assert [one.split()[0] for one in messages] == ["S2S203", "S2S202", "S2S202", "S2S203", "S2S302", "S2S203"]


def test_an_unused_block_hides_what_only_it_uses() -> None:
    extra = "let only = 3\nblock nobody(x: seq) => y { y = x -> linear(only) }"
    assert said(before_data(extra)) == ["S2S210 nobody: block `nobody` is never used"]


def test_a_missing_section_is_said_at_the_end_and_its_uses_are_silent() -> None:
    without_data = SPEC[: SPEC.index("data speech")] + SPEC[SPEC.index("block conv") :]
    findings = list(analyse(Source("t", without_data)).findings)
    assert [(one.code, one.message) for one in findings] == [("S2S305", "the spec has no `data`")]


@pytest.mark.parametrize(
    ("name", "what"),
    [("wer", "metric"), ("relu", "component"), ("min", "function"), ("fp16", "dtype"), ("noise", "augment")],
)
def test_a_name_of_the_language_is_a_warning(name: str, what: str) -> None:
    (one,) = [one for one in found(before_data(f"let {name} = 3")) if one.code == "S2S209"]
    assert (one.severity, one.message) == ("warning", f"`{name}` hides the {what} `{name}`")


def test_parameters_of_blocks_that_change_nothing_are_named() -> None:
    assert said(("stride = 1) => y", "stride = 1, drop = 0.1) => y")) == [
        "S2S210 drop = 0.1: conv's parameter `drop` is never used"
    ]


def test_a_parameter_used_in_one_of_several_uses_is_used() -> None:
    lines = encoder("out = data.audio -> some(1, skip = true) -> some(1, skip = false) -> conv(width, kernel = 3)")
    block = "block some(x: seq, n, skip: bool) => y { y = if skip then x else x -> repeat n { relu } }"
    assert said(before_data(block), lines) == []


def test_a_package_that_is_missing_is_named_and_its_uses_are_silent() -> None:
    lines = "use acme.layers as acme\nlet a = acme.rotary(3)"
    assert [one.split(":")[0] for one in said(before_data(lines))] == ["S2S213 acme.layers"]


def test_a_thing_declared_twice_leaves_its_uses_silent() -> None:
    assert said(before_data("let width = 3")) == ["S2S204 width: `width` is defined twice"]
    assert said(before_data("let conv = 3")) == ["S2S204 conv: `conv` is defined twice"]
