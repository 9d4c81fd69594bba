"""Checkpoints: safetensors and JSON in a folder that is whole or not there.

The commit protocol, in this order: write into a sibling temporary folder, sync each file, read all back and compare;
the manifest last, in the same way; sync the folder; rename it to its name; sync the parent. Older checkpoints
are first renamed to trash and then removed. Loading takes the newest whose manifest and hashes hold and says which
ones it passed over.

A step that is saved again (batches were skipped since) is committed beside the first as `step-N.1` before that goes:
there is no moment at which a step that was there is not.

Weights that are dealt out over processes each of them writes into files of its own, its rows of every tensor. One of
them commits what all have written.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .extras import extra
from .storage import Storage, StorageError

with extra("train", "training"):
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load as load_tensors
    from safetensors.torch import save as save_tensors
    from torch import Tensor

# the second one has its tensors in parts
FORMAT = 2
LARGEST_JSON = 64 * 2**20
GROUPS = ("model", "optimizer", "random")
AVERAGES = "averages"
_FOLDER = re.compile(r"step-([0-9]{9})(?:\.([0-9]{1,4}))?")
_WHOLE = ("random.safetensors", "state.json")
_PARTS = re.compile(r"model-00001-of-([0-9]{5})\.safetensors")


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
    name = free_name(folder, checkpoint.step)
    hashes = write_part(folder, name, checkpoint, storage=storage)
    return commit(folder, name, checkpoint.step, hashes, keep=keep, best=best, storage=storage)


def free_name(folder: Path, step: int) -> str:
    """The name of the next checkpoint of a step; StorageError where the folder cannot be read."""
    name = f"step-{step:09d}"
    with _named(folder / name):
        committed = _committed(folder)
    times = [again for (number, again), _ in committed if number == step]
    return name + (f".{max(times) + 1}" if times else "")


def write_part(
    folder: Path,
    name: str,
    checkpoint: Checkpoint,
    *,
    part: int = 0,
    parts: int = 1,
    storage: Storage | None = None,
) -> dict[str, str]:
    """Write what one process has of a checkpoint, to where nothing reads it; the SHA-256 of each file by name.

    The whole of a tensor is the rows of all parts in their order. What is not dealt out is in the first part alone.
    StorageError if it cannot be written, or reads back otherwise.
    """
    storage = storage or Storage()
    temporary = folder / f".{name}.tmp"
    files = {
        _file(group, part, parts): save_tensors(_owned(checkpoint.tensors[group]))
        for group in (*GROUPS, AVERAGES)
        if group in checkpoint.tensors and (part == 0 or group != "random")
    }
    if part == 0:
        files["state.json"] = _json({**checkpoint.state, "step": checkpoint.step})
    with _named(folder / name):
        if not folder.is_dir():
            storage.make_folder(folder)
            storage.sync_folder(folder.parent)
        if parts == 1:
            storage.remove(temporary)
        storage.make_folder(temporary)
        with _removing(temporary, storage, alone=parts == 1):
            _write(temporary, files, storage)
    return {file: _sha256(data) for file, data in files.items()}


def commit(
    folder: Path,
    name: str,
    step: int,
    hashes: Mapping[str, str],
    *,
    parts: int = 1,
    keep: int,
    best: int | None = None,
    storage: Storage | None = None,
) -> Path:
    """Make one checkpoint of the parts that were written, then remove old ones as `save_checkpoint` says.

    hashes  of the files of all parts
    """
    storage = storage or Storage()
    final, temporary = folder / name, folder / f".{name}.tmp"
    manifest = {"format": 1 if parts == 1 else FORMAT, "step": step, "sha256": dict(hashes)}
    with _named(final), _removing(temporary, storage):
        _write(temporary, {"manifest.json": _json(manifest)}, storage)
        storage.sync_folder(temporary)
        storage.rename(temporary, final)
        storage.sync_folder(folder)
    _prune(folder, keep=max(keep, 2), best=best, storage=storage)
    return final


def discard_parts(folder: Path, name: str) -> None:
    """Remove what was written of a checkpoint that is not to be."""
    _quietly_remove(folder / f".{name}.tmp", Storage())


def _file(group: str, part: int, parts: int) -> str:
    if parts == 1 or group == "random":
        return f"{group}.safetensors"
    return f"{group}-{part + 1:05d}-of-{parts:05d}.safetensors"


def _write(folder: Path, files: Mapping[str, bytes], storage: Storage) -> None:
    for name, data in files.items():
        storage.write(folder / name, data)
    for name, data in files.items():
        if storage.read(folder / name) != data:
            raise OSError(None, f"{name} reads back otherwise than it was written")


@contextmanager
def _named(final: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"cannot write the checkpoint {final}", error) from error


@contextmanager
def _removing(temporary: Path, storage: Storage, *, alone: bool = True) -> Iterator[None]:
    """Leave nothing of what fails, where no other process is writing into it."""
    try:
        yield
    except OSError:
        if alone:
            _quietly_remove(temporary, storage)
        raise


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
        raise CheckpointError(
            f"no checkpoint can be used: {'; '.join(problems)}. Put a whole one back, or start a new run"
        )
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


def clean_up(folder: Path) -> None:
    """Remove what a killed process left: temporary and trash folders."""
    if folder.is_dir():
        for path in folder.iterdir():
            if path.name.startswith(".") and path.suffix in (".tmp", ".trash"):
                _quietly_remove(path, Storage())


def _load(folder: Path, step: int) -> Checkpoint:
    def broken(what: str) -> CheckpointError:
        return CheckpointError(f"{folder.name}: {what}")

    try:
        manifest = _parse(_read(folder / "manifest.json", at_most=LARGEST_JSON))
        version, stated, hashes = manifest["format"], manifest["step"], manifest["sha256"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise broken(f"the manifest cannot be read ({_why(error)})") from None
    if type(version) is not int or not 1 <= version <= FORMAT:
        raise broken(f"written in format {version!r}, this version reads 1 to {FORMAT}: use the version that wrote it")
    names = _names(hashes, version) if isinstance(hashes, dict) and len(manifest) == 3 else None
    if names is None:
        raise broken("the manifest does not name the files of a checkpoint")
    found: dict[str, bytes] = {}
    for name, expected in sorted(hashes.items()):
        try:
            found[name] = _read(folder / name)
        except (OSError, MemoryError) as error:
            raise broken(f"{name} cannot be read ({_why(error)})") from None
        if _sha256(found[name]) != expected:
            raise broken(f"{name} is not what was written (its hash differs)")
    tensors: dict[str, dict[str, Tensor]] = {}
    state: dict[str, Any] = {}
    for group, files in names.items():
        try:
            if group == "state":
                state = _parse(found.pop(files[0]))
            else:
                tensors[group] = _put_together([load_tensors(found.pop(name)) for name in files])
        except (SafetensorError, ValueError, TypeError, KeyError, RuntimeError, MemoryError, RecursionError) as error:
            raise broken(f"{files[0]} cannot be read ({_why(error)})") from None
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


def _names(hashes: Mapping[str, object], version: int) -> dict[str, list[str]] | None:
    """The files of each group of tensors, and of the state; None where a manifest names others."""
    parts = 1
    if version > 1:
        parts = next((int(match[1]) for match in map(_PARTS.fullmatch, hashes) if match), 0)
        if not 2 <= parts <= len(hashes):
            return None
    groups = [*GROUPS, *([AVERAGES] if _file(AVERAGES, 0, parts) in hashes else [])]
    found = {group: [_file(group, part, parts) for part in range(parts)] for group in groups if group != "random"}
    found |= {"random": [_WHOLE[0]], "state": [_WHOLE[1]]}
    return found if {name for files in found.values() for name in files} == set(hashes) else None


def _put_together(parts: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Tensors whose rows lie in several parts."""
    found: dict[str, Tensor] = {}
    for name in sorted({name for part in parts for name in part}) if len(parts) > 1 else parts[0]:
        rows = [part[name] for part in parts if name in part]
        if len({one.dtype for one in rows}) > 1:
            raise ValueError(f"the parts of {name} have several dtypes")
        found[name] = rows[0] if len(rows) == 1 else torch.cat(rows)
    return found


def _prune(folder: Path, *, keep: int, best: int | None, storage: Storage) -> None:
    try:
        committed = _committed(folder)
    except OSError:
        return
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
