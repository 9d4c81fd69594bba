"""A data layer: the streams that a data section offers to the model, and the tensor operations behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..dsl.signature import StreamFacts
from ..dsl.values import JoinedPath, PairOf, Plain, Ref, SplitOf
from .component import Component
from .dim import Dim
from .part import Mismatch, Part
from .tensor_type import TensorType

# How the stream is called that a decoder is fed: the target with a begin mark before it and without its end mark.
SHIFTED = ".shifted"

# The first token numbers of every text that a decoder writes.
UNKNOWN, BEGIN, END = 0, 1, 2

_SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class Feature:
    """A node that the data section adds to the graph: `data.audio.logmel` reads `data.audio.waveform`."""

    path: str
    operation: Component
    inputs: Mapping[str, tuple[Ref, ...]]


@dataclass(frozen=True)
class Symbolic:
    """A symbol of the streams' types: what it counts, and its least and greatest size by the data's limits.

    `definition` is its size in other symbols (T = ceil(N/160)); None for a symbol that nothing defines.
    `seconds` is how long one of it lasts, for the plan ("one label every 20 ms").
    """

    name: str
    doc: str
    definition: Dim | None = None
    minimum: int | None = None
    maximum: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Streams:
    """What a data layer gives.

    inputs    raw streams that batches carry, by path: "data.audio.waveform", "data.text"
    features  operations on them, in order
    names     what a spec's `data.audio` stands for: the Ref of an input or of a feature
    symbols   the letters that the types use
    targets   paths of inputs that exist in training only ("data.text")
    """

    inputs: Mapping[str, TensorType]
    features: tuple[Feature, ...]
    names: Mapping[str, Ref]
    symbols: tuple[Symbolic, ...]
    targets: tuple[str, ...] = field(default=())


class AudioFeature(Component):
    """Base of the features of audio (family "feature"): seq[B,N] samples to seq[B,T,…] frames.

    Its output's time is the symbol T; `out_time(N)` is what T stands for.
    """

    rate: int
    hop: float


class Tokenizer(Part):
    """Base of what cuts texts into tokens (family "tokenizer")."""

    @property
    def num_tokens(self) -> int:
        """How many different tokens there are."""
        raise NotImplementedError


class DataLayer(Part):
    """Base of the data sections: `data speech { … }`; family "section", name "data.speech"."""

    def streams(self) -> Streams:
        """The streams as tensors; raises Mismatch where settings do not fit each other."""
        raise NotImplementedError

    @classmethod
    def stream_facts(
        cls, settings: Mapping[str, Mapping[str, Plain]], values: Mapping[str, Any]
    ) -> Mapping[str, StreamFacts]:
        """What a spec may read below `data.`.

        settings  facts of each nested part by parameter name ({"text": {"size": 28}})
        values    plain values of the other parameters
        """
        raise NotImplementedError

    def check_names(self) -> None:
        """Raise Mismatch where a split is a list of nothing, or names a file by an empty path."""
        for name in _SPLITS:
            files = getattr(self, name)
            if files == ():
                raise Mismatch(
                    "S2S303",
                    f"{name} is an empty list",
                    at="no file",
                    param=name,
                    helps=("name a file or more" if name == "train" else f"name a file or more, or leave out {name}",),
                )
            for item in files if isinstance(files, tuple) else ():
                for path in (item.source, item.target) if isinstance(item, PairOf) else (item,):
                    if _is_empty(path):
                        raise Mismatch(
                            "S2S303",
                            f"{name} names a file by an empty path",
                            at="no file has this name",
                            param=name,
                            helps=("write the file's name",),
                        )

    def check_shares(self) -> None:
        """Raise Mismatch where a split is a share of one that names no files: of itself, of a share or of nothing."""
        for name in _SPLITS:
            share = getattr(self, name)
            if not isinstance(share, SplitOf):
                continue
            of = getattr(self, share.split)
            if of is None or isinstance(of, SplitOf):
                raise Mismatch(
                    "S2S301",
                    f"{name} is a share of {share.split}, which names no files",
                    at="itself a share" if of is not None else "nothing to take it from",
                    param=name,
                    helps=(f"give {share.split} files, or take the share of a split that has some",),
                )


def _is_empty(path: object) -> bool:
    if isinstance(path, JoinedPath):
        return all(map(_is_empty, path.pieces))
    # the folder of a variable may be the current one; a file without a name is none
    return isinstance(path, str) and not path.strip()
