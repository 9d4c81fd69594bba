"""How many zero frames a sliding window needs at the ends of a sequence."""

from __future__ import annotations


def window_padding(kernel: int, *, dilation: int, pad: str) -> tuple[int, int]:
    """Zero frames on the left and on the right for "same", "causal" or "valid".

    "same" and "causal" give ceil(T / stride) outputs with the same padding whatever T and stride are: the last window
    begins at or before frame T - 1.
    """
    reach = (kernel - 1) * dilation
    if pad == "same":
        return reach // 2, reach - reach // 2
    return (reach, 0) if pad == "causal" else (0, 0)
