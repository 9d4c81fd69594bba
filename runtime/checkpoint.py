"""Checkpoints: safetensors and JSON in a folder that is whole or not there.

The commit protocol, in this order: write into a sibling temporary folder, sync each file; write the manifest last and
sync it; read everything back and compare; sync the folder; rename it to its name; sync the parent. Older checkpoints
are first renamed to trash and then removed. Loading takes the newest whose manifest and hashes hold and says which
ones it passed over.

A step that is saved again (batches were skipped since) is committed beside the first as `step-N.1` before that goes:
there is no moment at which a step that was there is not.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .extras import extra
from .storage import Storage, StorageError

with extra("train", "training"):
    from safetensors import SafetensorError
    from safetensors.torch import load as load_tensors
    from safetensors.torch import save as save_tensors
    from torch import Tensor

FORMAT = 1
LARGEST_JSON = 64 * 2**20
GROUPS = ("model", "optimizer", "random")
AVERAGES = "averages"
_FOLDER = re.compile(r"step-([0-9]{9})(?:\.([0-9]{1,4}))?")
_FILES = frozenset({"state.json", *(f"{group}.safetensors" for group in GROUPS)})


class CheckpointError(Exception):
    """No checkpoint can be used; the message says why for each."""


@dataclass(frozen=True)
class Checkpoint:
    """The state of training after a step.

    tensors  the GROUPS of named tensors; AVERAGES of weights too, where there are any
    state    JSON values: counters, the optimizer's numbers, the loss scale, the place in the data; "best" is the step
             with the best weights and its metric, or None
    """

    step: int
    tensors: Mapping[str, Mapping[str, Tensor]]
    state: Mapping[str, Any]


def save_checkpoint(
    folder: Path, checkpoint: Checkpoint, *, keep: int, best: int | None = None, storage: Storage | None = None
) -> Path:
    """Commit a checkpoint, then remove all but the newest `keep` (at least two) and the one of step `best`.

    StorageError leaves the earlier checkpoints as they were.
    """
    storage = storage or Storage()
    final = folder / _free_name(folder, checkpoint.step)
    temporary = folder / f".{final.name}.tmp"
    files = {
        f"{group}.safetensors": save_tensors(_owned(checkpoint.tensors[group]))
        for group in (*GROUPS, AVERAGES)
        if group in checkpoint.tensors
    }
    files["state.json"] = _json({**checkpoint.state, "step": checkpoint.step})
    manifest = {
        "format": FORMAT,
        "step": checkpoint.step,
        "sha256": {name: _sha256(data) for name, data in files.items()},
    }
    files["manifest.json"] = _json(manifest)
    try:
        if not folder.is_dir():
            storage.make_folder(folder)
            storage.sync_folder(folder.parent)
        storage.remove(temporary)
        storage.make_folder(temporary)
        try:
            for name, data in files.items():
                storage.write(temporary / name, data)
            for name, data in files.items():
                if storage.read(temporary / name) != data:
                    raise OSError(None, f"{name} reads back otherwise than it was written")
            storage.sync_folder(temporary)
            storage.rename(temporary, final)
            storage.sync_folder(folder)
        except OSError:
            _quietly_remove(temporary, storage)
            raise
    except OSError as error:
        raise StorageError(f"cannot write the checkpoint {final}", error) from error
    _prune(folder, keep=max(keep, 2), best=best, storage=storage)
    return final


def load_checkpoint(
    folder: Path, *, step: int | None = None, warn: Callable[[str], None] = lambda message: None
) -> Checkpoint | None:
    """The newest checkpoint that is whole (or the one of a step); None where there is none at all.

    Those that are not whole are named through `warn`; CheckpointError if none of several can be used.
    """
    problems: list[str] = []
    for (number, _), path in reversed(_committed(folder)):
        if step is not None and number != step:
            continue
        try:
            return _load(path, number)
        except CheckpointError as error:
            problems.append(str(error))
            warn(f"passed over a damaged checkpoint: {error}")
    if problems:
        raise CheckpointError("no checkpoint can be used: " + "; ".join(problems))
    return None


def load_best(folder: Path, *, warn: Callable[[str], None] = lambda message: None) -> Checkpoint | None:
    """The checkpoint that the newest one names as best, else the newest; None where there is none at all."""
    newest = load_checkpoint(folder, warn=warn)
    best = newest.state.get("best") if newest is not None else None
    if newest is None or not isinstance(best, list) or best[:1] == [newest.step]:
        return newest
    try:
        chosen = load_checkpoint(folder, step=best[0], warn=warn)
    except CheckpointError:
        chosen = None
    if chosen is None:
        warn(f"the best checkpoint, of step {best[0]}, cannot be used: step {newest.step} takes its place")
    return chosen or newest


def checkpoint_steps(folder: Path) -> list[int]:
    """The steps of all committed checkpoints, in order."""
    return sorted({step for (step, _), _ in _committed(folder)})


def clean_up(folder: Path, storage: Storage | None = None) -> None:
    """Remove what a killed process left: temporary and trash folders."""
    if folder.is_dir():
        for path in folder.iterdir():
            if path.name.startswith(".") and path.suffix in (".tmp", ".trash"):
                _quietly_remove(path, storage or Storage())


def _load(folder: Path, step: int) -> Checkpoint:
    def broken(what: str) -> CheckpointError:
        return CheckpointError(f"{folder.name}: {what}")

    try:
        manifest = _parse(_read(folder / "manifest.json", at_most=LARGEST_JSON))
        version, stated, hashes = manifest["format"], manifest["step"], manifest["sha256"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise broken(f"the manifest cannot be read ({_why(error)})") from None
    if version != FORMAT:
        raise broken(f"written in format {version!r}, this version reads {FORMAT}")
    if (
        not isinstance(hashes, dict)
        or not _FILES <= set(hashes) <= {*_FILES, f"{AVERAGES}.safetensors"}
        or len(manifest) != 3
    ):
        raise broken("the manifest does not name the files of a checkpoint")
    tensors: dict[str, dict[str, Tensor]] = {}
    state: dict[str, Any] = {}
    for name, expected in sorted(hashes.items()):
        try:
            data = _read(folder / name)
            if _sha256(data) != expected:
                raise broken(f"{name} is not what was written (its hash differs)")
            if name == "state.json":
                state = _parse(data)
            else:
                tensors[name.removesuffix(".safetensors")] = load_tensors(data)
        except (OSError, SafetensorError, ValueError, TypeError, KeyError, RuntimeError, MemoryError) as error:
            raise broken(f"{name} cannot be read ({_why(error)})") from None
    if stated != step or state.get("step") != step:
        raise broken(f"it holds step {stated!r}, which is another one's")
    return Checkpoint(step, tensors, state)


def _committed(folder: Path) -> list[tuple[tuple[int, int], Path]]:
    """All checkpoint folders with their steps and how often the step was saved, in order."""
    if not folder.is_dir():
        return []
    found = []
    for path in folder.iterdir():
        match = _FOLDER.fullmatch(path.name)
        if match and path.is_dir() and not path.is_symlink():
            found.append(((int(match[1]), int(match[2] or 0)), path))
    return sorted(found)


def _free_name(folder: Path, step: int) -> str:
    times = [again for (number, again), _ in _committed(folder) if number == step]
    return f"step-{step:09d}" + (f".{max(times) + 1}" if times else "")


def _prune(folder: Path, *, keep: int, best: int | None, storage: Storage) -> None:
    committed = _committed(folder)
    newest_of = {step: path for (step, _), path in committed}
    stay = {*sorted(newest_of)[-keep:], best}
    for (step, _), path in committed:
        if path != newest_of[step] or step not in stay:
            try:
                _discard(path, storage)
            except OSError:
                # an old checkpoint more does no harm, and the next save tries again
                return


def _discard(path: Path, storage: Storage) -> None:
    trash = path.with_name(f".{path.name}.trash")
    _quietly_remove(trash, storage)
    storage.rename(path, trash)
    storage.remove(trash)


def _quietly_remove(path: Path, storage: Storage) -> None:
    try:
        storage.remove(path)
    except OSError:
        return


def _owned(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors on the CPU that share no memory with each other (tied weights are written twice)."""
    seen: set[int] = set()
    owned: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        copy = tensor.detach().to("cpu").contiguous()
        if copy.untyped_storage().data_ptr() in seen:
            copy = copy.clone()
        seen.add(copy.untyped_storage().data_ptr())
        owned[name] = copy
    return owned


def _read(path: Path, *, at_most: int | None = None) -> bytes:
    """A regular file, reached through no link: a checkpoint may come from elsewhere."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(None, "not a regular file")
        data = file.read(-1 if at_most is None else at_most + 1)
    if at_most is not None and len(data) > at_most:
        raise ValueError(f"larger than {at_most} bytes")
    return data


def _parse(data: bytes) -> dict[str, Any]:
    """JSON as `_json` writes it, to the byte: no other spelling, no key twice, no NaN."""
    found = json.loads(data)
    if not isinstance(found, dict) or _json(found) != data:
        raise ValueError("not in its canonical form")
    return found


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":")).encode()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _why(error: BaseException) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
