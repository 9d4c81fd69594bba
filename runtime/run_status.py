"""status.json: how a run stands, for whoever looks at its folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import torch

from ..dsl.escapes import clipped
from .peak_memory import begin, peak_bytes
from .run_folder import Run
from .storage import StorageError, replace_file
from .training.ended import Diverged, Stopped

FILE = "status.json"


@contextmanager
def status_kept(run: Run, device: torch.device) -> Iterator[None]:
    """Say in status.json that a run is being trained, and afterwards how that ended and how much memory it took.

    A process that is killed leaves "training" behind; that nobody holds the lock of the run then says the rest.
    """
    write_status(run, "training")
    begin(device)
    try:
        yield
    except Stopped as stopped:
        write_status(run, "stopped", why=str(stopped), device=device)
        raise
    except Diverged as diverged:
        write_status(run, "diverged", why=str(diverged), device=device)
        raise
    except BaseException as error:
        write_status(run, "stopped", why=f"{type(error).__name__}: {error}".rstrip(": "), device=device)
        raise
    write_status(run, "finished", device=device)


def write_status(run: Run, state: str, *, why: str = "", device: torch.device | None = None) -> None:
    """Write it whole; training does not end for want of it, since a full disk is one of the things that it tells of."""
    record: dict[str, Any] = {"format": "s2sc.status", "version": 1, "state": state, "at": now()}
    if why:
        record["why"] = clipped(why)
    if device is not None and (peak := peak_bytes(device)) is not None:
        record["peak_bytes"] = peak
    with suppress(StorageError):
        replace_file(run.folder / FILE, json.dumps(record, sort_keys=True).encode() + b"\n")


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
