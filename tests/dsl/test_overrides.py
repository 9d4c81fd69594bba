"""Profiles and --set: what is stronger, what may be set, and where mistakes are shown."""

from __future__ import annotations

import pytest
from s2sc.dsl.values import PartValue, Static
from s2sc.tests.small_spec import analysed, before_data, encoder, found, said

SMALL = """profile small {
  width = 8
  data.audio.bins = 4
  encoder.out = data.audio -> conv(width, kernel = 1)
  hyperparameters { stop = 5 steps; optimizer.lr = 0.01; checkpoint { keep = 1 } }
}"""


def test_set_changes_numbers_everywhere() -> None:
    sets = ["hyperparameters.optimizer.lr=0.01", "data.audio.bins=80", "width=4+4", "hyperparameters.stop=2 epochs"]
    analysis = analysed(sets=[*sets, "hyperparameters.checkpoint.keep=7"])
    graph = analysis.graph
    assert graph is not None
    assert list(analysis.findings) == []
    assert graph.data.values()["audio"].values()["bins"] == 80
    settings = graph.hyperparameters.values()
    assert settings["optimizer"].values()["lr"] == 0.01
    assert (settings["stop"].amount, settings["stop"].family) == (2, "epochs")
    assert settings["checkpoint"].values()["keep"] == 7
    assert graph.nodes["encoder.out.conv.conv1d"].operation.values()["channels"] == 8


def test_a_part_in_a_let_is_changed_for_all_who_use_it() -> None:
    analysis = analysed(sets=['chars.symbols="abcdefgh"'])
    assert analysis.graph is not None
    assert analysis.graph.nodes["decoder.logits.linear"].operation.values()["size"] == 9
    assert analysis.checked is not None


def test_a_profile_is_applied_only_when_it_is_chosen() -> None:
    for profile, bins, width in ((None, 8, 16), ("small", 4, 8)):
        graph = analysed(before_data(SMALL), profile=profile).graph
        assert graph is not None
        assert graph.data.values()["audio"].values()["bins"] == bins
        assert graph.nodes["encoder.out.conv.conv1d"].operation.values()["channels"] == width


def test_set_is_stronger_than_the_profile_and_both_say_so() -> None:
    analysis = analysed(before_data(SMALL), profile="small", sets=["data.audio.bins=5"])
    assert analysis.spec is not None
    audio = analysis.spec.data.params["audio"]
    assert isinstance(audio, PartValue)
    bins = audio.params["bins"]
    assert isinstance(bins, Static)
    assert (bins.value, bins.origin.kind) == (5, "set")
    stop = analysis.spec.hyperparameters.params["stop"]
    assert isinstance(stop, Static)
    assert stop.origin.kind == "profile"
    seed = analysis.spec.hyperparameters.params["seed"]
    assert isinstance(seed, Static)
    assert seed.origin.kind == "spec"
    log = analysis.spec.hyperparameters.params["log"]
    assert isinstance(log, Static)
    assert log.origin.kind == "default"


def test_what_is_computed_from_a_set_value_is_as_strong() -> None:
    analysis = analysed(encoder("out = data.audio -> conv(width * 2, kernel = 3)"), sets=["width=4"])
    assert analysis.spec is not None
    (conv,) = [one for one in analysis.spec.instances if one.component == "conv1d"]
    channels = conv.params["channels"]
    assert isinstance(channels, Static)
    assert (channels.value, channels.origin.kind) == (8, "set")
    assert [source.value for source in channels.sources()] == [4, 2]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stop", "S2S104 stop: --set wants path=value"),
        ("=3", "S2S104 =3: --set wants path=value"),
        ("widht=3", "S2S211 3: --set sets `widht`, which does not exist"),
        ("encoder.oot=3", "S2S211 3: --set sets `encoder.oot`, which does not exist"),
        ("data.audio.bin=3", "S2S211 3: --set sets `data.audio.bin`, which does not exist"),
        ("hyperparameters.checkpoint=3", "S2S211 3: --set sets `hyperparameters.checkpoint`, which is a section"),
        ("hyperparameters.stop=20", "S2S302 20: `stop` of hyperparameters needs a unit"),
        ('hyperparameters.optimizer.lr="a"', 'S2S301 "a": `lr` of adam wants a number, got the text "a"'),
        ("data.text=3", "S2S301 3: `text` of data.speech wants a tokenizer, got the number 3"),
        ("hyperparameters.optimizer.lr=0", "S2S303 0: adam's lr must be above 0, got 0"),
        ("width=nope", "S2S203 nope: unknown name `nope`"),
        ("width=width", "S2S205 width: `width` is defined through itself"),
        ("width=3 3", "S2S101 3: expected the end of the line, found `3`"),
    ],
)
def test_a_wrong_set_is_shown_on_the_command_line(text: str, expected: str) -> None:
    assert said(sets=[text]) == [expected]
    (one,) = found(sets=[text])
    assert one.span is not None
    if one.code != "S2S205":
        assert one.span.source.name == "<command line>"
        assert one.span.source.line(1) == text


def test_unknown_profiles_and_paths_of_all_profiles_are_errors() -> None:
    assert said(profile="smal") == ["S2S203 : unknown profile `smal`"]
    (one,) = found(before_data(SMALL), profile="smal")
    assert one.helps == ("did you mean `small`?",)
    assert said(before_data("profile p { hyperparameters.stopp = 3 steps }")) == [
        "S2S211 hyperparameters.stopp: profile `p` sets `hyperparameters.stopp`, which does not exist"
    ]


def test_paths_below_what_has_an_error_are_not_doubted() -> None:
    sets = ["data.audio.bins=3", 'data.text.symbols="ab"', "hyperparameters.optimizer.beta1=0.5"]
    assert said(("logmel(", "logmell("), ("adam(", "adamm("), sets=sets) == [
        "S2S203 logmell: unknown name `logmell`",
        "S2S203 adamm: unknown name `adamm`",
    ]


def test_defaults_that_were_not_written_can_be_set() -> None:
    sets = [
        "hyperparameters.checkpoint.best=min(valid.wer)",
        "hyperparameters.schedule=poly(power = 2)",
        "data.labels=20",
    ]
    graph = analysed(sets=sets).graph
    assert graph is not None
    assert graph.hyperparameters.values()["checkpoint"].values()["best"].metric == "wer"
    assert graph.hyperparameters.values()["schedule"].name == "poly"


def test_quotes_that_a_shell_takes_or_leaves_are_explained() -> None:
    (bare,) = analysed(sets=["data.root=corpus"]).findings
    assert bare.helps == ("a text has quotes, which the shell leaves only inside others: --set 'data.root=\"corpus\"'",)
    (twice,) = analysed(sets=['hyperparameters.stop="20 steps"']).findings
    assert twice.helps == ('write it without quotes of its own: --set "hyperparameters.stop=20 steps"',)


def test_profiles_that_set_different_things_are_applied_together() -> None:
    other = "profile other { hyperparameters.seed = 5 }"
    analysis = analysed(before_data(SMALL, other), profile=["other", "small"])
    assert said(before_data(SMALL, other), profile=["other", "small"]) == []
    assert analysis.spec is not None
    assert analysis.spec.profile == "other+small"
    assert analysis.graph is not None
    assert analysis.graph.hyperparameters.values()["seed"] == 5
    assert analysis.graph.data.values()["audio"].values()["bins"] == 4


def test_two_profiles_that_set_one_path_are_an_error() -> None:
    other = "profile other { width = 4 }"
    found = said(before_data(SMALL, other), profile=["small", "other"])
    assert found == ["S2S204 width: `width` is set by profile `small` and by profile `other`"]
    assert said(before_data(SMALL, other), profile="other") == []
