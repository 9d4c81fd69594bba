"""Devices that torch runs on, by name."""

from __future__ import annotations

import torch

from .run_folder import RunError


def torch_device(name: str) -> torch.device:
    """A device by name: "cpu", "cuda", "cuda:1", or "auto" for a GPU where there is one; RunError without it."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise RunError(f"there is no kind of device called {name!r}: use cpu, cuda or auto") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise RunError("torch sees no GPU: use --device cpu")
    if device.type not in ("cpu", "cuda"):
        raise RunError(f"training and inference run on cpu or cuda, not on {device.type}")
    return device
