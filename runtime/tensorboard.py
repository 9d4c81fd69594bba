"""Figures for TensorBoard."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .extras import extra

with extra("train", "training"):
    from torch.utils.tensorboard import SummaryWriter


class Board:
    """An event file, if the disk takes one."""

    def __init__(self, folder: Path, *, warn: Callable[[str], None]) -> None:
        self._folder = folder
        self._warn = warn
        self._writer: SummaryWriter | None = None

    def open(self, *, after: int) -> None:
        """Open a new event file; what earlier ones hold of steps later than `after` is not shown."""
        with self._or_without():
            self._writer = SummaryWriter(str(self._folder), purge_step=after + 1)

    def close(self) -> None:
        """Write what is left."""
        writer, self._writer = self._writer, None
        if writer is not None:
            with self._or_without():
                writer.close()

    def add(self, group: str, figures: Mapping[str, Any], step: int) -> None:
        """Add every number under "group/name"."""
        with self._or_without():
            for name, value in figures.items():
                if self._writer is not None and isinstance(value, int | float) and name != "step":
                    self._writer.add_scalar(f"{group}/{name}", value, step)

    @contextmanager
    def _or_without(self) -> Iterator[None]:
        """Training does not end for want of a picture: metrics.jsonl holds the same figures."""
        try:
            yield
        except OSError as error:
            self._writer = None
            self._warn(f"cannot write {self._folder} ({error.strerror or error}): there is no more TensorBoard")
