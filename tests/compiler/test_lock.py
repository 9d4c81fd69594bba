"""SPEC.lock: what it holds, what it notices, and that a lock from a stranger does no harm."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from s2sc.cli.main import main
from s2sc.compiler.front import analyse_file
from s2sc.compiler.lock import LockError, lock_from_json, lock_path

PARTS = """edition 1
block layer(x: seq[batch, time, _], size) => y { y = x -> conv1d(size, kernel = 3) -> relu }
"""
SPEC = """edition 1
import "parts/own.s2s" as own

let chars = alphabet("abc ")

data speech {
  root  = "data"
  audio = logmel(bins = 16)
  text  = chars
  train = ["train.jsonl", "more.jsonl"]
  valid = ["valid.jsonl"]
  keep  = 0.5s .. 10s
}

encoder { out = data.audio -> own.layer(16) }

decoder {
  logits = encoder.out -> linear(pad_to(8, 5))
  infer  = logits -> log_softmax -> greedy_ctc(blank = 4)
}

loss = ctc_loss(logits = decoder.logits, target = data.text, blank = 4)

hyperparameters {
  batch     = 16 examples
  optimizer = adam(lr = 1e-3)
  stop      = 10 epochs
  seed      = 17
}
"""

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command beside a locked spec; its exit code and all that it wrote."""
    (tmp_path / "parts").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "parts" / "own.s2s").write_text(PARTS)
    (tmp_path / "model.s2s").write_text(SPEC)
    (tmp_path / "data" / "train.jsonl").write_text("{}\n")
    (tmp_path / "data" / "valid.jsonl").write_text("{}\n")
    monkeypatch.chdir(tmp_path)

    def command(*words: str) -> tuple[int, str]:
        code = main(words)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out + err

    assert command("lock", "model.s2s")[0] == 0
    return command


def content() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("model.s2s.lock").read_bytes())
    return found


def test_a_lock_holds_the_hashes_of_all_that_is_there(run: Run) -> None:
    lock = content()
    assert set(lock["imports"]) == {"parts/own.s2s"}
    assert set(lock["data"]) == {"data/train.jsonl", "data/valid.jsonl"}
    assert lock["batch"] == {"amount": 16.0, "unit": "examples", "lr": 0.001}
    checked = analyse_file(Path("model.s2s")).checked
    assert checked is not None
    assert lock["architecture"] == checked.architecture_hash


def test_a_lock_is_the_same_bytes_again(run: Run) -> None:
    before = Path("model.s2s.lock").read_bytes()
    run("lock", "model.s2s")
    assert Path("model.s2s.lock").read_bytes() == before
    assert run("lock", "model.s2s", "--check") == (0, "model.s2s.lock fits\n")


@pytest.mark.parametrize(
    ("file", "before", "after", "said"),
    [
        ("model.s2s", "edition 1", "edition 1  #", "the spec's text was changed"),
        ("model.s2s", "layer(16)", "layer(32)", "the architecture is another one"),
        ("parts/own.s2s", "relu", "gelu", "parts/own.s2s was changed"),
        ("data/train.jsonl", "{}", '{"audio": 1}', "data/train.jsonl was changed: 3 bytes are 13 now"),
        ("data/train.jsonl", "{}", "[]", "data/train.jsonl was changed: the same size, other content"),
        ("model.s2s", "16 examples", "64 examples", "a batch of 16 examples at a learning rate of 0.001 is"),
    ],
)
def test_check_names_what_differs(run: Run, file: str, before: str, after: str, said: str) -> None:
    path = Path(file)
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))
    code, shown = run("lock", "model.s2s", "--check")
    assert (code, said in shown) == (1, True), shown
    code, shown = run("lock", "model.s2s", "--check", "--json")
    found = json.loads(shown)
    assert (code, found["fits"]) == (1, False)
    assert any(said in one["message"] for one in found["differs"])


def test_data_that_is_elsewhere_is_named_and_no_fault(run: Run) -> None:
    Path("data/train.jsonl").unlink()
    code, shown = run("lock", "model.s2s", "--check")
    assert code == 0
    assert "note: data/train.jsonl is not here, so it was not compared" in shown
    Path("data/more.jsonl").write_text("new\n")
    code, shown = run("lock", "model.s2s", "--check")
    assert (code, "data/more.jsonl is there and not locked" in shown) == (1, True)


def test_another_version_of_the_tool_is_a_note(run: Run) -> None:
    Path("model.s2s.lock").write_text(json.dumps({**content(), "tool": "9.9.9"}))
    code, shown = run("lock", "model.s2s", "--check")
    assert (code, "note: locked by s2sc 9.9.9" in shown) == (0, True)


def test_without_a_lock_check_says_how_to_make_one(run: Run) -> None:
    Path("model.s2s.lock").unlink()
    code, shown = run("lock", "model.s2s", "--check")
    assert (code, "make it with s2sc lock model.s2s" in shown) == (1, True)


def test_line_ends_make_no_difference(run: Run) -> None:
    Path("model.s2s").write_bytes(Path("model.s2s").read_bytes().replace(b"\n", b"\r\n"))
    assert run("lock", "model.s2s", "--check")[0] == 0


# ---------------------------------------------------------------- rules


def codes(*, with_lock: bool = False) -> list[str]:
    return sorted(one.code for one in analyse_file(Path("model.s2s"), with_lock=with_lock).findings)


def test_lint_finds_another_import_and_another_size(run: Run) -> None:
    assert codes(with_lock=True) == []
    Path("parts/own.s2s").write_text(PARTS + "# more\n")
    Path("data/train.jsonl").write_text("{}\n{}\n")
    found = [one for one in analyse_file(Path("model.s2s"), with_lock=True).findings if one.code == "S2S605"]
    assert [(one.span and one.span.line, one.place) for one in found] == [(2, ""), (10, "data.train")]
    assert codes() == []
    code, shown = run("lint", "model.s2s", "--format", "concise")
    assert (code, shown.count("S2S605")) == (1, 2)


def test_lint_reads_data_files_only_when_it_is_asked(run: Run) -> None:
    Path("data/train.jsonl").write_text("[]\n")
    assert codes(with_lock=True) == []
    found = [one.message for one in analyse_file(Path("model.s2s"), with_lock=True, with_files=True).findings]
    assert found == [
        "data/train.jsonl was changed: the same size, other content, says the lock",
        "data/more.jsonl is not there",
    ]
    assert run("lint", "model.s2s", "--with-files")[0] == 1


def test_a_batch_that_is_far_from_the_lock_s_is_a_warning(run: Run) -> None:
    text = Path("model.s2s").read_text()
    for batch, lr, found in ((32, "1e-3", []), (40, "1e-3", ["S2S608"]), (4, "1e-3", ["S2S608"]), (40, "2e-3", [])):
        Path("model.s2s").write_text(text.replace("16 examples", f"{batch} examples").replace("1e-3", lr))
        assert codes(with_lock=True) == found, batch


def test_files_out_of_the_project_are_none_of_its_business(run: Run, tmp_path: Path) -> None:
    secret = tmp_path.parent / f"{tmp_path.name}.secret"
    secret.write_text("secret")
    Path("data/more.jsonl").symlink_to(secret)
    os.mkfifo("data/pipe")
    run("lock", "model.s2s")
    assert "data/more.jsonl" not in content()["data"]
    Path("data/more.jsonl").unlink()
    Path("data/more.jsonl").symlink_to("pipe")
    assert run("lock", "model.s2s")[0] == 0
    assert set(content()["data"]) == {"data/train.jsonl", "data/valid.jsonl"}


# ---------------------------------------------------------------- hostile locks


def test_a_lock_that_leads_out_of_the_project_is_not_read(run: Run, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}.lock"
    Path("model.s2s.lock").rename(outside)
    Path("model.s2s.lock").symlink_to(outside)
    assert codes(with_lock=True) == ["S2S605"]
    code, shown = run("lock", "model.s2s", "--check")
    assert (code, "leads out of the project" in shown) == (1, True)
    # a new one takes the link's place and leaves what it led to as it was
    before = outside.read_bytes()
    assert run("lock", "model.s2s")[0] == 0
    assert not Path("model.s2s.lock").is_symlink()
    assert outside.read_bytes() == before


@pytest.mark.parametrize(
    "change",
    [
        {"format": "other"},
        {"version": 2},
        {"version": True},
        {"tool": None},
        {"tool": "x" * 1000},
        {"edition": "1"},
        {"edition": -1},
        {"architecture": "51ab"},
        {"spec": 3},
        {"imports": []},
        {"imports": {"../outside.s2s": "0" * 64}},
        {"imports": {"/etc/passwd": "0" * 64}},
        {"imports": {"C:/x": "0" * 64}},
        {"imports": {"a\\b": "0" * 64}},
        {"imports": {"": "0" * 64}},
        {"imports": {"a//b": "0" * 64}},
        {"data": {"a": "0" * 64}},
        {"data": {"a": {"bytes": -1, "sha256": "0" * 64}}},
        {"data": {"a": {"bytes": 1, "sha256": "0" * 64, "more": 1}}},
        {"data": {str(number): {"bytes": 1, "sha256": "0" * 64} for number in range(10_001)}},
        {"batch": {"amount": 1, "unit": "examples"}},
        {"batch": {"amount": "1", "unit": "examples", "lr": None}},
        {"more": 1},
    ],
    ids=str,
)
def test_what_is_no_lock_is_refused(run: Run, change: dict[str, Any]) -> None:
    with pytest.raises(LockError):
        lock_from_json(json.dumps({**content(), **change}).encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"\xff\xfe",
        b"[" * 100_000,
        b"{}",
        b"null",
        b'{"format": "s2sc.lock", "format": "s2sc.lock"}',
        b'{"batch": NaN}',
        b'{"batch": 1e999}',
        b" " * (1024 * 1024 + 1),
        b'{"a": ' + b"9" * 10_000 + b"}",
        b"{" + b",".join(b'"%d": 1' % number for number in range(60_000)) + b', "0": 1}',
    ],
    ids=lambda data: data[:12].decode("latin-1"),
)
def test_any_bytes_are_a_finding_and_no_traceback(run: Run, data: bytes) -> None:
    Path("model.s2s.lock").write_bytes(data)
    assert codes(with_lock=True) == ["S2S605"]
    assert run("lock", "model.s2s", "--check")[0] == 1


def test_what_a_lock_says_is_shown_inert(run: Run) -> None:
    Path("model.s2s.lock").write_text(json.dumps({**content(), "imports": {"\x1b[31m\n::error::x": "0" * 64}}))
    _, shown = run("lock", "model.s2s", "--check")
    _, linted = run("lint", "model.s2s")
    assert "\x1b" not in shown + linted
    assert not any(line.startswith("::") for line in (shown + linted).splitlines())


def test_a_folder_or_a_pipe_is_no_lock(run: Run) -> None:
    path = lock_path(Path("model.s2s"))
    path.unlink()
    os.mkfifo(path)
    assert codes(with_lock=True) == ["S2S605"]
    path.unlink()
    path.mkdir()
    assert codes(with_lock=True) == ["S2S605"]
