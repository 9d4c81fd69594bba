"""Texts as the pieces of a SentencePiece model."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from ...compiler.data_layer import BEGIN, END, UNKNOWN
from ..extras import extra
from .codec import NO_TOKEN, composed

with extra("text", "sentencepiece"):
    from sentencepiece import SentencePieceProcessor

_MOST_THREADS = 8


class BadModel(Exception):
    """Bytes that are no SentencePiece model with the marks of s2sc."""


class SentencePieceCodec:
    """The running side of compiler.parts.text.sentencepiece; `model` is the content of a .model file."""

    def __init__(self, model: bytes) -> None:
        self.model = model
        try:
            self._processor = SentencePieceProcessor(model_proto=model)
            marks = [self._processor.unk_id(), self._processor.bos_id(), self._processor.eos_id()]
        except (RuntimeError, OSError, ValueError) as error:
            raise BadModel("not a SentencePiece model") from error
        if marks != [UNKNOWN, BEGIN, END]:
            raise BadModel(f"its marks are the tokens {marks}, not {[UNKNOWN, BEGIN, END]}")

    @property
    def num_tokens(self) -> int:
        size: int = self._processor.get_piece_size()
        return size

    def normalise(self, text: str) -> str:
        """The text in composed characters, words one space apart; the model itself changes nothing."""
        return composed(text)

    def encode(self, text: str) -> tuple[str, tuple[int, ...]]:
        """The normalised text and the numbers of its pieces."""
        normalised = self.normalise(text)
        return normalised, tuple(self._processor.encode(normalised, out_type=int))

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """The numbers of the pieces of many texts."""
        threads = min(_MOST_THREADS, os.cpu_count() or 1)
        normalised = [self.normalise(text) for text in texts]
        found: list[list[int]] = self._processor.encode(normalised, out_type=int, num_threads=threads)
        return found

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of token numbers; begin and end are left out."""
        kept = [token for token in tokens if token not in (BEGIN, END)]
        if not kept:
            return ""
        pieces: list[str] = self._processor.id_to_piece(kept)
        joined = "".join(
            f" {NO_TOKEN} " if token == UNKNOWN else piece for token, piece in zip(kept, pieces, strict=True)
        )
        return " ".join(joined.replace("\u2581", " ").split())

    def __reduce__(self) -> tuple[type[SentencePieceCodec], tuple[bytes]]:
        return SentencePieceCodec, (self.model,)
