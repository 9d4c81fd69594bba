"""Components: sizes, weights and reach against the arithmetic that they stand for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from s2sc.compiler.catalogue import builtin
from s2sc.compiler.component import Component, Mismatch
from s2sc.compiler.data_layer import DataLayer
from s2sc.compiler.dim import Dim
from s2sc.compiler.parts.data.speech import Speech
from s2sc.compiler.signatures import signature_of
from s2sc.compiler.tensor_type import TensorType, seq, tokens, waveform
from s2sc.compiler.unification import Clash, Letters, result_type
from s2sc.dsl.values import Range, Ref

CATALOGUE = builtin()


def make(name: str, **params: Any) -> Component:
    operation = CATALOGUE.part_class(name)(**params)
    assert isinstance(operation, Component)
    operation.check_params()
    return operation


def outputs(operation: Component, *given: TensorType) -> dict[str, TensorType]:
    """Types of the results, as the pass infers them."""
    letters = Letters()
    names = [one.name for one in signature_of(operation).inputs]
    inputs = dict(zip(names, ((one,) for one in given), strict=True)) if len(names) == len(given) else {names[0]: given}
    for one in signature_of(operation).inputs:
        for position, type_ in enumerate(inputs[one.name]):
            letters.unify(one, type_, operation, position)
    operation.check(inputs)
    inferred = operation.infer(inputs)
    if inferred is not None:
        return inferred
    return {port: result_type(wanted, letters, operation) for port, wanted in signature_of(operation).results.items()}


def written(operation: Component, *given: TensorType) -> list[str]:
    return [str(one) for one in outputs(operation, *given).values()]


def positions(time: int, kernel: int, stride: int, dilation: int, pad: str) -> int:
    """How often a kernel fits, counted by trying."""
    reach = (kernel - 1) * dilation + 1
    padding = 0 if pad == "valid" else reach - 1
    return len([start for start in range(0, time, stride) if start + reach <= time + padding])


@given(
    st.sampled_from(("conv1d", "sep_conv1d")),
    st.integers(1, 200),
    st.integers(1, 12),
    st.integers(1, 5),
    st.integers(1, 4),
    st.sampled_from(("same", "valid", "causal")),
)
def test_a_convolution_has_a_frame_wherever_its_kernel_fits(
    name: str, time: int, kernel: int, stride: int, dilation: int, pad: str
) -> None:
    operation = make(name, channels=4, kernel=kernel, stride=stride, dilation=dilation, pad=pad)
    frames = operation.out_time(Dim.of("T")).value({"T": time})
    if pad == "valid" and time < (kernel - 1) * dilation + 1:
        assert frames <= 0
    else:
        assert frames == positions(time, kernel, stride, dilation, pad)
    window = operation.window()
    assert window.reach == (kernel - 1) * dilation + 1
    assert window.before + window.after + 1 == window.reach
    assert window.stride == stride


@given(st.sampled_from(("mean_pool", "max_pool")), st.integers(1, 200), st.integers(1, 9), st.integers(1, 9))
def test_every_pooling_window_begins_within_the_sequence(name: str, time: int, kernel: int, stride: int) -> None:
    frames = make(name, kernel=kernel, stride=stride).out_time(Dim.of("T")).value({"T": time})
    assert frames == len(range(0, time, stride))
    assert make(name, kernel=kernel).out_time(Dim(time)) == Dim(len(range(0, time, kernel)))


@given(st.integers(0, 100_000))
def test_logmel_has_a_frame_for_every_hop_begun(samples: int) -> None:
    logmel = make("logmel")
    assert logmel.out_time(Dim.of("N")).value({"N": samples}) == len(range(0, samples, 160))


@pytest.mark.parametrize(
    ("operation", "given", "result"),
    [
        (make("linear", size=32), [seq("T", 8)], "seq[B, T, 32]"),
        (make("linear", size=32), [seq("T", 8).with_last(5)], "seq[B, T, 32]"),
        (make("conv1d", channels=4, kernel=3, stride=2), [seq("T", 8)], "seq[B, ceil(T/2), 4]"),
        (make("conv1d", channels=4, kernel=3, pad="valid"), [seq("T", 8)], "seq[B, T - 2, 4]"),
        (make("sep_conv1d", channels=4, kernel=3, stride=2), [seq("T", 8)], "seq[B, ceil(T/2), 4]"),
        (make("batch_norm"), [seq("T", 8)], "seq[B, T, 8]"),
        (make("layer_norm"), [seq("T", 8)], "seq[B, T, 8]"),
        (make("relu"), [seq("T", 8)], "seq[B, T, 8]"),
        (make("gelu"), [seq("T", 8)], "seq[B, T, 8]"),
        (make("dropout", rate=0.1), [seq("T", 8)], "seq[B, T, 8]"),
        (make("log_softmax"), [seq("T", 8)], "seq[B, T, 8]"),
        (make("glu"), [seq("T", 8)], "seq[B, T, 4]"),
        (make("concat"), [seq("T", 8), seq("T", 3), seq("T", 1)], "seq[B, T, 12]"),
        (make("add"), [seq("T", 8), seq("T", 8)], "seq[B, T, 8]"),
        (make("stack_frames", factor=3), [seq("T", 8)], "seq[B, ceil(T/3), 24]"),
        (make("mean_pool"), [seq("T", 8)], "[B, 8]"),
        (make("max_pool", kernel=2), [seq("T", 8)], "seq[B, ceil(T/2), 8]"),
        (make("mean_pool", kernel=4, stride=2), [seq("T", 8)], "seq[B, ceil(T/2), 8]"),
        (make("mask"), [seq("T", 8)], "seq[B, T, 8]"),
        (make("mask"), [waveform()], "seq[B, N]"),
        (make("class_mask", classes=7), [seq("T", 8)], "seq[B, T, 8]"),
        (make("logmel", bins=40), [waveform()], "seq[B, T, 40]"),
        (make("spec_augment"), [seq("T", 8)], "seq[B, T, 8]"),
        (make("ctc_loss", blank=7), [seq("T", 8), tokens("U", 7)], "[B]"),
        (make("greedy_ctc", blank=7), [seq("T", 8)], "seq[B, T]"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_types(operation: Component, given: list[TensorType], result: str) -> None:
    assert written(operation, *given) == [result]


def test_pooled_features_go_through_frame_by_frame_layers() -> None:
    (pooled,) = outputs(make("mean_pool"), seq("T", 8)).values()
    for name, params in (("linear", {"size": 3}), ("batch_norm", {}), ("log_softmax", {}), ("relu", {})):
        assert outputs(make(name, **params), pooled)["y"].rank == 2


@pytest.mark.parametrize(
    ("operation", "given", "code"),
    [
        (make("conv1d", channels=4, kernel=3, groups=3), [seq("T", 8)], "S2S402"),
        (make("conv1d", channels=4, kernel=3, groups=8), [seq("T", 8)], "S2S402"),
        (make("glu"), [seq("T", 7)], "S2S402"),
        (make("add"), [seq("T", 8)], "S2S406"),
        (make("add"), [seq("T", 8), seq("T", 7)], "S2S401"),
        (make("add"), [seq("T", 8), seq("U", 8)], "S2S403"),
        (make("concat"), [seq("T", 8), seq(Dim.of("T").ceildiv(2), 8)], "S2S401"),
        (make("concat"), [seq("T", 8), seq("U", 8)], "S2S403"),
        (make("concat"), [waveform(), waveform()], "S2S403"),
        (make("linear", size=4), [tokens("U", 28)], "S2S301"),
        (make("linear", size=4), [waveform()], "S2S403"),
        (make("conv1d", channels=4, kernel=3), [TensorType("tensor", seq("T", 8).axes)], "S2S403"),
        (make("class_mask", classes=9), [seq("T", 8)], "S2S410"),
        (make("ctc_loss", blank=8), [seq("T", 8), tokens("U", 7)], "S2S410"),
        (make("ctc_loss", blank=7), [seq("T", 8), tokens("U", 8)], "S2S410"),
        (make("ctc_loss", blank=3), [seq("T", 8), tokens("U", 7)], "S2S410"),
        (make("greedy_ctc", blank=8), [seq("T", 8)], "S2S410"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_what_does_not_fit_is_refused(operation: Component, given: list[TensorType], code: str) -> None:
    with pytest.raises((Mismatch, Clash)) as refused:
        outputs(operation, *given)
    problem = refused.value
    assert isinstance(problem, Mismatch | Clash)
    assert problem.code == code


def test_weights_and_multiply_accumulates() -> None:
    x = {"x": (seq("T", 64),)}
    sizes = {"x": ((2, 100, 64),)}
    conv = make("conv1d", channels=256, kernel=11, stride=2, bias=False)
    assert conv.weights(x) == {"weight": (256, 64, 11)}
    assert conv.macs(sizes, {"y": (2, 50, 256)}) == 2 * 50 * 256 * 64 * 11
    separable = make("sep_conv1d", channels=256, kernel=11)
    assert separable.weights(x) == {
        "depthwise.weight": (64, 1, 11),
        "pointwise.weight": (256, 64, 1),
        "pointwise.bias": (256,),
    }
    assert separable.macs(sizes, {"y": (2, 100, 256)}) == 2 * 100 * (64 * 11 + 64 * 256)
    linear = make("linear", size=29)
    assert linear.weights(x) == {"weight": (29, 64), "bias": (29,)}
    assert linear.macs(sizes, {"y": (2, 100, 29)}) == 2 * 100 * 64 * 29
    tied = make("linear", size=29, tie="encoder.out.linear")
    assert tied.weights(x) == {"bias": (29,)}
    assert tied.tied_shape(x) == (29, 64)
    for name in ("batch_norm", "layer_norm"):
        assert make(name).weights(x) == {"weight": (64,), "bias": (64,)}


def _speech(**changes: Any) -> DataLayer:
    layer = CATALOGUE.part_class("data.speech")(
        **{
            "audio": make("logmel"),
            "text": CATALOGUE.part_class("alphabet")(symbols="abc "),
            "train": ("train.jsonl",),
            "keep": Range(0.1, 16.7),
            **changes,
        }
    )
    assert isinstance(layer, DataLayer)
    return layer


def test_speech_gives_audio_and_text() -> None:
    streams = _speech().streams()
    assert {path: str(given) for path, given in streams.inputs.items()} == {
        "data.audio.waveform": "seq[B, N]",
        "data.text": "seq[B, U]",
    }
    assert streams.inputs["data.text"].vocabulary == 4
    assert streams.names["data.audio"] == Ref("data.audio.logmel", "y")
    assert streams.targets == ("data.text",)
    symbols = {symbol.name: symbol for symbol in streams.symbols}
    assert (symbols["N"].minimum, symbols["N"].maximum) == (1600, 267_200)
    assert (symbols["T"].minimum, symbols["T"].maximum, symbols["T"].seconds) == (10, 1670, 0.01)
    assert str(symbols["T"].definition) == "ceil(N/160)"


def test_masks_of_features_become_nodes_and_changes_of_samples_do_not() -> None:
    noise = CATALOGUE.part_class("noise")()
    layer = _speech(augment=(noise, make("spec_augment"), make("spec_augment", freq_masks=1)))
    streams = layer.streams()
    assert [feature.path for feature in streams.features] == [
        "data.audio.logmel",
        "data.audio.spec_augment",
        "data.audio.spec_augment_2",
    ]
    assert streams.names["data.audio"] == Ref("data.audio.spec_augment_2", "y")
    assert isinstance(layer, Speech)
    assert layer.waveform_augment == (noise,)
