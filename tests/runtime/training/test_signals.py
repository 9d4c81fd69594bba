"""Runs that are stopped and killed: nothing is lost, and the message says how to go on."""

from __future__ import annotations

import os
import random
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

PYTHON = [sys.executable, "-m", "s2sc"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def start(corpus: Path, folder: Path, *more: str, python: list[str] = PYTHON) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*python, "compile", str(corpus / "tones.s2s"), "--train", "--out", str(folder), *more],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=corpus,
        env=ENVIRONMENT,
        # pytest itself may run where Ctrl-C is ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def wait_for_figures(process: subprocess.Popen[str], folder: Path, *, lines: int = 1) -> None:
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        if (folder / "metrics.jsonl").exists() and len((folder / "metrics.jsonl").read_bytes().splitlines()) >= lines:
            return
        time.sleep(0.01)
    pytest.fail(f"nothing was measured: {process.communicate()}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1], ids=lambda number: number.name)
def test_a_signal_stops_with_a_checkpoint_and_the_command_that_goes_on(
    kit: Any, corpus: Path, tmp_path: Path, number: signal.Signals
) -> None:
    folder = tmp_path / "it's a run"
    sets = ("--set", "hyperparameters.stop=100000 steps", "--set", "hyperparameters.log=1 steps")
    process = start(corpus, folder, *sets)
    wait_for_figures(process, folder)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 75, err
    assert out == ""
    step = kit.newest(folder).step
    said = err.splitlines()[-1]
    assert said.startswith(f"stopped by {number.name} after step {step}; go on with: s2sc compile ")
    assert "Traceback" not in err
    words = shlex.split(said.partition("go on with: s2sc ")[2])
    assert words[-4:] == list(sets)
    if number is signal.SIGTERM:
        words += ["--set", f"hyperparameters.stop={step + 3} steps"]
        done = subprocess.run(
            [*PYTHON, *words], capture_output=True, text=True, cwd=corpus, env=ENVIRONMENT, check=False
        )
        assert done.returncode == 0, done.stderr
        assert f"goes on from step {step}" in done.stderr
        assert kit.newest(folder).step == step + 3
        assert (folder / "result.json").exists()
        steps = [line["step"] for line in kit.metrics_of(folder) if "split" not in line]
        assert steps == list(range(1, step + 4))


# a step that takes its time after the first signal was noticed by nobody yet
SLOW = """
import sys, time
from s2sc.cli.main import main
from s2sc.runtime.training import trainer
step = trainer._train_step
def slow(running, batches):
    step(running, batches)
    if running.state.step == 9:
        print("asleep", flush=True)
        time.sleep(60)
trainer._train_step = slow
sys.exit(main(sys.argv[1:]))
"""


def test_a_second_signal_ends_at_once_and_leaves_the_last_checkpoint(kit: Any, corpus: Path, tmp_path: Path) -> None:
    process = start(corpus, tmp_path / "run", python=[sys.executable, "-c", SLOW])
    assert process.stdout is not None
    assert process.stdout.readline() == "asleep\n"
    process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "ended at once; go on from the last checkpoint with: s2sc compile" in err
    assert "Traceback" not in err
    assert kit.newest(tmp_path / "run").step == 8


# ---------------------------------------------------------------- kill -9


def test_a_run_killed_at_any_moment_ends_in_the_same_weights(kit: Any, corpus: Path, tmp_path: Path) -> None:
    """A dozen kills; the children are forks, which start at once."""
    sets = (
        "hyperparameters.stop=60 steps",
        "hyperparameters.log=1 steps",
        "hyperparameters.evaluate=3 steps",
        "hyperparameters.checkpoint.every=2 steps",
    )
    torch.manual_seed(1)
    began = time.monotonic()
    whole = kit.trained(corpus, tmp_path / "whole", *sets)
    seconds = time.monotonic() - began
    draw = random.Random(11)
    killed, runs = 0, 0
    while killed < 12:
        folder = tmp_path / f"killed {runs}"
        child = os.fork()
        if child == 0:
            code = 1
            try:
                kit.trained(corpus, folder, *sets, resume=True)
                code = 0
            finally:
                os._exit(code)
        time.sleep(draw.uniform(0.1, 0.6) * seconds)
        if os.waitpid(child, os.WNOHANG)[0]:
            # it came to its end before we did
            runs += 1
            continue
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        killed += os.WIFSIGNALED(status)
    for number in range(runs + 1):
        folder = tmp_path / f"killed {number}"
        result = kit.trained(corpus, folder, *sets, resume=True)
        assert {**result, "seconds": 0} == {**whole, "seconds": 0}
        assert kit.state_of(kit.newest(folder)) == kit.state_of(kit.newest(tmp_path / "whole"))
        assert kit.metrics_of(folder) == kit.metrics_of(tmp_path / "whole")
        assert not [path for path in (folder / "checkpoints").iterdir() if path.name.startswith(".")]
