"""As much as a spec may have of anything: a child with limits of the kernel lints, formats and plans it or refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from s2sc.dsl.limits import LIMITS
from s2sc.tests.security.families import FAMILIES

# CPU seconds for one verb, 2 on a machine that does nothing else, with room for one that does; more kill the child
MOST_SECONDS = 10
MOST_BYTES = 128 * 1024 * 1024
# of the families that cost most, as much as a spec may have; of all, with S2SC_FULL_SIZE=1; else so much of each
COSTLY = ("no words", "strings left open", "types", "doubling lists", "doubling blocks", "parentheses")
USUAL_BYTES = 16 * 1024
# two families in one file, so much of each
PAIR_BYTES = 2 * 1024
PAIRS = [f"{one}+{other}" for step in range(1, 7) for one, other in zip(FAMILIES, list(FAMILIES)[step:], strict=False)]

CHILD = """
import gc, json, os, resource, sys
from pathlib import Path
from s2sc.dsl.limits import LIMITS
from s2sc.fuzz import trial
from s2sc.tests.security.families import FAMILIES
from s2sc.tests.small_spec import SPEC

most_seconds, most_bytes, size = map(int, sys.argv[1:4])
trial.MOST_SECONDS = most_seconds
for one in (SPEC, "edition 1\\nlet = ", 'edition 1\\nimport "lib/gnmt.s2s" as g\\n'):
    for number in range(5):
        trial.attempt(f"{one}# {number}\\n".encode())
gc.collect()
pages = int(Path("/proc/self/statm").read_text().split()[0])
bound = pages * resource.getpagesize() + most_bytes
for name in sys.argv[4:]:
    text = "".join(FAMILIES[one](size)[:size] for one in name.split("+"))
    content = text.encode()[: LIMITS.file_bytes].decode("utf-8", "ignore").encode()
    pid = os.fork()
    if not pid:
        resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
        resource.setrlimit(resource.RLIMIT_CPU, (5 * most_seconds, 5 * most_seconds))
        try:
            trial.attempt(content)
            os._exit(0)
        except BaseException as problem:
            print(json.dumps([name, f"{type(problem).__name__}: {problem}"]), flush=True)
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        print(json.dumps([name, f"signal {os.WTERMSIG(status)}"]), flush=True)
print(json.dumps(["torch loaded", "torch" in sys.modules]))
"""


@pytest.mark.parametrize(
    ("size", "names"),
    [
        pytest.param(LIMITS.file_bytes, COSTLY, id="costly"),
        *(
            pytest.param(
                LIMITS.file_bytes if "S2SC_FULL_SIZE" in os.environ else USUAL_BYTES,
                list(FAMILIES)[group::4],
                id=f"{group}",
            )
            for group in range(4)
        ),
        *(pytest.param(PAIR_BYTES, PAIRS[group::4], id=f"pairs {group}") for group in range(4)),
    ],
)
def test_no_family_takes_more_than_its_share(size: int, names: Sequence[str], tmp_path: Path) -> None:
    words = [str(MOST_SECONDS), str(MOST_BYTES), str(size), *names]
    run = subprocess.run(
        [sys.executable, "-c", CHILD, *words], cwd=tmp_path, capture_output=True, text=True, timeout=280, check=False
    )
    assert run.returncode == 0, run.stderr[-2000:]
    *broken, (_, torch) = map(json.loads, run.stdout.splitlines())
    assert broken == []
    assert torch is False


def test_there_are_enough_inputs() -> None:
    assert len(COSTLY) + len(FAMILIES) + len(PAIRS) >= 500


def test_a_larger_file_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from s2sc.dsl import reading

    path = tmp_path / "large.s2s"
    with path.open("wb") as file:
        file.truncate(1 << 40)

    def read(*words: object, **more: object) -> None:
        raise AssertionError("it was opened to be read")

    monkeypatch.setattr(reading, "open", read, raising=False)
    with pytest.raises(reading.Unreadable, match="larger than 128 KiB") as refused:
        reading.read_source(path)
    assert refused.value.exit_code == 2


@pytest.mark.parametrize("shape", ["diamonds", "a circle", "a tower"])
def test_thirty_files_that_import_each_other_are_parsed_once_each(
    shape: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from s2sc.compiler.front import analyse_file
    from s2sc.dsl import imports, loading
    from s2sc.dsl.source import Source

    for number in range(30):
        lower = [(number + 1) % 30] if shape == "a circle" else [number + 1] if number < 29 else []
        names = [f"l{one}" for one in lower] + ([f"r{one}" for one in lower] if shape == "diamonds" else [])
        text = "edition 1\n" + "".join(f'import "{name}.s2s" as {name}\n' for name in names)
        for side in "lr":
            (tmp_path / f"{side}{number}.s2s").write_text(text + "block b(x: seq) => y { y = x -> relu }\n")
    parsed: list[str] = []
    whole = imports.parsed

    def counted(source: Source) -> object:
        parsed.append(source.name)
        return whole(source)

    monkeypatch.setattr(loading, "parsed", counted)
    findings = analyse_file(tmp_path / "l0.s2s", blocks_too=True).findings
    assert findings.has_errors
    assert len(parsed) == len(set(parsed)) <= LIMITS.includes + 1
