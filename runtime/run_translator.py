"""Translation with a trained run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from ..compiler.parts.data.parallel_text import ParallelText
from .data.batch import Batch
from .data.codecs import BadTokens, of_a_run
from .data.collate_text import SOURCE, lengths_with_end, padded
from .decoder import Decoder
from .export.pair_metadata import TextLimits
from .layers.layer import LayerOf, layer_class
from .no_answer import NoAnswer
from .run_folder import Run, RunError
from .search.hypothesis import Hypothesis
from .trained import load_trained
from .translation import Scored, Translator

# Longer lines take time and memory by the square of their length; a model was trained on far shorter ones.
MOST_SOURCE_TOKENS = 1024
MOST_BATCH = 64


class RunTranslator(Translator):
    """A run's best weights and its tokenizers, ready to translate."""

    def __init__(
        self,
        run: Run,
        device: torch.device,
        *,
        layer_of: LayerOf = layer_class,
        warn: Callable[[str], None] = lambda message: None,
    ) -> None:
        settings = run.graph().graph.data
        assert isinstance(settings, ParallelText), settings.name
        model = load_trained(run, device, layer_of=layer_of, warn=warn)
        if model.decoder is None:
            raise RunError(f"{run.folder}: the spec has no `infer` in its decoder")
        self._decoder: Decoder = model.decoder
        self._most_source = model.most.get(SOURCE, MOST_SOURCE_TOKENS)
        self._device = device
        try:
            self._codecs = of_a_run(run.tokens, settings)
        except BadTokens as bad:
            raise RunError(str(bad)) from None

    @property
    def limits(self) -> TextLimits:
        """Batches and lines that it takes; the end mark of a line is counted."""
        return TextLimits(1, MOST_BATCH, 1, min(MOST_SOURCE_TOKENS, self._most_source))

    @property
    def most_texts(self) -> int:
        """How many texts its search can find for a line."""
        return self._decoder.most_texts

    @property
    def n_best(self) -> int:
        """How many texts of a line the spec asks for."""
        return self._decoder.n_best

    def encode(self, text: str) -> tuple[int, ...]:
        """The token numbers of a line without marks; raises BadText."""
        return self._codecs.source.encode(text)[1]

    def search(self, sentences: Sequence[Sequence[int]], *, n_best: int = 1) -> list[list[Scored] | NoAnswer]:
        """The best texts of one batch within the limits, from token numbers without marks."""
        rows = [np.array(sentence, np.int32) for sentence in sentences]
        lengths = lengths_with_end(rows)
        batch = Batch(
            inputs={SOURCE: torch.from_numpy(padded(rows, lengths))},
            lengths={SOURCE: torch.from_numpy(lengths)},
            ids=tuple(map(str, range(len(rows)))),
            texts=("",) * len(rows),
            epoch=0,
            number=0,
        ).to(self._device)
        changed = {} if n_best == self.n_best else {"n_best": n_best}
        return [self._scored(found) for found in self._decoder.search(batch, **changed)]

    def _scored(self, found: list[Hypothesis] | NoAnswer) -> list[Scored] | NoAnswer:
        if isinstance(found, NoAnswer):
            return found
        return [Scored(self._codecs.target.decode(one.tokens), one.score) for one in found]
