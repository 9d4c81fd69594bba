"""What processes other than the first one write and say: nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...dsl.values import Quantity
from ..metrics_file import MetricsFile
from ..progress import Pairs
from ..tensorboard import Board


class QuietProgress:
    """A display of nothing. What it met, such as a bad recording, is in its tally."""

    def start(self, *, steps: int, step: int, stop: Quantity) -> None: ...
    def advance(self, record: Mapping[str, Any]) -> None: ...
    def train(self, record: Mapping[str, Any]) -> None: ...
    def evaluation(self, record: Mapping[str, Any], pairs: Pairs) -> None: ...
    def result(self, split: str, figures: Mapping[str, Any], pairs: Pairs) -> None: ...
    def preparing(self, what: str, done: int, total: int) -> None: ...
    def say(self, message: str) -> None: ...
    def warn(self, message: str) -> None: ...
    def finish(self) -> None: ...


class QuietMetrics(MetricsFile):
    """A file that is not written."""

    def __init__(self) -> None:
        super().__init__(Path())

    def add(self, record: Mapping[str, Any]) -> None: ...
    def write(self) -> None: ...
    def forget_after(self, step: int, *, evaluated: int) -> None: ...


class QuietBoard(Board):
    """No event file."""

    def __init__(self) -> None:
        super().__init__(Path(), warn=lambda message: None)

    def open(self, *, after: int) -> None: ...
