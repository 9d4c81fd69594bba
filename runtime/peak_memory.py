"""The most memory that was in use since a moment: of a GPU as torch counts it, of this process elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import torch

_CLEAR, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
_FORGET_THE_HIGH_WATER_MARK = "5"  # man 5 proc


def begin(device: torch.device) -> None:
    """Forget what was the most before."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return
    try:
        _CLEAR.write_text(_FORGET_THE_HIGH_WATER_MARK, encoding="ascii")
    except OSError:
        # then it is the mark of the whole process
        return


def peak_bytes(device: torch.device) -> int | None:
    """The most since `begin`; None where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        found = re.search(r"^VmHWM:\s*(\d+) kB$", _STATUS.read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None
