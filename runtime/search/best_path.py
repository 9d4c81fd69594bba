"""Best path decoding of log probabilities in numpy, for inference without torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def best_path(scores_BTV: NDArray[Any], lengths_B: Sequence[int] | NDArray[Any], *, blank: int) -> list[list[int]]:
    """Take the likeliest class of each real frame, merge repeats, drop blanks; one list of tokens for each row."""
    classes_BT = np.asarray(scores_BTV).argmax(-1)
    return [
        collapse(classes_T[: int(length)], blank=blank) for classes_T, length in zip(classes_BT, lengths_B, strict=True)
    ]


def collapse(classes_T: NDArray[Any], *, blank: int) -> list[int]:
    """Merge repeats and drop blanks."""
    starts = np.ones(len(classes_T), dtype=bool)
    starts[1:] = classes_T[1:] != classes_T[:-1]
    tokens: list[int] = classes_T[starts & (classes_T != blank)].tolist()
    return tokens
