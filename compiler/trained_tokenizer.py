"""Tokenizers that are made from the training texts, with a size that is known before."""

from __future__ import annotations

from collections.abc import Mapping

from ..dsl.values import Plain
from .data_layer import Tokenizer
from .part import param

# 0 unknown, 1 begin, 2 end
NUM_MARKS = 3


class TrainedTokenizer(Tokenizer):
    """Base of the tokenizers whose pieces come from the training texts.

    The first three token numbers are marks: unknown, begin, end (compiler.data_layer). `size` counts them.
    """

    size: int = param(
        doc="number of tokens, the marks for unknown, begin and end among them",
        unit_doc="tokens",
        minimum=NUM_MARKS + 1,
        maximum=2**20,
    )
    joint: bool = param(default=True, doc="one vocabulary for both languages where the data has one tokenizer")

    @property
    def num_tokens(self) -> int:
        return self.size

    def facts(self) -> Mapping[str, Plain]:
        return {"size": self.size}
