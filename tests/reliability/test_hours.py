"""The long run of two is fit to see what it looks for: a leak, a kill, what is left behind."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest
from s2sc.soak.hours import Endured, Watched, endure
from s2sc.soak.tones import SPEC, write_tones


@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform != "linux", reason="memory and processes are found in /proc")
def test_one_is_watched_and_the_other_is_killed_and_goes_on(tmp_path: Path) -> None:
    write_tones(tmp_path)
    spec = tmp_path / "tones.s2s"
    spec.write_text(SPEC, encoding="utf-8")
    found = endure(spec, tmp_path, minutes=0.35, kill_every=9.0)
    assert found.codes == [os.EX_TEMPFAIL] * 2, [log.read_text() for log in tmp_path.glob("*.log")]
    assert found.kills == 1
    assert found.leftovers == []
    figures = found.to_json()
    assert found.steps > 0
    assert figures["memory_MiB"][0] > 50  # type: ignore[index]  # two numbers
    assert min(found.watched.processes) == 1
    assert min(found.watched.threads) >= 1


def test_a_leak_shows_in_the_growth(tmp_path: Path) -> None:
    steady, leaking = Watched(), Watched()
    kept = []
    for number in range(40):
        for watched, size in ((steady, 0), (leaking, number)):
            watched.hours.append(number / 40)
            # much is loaded at first, in both
            watched.memory.append(1000 * 2**20 + (2**20 * size) + (2**20 * number * 50 if number < 5 else 0))
    assert abs(steady.growth()) < 1e-9
    assert leaking.growth() == pytest.approx(0.04, rel=0.1)
    # and of a living process: the files that it opens
    seen = Watched()
    for _ in range(3):
        seen.look(os.getpid(), 0.0)
        kept.append(tempfile.TemporaryFile(dir=tmp_path))  # noqa: SIM115  # to be open while it is looked at
    assert seen.files == [seen.files[0], seen.files[0] + 1, seen.files[0] + 2]
    for file in kept:
        file.close()


def test_what_is_gone_is_not_looked_at() -> None:
    found = Endured()
    found.watched.look(2**22 + 1, 0.0)
    assert found.watched.hours == []
