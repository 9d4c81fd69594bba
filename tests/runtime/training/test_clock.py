"""A clock that is set back while a run is trained."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any

import pytest


def test_a_clock_that_jumps_back_changes_nothing(
    kit: Any, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.trained(corpus, tmp_path / "steady")
    now = time.time()
    hours = itertools.count()
    monkeypatch.setattr(time, "time", lambda: now - 3600 * next(hours))
    kit.trained(corpus, tmp_path / "back")
    assert kit.metrics_of(tmp_path / "back") == kit.metrics_of(tmp_path / "steady")
    steady, back = (kit.newest(tmp_path / name) for name in ("steady", "back"))
    assert kit.state_of(back) == kit.state_of(steady)
    assert all(line["seconds"] >= 0 for line in kit.metrics_of(tmp_path / "back", without=()) if "seconds" in line)
