"""A run is the same to the bit wherever it is made and whoever makes it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from s2sc.soak.kills import trace_of
from s2sc.soak.tones import SPEC, write_tones

from ..nightly import NIGHTLY

# what differs: environment, umask, order in which the corpus was written, folder of the command
VARIANTS: dict[str, Mapping[str, Any]] = {
    "reference": {},
    "another folder": {"elsewhere": True},
    "another user": {"USER": "nobody", "LOGNAME": "nobody", "HOME": "/nonexistent"},
    "another umask": {"umask": 0o077},
    "another locale": {"LC_ALL": "C", "LANG": "tr_TR.UTF-8"},
    "another time zone": {"TZ": "Pacific/Kiritimati"},
    "another hash seed": {"PYTHONHASHSEED": "4321"},
    "another order of the environment": {"reverse": True},
    "another order of the files": {"copied backwards": True},
}


if NIGHTLY:
    # several of them at once
    chance = random.Random(1)
    SINGLE = [name for name in VARIANTS if name != "reference"]
    VARIANTS |= {
        f"{number}: {', '.join(names)}": {key: value for name in names for key, value in VARIANTS[name].items()}
        for number in range(192)
        for names in [sorted(chance.sample(SINGLE, chance.randrange(2, 7)))]
    }


def _run(name: str, folder: Path) -> dict[str, Any]:
    variant = dict(VARIANTS[name])
    corpus, written = folder / "corpus", folder / "written"
    write_tones(written)
    (written / "tones.s2s").write_text(SPEC, encoding="utf-8")
    corpus.mkdir()
    for path in sorted(written.iterdir(), reverse=bool(variant.pop("copied backwards", False))):
        (corpus / path.name).write_bytes(path.read_bytes())
    cwd = folder if variant.pop("elsewhere", False) else corpus
    umask = variant.pop("umask", 0o022)
    environment = {**os.environ, "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"}
    reverse = variant.pop("reverse", False)
    environment.update(variant)
    if reverse:
        environment = dict(reversed(environment.items()))
    words = [
        sys.executable,
        "-m",
        "s2sc",
        "compile",
        str(corpus / "tones.s2s"),
        "--train",
        "--out",
        str(folder / "run"),
    ]
    run = subprocess.run(
        words, cwd=cwd, env=environment, umask=umask, capture_output=True, text=True, timeout=300, check=False
    )
    assert run.returncode == 0, run.stderr
    return trace_of(folder / "run")


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folders = {name: tmp_path_factory.mktemp("run") for name in VARIANTS}
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(VARIANTS, pool.map(lambda name: _run(name, folders[name]), VARIANTS), strict=True))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", [name for name in VARIANTS if name != "reference"])
def test_a_run_is_the_same_with(name: str, traces: dict[str, dict[str, Any]]) -> None:
    for what, expected in traces["reference"].items():
        assert traces[name][what] == expected, f"{what} is other with {name}"
