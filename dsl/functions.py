"""The built-in functions of static values: pad_to, min, max, path, env, pair, split."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from .statics import StaticError, bounded, describe, is_number
from .values import EnvironmentPath, JoinedPath, Origin, PairOf, Plain, Quantity, SplitMetric, SplitOf, Static

SPLITS = ("train", "valid", "test")

SIGNATURES = {
    "pad_to": "pad_to(multiple, size)",
    "min": "min(a, b, …), or min(valid.wer) in a checkpoint",
    "max": "max(a, b, …), or max(valid.accuracy) in a checkpoint",
    "path": 'path("folder", "file")',
    "env": 'env("NAME", default = "…")',
    "pair": 'pair("train.en", "train.de")',
    "split": "split(train, 10%)",
}


def call(name: str, positional: Sequence[Static], named: Mapping[str, Static], origin: Origin) -> Static:
    """The value of a built-in function; StaticError says what is wrong with the arguments."""
    allowed = {"env": {"default"}}.get(name, set())
    unknown = sorted(set(named) - allowed)
    if unknown:
        raise StaticError("S2S202", f"`{name}` has no parameter `{unknown[0]}`", f"write {SIGNATURES[name]}")
    value = _FUNCTIONS[name](positional, named)
    return Static(value, origin, name, (*positional, *named.values()))


def _pad_to(positional: Sequence[Static], named: Mapping[str, Static]) -> Plain:
    multiple, size = _exactly(positional, 2, "pad_to")
    for value in (multiple, size):
        if not isinstance(value.value, int) or isinstance(value.value, bool) or value.value < 0:
            raise StaticError("S2S301", f"pad_to wants whole numbers, got {describe(value)}")
    assert isinstance(multiple.value, int)
    assert isinstance(size.value, int)
    if multiple.value == 0:
        raise StaticError("S2S303", "pad_to(0, …) has no meaning")
    return bounded(-(-size.value // multiple.value) * multiple.value)


def _extreme(choose: Callable[[Sequence[float]], float], direction: str) -> Callable[..., Plain]:
    def function(positional: Sequence[Static], named: Mapping[str, Static]) -> Plain:
        if len(positional) == 1 and isinstance(positional[0].value, SplitMetric):
            metric = positional[0].value
            return SplitMetric(metric.split, metric.metric, direction)
        numbers = [value.value for value in positional if is_number(value.value)]
        if numbers and len(numbers) == len(positional):
            return choose(numbers)
        raise StaticError("S2S301", f"`{direction}` wants numbers", f"write {SIGNATURES[direction]}")

    return function


def _path(positional: Sequence[Static], named: Mapping[str, Static]) -> Plain:
    pieces: list[str | EnvironmentPath] = []
    for value in positional:
        if isinstance(value.value, JoinedPath):
            pieces.extend(value.value.pieces)
        elif isinstance(value.value, str | EnvironmentPath):
            pieces.append(value.value)
        else:
            raise StaticError("S2S301", f"path joins texts, got {describe(value)}", f"write {SIGNATURES['path']}")
    if not pieces:
        raise StaticError("S2S305", "path needs at least one piece", f"write {SIGNATURES['path']}")
    return JoinedPath(tuple(pieces))


def _env(positional: Sequence[Static], named: Mapping[str, Static]) -> Plain:
    (variable,) = _exactly(positional, 1, "env")
    default = named.get("default")
    if default is None:
        raise StaticError(
            "S2S305",
            "env needs a default, so that a spec means something on every machine",
            f"write {SIGNATURES['env']}",
        )
    if not isinstance(variable.value, str) or not isinstance(default.value, str):
        raise StaticError(
            "S2S301", "env wants the variable's name and its default as texts", f"write {SIGNATURES['env']}"
        )
    name = variable.value
    if not (name and name.isascii() and name.replace("_", "a").isalnum() and not name[0].isdigit()):
        raise StaticError("S2S301", f'"{name}" is not the name of an environment variable')
    return EnvironmentPath(name, default.value)


def _pair(positional: Sequence[Static], named: Mapping[str, Static]) -> Plain:
    source, target = _exactly(positional, 2, "pair")
    for value in (source, target):
        if not isinstance(value.value, str | EnvironmentPath | JoinedPath):
            raise StaticError("S2S301", f"pair wants two files, got {describe(value)}", f"write {SIGNATURES['pair']}")
    assert isinstance(source.value, str | EnvironmentPath | JoinedPath)
    assert isinstance(target.value, str | EnvironmentPath | JoinedPath)
    return PairOf(source.value, target.value)


def _split(positional: Sequence[Static], named: Mapping[str, Static]) -> Plain:
    split, share = _exactly(positional, 2, "split")
    if not isinstance(split.value, SplitMetric) or split.value.metric:
        raise StaticError(
            "S2S301", "split takes its examples from train, valid or test", f"write {SIGNATURES['split']}"
        )
    amount = share.value.amount if isinstance(share.value, Quantity) and share.value.family == "share" else share.value
    if not isinstance(amount, int | float) or isinstance(amount, bool) or not 0 < amount < 1:
        raise StaticError(
            "S2S303", f"split takes a share between 0% and 100%, got {describe(share)}", f"write {SIGNATURES['split']}"
        )
    return SplitOf(split.value.split, float(amount))


def _exactly(positional: Sequence[Static], count: int, name: str) -> Sequence[Static]:
    if len(positional) != count:
        wanted = "one argument" if count == 1 else f"{count} arguments"
        raise StaticError("S2S305", f"`{name}` takes {wanted}, got {len(positional)}", f"write {SIGNATURES[name]}")
    return positional


_FUNCTIONS: Mapping[str, Callable[[Sequence[Static], Mapping[str, Static]], Plain]] = {
    "pad_to": _pad_to,
    "min": _extreme(min, "min"),
    "max": _extreme(max, "max"),
    "path": _path,
    "env": _env,
    "pair": _pair,
    "split": _split,
}
