"""What an exported file says of itself, so that it can be used with nothing else at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .properties import FORMAT, PREFIX, BadModelFile, Properties, to_properties


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
        return to_properties(values)


def read_metadata(properties: Mapping[str, str]) -> Metadata:
    """The facts in ONNX's metadata_props, each checked; raises BadModelFile."""
    if PREFIX + "format" not in properties:
        raise BadModelFile("not exported by s2sc: it says neither its vocabulary nor its sample rate")
    found = Properties(properties)
    if PREFIX + "part" in properties:
        raise BadModelFile("one of the two files of a model that writes token by token: name encoder.onnx or step.onnx")
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
        search=_search(found) if PREFIX + "search" in properties else None,
    )


def _search(found: Properties) -> Search:
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
