"""Every part as a spec would call it: required parameters with a usual value, inputs with usual names."""

from __future__ import annotations

from typing import Any

from ...dsl.values import DType, Quantity
from ..component import Component
from ..part import Part
from ..signatures import signature_of
from .spelling import spelt

# What a required parameter is given, by its name or with its owner's; a text in backquotes is written as it is.
_VALUES: dict[str, Any] = {
    "size": 256,
    "channels": 256,
    "kernel": 5,
    "heads": 8,
    "rate": 0.1,
    "exp.rate": 0.96,
    "l1.rate": 1e-6,
    "l2.rate": 1e-4,
    "weight_decay.rate": 1e-4,
    "static.scale": 1024,
    "by": 0.5,
    "blank": 28,
    "vocab": 8000,
    "factor": 2,
    "lr": 1e-3,
    "torch.kind": "RAdam",
    "eta": 1e-3,
    "most": 1.0,
    "momentum.lr": 0.05,
    "inv_poly.min_lr": 1e-5,
    "d": 512,
    "boundaries": (20_000, 40_000),
    "rates": (0.1, 0.01),
    "symbols": "abcdefghijklmnopqrstuvwxyz' ",
    "dtype": DType("fp16"),
    "characters.size": 256,
    "sentencepiece.size": 8000,
    "words.size": 8000,
    "batch": Quantity(64, "examples", "64 examples"),
    "stop": Quantity(200, "epochs", "200 epochs"),
    "outputs": "`[decoder.log_probs, decoder.log_probs.lengths]`",
    "optimizer": "`adam(lr = 0.001)`",
    "audio": "`logmel`",
    "text": '`alphabet("abcdefghijklmnopqrstuvwxyz\' ")`',
}
# What a section is shown with besides.
_MORE = {
    "data.speech": {"train": '["train.jsonl"]'},
    "data.parallel_text": {"tokens": "sentencepiece(size = 8000)", "train": 'pair("train.en", "train.de")'},
    "checkpoint": {"every": "1000 steps", "best": "min(valid.loss)"},
    "check": {"examples": "16"},
    "dynamic": {"batch": "1 .. 64", "time": "0.1s .. 30s"},
}
# Where a part of each family stands in a spec.
_PLACES = {
    "optimizer": "optimizer = {}",
    "schedule": "schedule = {}",
    "larc": "optimizer = momentum(lr = 0.05, larc = {})",
    "clip": "clip = {}",
    "regularizer": "regularizer = {}",
    "precision": "precision = {}",
    "scaling": "precision = mixed(fp16, loss_scale = {})",
    "guard": "guard = {}",
    "initializer": "initializer = {}",
    "metric": "metrics = [{}]",
    "augment": "augment = [{}]",
    "corpus": "corpus = {}",
    "feature": "audio = {}",
    "tokenizer": "text = {}",
}
_INPUTS = {"logits": "decoder.logits", "target": "data.text", "memory": "encoder.out", "x": "x", "query": "query"}


def values_of(cls: type[Part]) -> dict[str, Any]:
    """A usual value of every required parameter."""
    return {one.name: _value(cls, one.name) for one in cls.params if one.required}


def sample(cls: type[Part]) -> str:
    """A use of a part in one line of a spec: `y = x -> conv1d(channels = 256, kernel = 5)`."""
    values = {name: _written(value) for name, value in values_of(cls).items()}
    if cls.family == "section":
        body = "; ".join(f"{name} = {value}" for name, value in {**values, **_MORE.get(cls.name, {})}.items())
        return f"{cls.name.replace('.', ' ')} {{ {body} }}"
    if cls.family == "tokenizer" and any(one.name == "size" for one in cls.params):
        return f"tokens = {_call(cls.name, values)}"
    if cls.family in _PLACES:
        return _PLACES[cls.family].format(_call(cls.name, values))
    assert issubclass(cls, Component)
    inputs = [one for one in signature_of(cls).inputs if not one.optional]
    result = next(iter(signature_of(cls).results))
    if cls.family == "loss":
        target = "data.target" if cls.name == "cross_entropy" else "data.text"
        return f"loss = {_call(cls.name, {'logits': 'decoder.logits', 'target': target, **values})}"
    if cls.family == "search":
        source = "logits" if cls.autoregressive else "log_probs"
        return f"infer = {source} -> {_call(cls.name, values)}"
    if inputs[0].variadic:
        return f"{result} = (a, b) -> {_call(cls.name, values)}"
    if len(inputs) == 1:
        return f"{result} = {inputs[0].name} -> {_call(cls.name, values)}"
    given = {one.name: _INPUTS[one.name] for one in inputs}
    return f"{result} = {_call(cls.name, {**given, **values})}"


def _value(cls: type[Part], name: str) -> Any:
    return _VALUES.get(f"{cls.name}.{name}", _VALUES.get(name))


def _written(value: Any) -> str:
    if isinstance(value, str) and value.startswith("`"):
        return value.strip("`")
    return spelt(value)


def _call(name: str, values: dict[str, str]) -> str:
    """`conv1d(channels = 256, kernel = 5)`, or `relu` where nothing is given."""
    if not values:
        return name
    return f"{name}({', '.join(f'{key} = {value}' for key, value in values.items())})"
