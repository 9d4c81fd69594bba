"""Checkpoints: whole or not there, whatever fails; damage is found; nothing from elsewhere is trusted."""

from __future__ import annotations

import ast
import errno
import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from s2sc.runtime.checkpoint import (
    Checkpoint,
    CheckpointError,
    checkpoint_steps,
    clean_up,
    load_best,
    load_checkpoint,
    save_checkpoint,
)
from s2sc.runtime.metrics_file import MetricsFile
from s2sc.runtime.storage import Storage, StorageError, replace_file
from s2sc.tests.nightly import NIGHTLY, tries


def a_checkpoint(step: int, *, size: int = 3, best: list[Any] | None = None) -> Checkpoint:
    tensors = {
        "model": {"w": torch.arange(size) + float(step), "b": torch.tensor([float(step)])},
        "optimizer": {"0.step": torch.tensor(float(step))},
        "random": {"cpu": torch.arange(4, dtype=torch.uint8)},
    }
    return Checkpoint(step, tensors, {"epoch": step // 2, "best": best})


def is_of(found: Checkpoint | None, step: int) -> bool:
    return (
        found is not None
        and found.step == found.state["step"] == step
        and torch.equal(found.tensors["model"]["w"], torch.arange(3) + float(step))
    )


class Killed(BaseException):
    """What a kill does to a process: nothing after it runs."""


class Faulty(Storage):
    """Fails at its `at`-th operation (counted from 0), and at all later ones if it was a kill."""

    def __init__(self, at: int, fault: str) -> None:
        self.at, self.fault = at, fault
        self.done: list[str] = []

    def _meet(self, name: str, torn: Callable[[], None] = lambda: None) -> None:
        self.done.append(name)
        number = len(self.done) - 1
        if self.fault.startswith("kill") and number >= self.at:
            if number == self.at and self.fault == "kill, torn":
                torn()
            raise Killed
        if number == self.at and not self.fault.startswith("kill"):
            if self.fault == "short":
                torn()
                raise OSError(errno.ENOSPC, "no space left on device")
            code = getattr(errno, self.fault)
            raise OSError(code, os.strerror(code))

    def make_folder(self, folder: Path) -> None:
        self._meet("make_folder")
        super().make_folder(folder)

    def write(self, path: Path, content: bytes) -> None:
        self._meet("write", lambda: _half(path, content))
        super().write(path, content)

    def read(self, path: Path) -> bytes:
        self._meet("read")
        return super().read(path)

    def rename(self, old: Path, new: Path) -> None:
        self._meet("rename")
        super().rename(old, new)

    def sync_folder(self, folder: Path) -> None:
        self._meet("sync_folder")
        super().sync_folder(folder)

    def remove(self, path: Path) -> None:
        def torn() -> None:
            for file in sorted(path.rglob("*"))[:1]:
                file.unlink()

        self._meet("remove", torn)
        super().remove(path)


def _half(path: Path, content: bytes) -> None:
    path.write_bytes(content[: len(content) // 2])


FAULTS = ("kill", "kill, torn", "short", "ENOSPC", "EIO", "EDQUOT", "EMFILE", "EROFS")


def operations(prepare: Callable[[Path], object], act: Callable[[Path, Storage], object], folder: Path) -> int:
    prepare(folder)
    storage = Faulty(10**9, "kill")
    act(folder, storage)
    shutil.rmtree(folder)
    return len(storage.done)


def every_fault(
    prepare: Callable[[Path], object], act: Callable[[Path, Storage], object], folder: Path
) -> Iterator[tuple[int, str, str]]:
    """Act with each operation failing in each way; gives which, with what came of it: "done", "refused", "killed"."""
    num_operations = operations(prepare, act, folder)
    before = folder.with_name("before")
    prepare(before)
    for at in range(num_operations):
        for fault in FAULTS:
            shutil.copytree(before, folder)
            outcome = "done"
            try:
                act(folder, Faulty(at, fault))
            except StorageError:
                outcome = "refused"
            except Killed:
                outcome = "killed"
            yield at, fault, outcome
            shutil.rmtree(folder)


# ---------------------------------------------------------------- every operation, every fault


def three(folder: Path) -> None:
    for step in (2, 4, 6):
        save_checkpoint(folder, a_checkpoint(step), keep=5)


def test_whatever_fails_leaves_the_earlier_checkpoints(tmp_path: Path) -> None:
    trials = 0

    def save(folder: Path, storage: Storage) -> None:
        save_checkpoint(folder, a_checkpoint(8), keep=2, best=2, storage=storage)

    for at, fault, outcome in every_fault(three, save, tmp_path / "checkpoints"):
        trials += 1
        folder = tmp_path / "checkpoints"
        where = f"operation {at}, {fault}, {outcome}"
        if not fault.startswith("kill"):
            assert not [path for path in folder.iterdir() if path.name.endswith(".tmp")], where
        clean_up(folder)
        assert not [path for path in folder.iterdir() if path.name.startswith(".")], where
        steps = checkpoint_steps(folder)
        for step in steps:
            assert is_of(load_checkpoint(folder, step=step), step), where
        # what was promised to stay is there: the newest two, and the best
        assert {2, 6} <= set(steps), where
        if outcome == "done":
            assert 8 in steps, where
        elif 8 not in steps:
            assert steps == [2, 4, 6], where
        # the next try works, whatever was left
        save_checkpoint(folder, a_checkpoint(10), keep=2, best=2)
        assert is_of(load_checkpoint(folder), 10), where
    assert trials == 18 * len(FAULTS)


def test_a_step_that_is_saved_again_is_there_at_every_moment(tmp_path: Path) -> None:
    def only(folder: Path) -> None:
        save_checkpoint(folder, a_checkpoint(6), keep=5)

    def again(folder: Path, storage: Storage) -> None:
        save_checkpoint(folder, a_checkpoint(6), keep=2, storage=storage)

    for at, fault, outcome in every_fault(only, again, tmp_path / "checkpoints"):
        clean_up(tmp_path / "checkpoints")
        assert is_of(load_checkpoint(tmp_path / "checkpoints"), 6), f"operation {at}, {fault}, {outcome}"


def test_the_first_checkpoint_is_there_or_not(tmp_path: Path) -> None:
    def save(folder: Path, storage: Storage) -> None:
        save_checkpoint(folder / "checkpoints", a_checkpoint(1), keep=2, storage=storage)

    for at, fault, outcome in every_fault(lambda folder: folder.mkdir(), save, tmp_path / "run"):
        clean_up(tmp_path / "run" / "checkpoints")
        found = load_checkpoint(tmp_path / "run" / "checkpoints")
        assert found is None or is_of(found, 1), f"operation {at}, {fault}"
        assert outcome != "done" or found is not None


def test_a_replaced_file_is_the_old_or_the_new_one(tmp_path: Path) -> None:
    def prepare(folder: Path) -> None:
        folder.mkdir()
        (folder / "result.json").write_bytes(b"old")

    def replace(folder: Path, storage: Storage) -> None:
        replace_file(folder / "result.json", b"the new one", storage)

    for at, fault, outcome in every_fault(prepare, replace, tmp_path / "run"):
        content = (tmp_path / "run" / "result.json").read_bytes()
        assert content in (b"old", b"the new one"), f"operation {at}, {fault}"
        assert outcome != "done" or content == b"the new one"


def test_what_is_named_was_brought_to_the_disk_before(tmp_path: Path) -> None:
    order: list[tuple[str, str]] = []

    class Noted(Storage):
        def write(self, path: Path, content: bytes) -> None:
            order.append(("write", path.name))
            super().write(path, content)

        def read(self, path: Path) -> bytes:
            order.append(("read", path.name))
            return super().read(path)

        def rename(self, old: Path, new: Path) -> None:
            order.append(("rename", new.name))
            super().rename(old, new)

        def sync_folder(self, folder: Path) -> None:
            order.append(("sync", folder.name))
            super().sync_folder(folder)

    save_checkpoint(tmp_path / "checkpoints", a_checkpoint(5), keep=2, storage=Noted())
    names = ["model.safetensors", "optimizer.safetensors", "random.safetensors", "state.json"]
    assert order == [
        ("sync", tmp_path.name),
        *(("write", name) for name in names),
        *(("read", name) for name in names),
        ("write", "manifest.json"),
        ("read", "manifest.json"),
        ("sync", ".step-000000005.tmp"),
        ("rename", "step-000000005"),
        ("sync", "checkpoints"),
    ]


def test_what_reads_back_otherwise_is_not_committed(tmp_path: Path) -> None:
    class Lying(Storage):
        def write(self, path: Path, content: bytes) -> None:
            super().write(path, content[:-1] + bytes([content[-1] ^ 1]))

    with pytest.raises(StorageError, match="reads back otherwise"):
        save_checkpoint(tmp_path, a_checkpoint(5), keep=2, storage=Lying())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("number", range(tries(1, 34)))
def test_a_power_cut_loses_no_acknowledged_checkpoint(tmp_path: Path, number: int) -> None:
    """Rebuild the disk from every prefix of the operations, without what was not brought to it."""
    chance = random.Random(number)

    class Recorded(Storage):
        def __init__(self) -> None:
            self.log: list[tuple[Any, ...]] = []

        def make_folder(self, folder: Path) -> None:
            self.log.append(("make", folder))
            super().make_folder(folder)

        def write(self, path: Path, content: bytes) -> None:
            # the file is synced inside; before that any part of it may be there
            self.log += [("torn", path, content), ("write", path, content)]
            super().write(path, content)

        def rename(self, old: Path, new: Path) -> None:
            self.log.append(("rename", old, new))
            super().rename(old, new)

        def sync_folder(self, folder: Path) -> None:
            self.log.append(("sync", folder))
            super().sync_folder(folder)

        def remove(self, path: Path) -> None:
            self.log.append(("remove", path))
            super().remove(path)

    work, disk = tmp_path / "work", tmp_path / "disk"
    storage = Recorded()
    acknowledged: list[tuple[int, int]] = []
    for step in range(1, 9):
        # the first time as it is in the other tests, then of any size, with any number of earlier ones that stay
        size, keep, best = (
            (3, 2, None) if number == 0 else (chance.randrange(3, 3000), chance.randrange(2, 5), step - 1)
        )
        save_checkpoint(work, a_checkpoint(step, size=size), keep=keep, best=best, storage=storage)
        acknowledged.append((len(storage.log), step))
    states = 0
    for length in range(len(storage.log) + 1):
        # of a file that is being written: nothing of it, so many blocks, half, or all but the last byte
        for torn in TEARS:
            states += 1
            shutil.rmtree(disk, ignore_errors=True)
            disk.mkdir()
            rebuild(storage.log[:length], work, disk, torn=torn)
            told = [step for position, step in acknowledged if position <= length]
            clean_up(disk)
            found = load_checkpoint(disk)
            assert not told or (found is not None and found.step >= told[-1]), length
            if found is not None:
                weight = found.tensors["model"]["w"]
                assert torch.equal(weight, torch.arange(len(weight)) + float(found.step))
    assert states >= 500


TEARS: tuple[Callable[[int], int], ...] = (
    lambda size: 0,
    lambda size: min(size, 512),
    lambda size: min(size, 4096),
    lambda size: size // 2,
    lambda size: size - 1,
)


def rebuild(log: list[tuple[Any, ...]], work: Path, disk: Path, *, torn: Callable[[int], int]) -> None:
    """The least that a disk holds after a log: renames and removals of names count once their folder is synced."""
    synced = {
        number: any(entry[0] == "sync" and entry[1] == work for entry in log[number:]) for number in range(len(log))
    }
    there: dict[Path, dict[str, bytes]] = {}
    for number, (kind, path, *rest) in enumerate(log):
        if kind == "make":
            there.setdefault(path, {})
        elif kind == "torn" and number == len(log) - 1:
            there.setdefault(path.parent, {})[path.name] = rest[0][: torn(len(rest[0]))]
        elif kind == "write":
            there.setdefault(path.parent, {})[path.name] = rest[0]
        elif kind == "rename" and (synced[number] or rest[0].name.endswith(".trash")):
            # a name in trash is never read again: losing this rename would only leave the checkpoint
            there[rest[0]] = there.pop(path, {})
        elif kind == "remove":
            there.pop(path, None)
    for folder, files in there.items():
        target = disk if folder == work else disk / folder.name
        target.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (target / name).write_bytes(content)


def test_a_step_that_is_saved_again_and_again_counts(tmp_path: Path) -> None:
    saved = [save_checkpoint(tmp_path, a_checkpoint(5), keep=9).name for _ in range(4)]
    assert saved == ["step-000000005", "step-000000005.1", "step-000000005.2", "step-000000005.3"]


# ---------------------------------------------------------------- damage


def test_a_manifest_has_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_checkpoint(tmp_path, a_checkpoint(5), keep=2) / "manifest.json"
    size = path.stat().st_size
    monkeypatch.setattr("s2sc.runtime.checkpoint.LARGEST_JSON", size)
    assert is_of(load_checkpoint(tmp_path), 5)
    monkeypatch.setattr("s2sc.runtime.checkpoint.LARGEST_JSON", size - 1)
    with pytest.raises(CheckpointError, match=f"larger than {size - 1} bytes"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("wrong", ["manifest.json", "state.json"])
def test_both_files_say_the_step(tmp_path: Path, wrong: str) -> None:
    folder = save_checkpoint(tmp_path, a_checkpoint(5), keep=2)
    found = {name: json.loads((folder / name).read_bytes()) for name in ("manifest.json", "state.json")}
    found[wrong]["step"] = 7

    def written(name: str) -> bytes:
        content = json.dumps(found[name], sort_keys=True, separators=(",", ":")).encode()
        (folder / name).write_bytes(content)
        return content

    found["manifest.json"]["sha256"]["state.json"] = hashlib.sha256(written("state.json")).hexdigest()
    written("manifest.json")
    with pytest.raises(CheckpointError, match="another one's"):
        load_checkpoint(tmp_path)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("number", range(tries(1, 36)))
def test_every_flipped_bit_is_found(tmp_path: Path, number: int) -> None:
    """Many of each file's, most of the manifest's: nothing but its form guards it. In `make soak` all, of several."""
    three(tmp_path)
    if number:
        save_checkpoint(tmp_path, a_checkpoint(6, size=3 + number), keep=5)
    draw = random.Random(5)
    folder = max(tmp_path.glob("step-000000006*"))
    flips = 0
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        bits = range(8 * len(data))
        for bit in draw.sample(bits, len(bits) if NIGHTLY else 1600 if path.name == "manifest.json" else 100):
            flips += 1
            changed = bytearray(data)
            changed[bit // 8] ^= 1 << bit % 8
            path.write_bytes(changed)
            warned: list[str] = []
            assert is_of(load_checkpoint(tmp_path, warn=warned.append), 4), (path.name, bit)
            assert len(warned) == 1
            assert warned[0].startswith("passed over a damaged checkpoint: step-000000006")
        path.write_bytes(data)
    assert flips >= 2000
    newest = load_checkpoint(tmp_path)
    assert newest is not None
    assert newest.step == 6


def test_every_truncation_is_found(tmp_path: Path) -> None:
    three(tmp_path)
    for path in sorted((tmp_path / "step-000000006").iterdir()):
        data = path.read_bytes()
        for length in range(len(data)):
            path.write_bytes(data[:length])
            with pytest.raises(CheckpointError, match="step-000000006"):
                load_checkpoint(tmp_path, step=6)
        path.write_bytes(data)


def test_a_missing_or_exchanged_file_is_found(tmp_path: Path) -> None:
    three(tmp_path)
    newest, other = tmp_path / "step-000000006", tmp_path / "step-000000004"
    for path in sorted(newest.iterdir()):
        data = path.read_bytes()
        path.unlink()
        assert is_of(load_checkpoint(tmp_path), 4), path.name
        # all that is random is the same in both
        if path.name != "random.safetensors":
            path.write_bytes((other / path.name).read_bytes())
            assert is_of(load_checkpoint(tmp_path), 4), path.name
        path.write_bytes(data)
    shutil.rmtree(newest)
    shutil.copytree(other, newest)
    warned: list[str] = []
    assert is_of(load_checkpoint(tmp_path, warn=warned.append), 4)
    assert "it holds step 4" in warned[0]


def test_nothing_usable_is_an_error_that_names_all(tmp_path: Path) -> None:
    three(tmp_path)
    for path in tmp_path.glob("*/state.json"):
        path.unlink()
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(tmp_path)
    assert all(f"step-00000000{step}" in str(caught.value) for step in (2, 4, 6))
    assert load_checkpoint(tmp_path / "nothing") is None


def test_the_best_one_is_the_newest_ones_choice(tmp_path: Path) -> None:
    for step in (2, 4, 6):
        save_checkpoint(tmp_path, a_checkpoint(step, best=[4, 0.1]), keep=2, best=4)
    assert is_of(load_best(tmp_path), 4)
    (tmp_path / "step-000000004" / "model.safetensors").unlink()
    warned: list[str] = []
    assert is_of(load_best(tmp_path, warn=warned.append), 6)
    assert "the best checkpoint, of step 4, cannot be used" in warned[-1]


# ---------------------------------------------------------------- pruning


@pytest.mark.parametrize("keep", [1, 2, 3, 7])
def test_the_newest_and_the_best_stay(tmp_path: Path, keep: int) -> None:
    for step in range(1, 11):
        save_checkpoint(tmp_path, a_checkpoint(step), keep=keep, best=3 if step >= 3 else None)
        assert len(checkpoint_steps(tmp_path)) >= min(step, 2)
    newest = list(range(11 - max(keep, 2), 11))
    assert checkpoint_steps(tmp_path) == sorted({3, *newest})
    assert all(path.name.startswith("step-") for path in tmp_path.iterdir())


def test_what_cannot_be_removed_stops_nothing(tmp_path: Path) -> None:
    class Sticky(Storage):
        def rename(self, old: Path, new: Path) -> None:
            if new.name.endswith(".trash"):
                raise OSError(errno.EACCES, "permission denied")
            super().rename(old, new)

    for step in range(1, 6):
        save_checkpoint(tmp_path, a_checkpoint(step), keep=2, storage=Sticky())
    assert checkpoint_steps(tmp_path) == [1, 2, 3, 4, 5]


def test_cleaning_up_takes_only_what_is_ours(tmp_path: Path) -> None:
    three(tmp_path)
    for name in (".step-000000008.tmp", ".step-000000002.trash"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(b"half")
    (tmp_path / ".keep").write_bytes(b"")
    clean_up(tmp_path)
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith(".")} == {".keep"}
    assert checkpoint_steps(tmp_path) == [2, 4, 6]


# ---------------------------------------------------------------- what comes from elsewhere


def rewrite(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    manifest = json.loads((folder / "manifest.json").read_bytes())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest, sort_keys=True, separators=(",", ":")))


HOSTILE = [
    "../outside.safetensors",
    "/etc/passwd",
    "..",
    "",
    "model.safetensors\0",
    "a/../model.safetensors",
    "model.pkl",
    "x" * 5000,
    "state.json/",
]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_no_file_is_opened_but_those_of_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    save_checkpoint(tmp_path, a_checkpoint(2), keep=2)
    folder = tmp_path / "step-000000002"
    for change in (
        lambda manifest: manifest["sha256"].update({name: "0" * 64}),
        lambda manifest: manifest.update(sha256={name: "0" * 64}),
    ):
        rewrite(folder, change)
        opened: list[str] = []
        original = os.open

        def noted(path: Any, *rest: Any, opened: list[str] = opened, original: Any = original) -> Any:
            opened.append(str(path))
            return original(path, *rest)

        with monkeypatch.context() as patched:
            patched.setattr(os, "open", noted)
            with pytest.raises(CheckpointError, match="does not name the files of a checkpoint"):
                load_checkpoint(tmp_path)
        assert opened == [str(folder / "manifest.json")]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"3",
        b"{}",
        b'{"format":1}',
        b'{"format":1,"sha256":[],"step":2}',
        b"\xff\xfe",
        b"[" * 200_000,
    ],
    ids=range(9),
)
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    save_checkpoint(tmp_path, a_checkpoint(2), keep=2)
    (tmp_path / "step-000000002" / "manifest.json").write_bytes(content)
    with pytest.raises(CheckpointError, match="manifest"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("change", [lambda data: b" " + data, lambda data: data.replace(b"{", b'{"format":1,', 1)])
def test_a_manifest_in_other_bytes_is_refused(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    save_checkpoint(tmp_path, a_checkpoint(2), keep=2)
    manifest = tmp_path / "step-000000002" / "manifest.json"
    manifest.write_bytes(change(manifest.read_bytes()))
    with pytest.raises(CheckpointError, match="canonical form"):
        load_checkpoint(tmp_path)


def test_another_format_is_named(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, a_checkpoint(2), keep=2)
    rewrite(tmp_path / "step-000000002", lambda manifest: manifest.update(format=9))
    with pytest.raises(CheckpointError, match="written in format 9, this version reads 1"):
        load_checkpoint(tmp_path)


def test_links_and_pipes_are_not_followed(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "c", a_checkpoint(2), keep=2)
    model = tmp_path / "c" / "step-000000002" / "model.safetensors"
    model.rename(tmp_path / "elsewhere")
    model.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CheckpointError, match=r"model\.safetensors cannot be read"):
        load_checkpoint(tmp_path / "c")
    model.unlink()
    os.mkfifo(model)
    with pytest.raises(CheckpointError, match="not a regular file"):
        load_checkpoint(tmp_path / "c")


def test_no_pickle_is_read_or_written(root: Path, tmp_path: Path) -> None:
    save_checkpoint(tmp_path, a_checkpoint(2), keep=2)
    assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} == {".safetensors", ".json"}
    banned = {"pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    for path in [*root.glob("*.py"), *(root / "runtime").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name.partition(".")[0] for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [(node.module or "").partition(".")[0]]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                called = ast.unparse(node.func)
                assert called not in ("torch.load", "torch.save"), path
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec"), path
            assert not banned & set(names), path


def test_weights_that_share_memory_come_back_whole(tmp_path: Path) -> None:
    weight = torch.arange(12.0).reshape(3, 4)
    tensors = {"model": {"a": weight, "b": weight, "c": weight.t(), "d": weight[1:]}, "optimizer": {}, "random": {}}
    save_checkpoint(tmp_path, Checkpoint(1, tensors, {}), keep=2)
    found = load_checkpoint(tmp_path)
    assert found is not None
    for name, tensor in tensors["model"].items():
        assert torch.equal(found.tensors["model"][name], tensor), name


# ---------------------------------------------------------------- metrics.jsonl


def test_metrics_that_find_no_room_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = MetricsFile(tmp_path / "metrics.jsonl")
    file.add({"step": 1})
    write = os.write
    room = [4]

    def full(descriptor: int, data: bytes) -> int:
        if not room:
            raise OSError(errno.ENOSPC, "no space left on device")
        return write(descriptor, data[: room.pop()])

    with monkeypatch.context() as patched:
        patched.setattr("s2sc.runtime.metrics_file.os.write", full)
        for step in (2, 3):
            with pytest.raises(StorageError, match="no space left"):
                file.add({"step": step})
    assert (tmp_path / "metrics.jsonl").read_text() == '{"step": 1}\n'
    file.add({"step": 4})
    assert (tmp_path / "metrics.jsonl").read_text() == "".join(f'{{"step": {step}}}\n' for step in (1, 2, 3, 4))


def test_lines_that_are_done_again_or_cut_off_go(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    again = '{"step": 3}\n{"step": 2, "split": "valid"}\n{"step": 1, "split": "test"}\n{"step": 1, "split": [1]}\n'
    path.write_text('{"step": 1, "split": "valid"}\n{"step": 2}\n' + again + 'rubbish\n[1]\n{"step": 2')
    MetricsFile(path).forget_after(2, evaluated=1)
    assert path.read_text() == '{"step": 1, "split": "valid"}\n{"step": 2}\n'


def test_lines_that_all_stay_are_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\n{"step": 2}\n')
    before = path.stat().st_ino
    MetricsFile(path).forget_after(2, evaluated=2)
    assert path.stat().st_ino == before


@pytest.mark.parametrize(
    ("number", "way_out"),
    [(errno.ENOSPC, "make room"), (errno.EROFS, "choose a place"), (errno.EMFILE, "ulimit"), (errno.EIO, "")],
)
def test_what_cannot_be_written_has_a_way_out(number: int, way_out: str) -> None:
    message = str(StorageError("cannot write the run runs/a", OSError(number, os.strerror(number))))
    assert message.startswith(f"cannot write the run runs/a: {os.strerror(number)}")
    assert way_out in message
