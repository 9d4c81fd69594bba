"""Checkpoints: safetensors and JSON in a folder that is whole or not there.

The commit protocol, in this order: write into a sibling temporary folder, sync each file; write the manifest last and
sync it; read everything back and compare; sync the folder; rename it to its name; sync the parent. Older checkpoints
are first renamed to trash and then removed. Loading takes the newest whose manifest and hashes hold and says which
ones it passed over.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .extras import extra
from .storage import Storage, StorageError, replace_file

with extra("train", "training"):
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load as load_tensors
    from safetensors.torch import save as save_tensors
    from torch import Tensor

FORMAT = 1
LARGEST_JSON = 64 * 2**20
_NAME = re.compile(r"step-(\d{9})")


class CheckpointError(Exception):
    """No checkpoint can be used; the message says why for each."""


@dataclass(frozen=True)
class Checkpoint:
    """The state of training after a step.

    tensors  groups of named tensors: "model", "optimizer", "random"
    state    JSON values: counters, the optimizer's numbers, the scaler, the place in the data
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
    final = folder / _name(checkpoint.step)
    temporary = folder / f".{final.name}.tmp"
    files = {f"{group}.safetensors": save_tensors(_owned(tensors)) for group, tensors in checkpoint.tensors.items()}
    files["state.json"] = _json({"step": checkpoint.step, **checkpoint.state})
    manifest = {
        "format": FORMAT,
        "step": checkpoint.step,
        "sha256": {name: _sha256(data) for name, data in files.items()},
    }
    files["manifest.json"] = _json(manifest)
    try:
        storage.make_folder(folder)
        storage.remove(temporary)
        storage.make_folder(temporary)
        try:
            for name, data in files.items():
                storage.write(temporary / name, data)
            for name, data in files.items():
                if _sha256(storage.read(temporary / name)) != _sha256(data):
                    raise OSError(None, f"{name} reads back otherwise than it was written")
            storage.sync_folder(temporary)
            if final.exists():
                _discard(final, storage)
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
    names = checkpoint_steps(folder)
    if step is not None:
        names = [number for number in names if number == step]
    problems: list[str] = []
    for number in reversed(names):
        try:
            return _load(folder / _name(number))
        except CheckpointError as error:
            problems.append(str(error))
            warn(f"passed over a damaged checkpoint: {error}")
    if problems:
        raise CheckpointError("no checkpoint can be used: " + "; ".join(problems))
    return None


def checkpoint_steps(folder: Path) -> list[int]:
    """The steps of all committed checkpoints, in order."""
    if not folder.is_dir():
        return []
    found = (_NAME.fullmatch(path.name) for path in folder.iterdir() if path.is_dir())
    return sorted(int(match[1]) for match in found if match)


def clean_up(folder: Path, storage: Storage | None = None) -> None:
    """Remove what a killed process left: temporary and trash folders."""
    if folder.is_dir():
        for path in folder.iterdir():
            if path.name.startswith("."):
                _quietly_remove(path, storage or Storage())


def write_best(folder: Path, step: int, value: float, storage: Storage | None = None) -> None:
    """Remember which step was best."""
    replace_file(folder / "best.json", _json({"step": step, "value": value}), storage)


def read_best(folder: Path) -> tuple[int, float] | None:
    """The best step and its metric; None if there is none or the file is damaged."""
    try:
        found = json.loads(_bounded(folder / "best.json"))
        return int(found["step"]), float(found["value"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _load(folder: Path) -> Checkpoint:
    try:
        manifest = json.loads(_bounded(folder / "manifest.json"))
        hashes: dict[str, str] = manifest["sha256"]
        version = manifest["format"]
        step = int(manifest["step"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{folder.name}: the manifest cannot be read ({error})") from None
    if version != FORMAT:
        raise CheckpointError(f"{folder.name}: written in format {version}, this version reads {FORMAT}")
    tensors: dict[str, dict[str, Tensor]] = {}
    state: dict[str, Any] = {}
    for name, expected in hashes.items():
        if Path(name).name != name:
            raise CheckpointError(f"{folder.name}: {name!r} is not the name of a file")
        try:
            data = (folder / name).read_bytes()
        except OSError as error:
            raise CheckpointError(f"{folder.name}: {name} cannot be read ({error.strerror})") from None
        if _sha256(data) != expected:
            raise CheckpointError(f"{folder.name}: {name} is not what was written (its hash differs)")
        try:
            if name.endswith(".safetensors"):
                tensors[name.removesuffix(".safetensors")] = load_tensors(data)
            else:
                state = json.loads(data)
        except (SafetensorError, ValueError, RecursionError) as error:
            raise CheckpointError(f"{folder.name}: {name} cannot be read ({error})") from None
    return Checkpoint(step, tensors, state)


def _prune(folder: Path, *, keep: int, best: int | None, storage: Storage) -> None:
    steps = checkpoint_steps(folder)
    for step in steps[:-keep]:
        if step != best:
            try:
                _discard(folder / _name(step), storage)
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


def _bounded(path: Path) -> bytes:
    with open(path, "rb") as file:
        data = file.read(LARGEST_JSON + 1)
    if len(data) > LARGEST_JSON:
        raise ValueError(f"larger than {LARGEST_JSON} bytes")
    return data


def _name(step: int) -> str:
    return f"step-{step:09d}"


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":")).encode()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def random_state(device: torch.device) -> dict[str, Tensor]:
    """The state of the random generators that training draws from."""
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def set_random_state(state: Mapping[str, Tensor], device: torch.device) -> None:
    """Go back to a state that `random_state` gave."""
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)
