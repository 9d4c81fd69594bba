"""`--devices N` from the command line: workers that are killed, a request to stop, a mistake in the spec."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from s2sc.cli.main import main
from s2sc.tests.runtime.training.conftest import metrics_of, newest, state_of, write_corpus
from torch.distributed.elastic.multiprocessing import SignalException

PATIENCE_SECONDS = 120


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("tones"))


@pytest.fixture
def started(corpus: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that a test starts, ended with it."""
    found: list[subprocess.Popen[str]] = []
    yield found
    for process in found:
        if process.poll() is None:
            process.kill()
            process.wait()


def command(corpus: Path, out: Path, *sets: str) -> list[str]:
    words = [sys.executable, "-m", "s2sc", "compile", str(corpus / "tones.s2s"), "--train", "--device", "cpu"]
    words += ["--devices", "2", "--out", str(out)]
    for one in ("hyperparameters.batch=2 examples", *sets):
        words += ["--set", one]
    return words


def workers(parent: int) -> list[int]:
    """The processes that a process has started and that still run."""
    children = Path(f"/proc/{parent}/task/{parent}/children")
    return [int(text) for text in children.read_text(encoding="ascii").split()] if children.exists() else []


def after_step(folder: Path, step: int, process: subprocess.Popen[str]) -> None:
    """Wait until a run has written a checkpoint of a step or of a later one."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and process.poll() is None:
        file = folder / "metrics.jsonl"
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True) if file.exists() else []
        if any(json.loads(line).get("step", 0) >= step for line in lines if line.endswith("\n")):
            return
        time.sleep(0.02)
    raise AssertionError(f"no step {step}: {process.communicate()}")


def gone(processes: list[int]) -> bool:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if not any(Path(f"/proc/{one}").exists() and "Z" not in _state(one) for one in processes):
            return True
        time.sleep(0.1)
    return False


def _state(process: int) -> str:
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace").rsplit(")", 1)[1].split()[0]
    except OSError:
        return "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="children are found in /proc")
@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_a_killed_worker_is_replaced_and_the_run_ends_as_if_it_had_not_been(
    corpus: Path, tmp_path: Path, started: list[subprocess.Popen[str]], strategy: str
) -> None:
    often = ("hyperparameters.stop=60 steps", "hyperparameters.log=1 steps", "hyperparameters.evaluate=30 steps")
    sets = (*often, f'hyperparameters.strategy="{strategy}"', "hyperparameters.bucket=100 B")
    whole = subprocess.run(command(corpus, tmp_path / "whole", *sets), capture_output=True, text=True, check=False)
    assert whole.returncode == 0, whole.stderr
    started.append(subprocess.Popen(command(corpus, tmp_path / "killed", *sets), stderr=subprocess.PIPE, text=True))
    after_step(tmp_path / "killed", 9, started[0])
    before = workers(started[0].pid)
    assert len(before) == 2
    os.kill(before[1], signal.SIGKILL)
    _, said = started[0].communicate(timeout=PATIENCE_SECONDS)
    assert started[0].returncode == 0, said
    assert "goes on from step" in said
    assert gone(before)
    assert metrics_of(tmp_path / "killed") == metrics_of(tmp_path / "whole")
    assert state_of(newest(tmp_path / "killed")) == state_of(newest(tmp_path / "whole"))


@pytest.mark.skipif(sys.platform != "linux", reason="children are found in /proc")
@pytest.mark.parametrize("whom", ["supervisor", "worker"])
def test_a_request_to_stop_keeps_the_state_and_its_exit_code(
    corpus: Path, tmp_path: Path, started: list[subprocess.Popen[str]], whom: str
) -> None:
    started.append(
        subprocess.Popen(
            command(corpus, tmp_path / "run", "hyperparameters.stop=100000 steps", "hyperparameters.log=1 steps"),
            stderr=subprocess.PIPE,
            text=True,
        )
    )
    after_step(tmp_path / "run", 3, started[0])
    children = workers(started[0].pid)
    os.kill(started[0].pid if whom == "supervisor" else children[1], signal.SIGTERM)
    _, said = started[0].communicate(timeout=PATIENCE_SECONDS)
    assert started[0].returncode == 75, said
    assert "--resume" in said
    assert "--devices 2" in said
    assert gone(children)
    assert newest(tmp_path / "run").step >= 3


@pytest.mark.skipif(sys.platform != "linux", reason="children are found in /proc")
def test_workers_end_with_a_supervisor_that_is_killed(
    corpus: Path, tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    words = command(corpus, tmp_path / "run", "hyperparameters.stop=100000 steps", "hyperparameters.log=1 steps")
    started.append(subprocess.Popen(words, stderr=subprocess.DEVNULL, text=True))
    after_step(tmp_path / "run", 3, started[0])
    children = workers(started[0].pid)
    started[0].kill()
    started[0].wait()
    assert gone(children)


@pytest.mark.parametrize(("asked", "code"), [(signal.SIGTERM, 75), (signal.SIGINT, 130)])
def test_a_request_to_stop_while_the_workers_start_is_no_failure(
    corpus: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch, asked: signal.Signals, code: int
) -> None:
    def end(*_: str) -> None:
        raise SignalException("asked to end", asked)

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr("s2sc.runtime.launch.elastic_launch", lambda *_: end)
    words = command(corpus, tmp_path / "run")[3:]
    assert main(words) == code
    said = capsys.readouterr().err
    assert f"ended by {asked.name} before training began; start again with: s2sc compile" in said
    assert "failed" not in said


def test_a_worker_that_starts_when_its_supervisor_is_gone_ends() -> None:
    code = "import time; from s2sc.runtime.launch import end_with_parent; end_with_parent(); time.sleep(600)"
    ended = subprocess.Popen(["true"])
    ended.wait()
    worker = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "S2SC_SUPERVISOR": str(ended.pid)})
    try:
        assert worker.wait(PATIENCE_SECONDS) == 1
    finally:
        worker.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="children are found in /proc")
def test_a_run_whose_workers_die_again_and_again_ends_and_says_how_to_go_on(
    corpus: Path, tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    words = command(corpus, tmp_path / "run", "hyperparameters.stop=100000 steps", "hyperparameters.log=1 steps")
    started.append(subprocess.Popen(words, stderr=subprocess.PIPE, text=True))
    after_step(tmp_path / "run", 9, started[0])
    killed: set[int] = set()
    until = time.monotonic() + PATIENCE_SECONDS
    while started[0].poll() is None and time.monotonic() < until:
        for one in set(workers(started[0].pid)) - killed:
            killed.add(one)
            os.kill(one, signal.SIGKILL)
        time.sleep(0.05)
    _, said = started[0].communicate(timeout=PATIENCE_SECONDS)
    assert started[0].returncode == 70, said
    assert "was ended by signal 9, after 3 new starts" in said
    assert "--resume" in said
    assert newest(tmp_path / "run").step >= 4


def test_bad_data_is_said_once_and_is_not_tried_again(corpus: Path, tmp_path: Path) -> None:
    words = command(corpus, tmp_path / "run", 'data.speech.train=["nowhere.jsonl"]')
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("nowhere.jsonl") == 1, done.stderr


def test_bench_measures_several_processes(corpus: Path) -> None:
    words = [sys.executable, "-m", "s2sc", "bench", str(corpus / "tones.s2s"), "--devices", "2", "--device", "cpu"]
    run = subprocess.run(
        [*words, "--steps", "2", "--warmup", "1", "--generated", "--json"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["devices"] == 2
    assert found["device"].startswith("2 × CPU")
    assert found["precisions"][0]["contents"]["examples"] == 12
    assert run.stderr.count("steps to warm up") == 1
