"""What all tests share: where the checkout is, and no two threads for one small tensor."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# before torch is imported: several test processes share the cores
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return Path(__file__).parent.parent
