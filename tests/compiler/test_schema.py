"""Values against declarations: what is refused, in which words, and what JSON a part has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from s2sc.compiler.catalogue import builtin
from s2sc.compiler.encoding import decode, encode, realize
from s2sc.compiler.part import Part
from s2sc.compiler.schema import DIALECT, Fault, definitions, validate_params
from s2sc.dsl.signature import Param
from s2sc.dsl.source import Source, Span
from s2sc.dsl.values import (
    DType,
    EnvironmentPath,
    JoinedPath,
    ModuleReference,
    Origin,
    PairOf,
    PartValue,
    Quantity,
    Range,
    Ref,
    SplitMetric,
    SplitOf,
    Static,
)

CATALOGUE = builtin()
SPAN = Span(Source("spec.s2s", "a spec"), 0, 1)
WRITTEN = Origin("spec", SPAN)
CLASSES = {cls.name: cls for cls in CATALOGUE.classes()}


def bound(name: str, /, **given: object) -> PartValue:
    """A part as the resolver binds it, defaults filled in."""
    cls = CLASSES[name]
    params: dict[str, Static | PartValue | ModuleReference] = {}
    for param in cls.params:
        if param.name in given:
            params[param.name] = _value(given[param.name], WRITTEN)
        elif param.families == ("section",):
            params[param.name] = bound(param.name)
        else:
            assert not param.required, f"{name} needs {param.name}"
            params[param.name] = _value(param.default, Origin("default"))
    return PartValue(name, cls.family, params, SPAN, WRITTEN)


def _value(value: Any, origin: Origin) -> Any:
    if isinstance(value, PartValue | ModuleReference):
        return value
    if isinstance(value, tuple):
        return Static(tuple(_value(item, origin) for item in value), origin)
    return Static(value, origin)


def faults(value: PartValue) -> list[Fault]:
    return list(validate_params(value, CATALOGUE))


def seconds(amount: float) -> Quantity:
    return Quantity(amount, "time", f"{amount}s")


def speech(**changes: object) -> PartValue:
    settings: dict[str, object] = {
        "audio": bound("logmel"),
        "text": bound("alphabet", symbols="abc "),
        "train": ("train.jsonl",),
        **changes,
    }
    return bound("data.speech", **settings)


EXAMPLES: Mapping[str, object] = {
    "int": 3,
    "number": 0.5,
    "bool": True,
    "str": "abc",
    "metric": SplitMetric("valid", "wer", "min"),
    "module": ModuleReference("encoder.emb.embedding", SPAN),
    "path": JoinedPath((EnvironmentPath("DATA", "data"), "fsdd")),
    "files": SplitOf("train", 0.1),
    "pairs": PairOf("train.en", "train.de"),
    "tensor": Ref("data.audio", "y"),
    "range": Range(1, 2),
}


def example(param: Param) -> object:
    """A value that the parameter takes."""
    if param.type == "part":
        return CATALOGUE.names_of(param.families) and full(
            param.name if param.families == ("section",) else CATALOGUE.names_of(param.families)[0]
        )
    if param.type == "list":
        return (full(CATALOGUE.names_of(param.families)[0]) if param.item == "part" else EXAMPLES[param.item],)
    if param.choices:
        return DType(param.choices[0]) if param.type == "dtype" else param.choices[0]
    if not param.required and isinstance(param.default, int | float | Range | Quantity):
        return param.default
    if param.units and param.type == "number":
        return Quantity(3, param.units[0], f"3 {param.units[0]}")
    if len(param.units) > 1 and param.type == "range":
        return Range(*(Quantity(end, param.units[0], f"{end} {param.units[0]}") for end in (1, 2)))
    if param.type == "int" and param.minimum is not None:
        return max(3, int(param.minimum))
    return EXAMPLES[param.type]


def full(name: str) -> PartValue:
    """A part with every parameter written."""
    given = {param.name: example(param) for param in CLASSES[name].params}
    if name == "data.speech":
        given |= {"corpus": None, "train": ("train.jsonl",), "keep": Range(seconds(0.1), seconds(3))}
    if name == "data.parallel_text":
        given |= {"corpus": None, "tokens": full("words"), "source": None, "target": None, "keys": ("a", "b")}
    if name == "torch":
        # each optimizer takes some of the options
        given = {"kind": "NAdam", "lr": 0.5, "betas": (0.5, 0.9), "eps": 0.5, "momentum_decay": 0.5, "larc": 0.5}
    if name == "hyperparameters":
        # weights are averaged in one way
        given["ema"] = None
    if name == "logmel":
        given["high"] = Quantity(8000, "frequency", "8kHz")
    return bound(name, **given)


@pytest.mark.parametrize("name", CLASSES)
def test_every_parameter_takes_a_value_and_the_part_goes_through_json(name: str) -> None:
    value = full(name)
    assert faults(value) == []
    part = realize(value, CATALOGUE)
    written = json.dumps(encode(part), sort_keys=True)
    again = decode(json.loads(written), CATALOGUE)
    assert again == part
    assert json.dumps(encode(again), sort_keys=True) == written
    schema = {"$schema": DIALECT, "$defs": definitions(CATALOGUE), "$ref": f"#/$defs/{name}"}
    assert list(Draft202012Validator(schema, registry=Registry()).iter_errors(encode(part))) == []


BOUNDED = [
    (cls.name, param, limit)
    for cls in CLASSES.values()
    for param in cls.params
    for limit in ("minimum", "maximum", "above", "below")
    if getattr(param, limit) is not None
]


@pytest.mark.parametrize(("name", "param", "limit"), BOUNDED, ids=lambda value: getattr(value, "name", value))
def test_a_value_out_of_range_is_refused_at_its_place(name: str, param: Param, limit: str) -> None:
    edge = getattr(param, limit)
    outside = {"minimum": edge - 1, "maximum": edge + 1, "above": edge, "below": edge}[limit]
    if len(param.units) > 1:
        outside = Quantity(outside, param.units[0], str(outside))
    if param.type == "range":
        outside = Range(outside, outside)
    value = full(name)
    changed = PartValue(name, value.family, {**value.params, param.name: Static(outside, WRITTEN)}, SPAN, WRITTEN)
    (fault,) = faults(changed)
    assert (fault.param, fault.code, fault.span) == (param.name, "S2S303", SPAN)
    assert f"{edge:g}" in fault.message or str(edge) in fault.message


@pytest.mark.parametrize("name", CLASSES)
def test_a_value_of_another_type_is_refused(name: str) -> None:
    value = full(name)
    for param in CLASSES[name].params:
        wrong: Any = (
            3
            if param.or_flag
            or (
                param.type in ("str", "bool", "range", "path", "files", "pairs", "part", "metric", "list")
                and not param.or_number
            )
            else "abc"
        )
        if param.type in ("module", "dtype"):
            wrong = 3
        changed = {**value.params, param.name: Static(wrong, WRITTEN)}
        (fault,) = faults(PartValue(name, value.family, changed, SPAN, WRITTEN))
        assert (fault.param, fault.code) == (param.name, "S2S301"), fault


@pytest.mark.parametrize(
    ("value", "message", "code"),
    [
        (lambda: bound("dropout", rate=10), "dropout's rate must be below 1, got 10", "S2S303"),
        (lambda: bound("relu", max=-1), "relu's max must be above 0, got -1", "S2S303"),
        (
            lambda: bound("conv1d", channels=8, kernel=3, pad="sane"),
            'conv1d\'s pad must be "same", "valid" or "causal", got "sane"',
            "S2S308",
        ),
        (
            lambda: bound("conv1d", channels=True, kernel=3),
            "conv1d's channels must be a whole number, got true",
            "S2S301",
        ),
        (lambda: bound("linear", size="8"), 'linear\'s size must be a whole number, got "8"', "S2S301"),
        (
            lambda: bound("logmel", hop=seconds(2)),
            "logmel's hop must be at most 1 s, got 2s",
            "S2S303",
        ),
        (
            lambda: bound("logmel", hop=seconds(0.03)),
            "logmel's hop of 30 ms is longer than its window of 20 ms",
            "S2S303",
        ),
        (
            lambda: bound("logmel", window=seconds(0.02001)),
            "logmel's window of 20.01 ms is not a whole number of samples at 16000 Hz",
            "S2S309",
        ),
        (
            lambda: bound(
                "logmel", rate=Quantity(8000, "frequency", "8kHz"), high=Quantity(8000.0, "frequency", "8kHz")
            ),
            "logmel's bands must lie within 0 and 4000 Hz, got 0 to 8000 Hz",
            "S2S303",
        ),
        (lambda: bound("alphabet", symbols=""), "alphabet needs one symbol or more", "S2S303"),
        (lambda: bound("alphabet", symbols="abca"), "alphabet has a symbol twice: 'a'", "S2S303"),
        (
            lambda: bound("alphabet", symbols="abC"),
            "alphabet turns texts into lower case, so 'C' never occurs",
            "S2S613",
        ),
        (lambda: speech(train=None), "data speech has nothing to train on", "S2S305"),
        (
            lambda: speech(corpus=bound("spoken_numbers")),
            "data speech takes a corpus or files, got `corpus` and `train`",
            "S2S301",
        ),
        (
            lambda: speech(keep=Range(seconds(5), seconds(1))),
            "keep in data speech runs backwards: 5s .. 1s",
            "S2S303",
        ),
        (
            lambda: speech(augment=(bound("spec_augment"), bound("noise"))),
            "data speech changes features before the waveform they come from",
            "S2S301",
        ),
        (lambda: bound("mean_pool", stride=2), "mean_pool has a stride but no kernel", "S2S305"),
    ],
)
def test_what_is_said(value: Any, message: str, code: str) -> None:
    (fault,) = faults(value())
    assert (fault.message, fault.code) == (message, code)
    assert fault.span == SPAN


def test_parts_within_parts_are_checked_and_named() -> None:
    hyperparameters = bound(
        "hyperparameters",
        batch=Quantity(64, "examples", "64 examples"),
        stop=Quantity(20, "epochs", "20 epochs"),
        optimizer=bound("adam", lr=-1),
        precision=DType("fp16"),
        metrics=(bound("wer"), bound("noise")),
    )
    found = {fault.param: fault for fault in faults(hyperparameters)}
    assert found["optimizer.lr"].message == "adam's lr must be above 0, got -1"
    assert found["precision"].helps == ("write mixed(fp16) or autocast(fp16)",)
    assert "got the augment noise" in found["metrics"].message


def test_a_misspelt_choice_gets_a_suggestion() -> None:
    (fault,) = faults(bound("logmel", normalize="per_featur"))
    assert fault.code == "S2S308"
    assert fault.helps == ('did you mean "per_feature"?',)


def test_values_become_plain_in_base_units() -> None:
    part = realize(
        speech(
            keep=Range(Quantity(100 / 1000, "time", "100ms"), Quantity(2, "time", "2s")),
            train="one.jsonl",
            root=JoinedPath(("data", "fsdd")),
        ),
        CATALOGUE,
    )
    values = part.values()
    assert values["keep"] == Range(0.1, 2)
    assert values["train"] == ("one.jsonl",)
    assert values["root"] == "data/fsdd"
    tied = realize(bound("linear", size=8, tie=ModuleReference("encoder.emb.embedding", SPAN)), CATALOGUE)
    assert tied.values()["tie"] == "encoder.emb.embedding"


@pytest.mark.parametrize(("one", "other"), [("1200s", "20min"), ("1200.0s", "1200s")])
def test_how_a_quantity_was_written_leaves_no_trace(one: str, other: str) -> None:
    def part(text: str) -> Part:
        return realize(bound("checkpoint", every=Quantity(1200.0, "time", text)), CATALOGUE)

    assert part(one) == part(other)
    assert encode(part(one)) == encode(part(other))


def test_env_stays_a_name_in_json() -> None:
    root = EnvironmentPath("S2SC_DATA", "data")
    part = realize(speech(root=JoinedPath((root, "fsdd"))), CATALOGUE)
    assert encode(part)["params"]["root"] == {"path": [{"env": "S2SC_DATA", "default": "data"}, "fsdd"]}


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema({"$schema": DIALECT, "$defs": definitions(CATALOGUE)})
