"""Inputs of `inputs.py`, tried by child processes: a crash, a hang or all memory taken ends a child, not the run."""

from __future__ import annotations

import gc
import hashlib
import json
import mmap
import os
import resource
import signal
import struct
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ..dsl.limits import LIMITS
from . import trial
from .inputs import Inputs, files, names, statements

FINDINGS = Path(__file__).parent / "findings"
# a child ends after so many seconds, and the next one begins with fresh memory
CHILD_SECONDS = 60
# CPU seconds without an answer that nothing in Python can end, such as one long match of a regular expression
_HANG_SECONDS = 20
# CPU time depends on what else runs on the same core, so an input is slow when it is so each time
_MORE_TRIES = 3
# bytes that a child may take above what it began with
MOST_MEMORY = 128 * 1024 * 1024
_ROOM = LIMITS.file_bytes * 8


@dataclass
class Tally:
    """What children tried."""

    inputs: int = 0
    bytes: int = 0
    parsed: int = 0
    planned: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    findings: set[str] = field(default_factory=set)

    def add(self, other: Tally) -> None:
        """Take another one's."""
        self.inputs += other.inputs
        self.bytes += other.bytes
        self.parsed += other.parsed
        self.planned += other.planned
        self.kinds += other.kinds
        self.findings |= other.findings


def run(seconds: float, seed: str, processes: int, folder: Path = FINDINGS) -> Tally:
    """Try inputs for so long; what breaks a promise is saved in a folder."""
    warm()
    tally, end, number = Tally(), time.monotonic() + seconds, 0
    running: dict[int, _Child] = {}
    known = {path.stem for path in folder.glob("*.s2s")}
    try:
        while running or time.monotonic() < end:
            while len(running) < processes and time.monotonic() < end:
                child = _start(f"{seed}-{number}", min(CHILD_SECONDS, end - time.monotonic()), folder)
                running[child.pid] = child
                number += 1
            pid, status = os.waitpid(-1, 0)
            if pid in running:
                tally.add(running.pop(pid).ended(status, folder))
        # a child that died told nobody what it had kept before
        tally.findings |= {path.stem for path in folder.glob("*.s2s")} - known
    finally:
        for pid in running:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    return tally


def warm() -> None:
    """What all children share is made before there are any."""
    files(), statements(), names()
    for _, content in zip(range(300), (one for _, one in Inputs("warm")), strict=False):
        try:
            trial.attempt(content)
        except Exception:
            # a child finds it again
            continue
    gc.collect()
    gc.freeze()


# ---------------------------------------------------------------- one child


@dataclass
class _Child:
    pid: int
    pipe: int
    current: mmap.mmap

    def ended(self, status: int, folder: Path) -> Tally:
        """What it tried; a child that died did so of the input that it had."""
        with os.fdopen(self.pipe, "rb") as file:
            words = file.read()
        done, size = struct.unpack("QQ", self.current[:16])
        if status == 0 and words:
            told = json.loads(words)
            return Tally(**{**told, "kinds": Counter(told["kinds"]), "findings": set(told["findings"])})
        content = self.current[16 : 16 + size]
        how = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit {os.WEXITSTATUS(status)}"
        return Tally(inputs=done, findings={keep(folder, f"the process died: {how}", "", content)})


def _start(seed: str, seconds: float, folder: Path) -> _Child:
    reading, writing = os.pipe()
    current = mmap.mmap(-1, 16 + _ROOM)
    pid = os.fork()
    if pid:
        os.close(writing)
        return _Child(pid, reading, current)
    code = 70
    try:
        os.close(reading)
        told = _tried(seed, seconds, current, folder)
        with os.fdopen(writing, "wb") as file:
            file.write(json.dumps({**vars(told), "findings": sorted(told.findings)}).encode())
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _tried(seed: str, seconds: float, current: mmap.mmap, folder: Path) -> Tally:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    most = address_space() + MOST_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    tally, end = Tally(), time.monotonic() + seconds
    for kind, content in Inputs(seed):
        current[:16] = struct.pack("QQ", tally.inputs, min(len(content), _ROOM))
        current[16 : 16 + min(len(content), _ROOM)] = content[:_ROOM]
        tally.inputs += 1
        tally.bytes += len(content)
        tally.kinds[kind] += 1
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + _HANG_SECONDS, resource.RLIM_INFINITY))
        try:
            outcome = _confirmed(content)
            tally.parsed += outcome.parsed
            tally.planned += outcome.planned
        except Exception as problem:
            what = f"{type(problem).__name__}: {problem}"
            tally.findings.add(keep(folder, what, traceback.format_exc(limit=-12), content))
        if time.monotonic() > end:
            break
    return tally


def _confirmed(content: bytes) -> trial.Outcome:
    """What comes of an input; where a machine that does much else made it slow, another time says so."""
    for _ in range(_MORE_TRIES):
        try:
            return trial.attempt(content)
        except trial.Slow:
            time.sleep(1)
    return trial.attempt(content)


def address_space() -> int:
    """Bytes of memory that this process has asked for, used or not."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()


def keep(folder: Path, what: str, trace: str, content: bytes) -> str:
    """Save an input with what came of it, the smallest one of each kind; gives what tells kinds apart."""
    lines = [line.strip() for line in trace.splitlines() if line.startswith("  File")]
    kind = hashlib.sha256("\n".join([what.split(":")[0], *(lines[-1:] or [what])]).encode()).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{kind}.s2s"
    if not path.exists() or path.stat().st_size > len(content):
        path.write_bytes(content)
        (folder / f"{kind}.txt").write_text(f"{what}\n\n{trace}", encoding="utf-8", errors="backslashreplace")
    return kind
