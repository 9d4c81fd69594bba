"""What is written is on the disk before it is named, and nothing half is left behind."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from s2sc.runtime.storage import Storage, StorageError, replace_file


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, int]]:
    """What is synced and renamed, in order, with the size that the file then has."""
    found: list[tuple[str, str, int]] = []
    sync, rename = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        found.append(("sync", os.readlink(f"/proc/self/fd/{descriptor}"), os.fstat(descriptor).st_size))
        sync(descriptor)

    def renamed(old: Path, new: Path) -> None:
        found.append(("rename", str(new), os.stat(old).st_size))
        rename(old, new)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    return found


def test_all_of_a_file_is_synced(tmp_path: Path, calls: list[tuple[str, str, int]]) -> None:
    Storage().write(tmp_path / "a", b"12345")
    assert calls == [("sync", str(tmp_path / "a"), 5)]


def test_a_folder_is_synced_and_closed(tmp_path: Path, calls: list[tuple[str, str, int]]) -> None:
    before = len(os.listdir("/proc/self/fd"))
    Storage().sync_folder(tmp_path)
    assert [call[:2] for call in calls] == [("sync", str(tmp_path))]
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_file_is_replaced_once_it_is_on_the_disk(tmp_path: Path, calls: list[tuple[str, str, int]]) -> None:
    path = tmp_path / "run" / "deep" / "result.json"
    replace_file(path, b"123")
    assert path.read_bytes() == b"123"
    (first, name, size), renamed, last = calls
    assert (first, Path(name).parent, size) == ("sync", path.parent, 3)
    assert renamed == ("rename", str(path), 3)
    assert last[:2] == ("sync", str(path.parent))
    assert os.listdir(path.parent) == ["result.json"]


def test_a_file_that_finds_no_room_leaves_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="make room"):
        replace_file(tmp_path / "result.json", b"123")
    assert os.listdir(tmp_path) == []


def test_files_folders_and_links_are_removed(tmp_path: Path) -> None:
    storage = Storage()
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "c").write_bytes(b"1")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    storage.remove(tmp_path / "link")
    assert sorted(os.listdir(tmp_path)) == ["a"]
    storage.remove(tmp_path / "a" / "c")
    storage.remove(tmp_path / "a" / "c")
    assert os.listdir(tmp_path / "a") == ["b"]
    storage.remove(tmp_path / "a")
    assert os.listdir(tmp_path) == []
    storage.make_folder(tmp_path / "x" / "y")
    storage.make_folder(tmp_path / "x" / "y")
    assert (tmp_path / "x" / "y").is_dir()
