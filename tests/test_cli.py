"""The command line: every verb, its exit codes, and no traceback for a user's mistake."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import s2sc
from s2sc.cli import main as cli
from s2sc.cli.lint import FORMATS
from s2sc.cli.verbs import VERBS

GOOD = """edition 1
let chars = alphabet("ab ")
data speech {
  audio = logmel(rate = 8kHz, bins = 8, window = 20ms, hop = 10ms)
  text  = chars
  train = ["train.jsonl"]
  valid = ["valid.jsonl"]
}
encoder { out = data.audio -> conv1d(4, kernel = 3, stride = 2) -> relu }
decoder {
  logits = encoder.out -> linear(pad_to(4, chars.size + 1))
  infer  = logits -> log_softmax -> greedy_ctc(blank = chars.size)
}
loss = ctc_loss(logits = decoder.logits, target = data.text, blank = chars.size)
hyperparameters {
  batch = 8 examples; stop = 3 steps; seed = 1; optimizer = adam(lr = 1e-2); metrics = [wer, cer]; workers = 0
}
"""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command in a fresh folder; its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run_command(*words: str) -> tuple[int, str, str]:
        try:
            code = cli.main(words)
        except SystemExit as exit:
            code = exit.code if isinstance(exit.code, int) else 1
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return run_command


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "good.s2s"
    path.write_text(GOOD, encoding="utf-8")
    return path


def as_process(*words: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "s2sc", *words]
    return subprocess.run(command, text=True, stderr=subprocess.PIPE, check=False, env=environment, **settings)


# ---------------------------------------------------------------- help


def test_help_names_every_verb_and_every_exit_code(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert all(f"\n    {verb}" in out for verb in VERBS)
    assert all(f"{number} " in out for number in (0, 1, 2, 70, 74, 75, 76))


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_with_an_example(run: Run, verb: str) -> None:
    code, out, err = run(verb, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"usage: s2sc {verb}")
    assert f"\n  s2sc {verb}" in out.partition("examples:")[2]
    assert "None" not in out


@pytest.mark.parametrize("verb", VERBS)
def test_examples_of_the_help_are_accepted(verb: str) -> None:
    import shlex

    for line in import_module(f"s2sc.cli.{verb}").EXAMPLES.splitlines()[1:]:
        words = shlex.split(line.partition(" > ")[0])
        assert words[0] == "s2sc"
        assert cli.parser().parse_args(words[1:]).run is not None


def test_version(run: Run) -> None:
    assert run("--version")[:2] == (0, f"s2sc {s2sc.__version__}\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_knows_the_verbs(run: Run, shell: str) -> None:
    code, out, _ = run("completion", shell)
    assert code == 0
    assert all(verb in out for verb in VERBS)


def test_an_interrupt_while_a_verb_is_imported_is_no_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(words: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_options", interrupted)
    assert run("plan", "good.s2s") == (130, "", "s2sc: interrupted\n")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("lint a", ["a.s2s", "above"]),
        ("plan a", ["a.s2s", "above"]),
        ("plan a.s2s --why a", []),
        ("plan a.s2s --against a", ["a.s2s", "above"]),
        ("runs a", ["above"]),
        ("report a", ["above"]),
        ("report above -o a", ["a.s2s", "above"]),
        ("runs --sort s", ["started", "state", "step"]),
        ("infer above a", ["a.s2s", "above"]),
    ],
)
def test_bash_completes_files_where_files_are_meant(run: Run, tmp_path: Path, words: str, offered: list[str]) -> None:
    (tmp_path / "a.s2s").touch()
    (tmp_path / "above").mkdir()
    (tmp_path / "script").write_text(run("completion", "bash")[1], encoding="utf-8")
    typed = ["s2sc", *words.split(" ")]
    code = 'source ./script; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _shtab_s2sc s2sc "${@: -1}" "${@: -2:1}"'
    code += '; printf "%s\\n" "${COMPREPLY[@]}"'
    bash = ["bash", "--norc", "-c", code, "bash", *typed]
    done = subprocess.run(bash, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert sorted(done.stdout.split()) == offered


def test_zsh_completes_files_where_files_are_meant(run: Run) -> None:
    script = run("completion", "zsh")[1]
    assert ":a run's folder; it may still be in training:_files -/" in script.replace("\\", "").replace("''", "'")
    assert "]:REV:_files" in script


# ---------------------------------------------------------------- exit codes


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "VERB"),
        (["train"], 2, "invalid choice"),
        (["lint"], 2, "PATH"),
        (["lint", "nowhere.s2s"], 2, "nowhere.s2s"),
        (["lint", "empty"], 2, "there is no .s2s file below empty"),
        (["lint", "good.s2s", "--format", "xml"], 2, "invalid choice"),
        (["plan", "nowhere.s2s"], 2, "nowhere.s2s"),
        (["plan", "empty"], 2, "empty"),
        (["plan", "bad.s2s"], 1, "endoder"),
        (["plan", "good.s2s", "--profile", "nothing"], 1, "nothing"),
        (["plan", "good.s2s", "--set", "hyperparameters.batsch=3"], 1, "batsch"),
        (["plan", "good.s2s", "--set", "nonsense"], 1, "nonsense"),
        (["compile", "good.s2s", "--emit", "jax"], 2, "invalid choice"),
        (["compile", "good.s2s", "--resume"], 2, "--resume goes with --train"),
        (["compile", "good.s2s", "--train", "--resume"], 2, "there is no run below runs/"),
        (["compile", "good.s2s", "--train", "--resume", "--out", "nowhere"], 2, "there is no run at nowhere"),
        (["compile", "good.s2s", "--train", "--device", "toaster"], 2, "toaster"),
        (["compile", "good.s2s", "--train", "--device", "mps"], 2, "not on mps"),
        (["compile", "good.s2s", "--train"], 1, "train.jsonl"),
        (["compile", "good.s2s", "--out", "good.s2s/x"], 74, "good.s2s"),
        (["eval", "nowhere"], 2, "there is no run at nowhere"),
        (["eval", "empty"], 2, "empty is not a run"),
        (["eval", "empty", "--batch", "0"], 2, "must be a whole number from 1 to"),
        (["compile", "good.s2s", "--train", "--devices", "5000"], 2, "5000 processes are more than this machine has"),
        (["eval", "empty", "--split", "dev"], 2, "invalid choice"),
        (["infer", "nowhere", "a.wav"], 2, "there is no run or model at nowhere"),
        (["infer", "good.s2s"], 2, "give recordings, or --manifest"),
        (["infer", "good.s2s", "a.wav", "--output", "x"], 2, "--output goes with --manifest"),
        (["infer", "good.s2s", "a.wav", "--archive", "x.zip"], 2, "--archive goes with --manifest"),
        (["infer", "good.s2s", "a.wav", "--device", "toaster"], 2, "no kind of device called 'toaster'"),
        (["lint", "x" * 5000], 2, "file name too long"),
        (["lint", "no\x1b[31mthing.s2s"], 2, "no\\u{1B}[31mthing.s2s"),
        (["infer", "empty", "a.wav"], 2, "empty is not a run"),
        (["export"], 2, "--onnx"),
        (["export", "--onnx"], 2, "there is no run below runs/"),
        (["completion", "fish"], 2, "invalid choice"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_named_with_its_exit_code(
    run: Run, spec: Path, tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.s2s").write_text("edition 1\nendoder { }\n", encoding="utf-8")
    found, out, err = run(*words)
    assert found == code, err
    assert said in err
    assert out == ""


def test_what_is_no_model_file_is_named(run: Run, spec: Path) -> None:
    code, _, err = run("infer", str(spec), "a.wav")
    assert code in (1, 2)
    assert "good.s2s" in err


def test_too_large_a_spec_is_refused(run: Run, spec: Path) -> None:
    spec.write_text(GOOD + "#" * 200_000, encoding="utf-8")
    assert run("lint", str(spec))[0] == 2


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_shows_a_finding_and_keeps_the_exit_code(run: Run, spec: Path, form: str) -> None:
    spec.write_text(GOOD.replace("kernel = 3", "kernal = 3"), encoding="utf-8")
    code, out, err = run("lint", str(spec), "--format", form)
    assert (code, err) == (1, "")
    assert "kernal" in out
    assert "S2S202" in out
    spec.write_text(GOOD, encoding="utf-8")
    assert run("lint", str(spec), "--format", form)[0] == 0


@pytest.mark.parametrize("task", ["speech", "translation"])
def test_init_writes_a_spec_that_lints_clean(run: Run, task: str, tmp_path: Path) -> None:
    code, out, err = run("init", "--task", task)
    assert (code, out) == (0, "")
    assert f"s2sc compile {task}.s2s --train" in err
    assert run("lint", f"{task}.s2s", "--fail-on", "info")[:2] == (0, "found nothing wrong\n")
    kept = Path(f"{task}.s2s").read_bytes()
    Path(f"{task}.s2s").write_bytes(b"mine")
    code, _, err = run("init", "--task", task)
    assert code == 2
    assert "is there already" in err
    assert Path(f"{task}.s2s").read_bytes() == b"mine"
    assert run("init", "--task", task, "--force")[0] == 0
    assert Path(f"{task}.s2s").read_bytes() == kept
    assert [path.name for path in Path().glob(".*.tmp")] == []


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["model.txt"], 2, "ends in .s2s: model.s2s"),
        (["nowhere/model.s2s"], 2, "there is no folder nowhere"),
        (["--data", "nowhere"], 2, "there is no folder nowhere"),
        (["--from", "en"], 2, "--from goes with --task translation and --data"),
        (["--data", "."], 1, "holds no train.jsonl"),
    ],
)
def test_init_says_what_it_cannot_do(run: Run, words: list[str], code: int, message: str) -> None:
    found, _, err = run("init", "--task", "speech", *words)
    assert found == code
    assert message in err


def test_our_own_mistake_says_how_to_report_it(spec: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("we divided")

    monkeypatch.setattr("s2sc.cli.analysis.analyse_file", broken)
    assert cli.main(["plan", str(spec)]) == 70
    err = capsys.readouterr().err
    assert "ZeroDivisionError: we divided" in err
    assert "please report it" in err.splitlines()[-1]


def test_ctrl_c_is_no_mistake(spec: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("s2sc.cli.analysis.analyse_file", interrupted)
    assert cli.main(["plan", str(spec)]) == 130
    assert capsys.readouterr().err == "s2sc: interrupted\n"


# ---------------------------------------------------------------- output


def test_lint_reads_folders_and_counts_what_it_was_told_to(run: Run, spec: Path, tmp_path: Path) -> None:
    (tmp_path / "deep" / "down").mkdir(parents=True)
    (tmp_path / "deep" / "down" / "bad.s2s").write_text("edition 1\nendoder { }\n", encoding="utf-8")
    code, out, _ = run("lint", str(spec), "deep")
    assert code == 1
    assert "endoder" in out
    code, out, _ = run("lint", str(spec), "deep", "--format", "json")
    assert code == 1
    assert json.loads(out)
    assert run("lint", str(spec))[0] == 0


def test_json_is_json(run: Run, spec: Path) -> None:
    for words in (("plan", str(spec), "--json"), ("lint", str(spec), "--format", "json"), ("schema",)):
        code, out, _ = run(*words)
        assert code == 0
        json.loads(out)


def test_emitted_code_is_all_of_stdout(run: Run, spec: Path) -> None:
    code, out, _ = run("compile", str(spec), "--emit", "torch")
    assert code == 0
    compile(out, "emitted.py", "exec")
    assert "class " in out
    assert "torch" in out


def test_a_graph_is_written(run: Run, spec: Path, tmp_path: Path) -> None:
    code, out, err = run("compile", str(spec), "--out", "build")
    assert (code, out) == (0, "")
    assert "build/graph.json" in err
    assert json.loads((tmp_path / "build" / "graph.json").read_bytes())["name"] == "good"
    assert run("compile", str(spec))[0] == 0


def test_colour_only_on_terminals(run: Run, spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec.write_text(GOOD.replace("encoder {", "endoder {"), encoding="utf-8")
    assert "\x1b" not in run("lint", str(spec))[1]


# ---------------------------------------------------------------- train, evaluate, transcribe


def test_a_run_is_trained_measured_and_asked(run: Run, spec: Path, tmp_path: Path) -> None:
    write_tones(tmp_path)
    code, out, err = run("compile", "good.s2s", "--train", "--device", "cpu")
    assert code == 0, err
    assert out == ""
    assert "result in runs/good/1/result.json; transcribe with: s2sc infer runs/good/1 FILE.wav" in err
    result = json.loads((tmp_path / "runs" / "good" / "latest" / "result.json").read_bytes())
    code, out, _ = run("eval", "runs/good/latest", "--split", "valid", "--json", "--batch", "3")
    assert code == 0
    figures = json.loads(out)
    assert list(figures) == ["wer", "cer", "loss", "examples"]
    assert figures == {**result["valid"], "loss": pytest.approx(result["valid"]["loss"], abs=1e-5)}
    code, out, _ = run("eval", "runs/good/latest", "--split", "valid", "--show", "2")
    assert [line.split()[0] for line in out.splitlines()] == ["said", "heard", "said", "heard", "valid"]
    assert run("eval", "runs/good/latest")[2].endswith("the spec has no test split\n")
    code, out, _ = run("infer", "runs/good/latest", "0.wav", "1.wav")
    assert code == 0
    assert [line.split("\t")[0] for line in out.splitlines()] == ["0.wav", "1.wav"]
    code, out, err = run("infer", "runs/good/latest", "0.wav", "nowhere.wav", "--json")
    assert code == 1
    assert "nowhere.wav" in err
    assert set(json.loads(out)) == {"audio", "hypothesis"}
    assert run("compile", "good.s2s", "--train", "--out", "runs/good/1")[0] == 2
    code, _, err = run("compile", "good.s2s", "--train", "--resume", "--set", "hyperparameters.stop=4 steps")
    assert code == 0
    assert "goes on from step 3" in err
    spec.write_text(GOOD.replace("conv1d(4", "conv1d(8"), encoding="utf-8")
    code, _, err = run("compile", "good.s2s", "--train", "--resume")
    assert code == 1
    assert "another architecture" in err


def test_bad_data_leaves_no_run_behind(run: Run, spec: Path, tmp_path: Path) -> None:
    assert run("compile", "good.s2s", "--train")[0] == 1
    assert run("compile", "good.s2s", "--train", "--out", "run")[0] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["good.s2s"]


def test_nothing_replaces_a_run(run: Run, spec: Path, tmp_path: Path) -> None:
    write_tones(tmp_path)
    assert run("compile", "good.s2s", "--train", "--out", "run", "--device", "cpu")[0] == 0
    before = files_in(tmp_path / "run")
    code, _, err = run("compile", "good.s2s", "--out", "run")
    assert code == 2
    assert "run holds a run, whose graph this would replace" in err
    (tmp_path / "run" / "graph.json").rename(tmp_path / "graph.json")
    code, _, err = run("compile", "good.s2s", "--train", "--out", "run")
    assert code == 2
    assert "run holds another run's checkpoints" in err
    (tmp_path / "graph.json").rename(tmp_path / "run" / "graph.json")
    manifest = (tmp_path / "valid.jsonl").read_bytes()
    code, _, err = run("infer", "run", "--manifest", "valid.jsonl", "--output", "./valid.jsonl", "--device", "cpu")
    assert code == 2
    assert "is the manifest itself" in err
    assert (tmp_path / "valid.jsonl").read_bytes() == manifest
    assert files_in(tmp_path / "run") == before


def test_a_run_is_trained_by_one_process(spec: Path, tmp_path: Path) -> None:
    from s2sc.runtime.run_folder import Run as RunFolder

    write_tones(tmp_path)
    words = ("compile", "good.s2s", "--train", "--out", "run", "--device", "cpu")
    with RunFolder(tmp_path / "run").held():
        done = as_process(*words, cwd=tmp_path)
        assert done.returncode == 2
        assert done.stderr.splitlines()[-1] == "s2sc: run is being trained by another process"
        assert files_in(tmp_path / "run") == {".lock": b""}
    assert as_process(*words, cwd=tmp_path).returncode == 0


def test_a_damaged_checkpoint_is_named_when_an_older_one_transcribes(run: Run, spec: Path, tmp_path: Path) -> None:
    write_tones(tmp_path)
    every = ("--set", "hyperparameters.checkpoint.every=1 steps")
    assert run("compile", "good.s2s", "--train", "--out", "run", "--device", "cpu", *every)[0] == 0
    newest = max((tmp_path / "run" / "checkpoints").iterdir())
    (newest / "state.json").write_bytes(b"{}")
    code, _, err = run("infer", "run", "0.wav", "--device", "cpu")
    assert code == 0
    assert f"warning: passed over a damaged checkpoint: {newest.name}" in err
    with pytest.warns(UserWarning, match="passed over a damaged checkpoint"):
        s2sc.load(tmp_path / "run")


def test_each_bad_record_is_named_in_the_run(run: Run, spec: Path, tmp_path: Path) -> None:
    write_tones(tmp_path)
    spec.write_text(GOOD.replace("  valid =", '  on_bad = "skip"\n  valid ='), encoding="utf-8")
    with (tmp_path / "train.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(f'{{"audio": "no-{number}.wav", "text": "a"}}\n' for number in range(12))
    code, _, err = run("compile", "good.s2s", "--train", "--out", "run", "--device", "cpu")
    assert code == 0, err
    assert "each bad record is named in run/refused.txt" in err
    lines = (tmp_path / "run" / "refused.txt").read_text(encoding="utf-8").splitlines()
    assert lines == [
        f"train.jsonl:{7 + number}: missing_file: no-{number}.wav: there is no such file" for number in range(12)
    ]


def write_tones(folder: Path) -> None:
    import math
    import struct
    import wave

    lines = []
    for number in range(6):
        samples = [round(9000 * math.sin(2 * math.pi * 200 * (number + 1) * n / 8000)) for n in range(2400)]
        with wave.open(str(folder / f"{number}.wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
        lines.append(json.dumps({"audio": f"{number}.wav", "text": "ab"[number % 2]}) + "\n")
    for name in ("train.jsonl", "valid.jsonl"):
        (folder / name).write_text("".join(lines), encoding="utf-8")


# ---------------------------------------------------------------- as a process


def test_python_m_does_what_the_command_does(spec: Path) -> None:
    done = as_process("lint", str(spec), stdout=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, "")


def test_linting_imports_no_torch(spec: Path) -> None:
    code = "import sys; from s2sc.cli.main import main; main(['lint', sys.argv[1]]); print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code, str(spec)], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"torch", "numpy", "rich", "onnx", "onnxruntime", "soundfile", "safetensors", "tensorboard"}


BLOCKED = """
import sys
for name in sys.argv[1].split(","):
    sys.modules[name] = None
from s2sc.cli.main import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize(
    ("blocked", "words", "extra"),
    [
        ("torch", ["compile", "good.s2s", "--train"], "train"),
        ("torch", ["compile", "good.s2s", "--emit", "torch"], "train"),
        ("torch", ["eval", "run"], "train"),
        ("torch", ["infer", "run", "a.wav"], "train"),
        ("torch,onnxruntime", ["infer", "model.onnx", "a.wav"], "serve"),
        ("torch,onnx", ["export", "run", "--onnx"], "export"),
        ("rich", ["compile", "good.s2s", "--train"], "train"),
        ("safetensors", ["compile", "good.s2s", "--train"], "train"),
    ],
)
def test_a_missing_extra_is_named_with_its_command(
    spec: Path, tmp_path: Path, blocked: str, words: list[str], extra: str
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "graph.json").write_bytes(b"{}")
    (tmp_path / "model.onnx").write_bytes(b"")
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, blocked, *words], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert f'pip install "s2sc[{extra}]"' in done.stderr.splitlines()[-1]


def test_one_text_is_no_list_of_overrides(spec: Path) -> None:
    for face in (s2sc.lint, s2sc.compile):
        with pytest.raises(TypeError, match=r"sets is a list of texts, not one: \['hyperparameters.seed=3'\]"):
            face(spec, sets="hyperparameters.seed=3")
        face(spec, sets=["hyperparameters.seed=3"])


@pytest.mark.parametrize("words", [["schema"], ["plan", "good.s2s"], ["compile", "good.s2s", "--emit", "torch"]])
def test_a_full_disk_behind_stdout_is_a_matter_of_storage(spec: Path, tmp_path: Path, words: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = as_process(*words, stdout=full, cwd=tmp_path)
    assert done.returncode == 74
    assert done.stderr.splitlines()[-1] == "s2sc: the output cannot be written: No space left on device"
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_reader_that_has_enough_is_no_mistake(spec: Path, tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        done = as_process("schema", stdout=pipe)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_closed_output_is_no_mistake(spec: Path, tmp_path: Path) -> None:
    for closed, words in ((1, ("plan", "good.s2s")), (2, ("plan", "nowhere.s2s")), (2, ("lint", "good.s2s"))):
        done = as_process(*words, cwd=tmp_path, stdout=subprocess.PIPE, preexec_fn=lambda fd=closed: os.close(fd))
        assert done.returncode == (2 if "nowhere.s2s" in words else 0), done.stderr
        assert "nowhere" not in done.stdout
        assert done.stderr == ""


def test_nobody_to_tell_changes_no_exit_code(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "s2sc", "plan", "nowhere.s2s"]
        assert subprocess.run(command, stdout=full, stderr=full, cwd=tmp_path, check=False).returncode == 2


def test_a_terminal_that_knows_few_letters_shows_escapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "mod\u00e8le-\U0001f600.s2s"
    (tmp_path / name).write_text("edition 1\nlet \u00fc = 1\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = as_process("lint", name, cwd=tmp_path, stdout=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (1, "")
    assert "mod\\xe8le-" in done.stdout
    done = as_process("lint", name, "--format", "json", cwd=tmp_path, stdout=subprocess.PIPE)
    assert json.loads(done.stdout)["findings"][0]["file"] == name


def test_training_goes_on_when_nobody_reads_its_lines(spec: Path, tmp_path: Path) -> None:
    write_tones(tmp_path)
    command = [sys.executable, "-m", "s2sc", "compile", "good.s2s", "--train", "--out", "run", "--device", "cpu"]
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        done = subprocess.run(command, stdout=pipe, stderr=pipe, cwd=tmp_path, check=False)
    assert done.returncode == 0
    assert (tmp_path / "run" / "result.json").is_file()


def test_no_room_for_a_checkpoint_ends_with_its_code_and_keeps_the_earlier_ones(spec: Path, tmp_path: Path) -> None:
    write_tones(tmp_path)
    words = ("compile", "good.s2s", "--train", "--out", "run")
    assert as_process(*words, cwd=tmp_path).returncode == 0
    before = files_in(tmp_path / "run" / "checkpoints")
    more = ("--resume", "--set", "hyperparameters.stop=6 steps", "--set", "hyperparameters.checkpoint.every=1 steps")
    # the checkpoint's JSON fits, the optimizer's moments do not
    size = max(len(content) for content in before.values()) - 1
    done = as_process(
        *words, *more, cwd=tmp_path, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    )
    assert done.returncode == 74, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("s2sc: cannot write")
    assert files_in(tmp_path / "run" / "checkpoints") == before
    assert as_process(*words, *more, cwd=tmp_path).returncode == 0


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
