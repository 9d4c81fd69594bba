"""Of two processes that train together one is killed or freezes: the other one ends, and the run goes on exactly."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ..nightly import tries

TRIALS = tries(24, 2000)


@pytest.mark.timeout(4 * 3600)
@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked and stopped as Linux does it")
def test_runs_of_two_end_as_if_nobody_had_harmed_them(tmp_path: Path) -> None:
    # a process of its own: what pytest has loaded and started is no part of a fork
    words = [sys.executable, "-m", "s2sc.soak.ranks", "--trials", str(TRIALS), "--seed", "5", "--folder", str(tmp_path)]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = re.match(r"(\d+) killed, (\d+) frozen, (\d+) runs, 0 mismatches", ended.stdout)
    assert found, ended.stdout
    killed, frozen, runs = map(int, found.groups())
    assert killed + frozen >= TRIALS
    assert min(killed, frozen, runs) >= 3
    assert "Traceback" not in ended.stderr
