"""The tokenizers of both sides, as files that a run keeps and a model file carries."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...compiler.parts.data.parallel_text import ParallelText
from ...compiler.parts.text.characters import Characters
from ...compiler.parts.text.sentencepiece import SentencePiece
from ...compiler.parts.text.words import Words
from ...compiler.trained_tokenizer import NUM_MARKS, TrainedTokenizer
from ..storage import Storage, replace_file
from .characters import CharactersCodec
from .codec import Codec
from .text_lines import CONTROL
from .words import WordsCodec

FORMAT = "s2sc.tokens"
VERSION = 1
INDEX = "tokens.json"

MOST_BYTES = 64 * 2**20
_MOST_PIECE = 2**16
_MOST_TOKENS = 2**20
_MODEL = re.compile(r"(joint|source|target)\.model")


class BadTokens(Exception):
    """Files that hold no tokenizers, or others than those that are wanted."""


def of_a_run(folder: Path, settings: ParallelText) -> Codecs:
    """The tokenizers that a run began with, which must be as its spec declares them. Raises BadTokens, MissingExtra."""
    try:
        return open_codecs(folder, settings)
    except BadTokens as bad:
        way_out = "put back those that training began with, or train anew"
        raise BadTokens(f"the run's tokenizers cannot be used: {bad}; {way_out}") from None


@dataclass(frozen=True)
class Codecs:
    """The codecs of both sides; one object where they share a vocabulary."""

    source: Codec
    target: Codec

    @property
    def joint(self) -> bool:
        return self.source is self.target

    def to_files(self) -> dict[str, bytes]:
        """The files that hold everything, by name; tokens.json is the last."""
        files: dict[str, bytes] = {}
        sides = {"joint": self.source} if self.joint else {"source": self.source, "target": self.target}
        content = {"format": FORMAT, "version": VERSION, **{side: _written(sides[side], side, files) for side in sides}}
        files[INDEX] = json.dumps(content, ensure_ascii=False, indent=0, sort_keys=True).encode() + b"\n"
        return files

    def save(self, folder: Path, storage: Storage | None = None) -> None:
        """Write the files into a folder; tokens.json comes last and makes them valid. Raises StorageError."""
        for name, data in self.to_files().items():
            replace_file(folder / name, data, storage)

    def check(self, settings: ParallelText) -> None:
        """Raise BadTokens unless these are tokenizers as a spec declares them."""
        if self.joint != settings.joint:
            raise BadTokens(f"the spec wants {'one vocabulary' if settings.joint else 'a vocabulary each'}")
        for side, tokenizer, codec in zip(
            ("source", "target"), settings.tokenizers, (self.source, self.target), strict=True
        ):
            if _kind(codec) != tokenizer.name or codec.num_tokens != tokenizer.num_tokens:
                raise BadTokens(
                    f"the {side} side is {_kind(codec)} of {codec.num_tokens} tokens, "
                    f"the spec says {tokenizer.name} of {tokenizer.num_tokens}"
                )
            if isinstance(tokenizer, Words) and isinstance(codec, WordsCodec) and tokenizer.lower != codec.lower:
                raise BadTokens(f"the {side} side has another setting `lower` than the spec")


def open_codecs(folder: Path, settings: ParallelText | None = None) -> Codecs:
    """Read what `Codecs.save` wrote, believing nothing; with settings, it must be what they declare.

    Raises BadTokens, MissingExtra.
    """

    def read(name: str) -> bytes:
        try:
            with (folder / name).open("rb") as file:
                return file.read(MOST_BYTES + 1)
        except OSError as error:
            raise BadTokens(f"{folder / name} cannot be read: {error.strerror or error}") from None

    try:
        return _codecs(read(INDEX), read, settings)
    except BadTokens as bad:
        raise BadTokens(f"{folder}: {bad}") from None


def codecs_from_files(files: Mapping[str, bytes]) -> Codecs:
    """The same from the contents of the files by name. Raises BadTokens, MissingExtra."""

    def read(name: str) -> bytes:
        if name not in files:
            raise BadTokens(f"there is no {name}")
        return files[name]

    return _codecs(read(INDEX), read, None)


def _written(codec: Codec, side: str, files: dict[str, bytes]) -> dict[str, Any]:
    kind = _kind(codec)
    if isinstance(codec, WordsCodec):
        return {"kind": kind, "size": codec.num_tokens, "lower": codec.lower, "pieces": list(codec.table.pieces)}
    if isinstance(codec, CharactersCodec):
        return {"kind": kind, "size": codec.num_tokens, "pieces": list(codec.table.pieces)}
    # SentencePiece is imported by those alone who use it
    from .sentencepiece import SentencePieceCodec

    assert isinstance(codec, SentencePieceCodec)
    name = f"{side}.model"
    files[name] = codec.model
    return {"kind": kind, "size": codec.num_tokens, "file": name, "sha256": hashlib.sha256(codec.model).hexdigest()}


def _kind(codec: Codec) -> str:
    of_class: dict[type, type[TrainedTokenizer]] = {WordsCodec: Words, CharactersCodec: Characters}
    return of_class.get(type(codec), SentencePiece).name


def _codecs(index: bytes, read: Any, settings: ParallelText | None) -> Codecs:
    if len(index) > MOST_BYTES:
        raise BadTokens(f"{INDEX} is larger than {MOST_BYTES // 2**20} MiB")
    try:
        content = json.loads(index.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadTokens(f"{INDEX} is not JSON: {str(error)[:80]!a}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise BadTokens(f"{INDEX} holds no tokenizers of s2sc")
    if content.get("version") != VERSION:
        raise BadTokens(f"{INDEX} has version {str(content.get('version'))[:20]!a}, this s2sc reads {VERSION}")
    sides = sorted(content.keys() - {"format", "version"})
    if sides == ["joint"]:
        joint = _read(content["joint"], read)
        found = Codecs(joint, joint)
    elif sides == ["source", "target"]:
        found = Codecs(_read(content["source"], read), _read(content["target"], read))
    else:
        raise BadTokens(f"{INDEX} holds neither one tokenizer nor one for each side")
    if settings is not None:
        found.check(settings)
    return found


def _read(content: Any, read: Any) -> Codec:
    if not isinstance(content, dict):
        raise BadTokens("a tokenizer is no object")
    kind, size = content.get("kind"), content.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or not NUM_MARKS < size <= _MOST_TOKENS:
        raise BadTokens(f"{str(size)[:20]!a} is no number of tokens")
    if kind == Words.name:
        lower = content.get("lower")
        if not isinstance(lower, bool):
            raise BadTokens("`lower` is neither true nor false")
        return WordsCodec(_pieces(content, size), size, lower=lower)
    if kind == Characters.name:
        pieces = _pieces(content, size)
        if any(len(piece) != 1 for piece in pieces):
            raise BadTokens("a character has several")
        return CharactersCodec(pieces, size)
    if kind == SentencePiece.name:
        return _sentencepiece(content, size, read)
    raise BadTokens(f"there is no tokenizer {str(kind)[:40]!a}")


def _pieces(content: dict[str, Any], size: int) -> list[str]:
    pieces = content.get("pieces")
    if not isinstance(pieces, list) or not 0 < len(pieces) <= size - NUM_MARKS:
        raise BadTokens(f"the pieces are no list of at most {size - NUM_MARKS}")
    if not all(isinstance(piece, str) and 0 < len(piece) <= _MOST_PIECE for piece in pieces):
        raise BadTokens("a piece is no text")
    # texts with these are refused, so nothing that was trained has them; a terminal must never see them
    if any(CONTROL.search(piece) for piece in pieces):
        raise BadTokens("a piece holds a control character")
    if len(set(pieces)) < len(pieces):
        raise BadTokens("a piece stands there twice")
    return pieces


def _sentencepiece(content: dict[str, Any], size: int, read: Any) -> Codec:
    from .sentencepiece import BadModel, SentencePieceCodec

    name = content.get("file")
    if not isinstance(name, str) or not _MODEL.fullmatch(name):
        raise BadTokens(f"{str(name)[:40]!a} is no name of a model")
    model: bytes = read(name)
    if len(model) > MOST_BYTES:
        raise BadTokens(f"{name} is larger than {MOST_BYTES // 2**20} MiB")
    # before a native library reads it
    if hashlib.sha256(model).hexdigest() != content.get("sha256"):
        raise BadTokens(f"{name} is not the file that {INDEX} was written with")
    try:
        codec = SentencePieceCodec(model)
    except BadModel as bad:
        raise BadTokens(f"{name}: {bad}") from None
    if codec.num_tokens != size:
        raise BadTokens(f"{name} has {codec.num_tokens} tokens, not {size}")
    return codec
