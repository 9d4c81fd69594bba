"""What training shows: a line that fits the terminal, plain lines where there is none."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from s2sc.dsl.values import Quantity
from s2sc.runtime.progress import Line, LiveProgress, PlainProgress, clock, figures_line, progress_for, training

RECORD: dict[str, Any] = {
    "step": 1200,
    "epoch": 2.5,
    "loss": 1.23456,
    "lr": 1e-3,
    "examples_per_second": 123.4,
    "seconds": 70.0,
    "loss_scale": 65536.0,
}
STEPS = Quantity(2400, "steps", "2400 steps")
PAIRS = [("a", "one two", "one too"), ("b", "three", "three")]


def test_the_line_shows_what_fits() -> None:
    line = training(RECORD, {**RECORD, "step": 200, "seconds": 20.0}, steps=2400, stop=STEPS)
    shown = {width: line.fitted(width).plain for width in (20, 50, 80, 120, 300)}
    bar = "━" * 32
    figures = "loss 1.235  1:00 left  123 examples/s  lr 1.0e-03  scale 65536"
    assert shown[300] == shown[120] == f"step 1200/2400 {bar}  50 %  {figures}"
    assert shown[80] == "step 1200/2400 ━━━━━━━━━━━━━━━━━━  50 %  loss 1.235  1:00 left  123 examples/s"
    assert shown[50] == "step 1200/2400 ━━━━━━━━━━━━━━━  50 %  loss 1.235"
    assert all(len(text) <= width for width, text in shown.items() if width > 20)


def test_a_run_that_ends_by_time_shows_its_time() -> None:
    line = training(RECORD, RECORD, steps=0, stop=Quantity(280.0, "time", "280s"))
    assert (line.words, line.share, line.figures[1]) == ("step 1200", 0.25, "3:30 left")


def test_no_time_is_said_before_it_is_known() -> None:
    line = training(RECORD, RECORD, steps=2400, stop=STEPS)
    assert not any("left" in figure for figure in line.figures)


def test_shares_beyond_the_end_stay_in_the_bar() -> None:
    assert Line("x", 7.0).fitted(40).plain.endswith("100 %")
    assert Line("x", -1.0).fitted(40).plain.endswith("  0 %")


def test_plain_lines_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    progress = progress_for(stream)
    assert isinstance(progress, PlainProgress)
    progress.start(steps=2400, step=0, stop=Quantity(12, "epochs", "12 epochs"))
    progress.preparing("reading recordings", 1, 9)
    progress.preparing("reading recordings", 5, 9)
    progress.preparing("reading recordings", 9, 9)
    progress.advance(RECORD)
    progress.train(RECORD)
    progress.evaluation({"step": 1200, "split": "valid", "wer": 0.25, "cer": None, "loss": 0.5, "examples": 8}, PAIRS)
    progress.warn("look out")
    progress.result("test", {"wer": 0.5, "loss": None, "examples": 8}, PAIRS)
    progress.finish()
    assert stream.getvalue().splitlines() == [
        "training until 12 epochs (2400 steps)",
        "reading recordings: 1 of 9",
        "reading recordings: 9 of 9",
        "step 1200  loss 1.2346  lr 0.001  123 examples/s  1:10",
        "step 1200  valid  wer 25.00 %  cer –  loss 0.500  8 examples",
        "warning: look out",
        "test  wer 50.00 %  loss –  8 examples",
    ]


def test_a_terminal_that_cannot_move_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert isinstance(progress_for(Terminal()), LiveProgress)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(progress_for(Terminal()), PlainProgress)


def test_texts_are_shown_as_they_are() -> None:
    stream = io.StringIO()
    progress = LiveProgress(Console(file=stream, width=60, force_terminal=False))
    progress.result("test", {"wer": 1.0, "examples": 1}, [("a", "[red]one[/red]", "two")])
    progress.result("test", {"examples": 0}, [])
    assert "[red]one[/red]" in stream.getvalue()


def test_translations_are_wanted_and_found() -> None:
    stream = io.StringIO()
    progress = LiveProgress(Console(file=stream, width=60, force_terminal=False), ("wanted", "found"))
    progress.evaluation({"step": 7, "split": "valid", "bleu": 35.125, "examples": 2}, [("a", "eins", "zwei")])
    progress.result("test", {"bleu": 35.125}, [("a", "eins", "zwei")])
    first, wanted, found, *rest = stream.getvalue().splitlines()
    assert first.split() == ["step", "7", "valid", "bleu", "35.125", "2", "examples"]
    assert (wanted.split(), found.split()) == (["wanted", "eins"], ["found", "zwei"])
    assert any("wanted" in line and "found" in line for line in rest)


def test_how_a_score_was_computed_is_for_files() -> None:
    assert figures_line({"bleu": 1.5, "bleu_signature": "nrefs:1|case:mixed", "perplexity": None}) == (
        "bleu 1.500  perplexity –"
    )


def test_clocks() -> None:
    assert [clock(seconds) for seconds in (0, 61.9, 3600, 90061)] == ["0:00", "1:01", "1:00:00", "25:01:01"]
    assert figures_line({"step": 3, "split": "x", "wer": 0.126}) == "wer 12.60 %"


@pytest.mark.parametrize("columns", [80, 120])
def test_the_live_display_fits_a_terminal(kit: Any, corpus: Path, tmp_path: Path, columns: int) -> None:
    sets = ("hyperparameters.stop=60 steps", "hyperparameters.evaluate=30 steps", "hyperparameters.batch=8 examples")
    words = ["compile", str(corpus / "tones.s2s"), "--train", "--out", str(tmp_path / "run")]
    for text in sets:
        words += ["--set", text]
    screen = on_a_terminal([sys.executable, "-m", "s2sc", *words], columns)
    moving = [line for line in screen if "━" in line and "loss" in line]
    assert moving
    assert all(len(line) <= columns for line in moving)
    assert re.fullmatch(r"step \d+/60 ━+ +\d+ %  loss [\d.]+.*", moving[-1])
    assert any(re.match(r"step     60  valid  wer", line) for line in screen)
    assert any(line.startswith("valid  wer ") for line in screen)
    assert any("said" in line and "heard" in line for line in screen)


def on_a_terminal(command: list[str], columns: int) -> list[str]:
    """All lines that a terminal of that width was shown."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    unset = ("NO_COLOR", "COLUMNS", "LINES")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    environment |= {"TERM": "xterm-256color", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    data = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        data += piece
    os.close(ours)
    text = data.decode()
    assert process.wait() == 0, text
    return [line for line in re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)) if line.strip()]
