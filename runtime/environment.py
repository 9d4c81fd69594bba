"""What a run was started on and with: for run.json, so that a report can say it years later."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from ..compiler.revision import NoRevision, revision_of
from ..dsl.reading import Unreadable
from .run_record import NoFile, read_json
from .run_status import now

_PACKAGES = ("torch", "numpy", "safetensors", "sentencepiece", "sacrebleu", "soundfile", "soxr", "rapidfuzz")
_MOST_TIMES = 100


def environment(device: torch.device, spec: Path, text: str) -> dict[str, Any]:
    """The machine, the versions, the command, and the commit that the spec's repository is at.

    text  the spec as it is trained, which tells whether it is the commit's
    """
    found: dict[str, Any] = {
        "command": shlex.join(["s2sc", *sys.argv[1:]]),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "packages": {name: version for name in _PACKAGES if (version := _version(name))},
    }
    if device.type == "cuda":
        about = torch.cuda.get_device_properties(device)
        found["gpu"] = {
            "name": about.name,
            "memory_bytes": about.total_memory,
            "cuda": torch.version.cuda,
            # torch declares no type for it
            "cudnn": getattr(torch.backends.cudnn, "version")(),  # noqa: B009
        }
    if commit := _commit(spec, text):
        found["git"] = commit
    return found


def times(folder: Path) -> dict[str, Any]:
    """When a run was first started, and when it was gone on with: what its run.json says, and now."""
    try:
        before = read_json(folder, "run.json")
    except NoFile:
        before = {}
    if not isinstance(before.get("started"), str):
        return {"started": now()}
    again = before.get("resumed")
    again = [one for one in again if isinstance(one, str)] if isinstance(again, list) else []
    return {"started": before["started"], "resumed": [*again, now()][-_MOST_TIMES:]}


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                name, _, value = line.partition(":")
                if name.strip() == "model name":
                    return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _commit(spec: Path, text: str) -> dict[str, Any] | None:
    try:
        revision = revision_of(spec, "HEAD")
        path = revision.path_of(spec)
        same = path in revision.entries and revision.read(path, path).text == text
    except (NoRevision, Unreadable):
        return None
    return {"commit": revision.commit, "spec_is_committed": same}
