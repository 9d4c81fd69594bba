"""Figures for TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .extras import extra

with extra("train", "training"):
    from torch.utils.tensorboard import SummaryWriter


class Board:
    """An event file that is opened while training runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: SummaryWriter | None = None

    def __enter__(self) -> Board:
        self._writer = SummaryWriter(str(self._folder))
        return self

    def __exit__(self, *exception: object) -> None:
        if self._writer is not None:
            self._writer.close()

    def add(self, group: str, figures: Mapping[str, Any], step: int) -> None:
        """Add every number under "group/name"."""
        assert self._writer is not None
        for name, value in figures.items():
            if isinstance(value, int | float) and name != "step":
                self._writer.add_scalar(f"{group}/{name}", value, step)
