"""How many tokens a text that is searched may have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def most_tokens(source_tokens_B: NDArray[np.int64], max_tokens: int | None) -> NDArray[np.int64]:
    """The limit of each row: the spec's, or twice as many as its source has without the end mark, and 10.

    source_tokens_B  lengths of the source with its end mark
    """
    if max_tokens is not None:
        return np.full(len(source_tokens_B), max_tokens, dtype=np.int64)
    return 2 * np.maximum(np.asarray(source_tokens_B, dtype=np.int64) - 1, 0) + 10
