"""The same bits each time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from .ended import NotDeterministic


@contextmanager
def deterministic(wanted: bool) -> Iterator[None]:
    """While entered and `wanted`, torch takes only algorithms that give the same bits each time.

    NotDeterministic where one of the model's operations has none on this device.
    """
    if not wanted:
        yield
        return
    before, benchmark = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    # cuBLAS reads it once, at its start
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    try:
        yield
    except RuntimeError as error:
        if "deterministic" not in str(error):
            raise
        raise NotDeterministic(
            f"deterministic = true, and an operation cannot be so on this device: {str(error).splitlines()[0]}"
        ) from error
    finally:
        torch.use_deterministic_algorithms(before)
        torch.backends.cudnn.benchmark = benchmark
