"""`s2sc runs`: how runs stand, whatever is left of their folders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from s2sc.cli import main as cli
from s2sc.runtime.run_folder import Run
from s2sc.runtime.run_record import NoFile, read_bytes, read_run
from s2sc.runtime.run_status import status_kept, write_status
from s2sc.runtime.runs_below import SORTS, duration, runs_below
from s2sc.runtime.storage import StorageError
from s2sc.runtime.training.ended import Diverged, Stopped

MakeRun = Callable[..., Path]


def rows_of(capsys: pytest.CaptureFixture[str], *words: str) -> list[list[str]]:
    assert cli.main(["runs", *words]) == 0
    return [line.split("  ") for line in capsys.readouterr().out.splitlines()]


def test_a_run_is_listed_with_its_figures(
    make_run: MakeRun, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    make_run()
    head, row = rows_of(capsys, str(tmp_path / "runs"))
    assert " ".join(" ".join(head).split()) == "run state best step epochs started took"
    cells = [cell.strip() for cell in row if cell.strip()]
    assert cells[:5] == ["model/1", "finished", "wer 25.00 %", "40", "2.50"]
    assert cells[-1] == "1:01"


def test_as_json_it_says_the_same(make_run: MakeRun, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = make_run()
    assert cli.main(["runs", str(tmp_path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["format"], said["version"]) == ("s2sc.runs", 1)
    (run,) = said["runs"]
    assert run == {
        "name": "runs/model/1",
        "folder": str(folder),
        "state": "finished",
        "why": None,
        "started": "2026-03-01T10:00:00Z",
        "seconds": 61.5,
        "step": 40,
        "epochs": 2.5,
        "metric": "wer",
        "best": 0.25,
        "best_step": 40,
        "checkpoints": [40],
        "problems": [],
    }


@pytest.mark.parametrize("state", ["stopped", "diverged"])
def test_the_state_is_what_the_run_says(make_run: MakeRun, state: str) -> None:
    record = read_run(make_run(state=state))
    assert record.state == state
    assert (record.step, record.epochs, record.seconds) == (40, 2.5, 60.0)


def test_a_run_whose_process_was_killed_is_stopped(make_run: MakeRun) -> None:
    record = read_run(make_run(state="training"))
    assert record.state == "stopped"
    assert "without a word" in record.why


def test_a_run_that_a_process_holds_is_in_training(make_run: MakeRun) -> None:
    folder = make_run(state="stopped")
    code = "import sys\nfrom pathlib import Path\nfrom s2sc.runtime.run_folder import Run\n"
    code += "with Run(Path(sys.argv[1])).held():\n print('held', flush=True)\n sys.stdin.read()"
    words = [sys.executable, "-c", code, str(folder)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert read_run(folder).state == "training"
        # asking twice takes nothing from whoever holds it
        assert read_run(folder).state == "training"
        process.stdin.close()
    assert read_run(folder).state == "stopped"


@pytest.mark.parametrize(
    ("files", "state", "why"),
    [
        ({"result.json": b'{"steps": 4'}, "broken", "result.json is not JSON, or was cut off"),
        ({"result.json": b"[]"}, "broken", "result.json is no JSON object"),
        ({"result.json": None}, "broken", "it is finished and has no result.json"),
        ({"status.json": None}, "finished", ""),
        ({"status.json": None, "result.json": None}, "stopped", ""),
        ({"status.json": b'{"state": "sleeping"}'}, "broken", "status.json has a state that is none"),
        ({"status.json": b"[" * 100_000}, "broken", "status.json is not JSON, or was cut off"),
        ({"status.json": b'{"state": "finished"}' + b" " * 2**20}, "broken", "status.json is larger than 1 MiB"),
        ({"graph.json": b"{"}, "broken", "graph.json is not JSON, or was cut off"),
        ({"metrics.jsonl": b'{"step": 1e999, "epoch": NaN}\n{"step": 1'}, "finished", ""),
    ],
)
def test_half_a_run_is_shown_as_what_it_is(
    make_run: MakeRun, files: dict[str, bytes | None], state: str, why: str
) -> None:
    record = read_run(make_run(files=files))
    assert (record.state, record.why) == (state, why)


def test_a_run_without_a_graph_ended_before_it_began(make_run: MakeRun) -> None:
    folder = make_run()
    (folder / "graph.json").unlink()
    assert read_run(folder).why == "it has no graph.json: it ended before it began"


def test_links_and_pipes_are_not_read(make_run: MakeRun, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text('{"state": "finished"}')
    folder = make_run(files={"status.json": None})
    (folder / "status.json").symlink_to(secret)
    assert read_run(folder).why == "status.json is a link"
    (folder / "status.json").unlink()
    os.mkfifo(folder / "status.json")
    assert read_run(folder).why == "status.json is no plain file"
    (tmp_path / "other" / "inner").mkdir(parents=True)
    (tmp_path / "other" / "state.json").write_text("{}")
    (tmp_path / "other" / "inner" / "state.json").write_text("{}")
    (folder / "linked").symlink_to(tmp_path / "other")
    for name in ("linked/state.json", "linked/inner/state.json"):
        with pytest.raises(NoFile, match="linked is a link"):
            read_bytes(folder, name, most=10)


VALID = b"".join(
    b'{"split": "valid", "step": %d, "wer": %g}\n' % one for one in ((10, 0.5), (20, 0.125), (30, 0.125), (40, 0.375))
)


def test_the_best_is_not_the_last(make_run: MakeRun) -> None:
    """From the result; of a run that is not finished from its newest checkpoint, and without one from the metrics."""
    result = {"steps": 40, "best_step": 30, "valid": {"wer": 0.0625}}
    finished = make_run("m/1", best=0.25, files={"metrics.jsonl": VALID, "result.json": json.dumps(result).encode()})
    stopped = make_run("m/2", state="stopped", best=0.25, files={"metrics.jsonl": VALID})
    again = stopped / "checkpoints" / "step-000000040.1"
    again.mkdir()
    (again / "state.json").write_text('{"best": [20, 0.1875], "step": 40}')
    damaged = make_run("m/3", state="stopped", best=0.25, files={"metrics.jsonl": VALID})
    (damaged / "checkpoints" / "step-000000050").mkdir()
    (damaged / "checkpoints" / "step-000000050" / "state.json").write_text('{"best": [50, 0.')
    bare = make_run("m/4", state="stopped", best=None, files={"metrics.jsonl": VALID})
    found = [read_run(folder) for folder in (finished, stopped, damaged, bare)]
    assert [(one.best, one.best_step) for one in found] == [(0.0625, 30), (0.1875, 20), (0.25, 40), (0.125, 30)]
    assert [one.state for one in found] == ["finished", "stopped", "stopped", "stopped"]


def test_names_do_not_reach_the_terminal_as_commands(
    make_run: MakeRun, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    make_run("a\x1b[31m\nb", state="stopped")
    make_run("c", state="diverged", files={"status.json": b'{"state": "diverged", "why": "\\u001b]0;x\\u0007"}'})
    assert cli.main(["runs", str(tmp_path / "runs")]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert len(out.splitlines()) == 4
    assert cli.main(["runs", str(tmp_path / "runs"), "--json"]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_what_is_last_is_the_newest_or_the_best(make_run: MakeRun, tmp_path: Path) -> None:
    make_run("m/10", started="2026-03-01T10:00:00Z", best=0.5, steps=40)
    make_run("m/9", started="2026-03-02T10:00:00Z", best=0.25, steps=20)
    make_run("m/2", started="2026-02-01T10:00:00Z", best=None, state="stopped", files={"metrics.jsonl": None})

    def order(key: str) -> list[str]:
        return [one.name for one in sorted(runs_below(tmp_path / "runs"), key=SORTS[key])]

    assert order("started") == ["m/2", "m/10", "m/9"]
    assert order("name") == ["m/2", "m/9", "m/10"]
    assert order("best") == ["m/2", "m/10", "m/9"]
    assert order("step") == ["m/9", "m/2", "m/10"]
    assert order("state") == ["m/2", "m/10", "m/9"]


def test_the_link_to_the_newest_run_is_no_run_of_its_own(make_run: MakeRun, tmp_path: Path) -> None:
    make_run("m/1")
    (tmp_path / "runs" / "m" / "latest").symlink_to("1")
    assert [one.name for one in runs_below(tmp_path / "runs")] == ["m/1"]
    assert [one.name for one in runs_below(tmp_path / "runs" / "m" / "latest")] == ["1"]


def test_a_folder_without_runs_is_said_to_be_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert cli.main(["runs", str(tmp_path)]) == 0
    assert "there is no run below" in capsys.readouterr().err
    assert cli.main(["runs", str(tmp_path / "nowhere")]) == 2


def test_runs_are_listed_without_torch(make_run: MakeRun, tmp_path: Path) -> None:
    make_run()
    code = "import sys; from s2sc.cli.main import main; main(['runs', sys.argv[1]]); "
    code += "print(sorted({'torch', 'numpy', 'rich', 'networkx', 'lark'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("ended", "state", "why"),
    [
        (None, "finished", None),
        (Stopped("SIGTERM", 7), "stopped", "stopped by SIGTERM after step 7"),
        (Diverged("the loss is nan"), "diverged", "the loss is nan"),
        (KeyboardInterrupt(), "stopped", "KeyboardInterrupt"),
        (ValueError("a\nb"), "stopped", "ValueError: a\\u{A}b"),
    ],
)
def test_how_a_training_ended_is_written_down(
    tmp_path: Path, ended: BaseException | None, state: str, why: str | None
) -> None:
    said: list[Any] = []
    expected = pytest.raises(type(ended)) if ended is not None else nullcontext()
    with expected, status_kept(Run(tmp_path), torch.device("cpu")):
        said.append(json.loads((tmp_path / "status.json").read_text())["state"])
        if ended is not None:
            raise ended
    assert said == ["training"]
    written = json.loads((tmp_path / "status.json").read_text())
    assert (written["state"], written.get("why")) == (state, why)
    assert written["peak_bytes"] > 10 * 2**20


def test_a_status_that_cannot_be_written_ends_no_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise StorageError("cannot write", OSError(28, "No space left on device"))

    monkeypatch.setattr("s2sc.runtime.run_status.replace_file", full)
    write_status(Run(tmp_path), "training")
    assert not list(tmp_path.iterdir())


def test_durations_are_read_at_a_glance() -> None:
    assert [duration(one) for one in (0.4, 59, 61.9, 7384, 3 * 86400 + 7200)] == [
        "0 s",
        "59 s",
        "1:01",
        "2:03:04",
        "3 d 02:00",
    ]
