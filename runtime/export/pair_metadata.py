"""What the two files of a model that writes token by token say of themselves: the pair is used with nothing else."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..search.text_length import most_tokens
from .properties import FORMAT, PREFIX, BadModelFile, Properties, to_properties

ENCODER, STEP = "encoder.onnx", "step.onnx"
# what a step calls the new value of a state
AFTER = ".after"
# the size of an axis that has a place for each token
ROOM = "M"

Name = Literal["encoder", "step"]

# Tokenizers of a large vocabulary take some megabytes.
_MOST_TOKENIZER_CHARACTERS = 1 << 27
_MOST_NUMBERS = 1 << 27
_MOST_CARRIED = 10_000
_MOST_TOKENS = 1 << 20
_WIDEST = 10_000
_DTYPES = ("float16", "float32", "int64", "bool")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class CarriedArray:
    """An array that the encoder gives to all steps, or a step to the next.

    shape  sizes behind the batch axis: numbers, ROOM, or any other word for a size of the source
    dtype  as numpy calls it
    """

    name: str
    shape: tuple[int | str, ...]
    dtype: str


@dataclass(frozen=True)
class TextLimits:
    """What the pair was declared for, both ends included.

    batch   sentences in a batch
    source  tokens of a source sentence, its end mark included
    """

    least_batch: int
    most_batch: int
    least_source: int
    most_source: int


@dataclass(frozen=True)
class TokenSearch:
    """How tokens are chosen: a search by name, its settings as the spec has them, and the marks.

    most_places  tokens that the steps have places for (learned positions); None: no end
    """

    kind: str
    begin: int
    end: int
    width: int = 1
    length_penalty: float = 0.0
    n_best: int = 1
    min_tokens: int = 0
    max_tokens: int | None = None
    most_places: int | None = None

    def most_tokens(self, source_tokens_B: NDArray[np.int64]) -> NDArray[np.int64]:
        """The longest text of each row, from the lengths of the source with its end mark."""
        return most_tokens(source_tokens_B, self.max_tokens, self.most_places)


@dataclass(frozen=True)
class PairMetadata:
    """The facts in both files' metadata.

    name, spec, architecture  of the spec, the SHA-256 of its text ("" if unknown), and of its architecture
    precision  "fp16" or "fp32", of the weights
    pair       what the two files share and no others have: a SHA-256 over both models
    vocab      how many tokens the steps choose from
    takes      what the encoder reads, in order
    once       what it gives to all steps
    state      what goes from step to step; those that are not `given` by the encoder start as zeros
    """

    name: str
    spec: str
    architecture: str
    licence: str
    precision: str
    pair: str
    limits: TextLimits
    search: TokenSearch
    vocab: int
    takes: tuple[str, ...]
    once: tuple[CarriedArray, ...]
    state: tuple[CarriedArray, ...]
    given: frozenset[str]

    def to_properties(self, part: Name, **more: Any) -> dict[str, str]:
        """The facts as ONNX's metadata_props holds them, of one of the two files."""
        limits = self.limits
        return to_properties(
            {
                "part": part,
                "name": self.name,
                "spec": self.spec,
                "architecture": self.architecture,
                "licence": self.licence,
                "precision": self.precision,
                "pair": self.pair,
                "batch": [limits.least_batch, limits.most_batch],
                "source_tokens": [limits.least_source, limits.most_source],
                "search": asdict(self.search),
                "vocab": self.vocab,
                "takes": list(self.takes),
                "once": [_written(kept) for kept in self.once],
                "state": [{**_written(kept), "zeros": kept.name not in self.given} for kept in self.state],
                **more,
            }
        )


@dataclass(frozen=True)
class EncoderFacts:
    """What the encoder's file says besides.

    step        SHA-256 of the step's file
    tokenizers  files by name, which make texts of numbers and numbers of texts
    """

    step: str
    tokenizers: Mapping[str, bytes] = field(repr=False)

    def to_properties(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "tokenizers": {name: base64.b64encode(content).decode() for name, content in self.tokenizers.items()},
        }


def read_pair_metadata(properties: Mapping[str, str], *, part: Name) -> PairMetadata:
    """The facts in the metadata of one of the files, each checked; raises BadModelFile."""
    if PREFIX + "format" not in properties:
        raise BadModelFile("not exported by s2sc")
    found = Properties(properties)
    if found.whole("format", 1) != FORMAT:
        raise BadModelFile(f"written in format {found.whole('format', 1)}, this version of s2sc reads {FORMAT}")
    if properties.get(PREFIX + "part") != part:
        raise BadModelFile(f"it is not the {part} of a model that writes token by token")
    batch, source = found.numbers("batch"), found.numbers("source_tokens")
    vocab = found.whole("vocab", 1, 1 << 24)
    state, zeros = _carried(found, "state")
    once, _ = _carried(found, "once")
    names = [kept.name for kept in (*once, *state)]
    if len(set(names)) < len(names):
        raise found.bad("state")
    return PairMetadata(
        name=found.text("name"),
        spec=found.text("spec"),
        architecture=found.text("architecture"),
        licence=found.text("licence"),
        precision=found.text("precision"),
        pair=_sha256(found, "pair"),
        limits=TextLimits(int(batch[0]), int(batch[1]), int(source[0]), int(source[1])),
        search=_search(found, vocab),
        vocab=vocab,
        takes=_takes(found),
        once=once,
        state=state,
        given=frozenset(kept.name for kept in state) - zeros,
    )


def read_encoder_facts(properties: Mapping[str, str]) -> EncoderFacts:
    """What the encoder's metadata says besides; raises BadModelFile."""
    found = Properties(properties)
    try:
        files = json.loads(found.text("tokenizers", most=_MOST_TOKENIZER_CHARACTERS))
        if not isinstance(files, dict):
            raise ValueError
        tokenizers = {str(name): base64.b64decode(content, validate=True) for name, content in files.items()}
    except (ValueError, TypeError, RecursionError, binascii.Error):
        raise BadModelFile("its tokenizers are not understood") from None
    return EncoderFacts(_sha256(found, "step"), tokenizers)


def pair_beside(path: Path) -> tuple[Path, Path] | None:
    """The encoder's and the step's file of a folder that holds them, or of either file; None for anything else.

    Raises BadModelFile where one of the two is missing.
    """
    folder = path if path.is_dir() else path.parent
    encoder, step = folder / ENCODER, folder / STEP
    if path.is_dir() and not (encoder.exists() or step.exists()):
        return None
    if not path.is_dir() and path.name not in (ENCODER, STEP):
        return None
    for one in (encoder, step):
        if not one.exists():
            raise BadModelFile(
                f"{one} is missing: a model that writes token by token is two files, {ENCODER} and {STEP}"
            )
    return encoder, step


def _written(kept: CarriedArray) -> dict[str, Any]:
    return {"name": kept.name, "shape": list(kept.shape), "dtype": kept.dtype}


def _carried(found: Properties, key: str) -> tuple[tuple[CarriedArray, ...], frozenset[str]]:
    """The arrays under a key, and the names of those that start as zeros."""
    written = found.value(key)
    if not isinstance(written, list) or len(written) > _MOST_CARRIED:
        raise found.bad(key)
    arrays: list[CarriedArray] = []
    zeros: set[str] = set()
    for one in written:
        if not isinstance(one, dict) or not isinstance(one.get("name"), str) or one.get("dtype") not in _DTYPES:
            raise found.bad(key)
        shape = one.get("shape")
        if not isinstance(shape, list) or not all(_is_size(size) for size in shape):
            raise found.bad(key)
        kept = CarriedArray(one["name"], tuple(shape), one["dtype"])
        if one.get("zeros") is True:
            zeros.add(kept.name)
            if any(size != ROOM and not isinstance(size, int) for size in shape):
                raise found.bad(key)
            numbers = math.prod(size for size in shape if size != ROOM)
            if numbers > _MOST_NUMBERS:
                raise BadModelFile(f"its state {kept.name[:60]!a} has {numbers:,} numbers")
        arrays.append(kept)
    return tuple(arrays), frozenset(zeros)


def _is_size(size: object) -> bool:
    return isinstance(size, str) or (type(size) is int and size >= 0)


def _takes(found: Properties) -> tuple[str, ...]:
    takes = found.value("takes")
    if not isinstance(takes, list) or not all(isinstance(name, str) for name in takes):
        raise found.bad("takes")
    return tuple(takes)


def _search(found: Properties, vocab: int) -> TokenSearch:
    search = found.value("search")
    if not isinstance(search, dict) or search.keys() != {one.name for one in fields(TokenSearch)}:
        raise found.bad("search")
    if search["kind"] not in ("greedy", "beam"):
        raise BadModelFile(f"its search {str(search['kind'])[:40]!a} is not known to this version of s2sc")
    penalty, most, places = search["length_penalty"], search["max_tokens"], search["most_places"]
    if (
        not _is_whole(search["begin"], 0, vocab - 1)
        or not _is_whole(search["end"], 0, vocab - 1)
        or not _is_whole(search["width"], 1, min(vocab, _WIDEST))
        or not _is_whole(search["n_best"], 1, search["width"])
        or not _is_whole(search["min_tokens"], 0, _MOST_TOKENS)
        or not (most is None or _is_whole(most, max(1, search["min_tokens"]), _MOST_TOKENS))
        or not (places is None or _is_whole(places, 1, 1 << 40))
        or not (type(penalty) in (int, float) and math.isfinite(penalty) and penalty >= 0)
    ):
        raise found.bad("search")
    return TokenSearch(**search)


def _is_whole(value: object, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def _sha256(found: Properties, key: str) -> str:
    text = found.text(key)
    if not _SHA256.fullmatch(text):
        raise found.bad(key)
    return text
