"""Reading a spec: text files of a sensible size and nothing else."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from s2sc.dsl.limits import LIMITS
from s2sc.dsl.reading import Unreadable, read_bytes, read_source, source_of


def refused(path: Path) -> tuple[str, int]:
    with pytest.raises(Unreadable) as caught:
        read_source(path)
    return caught.value.message, caught.value.exit_code


def test_a_byte_order_mark_is_dropped_and_line_ends_are_one_character(tmp_path: Path) -> None:
    path = tmp_path / "a.s2s"
    path.write_bytes(b"\xef\xbb\xbfedition 1\r\nx = \xc3\xa9\n")
    source = read_source(path)
    assert (source.name, source.text) == (str(path), "edition 1\nx = é\n")


@pytest.mark.parametrize(
    ("content", "place", "words"),
    [
        (b"a\nb\xff", "2:2", "not UTF-8 text (byte 0xff)"),
        (b"ab\0", "1:3", "a NUL character"),
        (b"a\nb\rc", "2:2", "a carriage return"),
        (b"\xed\xa0\x80", "1:1", "not UTF-8"),
    ],
)
def test_bytes_that_are_no_text_are_findings_with_a_place(
    tmp_path: Path, content: bytes, place: str, words: str
) -> None:
    path = tmp_path / "a.s2s"
    path.write_bytes(content)
    message, code = refused(path)
    assert code == 1
    assert message.startswith(f"{path}:{place}: ")
    assert words in message


def test_the_size_limit_is_exact(tmp_path: Path) -> None:
    path = tmp_path / "a.s2s"
    path.write_bytes(b"#" * LIMITS.file_bytes)
    assert len(read_source(path).text) == LIMITS.file_bytes
    path.write_bytes(b"#" * (LIMITS.file_bytes + 1))
    message, code = refused(path)
    assert (code, "larger than 128 KiB" in message) == (2, True)


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="needs a file that opens and cannot be read")
def test_a_file_that_cannot_be_read_is_named() -> None:
    assert refused(Path("/proc/self/mem")) == ("/proc/self/mem: cannot be read: input/output error", 2)


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (tmp_path, pipe, Path("/dev/zero")):
        message, code = refused(path)
        assert (code, message) == (2, f"{path}: not a regular file")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.s2s") == (f"{tmp_path / 'none.s2s'}: no such file", 2)
    assert refused(Path("a\0b"))[1] == 2


def test_what_is_too_large_says_so_in_each_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    most = LIMITS.file_bytes
    assert source_of(b" " * most, "a.s2s").text == " " * most
    path = tmp_path / "a.s2s"
    path.write_bytes(b" " * (most + 1))
    assert read_bytes(path, "a.s2s", most=most + 1) == b" " * (most + 1)
    refusals: list[Unreadable] = []
    reading: list[Callable[[], object]] = [
        lambda: source_of(b" " * (most + 1), "a.s2s"),
        lambda: read_bytes(path, "a.s2s"),
    ]
    for read in reading:
        with pytest.raises(Unreadable) as caught:
            read()
        refusals.append(caught.value)
    # a file that grows between the look at its size and the reading
    state = os.stat(os.devnull)
    small = os.stat_result((stat.S_IFREG | 0o600, *tuple(state)[1:6], 1, *tuple(state)[7:]))
    monkeypatch.setattr("s2sc.dsl.reading.os.fstat", lambda descriptor: small)
    with pytest.raises(Unreadable) as caught:
        read_bytes(path, "a.s2s")
    refusals.append(caught.value)
    for refusal in refusals:
        assert str(refusal) == refusal.message == "a.s2s: larger than 128 KiB, which is the most a spec may have"
        assert (refusal.exit_code, refusal.too_large) == (2, True)


def test_a_file_that_became_another_while_it_was_opened_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.s2s"
    path.write_text("edition 1\n")
    folder = os.stat(tmp_path)
    monkeypatch.setattr("s2sc.dsl.reading.os.fstat", lambda descriptor: folder)
    with pytest.raises(Unreadable, match="not a regular file") as caught:
        read_bytes(path, "a.s2s")
    assert caught.value.exit_code == 2


def test_reading_leaves_no_file_open(tmp_path: Path) -> None:
    (tmp_path / "lib" / "deep").mkdir(parents=True)
    inner = tmp_path / "lib" / "deep" / "a.s2s"
    inner.write_text("edition 1\n")
    (tmp_path / "lib" / "link.s2s").symlink_to(inner)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        read_bytes(inner, "a.s2s")
        read_bytes(inner, "a.s2s", within=str(tmp_path))
        with pytest.raises(Unreadable, match="not a regular file"):
            read_bytes(tmp_path / "lib" / "link.s2s", "link.s2s", within=str(tmp_path))
    assert len(os.listdir("/proc/self/fd")) == before
