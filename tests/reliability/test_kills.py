"""kill -9 at random moments of a run: it goes on to the bit, no checkpoint is half, no line is lost or doubled."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from s2sc.runtime.checkpoint import checkpoint_steps
from s2sc.soak.kills import Tally, check_killed, trace_of
from s2sc.soak.ledger import LEDGER, PAGE, read, sentence

KILLS = 300


# a busy machine takes half a second for each
@pytest.mark.timeout(900)
def test_killed_runs_end_as_if_nobody_had_killed_them(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    # a process of its own: what pytest has loaded and started is no part of a fork
    process = [sys.executable, "-m", "s2sc.soak", "--kills", str(KILLS), "--seed", "20", "--folder", str(tmp_path)]
    ended = subprocess.run([*process, "--ledger", str(ledger)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = read(ledger)
    kills, inside = sum(one.kills for one in found), sum(one.inside for one in found)
    assert kills >= KILLS
    assert inside >= 0.3 * kills, "too few inside the write of a checkpoint to say anything of it"
    assert sum(one.mismatches for one in found) == 0


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody killed, made in a process of its own."""
    folder = tmp_path_factory.mktemp("whole")
    code = (
        "import sys, pathlib, s2sc.soak.kills as kills\n"
        "from s2sc.compiler.front import analyse\nfrom s2sc.dsl.source import Source\n"
        "folder = pathlib.Path(sys.argv[1])\nkills.write_tones(folder / 'corpus')\n"
        "kills._train(analyse(Source('tones.s2s', kills.SPEC)).checked, folder / 'corpus', folder / 'run')\n"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True)
    return folder / "run"


def test_the_check_sees_a_half_checkpoint_a_lost_one_and_a_torn_line(whole: Path) -> None:
    steps = checkpoint_steps(whole / "checkpoints")
    tally = Tally()
    assert check_killed(whole, steps[-1], tally) == steps[-1]
    assert tally.mismatches == []
    check_killed(whole, steps[-1] + 1, tally)
    assert "was committed and the newest is" in tally.mismatches.pop()
    file = whole / "checkpoints" / f"step-{steps[0]:09d}" / "model.safetensors"
    kept = file.read_bytes()
    file.write_bytes(kept[:-1])
    check_killed(whole, steps[-1], tally)
    assert "a checkpoint is half" in tally.mismatches.pop()
    file.write_bytes(kept)
    metrics = whole / "metrics.jsonl"
    kept = metrics.read_bytes()
    metrics.write_bytes(b'{"step": 1' + b"\n" + kept)
    check_killed(whole, steps[-1], tally)
    assert "is torn" in tally.mismatches.pop()
    metrics.write_bytes(kept)


def test_the_comparison_sees_a_line_that_is_lost_or_doubled(whole: Path) -> None:
    metrics = whole / "metrics.jsonl"
    kept = metrics.read_bytes()
    expected = trace_of(whole)
    for change in (kept.split(b"\n", 1)[1], kept.split(b"\n", 1)[0] + b"\n" + kept):
        metrics.write_bytes(change)
        assert trace_of(whole)["metrics.jsonl"] != expected["metrics.jsonl"]
    metrics.write_bytes(kept)
    assert trace_of(whole) == expected


def test_the_ledger_adds_up_and_the_page_has_its_sums() -> None:
    found = read(LEDGER)
    for one in found:
        assert 0 <= one.inside <= one.kills
        assert one.mismatches >= 0
        assert one.runs > 0
        assert one.mismatches == 0 or one.note, "what was found out about it is not said"
    assert len({json.dumps(one.__dict__) for one in found}) == len(found), "a line is there twice"
    assert f"\n{sentence(found)}.\n" in PAGE.read_text(encoding="utf-8")
