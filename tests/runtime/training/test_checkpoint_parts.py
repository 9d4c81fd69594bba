"""Checkpoints of several parts: there when all are, or not at all; their rows come back in order."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest
import torch
from s2sc.runtime.checkpoint import (
    Checkpoint,
    CheckpointError,
    clean_up,
    commit,
    discard_parts,
    free_name,
    load_checkpoint,
    save_checkpoint,
    write_part,
)
from s2sc.runtime.storage import Storage
from s2sc.tests.runtime.training.test_checkpoint import every_fault, rewrite

ROWS = torch.arange(10.0).reshape(5, 2)
# as many rows as torch deals out to three processes
DEALT = (slice(0, 2), slice(2, 4), slice(4, 5))


def a_part(part: int, step: int = 4) -> Checkpoint:
    """The first has what is not dealt out; the last has nothing of a tensor of two rows."""
    model = {"w": ROWS[DEALT[part]] + step}
    if part < 2:
        model["short"] = torch.tensor([float(part)])
    if part == 0:
        model["count"] = torch.tensor(7)
    optimizer = {"0.exp_avg": -ROWS[DEALT[part]], **({"0.step": torch.tensor(3.0)} if part == 0 else {})}
    random = {"cpu": torch.full((4,), part, dtype=torch.uint8)}
    return Checkpoint(step, {"model": model, "optimizer": optimizer, "random": random}, {"part": part})


def save_parts(folder: Path, step: int = 4, *, storage: Storage | None = None, keep: int = 3) -> Path:
    """As three processes do, one behind the other."""
    name = free_name(folder, step)
    hashes: dict[str, str] = {}
    # the first is not the first to write
    for part in (1, 0, 2):
        hashes |= write_part(folder, name, a_part(part, step), part=part, parts=3, storage=storage)
    return commit(folder, name, step, hashes, parts=3, keep=keep, storage=storage)


def check(found: Checkpoint | None, step: int = 4) -> None:
    assert found is not None
    assert found.step == step
    assert found.state == {"part": 0, "step": step}
    assert found.tensors["model"].keys() == {"w", "short", "count"}
    assert torch.equal(found.tensors["model"]["w"], ROWS + step)
    assert torch.equal(found.tensors["model"]["short"], torch.tensor([0.0, 1.0]))
    assert torch.equal(found.tensors["model"]["count"], torch.tensor(7))
    assert torch.equal(found.tensors["optimizer"]["0.exp_avg"], -ROWS)
    assert torch.equal(found.tensors["optimizer"]["0.step"], torch.tensor(3.0))
    assert torch.equal(found.tensors["random"]["cpu"], torch.zeros(4, dtype=torch.uint8))


def test_the_rows_of_all_parts_come_back_in_order(tmp_path: Path) -> None:
    folder = save_parts(tmp_path)
    check(load_checkpoint(tmp_path))
    assert sorted(path.name for path in folder.iterdir()) == [
        "manifest.json",
        *(f"{group}-0000{part}-of-00003.safetensors" for group in ("model", "optimizer") for part in (1, 2, 3)),
        "random.safetensors",
        "state.json",
    ]


def test_nothing_is_there_until_all_is(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, a_part(0, 2), keep=2)
    name = free_name(tmp_path, 4)
    hashes: dict[str, str] = {}
    for part in range(3):
        hashes |= write_part(tmp_path, name, a_part(part), part=part, parts=3)
        found = load_checkpoint(tmp_path, warn=pytest.fail)
        assert found is not None
        assert found.step == 2
    commit(tmp_path, name, 4, hashes, parts=3, keep=2)
    check(load_checkpoint(tmp_path))


def test_what_is_not_to_be_leaves_nothing(tmp_path: Path) -> None:
    write_part(tmp_path, free_name(tmp_path, 4), a_part(1), part=1, parts=3)
    discard_parts(tmp_path, free_name(tmp_path, 4))
    assert list(tmp_path.iterdir()) == []
    write_part(tmp_path, free_name(tmp_path, 4), a_part(1), part=1, parts=3)
    clean_up(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_whatever_fails_leaves_the_earlier_checkpoints(tmp_path: Path) -> None:
    """Every operation of three processes and the commit, failing in every way."""
    trials = 0

    def two(folder: Path) -> None:
        save_parts(folder, 1)
        save_parts(folder, 2)

    def save(folder: Path, storage: Storage) -> None:
        save_parts(folder, 4, storage=storage, keep=2)

    folder = tmp_path / "checkpoints"
    for at, fault, outcome in every_fault(two, save, folder):
        trials += 1
        where = f"operation {at}, {fault}, {outcome}"
        clean_up(folder)
        assert not [path for path in folder.iterdir() if path.name.startswith(".")], where
        check(load_checkpoint(folder, step=2), 2)
        newest = load_checkpoint(folder, warn=pytest.fail)
        assert newest is not None
        assert newest.step == 4 or outcome != "done", where
        check(newest, newest.step)
        # the next try works, whatever was left
        save_parts(folder, 6, keep=2)
        check(load_checkpoint(folder), 6)
    assert trials >= 200


def test_damage_of_any_part_is_found(tmp_path: Path) -> None:
    save_parts(tmp_path, 2)
    newest = save_parts(tmp_path, 4)
    for path in sorted(newest.iterdir()):
        data = path.read_bytes()
        warned: list[str] = []
        path.unlink()
        check(load_checkpoint(tmp_path, warn=warned.append), 2)
        for at in range(0, len(data), 7):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            check(load_checkpoint(tmp_path, warn=warned.append), 2)
        assert all(path.name in one or path.name == "manifest.json" for one in warned)
        path.write_bytes(data)
    check(load_checkpoint(tmp_path), 4)


def test_parts_that_change_places_are_found(tmp_path: Path) -> None:
    newest = save_parts(tmp_path)
    first, second = (newest / f"model-0000{number}-of-00003.safetensors" for number in (1, 2))
    first.rename(tmp_path / "kept")
    second.rename(first)
    (tmp_path / "kept").rename(second)
    with pytest.raises(CheckpointError, match=r"model-00001-of-00003.safetensors is not what was written"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("model-00001-of-00003.safetensors", None),
        ("model-00001-of-00003.safetensors", "model-00001-of-00002.safetensors"),
        ("model-00002-of-00003.safetensors", None),
        ("model-00003-of-00003.safetensors", "model-00004-of-00003.safetensors"),
        ("model-00001-of-00003.safetensors", "model-00001-of-99999.safetensors"),
        ("model-00001-of-00003.safetensors", "model-00001-of-00000.safetensors"),
        ("model-00001-of-00003.safetensors", "model.safetensors"),
        ("optimizer-00002-of-00003.safetensors", "averages-00002-of-00003.safetensors"),
        ("optimizer-00002-of-00003.safetensors", "../optimizer-00002-of-00003.safetensors"),
        ("random.safetensors", "random-00001-of-00003.safetensors"),
        ("state.json", None),
    ],
)
def test_a_manifest_names_all_parts_and_nothing_else(tmp_path: Path, old: str, new: str | None) -> None:
    def change(manifest: dict[str, dict[str, str]]) -> None:
        found = manifest["sha256"].pop(old)
        if new is not None:
            manifest["sha256"][new] = found

    rewrite(save_parts(tmp_path), change)
    with pytest.raises(CheckpointError, match="does not name the files of a checkpoint"):
        load_checkpoint(tmp_path)


def test_a_format_has_its_files(tmp_path: Path) -> None:
    parts, whole = save_parts(tmp_path / "parts"), save_checkpoint(tmp_path / "whole", a_part(0), keep=2)
    for folder, version in ((parts, 1), (whole, 2), (parts, True), (whole, 0), (whole, "1"), (parts, 3)):
        before = (folder / "manifest.json").read_bytes()
        rewrite(folder, partial(_say_format, version))
        with pytest.raises(CheckpointError, match=r"does not name the files|written in format"):
            load_checkpoint(folder.parent)
        (folder / "manifest.json").write_bytes(before)
        assert load_checkpoint(folder.parent) is not None


def _say_format(version: object, manifest: dict[str, object]) -> None:
    manifest["format"] = version


@pytest.mark.parametrize("wrong", [torch.zeros(2, 3), torch.zeros(2, 2, dtype=torch.float16), torch.zeros(2)])
def test_parts_that_do_not_fit_each_other_are_refused(tmp_path: Path, wrong: torch.Tensor) -> None:
    name, hashes = free_name(tmp_path, 4), dict[str, str]()
    for part in range(3):
        one = a_part(part)
        tensors = {**one.tensors, "model": {**one.tensors["model"], "w": wrong}} if part == 1 else one.tensors
        hashes |= write_part(tmp_path, name, Checkpoint(4, tensors, one.state), part=part, parts=3)
    commit(tmp_path, name, 4, hashes, parts=3, keep=2)
    with pytest.raises(CheckpointError, match=r"model-00001-of-00003.safetensors cannot be read"):
        load_checkpoint(tmp_path)


def test_parts_and_whole_ones_stand_beside_each_other(tmp_path: Path) -> None:
    save_parts(tmp_path, 2)
    whole = load_checkpoint(tmp_path)
    assert whole is not None
    save_checkpoint(tmp_path, Checkpoint(3, whole.tensors, {"part": 0}), keep=3)
    check(load_checkpoint(tmp_path, step=2), 2)
    found = load_checkpoint(tmp_path)
    assert found is not None
    assert torch.equal(found.tensors["model"]["w"], ROWS + 2)
    shutil.rmtree(tmp_path / "step-000000003")
    check(load_checkpoint(tmp_path), 2)
