"""Reads that fail while a run goes on: for a moment, for good, and for want of what no record is to blame for."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from s2sc.runtime.data.bad_audio import BadAudio
from s2sc.runtime.data.file_bytes import WAITS_SECONDS, read_file, unreadable
from s2sc.runtime.data.root import Root
from s2sc.runtime.data.speech import SpeechData, open_speech
from s2sc.runtime.data.tally import BadData

from ..runtime.data import conftest as data_kit
from ..runtime.training import conftest as kit

PASSING = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT)
SETS = ("hyperparameters.stop=16 steps", 'data.on_bad="skip"')


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited


def failing(monkeypatch: pytest.MonkeyPatch, fails: Callable[[], int | None]) -> None:
    """Let what is read from descriptors fail as told."""
    real = os.fdopen

    def fdopen(handle: int, *arguments: Any, **more: Any) -> Any:
        code = fails()
        if code is None:
            return real(handle, *arguments, **more)
        os.close(handle)
        return Failing(code)

    monkeypatch.setattr(os, "fdopen", fdopen)


class Failing:
    """A file whose reads fail."""

    def __init__(self, code: int) -> None:
        self.code = code

    def __enter__(self) -> Failing:
        return self

    def __exit__(self, *_: object) -> None: ...

    def read(self, size: int) -> bytes:
        raise OSError(self.code, os.strerror(self.code))


@pytest.mark.parametrize("code", PASSING)
@pytest.mark.parametrize("below_root", [False, True])
def test_what_fails_for_a_moment_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_waiting: list[float], code: int, below_root: bool
) -> None:
    (tmp_path / "a.wav").write_bytes(b"some bytes")
    answers = iter([code, code, None])
    failing(monkeypatch, lambda: next(answers))
    found = Root(tmp_path).read("a.wav") if below_root else read_file(tmp_path / "a.wav")
    assert found == b"some bytes"
    assert no_waiting == list(WAITS_SECONDS)


@pytest.mark.parametrize("code", PASSING)
def test_what_goes_on_failing_is_the_records_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_waiting: list[float], code: int
) -> None:
    (tmp_path / "a.wav").write_bytes(b"some bytes")
    failing(monkeypatch, lambda: code)
    with pytest.raises(BadAudio, match=os.strerror(code).lower()) as caught:
        Root(tmp_path).read("a.wav")
    assert caught.value.reason == "unreadable"
    assert len(no_waiting) == 2


def test_what_is_missing_is_not_asked_for_again(tmp_path: Path, no_waiting: list[float]) -> None:
    for path in ("absent.wav", "."):
        with pytest.raises(BadAudio):
            Root(tmp_path).read(path)
    assert no_waiting == []


@pytest.mark.parametrize(("code", "way_out"), [(errno.EMFILE, "ulimit -n"), (errno.ENFILE, "this machine")])
@pytest.mark.parametrize("num_workers", [0, 2])
def test_too_many_open_files_are_no_records_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, way_out: str, num_workers: int
) -> None:
    data_kit.write_corpus(tmp_path, 8)
    data = open_speech(data_kit.speech(), base=tmp_path, environment={}, kept_bytes=0)
    before = len(data.tally.refused)
    real = os.open

    def opened(path: Any, *arguments: Any, **more: Any) -> int:
        if str(path).endswith(".wav"):
            raise OSError(code, os.strerror(code))
        return int(real(path, *arguments, **more))

    monkeypatch.setattr(os, "open", opened)
    with pytest.raises(BadData, match=rf"the data cannot be read: too many open files.*{way_out}") as caught:
        list(data.batches("train", batch=3, num_workers=num_workers))
    assert caught.value.code == "reading"
    assert len(data.tally.refused) == before


def a_corpus(folder: Path) -> SpeechData:
    section = kit.graph_of(*SETS).graph.data
    return open_speech(section, base=folder, environment={}, kept_bytes=0)  # type: ignore[arg-type]  # of speech, as the spec says


def test_a_run_over_a_disk_that_fails_now_and_then_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_waiting: list[float]
) -> None:
    corpus = kit.write_corpus(tmp_path / "tones")
    kit.trained(corpus, tmp_path / "sound", *SETS, data=a_corpus(corpus))
    data, reads = a_corpus(corpus), 0

    def fails() -> int | None:
        nonlocal reads
        reads += 1
        return errno.EIO if reads % 3 == 0 else None

    with monkeypatch.context() as patch:
        failing(patch, fails)
        result = kit.trained(corpus, tmp_path / "failing", *SETS, data=data)
    assert len(no_waiting) > 10
    assert result["data"]["refused"] == {}
    assert kit.state_of(kit.newest(tmp_path / "failing")) == kit.state_of(kit.newest(tmp_path / "sound"))
    assert kit.metrics_of(tmp_path / "failing") == kit.metrics_of(tmp_path / "sound")


def test_a_record_that_cannot_be_read_any_more_is_named_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = kit.write_corpus(tmp_path / "tones")
    data = a_corpus(corpus)
    real = Root.read

    def read(self: Root, path: str, **more: Any) -> bytes:
        if path == "2.wav":
            raise unreadable(OSError(errno.EIO, os.strerror(errno.EIO)))
        return real(self, path, **more)

    monkeypatch.setattr(Root, "read", read)
    result = kit.trained(corpus, tmp_path / "run", *SETS, data=data)
    assert result["steps"] == 16
    found = [(problem.reason, problem.manifest, problem.line) for problem in data.tally.refused]
    assert sorted(found) == [("unreadable", "train.jsonl", 3), ("unreadable", "valid.jsonl", 3)]
