"""Translation with an exported encoder and step: onnxruntime and numpy, no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from .data.codecs import BadTokens, codecs_from_files
from .export.pair_metadata import TextLimits
from .export.properties import BadModelFile
from .no_answer import NoAnswer
from .onnx_stepping import OnnxPair, OnnxStepper, source_feeds
from .search.hypothesis import Hypothesis
from .search.token_search import search
from .translation import Scored, Translator


class OnnxTranslator(Translator):
    """The two files of a model that writes token by token, ready to translate.

    device  "cpu", or "cuda" where onnxruntime really gets at a GPU; `device` says afterwards which one it is

    Raises BadModelFile where a file is too large, no ONNX, not one of ours or not the other's.
    """

    def __init__(self, encoder: Path, step: Path, *, device: Literal["cpu", "cuda"] = "cpu", threads: int = 0) -> None:
        self._pair = OnnxPair(encoder, step, device=device, threads=threads)
        self.metadata = self._pair.metadata
        self.device = self._pair.device
        try:
            self._codecs = codecs_from_files(self._pair.facts.tokenizers)
        except BadTokens as bad:
            raise BadModelFile(f"{encoder}: its tokenizers: {bad}") from None

    @property
    def limits(self) -> TextLimits:
        """Batches and lines that it takes; the end mark of a line is counted."""
        return self.metadata.limits

    @property
    def most_texts(self) -> int:
        """How many texts its search can find for a line."""
        return self.metadata.search.width

    @property
    def n_best(self) -> int:
        """How many texts of a line the spec asks for."""
        return self.metadata.search.n_best

    def encode(self, text: str) -> tuple[int, ...]:
        """The token numbers of a line without marks; raises BadText."""
        return self._codecs.source.encode(text)[1]

    def search(self, sentences: Sequence[Sequence[int]], *, n_best: int = 1) -> list[list[Scored] | NoAnswer]:
        """The best texts of one batch within the limits, from token numbers without marks."""
        settings = asdict(self.metadata.search) | {"n_best": n_best}
        for name in ("kind", "max_tokens", "most_places"):
            del settings[name]
        end = self.metadata.search.end
        feeds = source_feeds([(*sentence, end) for sentence in sentences], least_rows=self.limits.least_batch)
        found = search(
            OnnxStepper(self._pair, feeds),
            num_rows=len(feeds["source"]),
            max_tokens_per_row=self.metadata.search.most_tokens(feeds["source_lengths"]),
            **settings,
        )
        return [self._scored(row) for row in found[: len(sentences)]]

    def _scored(self, found: list[Hypothesis] | NoAnswer) -> list[Scored] | NoAnswer:
        if isinstance(found, NoAnswer):
            return found
        target = self._codecs.target
        if any(token >= target.num_tokens for one in found for token in one.tokens):
            return NoAnswer(f"the model chose a token that its vocabulary of {target.num_tokens} tokens does not have")
        return [Scored(target.decode(one.tokens), one.score) for one in found]
