"""`s2sc infer` with a model that reads text: lines in, lines out, whatever is wrong with some of them."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import s2sc
from s2sc.cli import main as cli
from s2sc.runtime.export.pair_metadata import TextLimits
from s2sc.runtime.no_answer import NoAnswer
from s2sc.runtime.translation import Scored, Translator

Run = Callable[..., tuple[int, str, str]]


class Shouter(Translator):
    """Turns letters into capitals, and gives worse texts by more exclamation marks."""

    limits = TextLimits(least_batch=1, most_batch=8, least_source=1, most_source=31)
    most_texts = 4
    n_best = 1

    def encode(self, text: str) -> tuple[int, ...]:
        return tuple(map(ord, text))

    def search(self, sentences: Sequence[Sequence[int]], *, n_best: int) -> list[list[Scored] | NoAnswer]:
        texts = ["".join(map(chr, sentence)).upper() for sentence in sentences]
        return [
            NoAnswer("nothing") if text == "NAN" else [Scored(text + "!" * at, -0.5 - at) for at in range(n_best)]
            for text in texts
        ]


class Listener:
    """Reads recordings."""

    def transcribe(self, files: object) -> list[object]:
        return []


@pytest.fixture
def infer(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """`s2sc infer run …` in a fresh folder, with what is on stdin: exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(s2sc, "load", lambda path, **settings: Listener() if path.name == "speech" else Shouter())
    (tmp_path / "run").mkdir()
    (tmp_path / "speech").mkdir()

    def run_infer(*words: str, stdin: bytes = b"", model: str = "run") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = cli.main(["infer", model, *words])
        out, err = capsys.readouterr()
        return code, out, err

    return run_infer


def test_lines_of_stdin_are_answered_in_order(infer: Run) -> None:
    lines = [f"line {number} {'x' * (number % 9)}" for number in range(500)]
    code, out, err = infer(stdin="\n".join(lines).encode())
    assert (code, err) == (0, "")
    assert out.splitlines() == [line.upper() for line in lines]


def test_lines_of_files_are_answered_one_file_after_the_other(infer: Run) -> None:
    Path("a.txt").write_text("one\ntwo\n", encoding="utf-8")
    Path("b.txt").write_text("three", encoding="utf-8")
    assert infer("a.txt", "-", "b.txt", stdin="größe\n".encode()) == (0, "ONE\nTWO\nGRÖSSE\nTHREE\n", "")


def test_files_may_stand_behind_options(infer: Run) -> None:
    Path("a.txt").write_text("one\n", encoding="utf-8")
    assert infer("--device", "cpu", "a.txt", "-", stdin=b"two") == (0, "ONE\nTWO\n", "")
    with pytest.raises(SystemExit):
        infer("--device", "cpu", "a.txt", "--nonsense")


def test_a_bad_line_is_named_and_an_empty_one_stands_in_its_place(infer: Run) -> None:
    Path("a.txt").write_bytes(b"one\nt\xffo\n\n" + b"x" * 31 + b"\nnan\nlast\n")
    code, out, err = infer("a.txt")
    assert code == 1
    assert out == "ONE\n\n\n\n\nLAST\n"
    assert err.splitlines() == [
        "s2sc: a.txt:2: not UTF-8: byte 2 is 0xff",
        "s2sc: a.txt:4: 31 tokens, the model takes up to 30",
        "s2sc: a.txt:5: nothing",
    ]


def test_scores_stand_before_texts(infer: Run) -> None:
    assert infer("--scores", stdin=b"one\n\nnan\n")[1] == "-0.5000\tONE\n0.0000\t\n\t\n"


def test_the_best_texts_are_numbered_by_line(infer: Run) -> None:
    code, out, _ = infer("--n-best", "2", stdin=b"one\nnan\ntwo\n")
    assert code == 1
    assert out == "1 ||| ONE ||| -0.5000\n1 ||| ONE! ||| -1.5000\n3 ||| TWO ||| -0.5000\n3 ||| TWO! ||| -1.5000\n"


def test_json_holds_what_is_known_of_a_line(infer: Run) -> None:
    Path("a.txt").write_bytes(b"one\nnan\n")
    found = [json.loads(line) for line in infer("a.txt", "--json", "--n-best", "2")[1].splitlines()]
    assert found == [
        {
            "file": "a.txt",
            "line": 1,
            "source": "one",
            "hypothesis": "ONE",
            "score": -0.5,
            "n_best": [{"hypothesis": "ONE", "score": -0.5}, {"hypothesis": "ONE!", "score": -1.5}],
        },
        {
            "file": "a.txt",
            "line": 2,
            "source": "nan",
            "hypothesis": None,
            "reason": "no_answer",
            "message": "nothing",
            "n_best": [],
        },
    ]
    (line,) = infer("--json", stdin=b"one")[1].splitlines()
    assert json.loads(line) == {"line": 1, "source": "one", "hypothesis": "ONE", "score": -0.5}


def test_answers_can_go_to_a_file(infer: Run) -> None:
    code, out, err = infer("-o", "out.txt", stdin=b"one\ntwo\n")
    assert (code, out, err) == (0, "", "wrote the answers to 2 lines to out.txt\n")
    assert Path("out.txt").read_text(encoding="utf-8") == "ONE\nTWO\n"
    assert infer("-o", "-", stdin=b"one\n")[1] == "ONE\n"


@pytest.mark.parametrize(
    ("words", "model", "said"),
    [
        (["nowhere.txt"], "run", "there is no file nowhere.txt"),
        (["run"], "run", "run is a folder: give files of text"),
        (["clip.wav"], "run", "clip.wav is a recording, and run reads text, one sentence a line"),
        (["--manifest", "x.jsonl"], "run", "--manifest goes with a model that reads recordings, and run reads text"),
        (["--archive", "x.zip"], "run", "--archive goes with a model that reads recordings"),
        (["--n-best", "5"], "run", "--n-best goes up to 4"),
        (["a.txt", "-o", "./a.txt"], "run", "a.txt is what is read: name another --output"),
        (["a.txt", "-o", "."], "run", ". is a folder: name a file for --output"),
        (["clip.wav", "--n-best", "2"], "speech", "--n-best goes with a model that reads text, and speech reads rec"),
        (["clip.wav", "--scores"], "speech", "--scores goes with a model that reads text"),
        (["clip.wav", "-o", "x"], "speech", "--output goes with --manifest, or with a model that reads text"),
        ([], "speech", "give recordings, or --manifest"),
    ],
)
def test_what_does_not_fit_the_model_is_refused(infer: Run, words: list[str], model: str, said: str) -> None:
    Path("clip.wav").write_bytes(b"RIFF0000WAVE")
    Path("a.txt").write_bytes(b"one\n")
    code, out, err = infer(*words, model=model)
    assert (code, out) == (2, "")
    assert said in err
    assert Path("a.txt").read_bytes() == b"one\n"


PROCESS = """
import s2sc, signal, sys
# a shell's background jobs are begun deaf to it
signal.signal(signal.SIGINT, signal.default_int_handler)
from s2sc.tests.test_infer_text import Shouter
s2sc.load = lambda path, **settings: Shouter()
sys.exit(s2sc.cli.main.main(["infer", "."]))
"""


@pytest.fixture
def process() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", "import s2sc.cli.main\n" + PROCESS]
    environment = {**os.environ, "PYTHONUNBUFFERED": ""}
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )


def test_each_answer_comes_before_the_next_question(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    for word in (b"one", b"two", b"three"):
        process.stdin.write(word + b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == word.upper() + b"\n"
    out, err = process.communicate()
    assert (process.returncode, out, err) == (0, b"", b"")


def test_a_reader_that_has_enough_ends_it_quietly(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    assert process.stdin is not None
    process.stdin.write(b"one\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"ONE\n"
    process.stdout.close()
    process.stdin.write(b"two\nthree\n")
    process.stdin.close()
    assert process.wait(timeout=30) == 0
    assert process.stderr is not None
    assert process.stderr.read() == b""


def test_an_interrupt_leaves_no_traceback(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"one\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"ONE\n"
    process.send_signal(2)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, b"s2sc: interrupted\n")


def test_an_output_that_is_no_file_is_written_to_and_never_replaced(infer: Run, tmp_path: Path) -> None:
    os.mkfifo("pipe")
    # open for both, so that neither end waits for the other
    reader = os.open("pipe", os.O_RDWR)
    code, _, err = infer("--output", "pipe", stdin=b"one\ntwo\n")
    assert (code, os.read(reader, 100)) == (0, b"ONE\nTWO\n"), err
    os.close(reader)
    assert stat.S_ISFIFO(os.stat("pipe").st_mode)
    # the device behind the link, with a link that may be replaced in case it is
    os.symlink("/dev/full", "full")
    code, _, err = infer("--output", "full", stdin=b"one\n")
    assert (code, err) == (74, "s2sc: cannot write full: No space left on device; make room or choose another place\n")
    assert os.path.islink("full")


def test_an_output_that_is_a_link_is_followed(infer: Run, tmp_path: Path) -> None:
    Path("old.txt").write_text("before\n", encoding="utf-8")
    os.symlink("old.txt", "link.txt")
    assert infer("--output", "link.txt", stdin=b"one\n")[0] == 0
    assert os.path.islink("link.txt")
    assert Path("old.txt").read_text(encoding="utf-8") == "ONE\n"
