"""How much is tried of what there is no end of: a little in `make test`, much in `make soak`."""

from __future__ import annotations

import os

# set by `make soak`
NIGHTLY = "S2SC_NIGHTLY" in os.environ


def tries(usual: int, nightly: int) -> int:
    """How many there are this time."""
    return nightly if NIGHTLY else usual
