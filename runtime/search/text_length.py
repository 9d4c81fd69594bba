"""How many tokens a text that is searched may have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def most_tokens(
    source_tokens_B: NDArray[np.int64], max_tokens: int | None, most_places: int | None = None
) -> NDArray[np.int64]:
    """The limit of each row: the spec's, or 10 and 2 for each token of its source.

    source_tokens_B  lengths of the source, its end mark counted
    most_places      tokens that the decoder has places for (learned positions), None without an end: no limit is above
    """
    most_B = 10 + 2 * np.asarray(source_tokens_B, dtype=np.int64)
    if max_tokens is not None:
        most_B = np.full(len(source_tokens_B), max_tokens, dtype=np.int64)
    return most_B if most_places is None else np.minimum(most_B, most_places)
