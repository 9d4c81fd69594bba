"""Checkpoints whose system calls fail one by one: what the kernel itself refuses, not what a shim says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ..nightly import NIGHTLY

# the calls that a save is made of, and how each may fail
FAULTS = {
    "openat": ("EMFILE", "ENOSPC", "EIO"),
    "write": ("ENOSPC", "EIO", "EDQUOT"),
    "fsync": ("EIO", "ENOSPC"),
    "mkdir": ("ENOSPC", "EROFS"),
    "rename": ("EIO", "ENOSPC"),
    "unlinkat,unlink,rmdir": ("EIO", "EROFS"),
}
# three in all in `make test`, else every call of each kind
MOST = 10**6 if NIGHTLY else 1
USUAL = {"openat": ("EMFILE",), "write": ("ENOSPC",), "rename": ("EIO",)}

CHILD = """
import json, sys
from pathlib import Path
import torch
from s2sc.runtime.checkpoint import Checkpoint, checkpoint_steps, load_checkpoint, save_checkpoint
from s2sc.runtime.storage import StorageError

def weight(step):
    return torch.arange(3000) + float(step)

def one(step):
    tensors = {"model": {"w": weight(step)}, "optimizer": {}, "random": {}}
    return Checkpoint(step, tensors, {"epoch": step})

folder = Path(sys.argv[1])
if sys.argv[2] == "before":
    for step in (2, 4, 6):
        save_checkpoint(folder, one(step), keep=5)
elif sys.argv[2] == "save":
    try:
        save_checkpoint(folder, one(8), keep=2, best=2)
        print("done")
    except StorageError as problem:
        print("refused", problem)
else:
    for place in map(Path, sys.stdin.read().splitlines()):
        found = {step: load_checkpoint(place, step=step) for step in checkpoint_steps(place)}
        sound = all(torch.equal(value.tensors["model"]["w"], weight(step)) for step, value in found.items())
        save_checkpoint(place, one(10), keep=2, best=2)
        print(json.dumps([place.name, list(found), sound, load_checkpoint(place).step]))
"""


@pytest.mark.timeout(3600)
@pytest.mark.skipif(sys.platform != "linux", reason="strace fails system calls of Linux")
@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_whatever_call_fails_the_earlier_checkpoints_load(tmp_path: Path) -> None:
    child = [sys.executable, "-c", CHILD]
    before = tmp_path / "before" / "checkpoints"
    subprocess.run([*child, str(before), "before"], check=True)
    outcomes: dict[str, tuple[str, bool]] = {}
    for calls, errors in (FAULTS if NIGHTLY else USUAL).items():
        for error in errors:
            for at in range(1, MOST + 1):
                place = tmp_path / f"{calls.partition(',')[0]} {error} {at}"
                shutil.copytree(before.parent, place)
                folder = place / "checkpoints"
                paths = [word for one in _touched(folder) for word in ("-P", str(one))]
                inject = f"inject={calls}:error={error}:when={at}"
                log = tmp_path / "log"
                traced = [
                    "strace",
                    "-f",
                    "--seccomp-bpf",
                    "-qq",
                    "-o",
                    str(log),
                    *paths,
                    "-e",
                    f"trace={calls}",
                    "-e",
                    inject,
                ]
                run = subprocess.run(
                    [*traced, *child, str(folder), "save"], capture_output=True, text=True, check=False
                )
                if "ptrace" in run.stderr or "Operation not permitted" in run.stderr:
                    pytest.skip("strace may not run here")
                assert run.returncode == 0, f"{place.name}: {run.stderr[-2000:]}"
                met = bool(re.search(r"\(INJECTED\)", log.read_text(errors="replace")))
                outcomes[place.name] = (run.stdout, met)
                if not met:
                    break
    checked = subprocess.run(
        [*child, "", "check"],
        input="\n".join(str(tmp_path / name / "checkpoints") for name in outcomes),
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr[-2000:]
    lines = [json.loads(line) for line in checked.stdout.splitlines()]
    assert len(lines) == len(outcomes)
    for (name, (said, _)), (_, steps, sound, newest) in zip(outcomes.items(), lines, strict=True):
        assert sound, name
        assert newest == 10, name
        assert {2, 6} <= set(steps), name
        # what was told is true
        assert (8 in steps) or said.startswith("refused"), name
    failed = sum(met for _, met in outcomes.values())
    print(f"{failed} system calls failed")
    assert failed >= (60 if NIGHTLY else 3), {name: met for name, (_, met) in outcomes.items()}


def _touched(folder: Path) -> list[Path]:
    """The paths of a save of step 8 over those before."""
    temporary, final = folder / ".step-000000008.tmp", folder / "step-000000008"
    names = ("model.safetensors", "optimizer.safetensors", "random.safetensors", "state.json", "manifest.json")
    trash = [folder / f".step-00000000{step}.trash" for step in (2, 4, 6)]
    earlier = [folder / f"step-00000000{step}" for step in (2, 4, 6)]
    return [folder, temporary, final, *earlier, *trash, *(temporary / name for name in names)]
