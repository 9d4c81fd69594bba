"""Bytes that atheris changes towards code that was not reached before; needs the extra `fuzz` (Linux, x86-64).

Each process is started again after a crash or a hang, from the inputs that it kept so far.
"""

from __future__ import annotations

import mmap
import struct
import subprocess
import sys
import time
import traceback
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .structured import Tally

# inputs, bytes, past the parser, planned
_COUNTS = struct.Struct("QQQQ")
_ROOM = 1 << 20


class Missing(Exception):
    """Atheris is not installed."""


def run(seconds: float, seed: str, processes: int, folder: Path) -> Tally:
    """Try inputs for so long. Raises Missing."""
    if find_spec("atheris") is None:
        raise Missing("atheris is not installed: pip install 's2sc[fuzz]' (Linux, Python 3.11 to 3.13)")
    from ..tests.small_spec import SPEC
    from .inputs import HEAD, statements
    from .structured import Tally
    from .words import dictionary

    tally, end = Tally(), time.monotonic() + seconds
    with TemporaryDirectory() as work:
        corpus = Path(work, "corpus")
        corpus.mkdir()
        for number, text in enumerate((SPEC, *statements()[::5])):
            (corpus / f"{number}").write_text(HEAD + text.removeprefix(HEAD), encoding="utf-8", errors="replace")
        Path(work, "words").write_text(dictionary(), encoding="utf-8")
        running: list[_Process] = []
        number = 0
        try:
            while running or time.monotonic() < end - 5:
                while len(running) < processes and time.monotonic() < end - 5:
                    running.append(_Process(Path(work), number, int(seed, 16) + number, end, folder))
                    number += 1
                time.sleep(0.5)
                for process in [one for one in running if one.child.poll() is not None]:
                    running.remove(process)
                    tally.add(process.ended())
        finally:
            for process in running:
                process.child.kill()
                process.child.wait()
    return tally


class _Process:
    """One process of atheris, its counts and the input that it has in a file that both see."""

    def __init__(self, work: Path, number: int, seed: int, end: float, folder: Path) -> None:
        self.state, self.folder = work / f"state{number}", folder
        self.state.write_bytes(bytes(_COUNTS.size + 8 + _ROOM))
        words = [sys.executable, "-m", __name__, str(self.state), str(folder)]
        words += [
            str(work / "corpus"),
            f"-dict={work / 'words'}",
            f"-seed={seed & 0x7FFFFFFF}",
            f"-max_total_time={max(1, int(end - time.monotonic()))}",
            "-max_len=1024",
            "-timeout=20",
            "-rss_limit_mb=2048",
            f"-artifact_prefix={work}/",
            "-print_final_stats=0",
            "-verbosity=0",
        ]
        with (work / f"log{number}").open("wb") as log:
            self.child = subprocess.Popen(words, stdout=log, stderr=log)
        self.log = work / f"log{number}"

    def ended(self) -> Tally:
        """What it tried; if it died, of the input that it had."""
        from .structured import Tally, keep

        content = self.state.read_bytes()
        inputs, size, parsed, planned = _COUNTS.unpack_from(content)
        tally = Tally(inputs=inputs, bytes=size, parsed=parsed, planned=planned)
        kept = self.state.with_suffix(".kept")
        if kept.exists():
            tally.findings |= set(kept.read_text(encoding="ascii").split())
        if self.child.returncode:
            (length,) = struct.unpack_from("Q", content, _COUNTS.size)
            said = self.log.read_text(encoding="utf-8", errors="replace")[-4000:]
            first = _COUNTS.size + 8
            tally.findings.add(
                keep(self.folder, f"the process died: {self.child.returncode}", said, content[first : first + length])
            )
        return tally


def main() -> None:
    """Try inputs until the time is over; the words of the command are the two files, then those of libFuzzer."""
    import atheris

    # what was imported before shows atheris nothing of where an input went
    with atheris.instrument_imports(include=["s2sc.dsl"]):
        from . import trial
        from .structured import MOST_MEMORY, address_space, keep, warm
    import resource

    state, folder = Path(sys.argv[1]), Path(sys.argv[2])
    with state.open("r+b") as file:
        shared = mmap.mmap(file.fileno(), 0)
    counts = [0, 0, 0, 0]

    def one(content: bytes) -> None:
        size = min(len(content), _ROOM)
        counts[0] += 1
        counts[1] += len(content)
        shared[_COUNTS.size : _COUNTS.size + 8 + size] = struct.pack("Q", size) + content[:size]
        try:
            outcome = trial.attempt(content)
            counts[2] += outcome.parsed
            counts[3] += outcome.planned
        except Exception as problem:
            kind = keep(folder, f"{type(problem).__name__}: {problem}", traceback.format_exc(limit=-12), content)
            with state.with_suffix(".kept").open("a", encoding="ascii") as kept:
                kept.write(f"{kind}\n")
        shared[: _COUNTS.size] = _COUNTS.pack(*counts)

    warm()
    most = address_space() + 4 * MOST_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    atheris.Setup([sys.argv[0], *sys.argv[3:]], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
