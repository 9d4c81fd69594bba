"""Training on a disk that is really full: a file system of a few KiB in a mount namespace of the test's own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ..nightly import NIGHTLY

SIZES = tuple(range(4, 204)) if NIGHTLY else (4, 8, 16, 28, 40, 52, 64, 76, 92, 108, 140, 200)

CHILD = """
import json, subprocess, sys
from pathlib import Path
import torch
from s2sc.runtime.checkpoint import load_checkpoint
from s2sc.runtime.storage import StorageError
from s2sc.tests.runtime.training import conftest as kit

def exact(folder):
    return kit.state_of(kit.newest(folder)), kit.metrics_of(folder)

torch.set_num_threads(1)
top = Path(sys.argv[1])
corpus, disk = kit.write_corpus(top / "tones"), top / "disk"
disk.mkdir()
kit.trained(corpus, top / "whole")
for size in map(int, sys.argv[2:]):
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", disk], check=True)
    shown, ended = kit.Silent(), ""
    try:
        kit.trained(corpus, disk / "run", progress=shown)
    except StorageError as problem:
        ended = str(problem)
    litter = [one.name for one in disk.rglob(".*")]
    found = load_checkpoint(disk / "run" / "checkpoints") if (disk / "run" / "checkpoints").is_dir() else None
    subprocess.run(["mount", "-o", "remount,size=50m", disk], check=True)
    kit.trained(corpus, disk / "run", resume=True)
    same = [a == b for a, b in zip(exact(disk / "run"), exact(top / "whole"))]
    print(json.dumps([size, ended, shown.warned, litter, found and found.step, same]), flush=True)
    subprocess.run(["umount", disk], check=True)
"""


in_a_namespace = pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("unshare"), reason="needs namespaces of Linux"
)


def unshared(code: str, *words: object) -> subprocess.CompletedProcess[str]:
    """A child that may mount file systems, which end with it; skips where none may."""
    tried = subprocess.run(["unshare", "-rm", "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no mount namespace may be made here: {tried.stderr.strip()}")
    command = ["unshare", "-rm", sys.executable, "-c", code, *map(str, words)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    return run


@pytest.mark.timeout(3600)
@in_a_namespace
def test_a_full_disk_costs_nothing_but_time(tmp_path: Path) -> None:
    run = unshared(CHILD, tmp_path, *SIZES)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert [size for size, *_ in lines] == list(SIZES)
    for size, ended, warned, litter, kept, same in lines:
        assert same == [True, True], size
        assert litter == [], size
        assert "No space left on device; make room" in ended or (kept == 20 and not ended), size
        assert all("cannot write" in one for one in warned), size
    # of all kinds: no run at all, a run without a checkpoint, with an early one, and one that had room for all
    assert {kept is None or kept for *_, kept, _ in lines} >= {True, 20}
    assert any(warned and kept and kept < 20 for _, _, warned, _, kept, _ in lines)
    assert any(warned and kept is None for _, _, warned, _, kept, _ in lines)


LIMITED = """
import json, resource, sys
from pathlib import Path
import torch
from s2sc.runtime.checkpoint import load_checkpoint
from s2sc.runtime.storage import StorageError
from s2sc.tests.runtime.training import conftest as kit

torch.set_num_threads(1)
top = Path(sys.argv[1])
corpus = kit.write_corpus(top / "tones")
kit.trained(corpus, top / "whole")
expected = kit.state_of(kit.newest(top / "whole")), kit.metrics_of(top / "whole")
for size in map(int, sys.argv[2:]):
    run, ended = top / f"of {size}", ""
    # a write beyond it fails, as Python ignores the signal
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        kit.trained(corpus, run, progress=kit.Silent())
    except StorageError as problem:
        ended = str(problem)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    found = load_checkpoint(run / "checkpoints") if (run / "checkpoints").is_dir() else None
    litter = [one.name for one in run.rglob(".*")]
    kit.trained(corpus, run, resume=True)
    same = (kit.state_of(kit.newest(run)), kit.metrics_of(run)) == expected
    print(json.dumps([size, ended, litter, found and found.step, same]), flush=True)
"""


@pytest.mark.timeout(3600)
@pytest.mark.skipif(sys.platform == "win32", reason="limits of Unix")
def test_files_that_may_not_grow_cost_nothing_but_time(tmp_path: Path) -> None:
    """From where not a line can be written to where all can."""
    sizes = range(350, 17_850, 350) if NIGHTLY else (350, 2000, 4000, 6000, 9000, 17_500)
    words = [sys.executable, "-c", LIMITED, str(tmp_path), *map(str, sizes)]
    run = subprocess.run(words, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert [size for size, *_ in lines] == list(sizes)
    for size, ended, litter, kept, same in lines:
        assert same, size
        assert litter == [], size
        assert "File too large; allow larger files, as with ulimit -f" in ended or (kept == 20 and not ended), size
    assert {kept for *_, kept, _ in lines} >= {None, 20}


READ_ONLY = """
import subprocess, sys
from pathlib import Path
from s2sc.cli.main import main
from s2sc.tests.runtime.training import conftest as kit

top = Path(sys.argv[1])
spec, disk = kit.write_corpus(top / "tones") / "tones.s2s", top / "disk"
disk.mkdir()
subprocess.run(["mount", "-t", "tmpfs", "tmpfs", disk], check=True)
words = ["compile", str(spec), "--train", "--out", str(disk / "run"), "--device", "cpu"]
codes = [main(words)]
before = {path: path.read_bytes() for path in disk.rglob("*") if path.is_file()}
subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
more = ["--set", "hyperparameters.stop=30 steps"]
codes += [main([*words, "--resume", *more]), main(["compile", str(spec), "--train", "--out", str(disk / "other")])]
assert before == {path: path.read_bytes() for path in disk.rglob("*") if path.is_file()}
subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
codes.append(main([*words, "--resume", *more]))
print("codes", codes)
"""


@in_a_namespace
def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    run = unshared(READ_ONLY, tmp_path)
    assert run.stdout.splitlines()[-1] == "codes [0, 74, 74, 0]"
    assert "Read-only file system; choose a place that can be written" in run.stderr
    assert "Traceback" not in run.stderr
