"""How many tokens a text that is searched may have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def most_tokens(source_tokens_B: NDArray[np.int64], max_tokens: int | None) -> NDArray[np.int64]:
    """The limit of each row: the spec's, or 10 and 2 for each token of its source.

    source_tokens_B  lengths of the source, its end mark counted
    """
    if max_tokens is not None:
        return np.full(len(source_tokens_B), max_tokens, dtype=np.int64)
    return 10 + 2 * np.asarray(source_tokens_B, dtype=np.int64)
