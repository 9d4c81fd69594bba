"""Values into parameters: kinds, units, defaults, and help that can be read out loud."""

from __future__ import annotations

import pytest
from s2sc.dsl.values import PartValue, Static
from s2sc.tests.small_spec import analysed, encoder, found, said


def helps(*changes: tuple[str, str]) -> list[str]:
    return [line for one in found(*changes) for line in one.helps]


@pytest.mark.parametrize(
    ("old", "new", "way"),
    [
        ("stop      = 100 steps", "stop = 200", "write 200 epochs, 200 steps or 200min"),
        ("bins = 8", "bins = 8, hop = 0.01", "write 10ms if these are seconds"),
        ("rate = 16kHz", "rate = 16", "write 16Hz or 16kHz"),
        ("32 examples", "32", "write 32 examples, 32 tokens or 32min"),
        ("keep  = 1s .. 10s", "keep = 1 .. 10", "write 1s .. 10s"),
        ("keep  = 1s .. 10s", "keep = 1s .. 10", "write 1s .. 10s"),
        ("adam(lr = 1e-3)", '"adam"', "a part is named without quotes: adam(…)"),
        ("[wer, cer]", "wer", "write [wer]"),
        ("lr = 1e-3", "learning_rate = 1e-3", "did you mean `lr`?"),
        ("bins = 8", "n_mels = 8", "did you mean `bins`?"),
        ("lr = 1e-3", "", "add lr = …"),
        ("batch     = 32 examples", "checkpoint = 3", "write checkpoint { … }"),
        ("seed      = 1", "seed { }", "write seed = …"),
    ],
)
def test_the_way_out(old: str, new: str, way: str) -> None:
    assert way in helps((old, new))


@pytest.mark.parametrize(
    ("line", "way"),
    [
        ("out = data.audio -> conv1d(width, kernel = 3, pad = same)", 'a choice is written in quotes: pad = "same"'),
        ("out = data.audio -> conv1d(width, kernel_size = 3)", "did you mean `kernel`?"),
        ("out = data.audio -> linear(width / 3)", "use 16 // 3, which rounds down, or pad_to(…)"),
        ("out = data -> conv(width, kernel = 3)", "name one of its values: data.audio, data.text"),
        ("out = data.audio -> relu(data.audio)", "it has all its inputs; leave out the one that `->` gives"),
        ("out = data.audio -> relu + data.audio", "`->` binds looser than sums: write (x -> f) + y"),
        ("out = data.audio * data.audio", "tensors can be added with +"),
        ("out = data.audio -> dense(8)", "it is called `linear` here"),
        ("out = data.audio -> Relu", "did you mean `relu`?"),
    ],
)
def test_the_way_out_in_a_model(line: str, way: str) -> None:
    assert way in helps(encoder(line))


def test_a_share_is_a_number() -> None:
    assert said(encoder("out = data.audio -> conv(width, kernel = 3) -> dropout(10%)")) == []


def test_positional_values_fill_parameters_in_order() -> None:
    spec = analysed(encoder("out = data.audio -> conv1d(8, 5, 2, bias = false) -> conv(width, 3)")).spec
    assert spec is not None
    (first, _) = [one for one in spec.instances if one.component == "conv1d"]
    values = {name: one.value for name, one in first.params.items() if isinstance(one, Static)}
    assert (values["channels"], values["kernel"], values["stride"], values["bias"]) == (8, 5, 2, False)


def test_one_mistake_is_said_once() -> None:
    assert said(encoder("out = data.audio -> conv(widht, kernel = 3)")) == ["S2S203 widht: unknown name `widht`"]
    assert said(encoder("out = data.audio -> conv(width, kernell = 3)")) == [
        "S2S202 kernell: conv has no parameter `kernell`"
    ]
    assert said(("stop      = 100 steps", "max_epochs = 100")) == [
        "S2S202 max_epochs: hyperparameters has no parameter `max_epochs`"
    ]


def test_a_computed_number_points_to_its_written_sources() -> None:
    (one,) = found(encoder("out = data.audio -> conv(width / 3, kernel = 3)"))
    assert one.code == "S2S304"
    assert [(label.span.text, label.text) for label in one.labels] == [
        ("16", "16 comes from here"),
        ("3", "3 comes from here"),
    ]


def test_a_value_of_the_wrong_kind_shows_where_it_was_written() -> None:
    (one,) = found(("let width = 16", 'let width = "16"'))
    assert (one.code, one.span and one.span.text) == ("S2S301", "channels")
    assert [label.span.text for label in one.labels] == ['"16"']


def test_facts_of_a_part_come_from_its_parameters() -> None:
    spec = analysed().spec
    assert spec is not None
    (logits,) = [one for one in spec.instances if one.path == "decoder.logits.linear"]
    size = logits.params["size"]
    assert isinstance(size, Static)
    written = [source.origin.span.text for source in size.sources() if source.origin.span]
    assert written == ['"abc\' "', "1"]


def test_all_parameters_are_bound_with_where_they_came_from() -> None:
    spec = analysed().spec
    assert spec is not None
    audio = spec.data.params["audio"]
    assert isinstance(audio, PartValue)
    kinds = {name: one.origin.kind for name, one in audio.params.items() if isinstance(one, Static)}
    assert (kinds["rate"], kinds["bins"], kinds["hop"]) == ("spec", "spec", "default")
