"""What an exported file says of itself, so that it can be used with nothing else at hand."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

FORMAT = 1
_PREFIX = "s2sc."
_MOST_CHARACTERS = 1 << 20


class BadModelFile(Exception):
    """A file that cannot be used as a model: what is wrong with it."""


@dataclass(frozen=True)
class Search:
    """How scores become text.

    kind             "greedy_ctc"
    blank            the class that stands for no symbol
    symbols          the symbols of the other classes, in order
    scores, lengths  names of the outputs that it reads
    """

    kind: str
    blank: int
    symbols: tuple[str, ...]
    scores: str
    lengths: str


@dataclass(frozen=True)
class Limits:
    """Clips in a batch and seconds of a clip, both ends included."""

    least_batch: int
    most_batch: int
    least_seconds: float
    most_seconds: float


@dataclass(frozen=True)
class Metadata:
    """The facts in a file's metadata.

    name, spec, architecture  of the spec, the SHA-256 of its text ("" if unknown), and of its architecture
    precision                 "fp16" or "fp32", of the weights
    rate                      samples a second
    """

    name: str
    spec: str
    architecture: str
    licence: str
    precision: str
    rate: int
    limits: Limits
    search: Search | None

    def to_properties(self) -> dict[str, str]:
        """The facts as ONNX's metadata_props holds them: names and texts, in order."""
        search, limits = self.search, self.limits
        values: dict[str, Any] = {
            "format": FORMAT,
            "version": s2sc_version(),
            "name": self.name,
            "spec": self.spec,
            "architecture": self.architecture,
            "licence": self.licence,
            "precision": self.precision,
            "rate": self.rate,
            "batch": [limits.least_batch, limits.most_batch],
            "seconds": [limits.least_seconds, limits.most_seconds],
        }
        if search is not None:
            values["vocabulary"] = list(search.symbols)
            values["search"] = {
                "kind": search.kind,
                "blank": search.blank,
                "scores": search.scores,
                "lengths": search.lengths,
            }
        return {_PREFIX + key: _text(value) for key, value in sorted(values.items())}


def read_metadata(properties: Mapping[str, str]) -> Metadata:
    """The facts in ONNX's metadata_props, each checked; raises BadModelFile."""
    if _PREFIX + "format" not in properties:
        raise BadModelFile("not exported by s2sc: it says neither its vocabulary nor its sample rate")
    found = _Properties(properties)
    if found.whole("format", 1) != FORMAT:
        raise BadModelFile(f"written in format {found.whole('format', 1)}, this version of s2sc reads {FORMAT}")
    batch, seconds = found.numbers("batch"), found.numbers("seconds")
    return Metadata(
        name=found.text("name"),
        spec=found.text("spec"),
        architecture=found.text("architecture"),
        licence=found.text("licence"),
        precision=found.text("precision"),
        rate=found.whole("rate", 1000, 192_000),
        limits=Limits(int(batch[0]), int(batch[1]), seconds[0], seconds[1]),
        search=_search(found) if _PREFIX + "search" in properties else None,
    )


def s2sc_version() -> str:
    """The version of the installed distribution."""
    try:
        return version("s2sc")
    except PackageNotFoundError:
        return "unknown"


def _search(found: _Properties) -> Search:
    search = found.value("search")
    symbols = found.value("vocabulary")
    if (
        not isinstance(symbols, list)
        or not symbols
        or not all(isinstance(symbol, str) and symbol for symbol in symbols)
    ):
        raise found.bad("vocabulary")
    if not isinstance(search, dict) or not all(
        isinstance(search.get(key), str) for key in ("kind", "scores", "lengths")
    ):
        raise found.bad("search")
    blank = search.get("blank")
    if type(blank) is not int or not 0 <= blank <= len(symbols):
        raise found.bad("search")
    if search["kind"] != "greedy_ctc":
        raise BadModelFile(f"its search {search['kind'][:40]!a} is not known to this version of s2sc")
    return Search(search["kind"], blank, tuple(symbols), search["scores"], search["lengths"])


class _Properties:
    """Texts of unknown origin, read strictly."""

    def __init__(self, properties: Mapping[str, str]) -> None:
        self.properties = properties

    def text(self, key: str) -> str:
        text = self.properties.get(_PREFIX + key)
        if text is None or len(text) > _MOST_CHARACTERS:
            raise self.bad(key)
        return text

    def value(self, key: str) -> Any:
        try:
            return json.loads(self.text(key))
        except (ValueError, RecursionError):
            raise self.bad(key) from None

    def whole(self, key: str, least: int, most: int = 1 << 31) -> int:
        value = self.value(key)
        if type(value) is not int or not least <= value <= most:
            raise self.bad(key)
        return value

    def numbers(self, key: str) -> tuple[float, float]:
        """Two positive numbers, the first not above the second."""
        value = self.value(key)
        if not isinstance(value, list) or len(value) != 2 or not all(type(end) in (int, float) for end in value):
            raise self.bad(key)
        if not 0 < value[0] <= value[1] or not math.isfinite(value[1]):
            raise self.bad(key)
        return value[0], value[1]

    def bad(self, key: str) -> BadModelFile:
        shown = self.properties.get(_PREFIX + key)
        return BadModelFile(f"its {key} is {'missing' if shown is None else f'not understood: {shown[:60]!a}'}")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=True, allow_nan=False)
