"""`s2sc report`: one file that shows a run and does nothing else, whatever the run's folder holds."""

from __future__ import annotations

import json
import math
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from s2sc.cli import main as cli
from s2sc.runtime.report.chart import Line, line_chart
from s2sc.runtime.report.compared import compared
from s2sc.runtime.report.html import Html, tag
from s2sc.runtime.report.material import earlier_run, material_of
from s2sc.runtime.report.page import page
from s2sc.runtime.report.series import Series, thinned

MakeRun = Callable[..., Path]
HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(1)></title></style></pre>\x1b[31m\u202e\ud800"
VOID = ("meta", "br")


class Page(HTMLParser):
    """The elements of a page, and that each is closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def inert(text: str) -> Page:
    """A page that runs nothing and fetches nothing."""
    found = Page(text)
    for name, attributes in found.elements:
        assert name not in ("script", "img", "link", "iframe", "object", "embed", "base", "form", "a", "use", "image")
        assert not {key for key in attributes if key.startswith("on") or key in ("href", "src", "style", "srcset")}
    assert "url(" not in text
    assert "@import" not in text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", text)
    return found


def test_a_report_has_the_figures_the_curves_and_what_it_ran_on(make_run: MakeRun, tmp_path: Path) -> None:
    folder = make_run(
        files={
            "samples.jsonl": json.dumps(
                {"step": 40, "split": "valid", "samples": [{"id": "a.wav", "wanted": "a cab", "found": "a cat"}]}
            ).encode()
            + b"\n",
            "refused.txt": b"train.jsonl:3: no audio file c.wav\n",
            "status.json": b'{"state": "finished", "peak_bytes": 123456789}',
            "run.json": json.dumps(
                {
                    "started": "2026-03-01T10:00:00Z",
                    "device": "cuda",
                    "environment": {
                        "command": "s2sc compile model.s2s --train",
                        "processor": "a processor",
                        "packages": {"torch": "2.13.0"},
                        "gpu": {"name": "a GPU", "memory_bytes": 80 * 2**30, "cuda": "13.0", "cudnn": 91000},
                        "git": {"commit": "0123abc", "spec_is_committed": False},
                    },
                }
            ).encode(),
        }
    )
    assert cli.main(["report", str(folder)]) == 0
    found = inert((folder / "report.html").read_text(encoding="utf-8"))
    said = " ".join(found.said)
    for words in (
        "wer 25.00 % after step 40",
        "loss",
        "learning rate",
        "norm of the gradient",
        "train.jsonl:3: no audio file c.wav",
        "123 MB",
        "of the plan",
        "s2sc compile model.s2s --train",
        "a processor",
        "torch 2.13.0",
        "a GPU, 85.9 GB",
        "0123abc, with another text of the spec",
        "conv1d(16, kernel = 3, stride = 2)",
    ):
        assert words in said, words
    marked = [name for name, _ in found.elements if name in ("del", "ins")]
    assert marked.count("del") == marked.count("ins") == 2  # the example's one word, and the key below it
    assert sum(name == "svg" for name, _ in found.elements) >= 5


def test_a_report_of_a_run_in_training_shows_what_there_is(make_run: MakeRun) -> None:
    folder = make_run(state="training", best=None, files={"run.json": None})
    said = " ".join(inert(page(material_of(folder, "x"))).said)
    assert "ended without a word" in said
    folder = make_run("model/2", state="training", best=None, files={"metrics.jsonl": None, "spec.s2s": None})
    assert "Nothing was measured yet." in " ".join(inert(page(material_of(folder, "x"))).said)


def test_nothing_in_a_folder_becomes_markup(make_run: MakeRun) -> None:
    sample = {"id": HOSTILE, "wanted": HOSTILE, "found": HOSTILE * 2}
    metrics = [{"step": 1, HOSTILE: 1.0, "loss": 1.0, "lr": HOSTILE}, {"step": 2, "split": HOSTILE, "loss": 1.0}]
    result = {"steps": 1, HOSTILE: {HOSTILE: 1.0}, "valid": {HOSTILE: 1.0, f"{HOSTILE}_signature": HOSTILE}}
    account = {"records": 3, "refused": {HOSTILE: HOSTILE}, "left_out": {HOSTILE: {HOSTILE: HOSTILE}}}
    around: dict[str, Any] = dict.fromkeys(("command", "python", "system", "processor", "cores", "threads"), HOSTILE)
    around |= {"packages": {HOSTILE: HOSTILE}, "gpu": {"name": HOSTILE}, "git": {"commit": HOSTILE}}
    record = {"started": HOSTILE, "profile": HOSTILE, "set": [HOSTILE], "device": HOSTILE, "environment": around}
    hostile = HOSTILE.encode("utf-8", "surrogatepass")
    folder = make_run(
        files={
            "samples.jsonl": json.dumps({"step": 1, "split": "valid", "samples": [sample]}).encode() + b"\n",
            "metrics.jsonl": "".join(json.dumps(line) + "\n" for line in metrics).encode(),
            "result.json": json.dumps({**result, "data": account}).encode(),
            "run.json": json.dumps({**record, "resumed": [HOSTILE], "lock": {HOSTILE: HOSTILE}}).encode(),
            "status.json": json.dumps({"state": "diverged", "why": HOSTILE}).encode(),
            "refused.txt": hostile,
            "spec.s2s": b"# " + hostile,
        }
    )
    other = make_run("model/0", files={"spec.s2s": hostile, "run.json": json.dumps(record).encode()})
    text = page(material_of(folder, HOSTILE), material_of(other, HOSTILE))
    said = "".join(inert(text).said)
    assert said.count("<script>alert(1)</script>") > 20


@pytest.mark.parametrize(
    "name", ["metrics.jsonl", "samples.jsonl", "refused.txt", "result.json", "run.json", "spec.s2s"]
)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"[" * 50_000,
        b"{}\n[]\n1\nnull\n",
        b'{"step": 1e999, "loss": NaN}\n{"step": true}\n',
        b"\n" * 9,
    ],
    ids=["empty", "bytes", "deep", "others", "not-finite", "lines"],
)
def test_odd_files_make_no_odd_report(make_run: MakeRun, name: str, content: bytes) -> None:
    inert(page(material_of(make_run(files={name: content}), "x")))


@pytest.mark.parametrize(
    "name", ["metrics.jsonl", "samples.jsonl", "refused.txt", "result.json", "graph.json", "spec.s2s"]
)
def test_a_link_out_of_a_run_is_not_followed(make_run: MakeRun, tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text("the secret")
    folder = make_run()
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(tmp_path / "secret")
    said = " ".join(inert(page(material_of(folder, "x"))).said)
    assert "the secret" not in said
    assert f"{name} is a link" in said


def test_a_pipe_is_not_waited_for(make_run: MakeRun) -> None:
    folder = make_run(files={"metrics.jsonl": None})
    os.mkfifo(folder / "metrics.jsonl")
    assert "metrics.jsonl is no plain file" in page(material_of(folder, "x"))


@pytest.mark.parametrize("name", ["metrics.jsonl", "samples.jsonl", "refused.txt"])
def test_a_folder_in_the_place_of_a_file_is_said(make_run: MakeRun, name: str) -> None:
    folder = make_run()
    (folder / name).unlink(missing_ok=True)
    (folder / name).mkdir()
    assert f"{name} is no plain file" in page(material_of(folder, "x"))


def test_the_run_before_is_what_it_is_compared_with(make_run: MakeRun, tmp_path: Path) -> None:
    spec = (make_run("model/1") / "spec.s2s").read_text()
    folder = make_run("model/10", spec=spec.replace("lr = 1e-3", "lr = 2e-3"))
    make_run("model/11")
    assert earlier_run(folder) == tmp_path / "runs" / "model" / "1"
    assert cli.main(["report", str(folder)]) == 0
    said = "".join(inert((folder / "report.html").read_text(encoding="utf-8")).said)
    assert "Against model/1." in said
    assert re.search(r"hyperparameters.optimizer.lr\s+0.001.*->\s+0.002", said)
    assert "\n-  batch = 32 examples; optimizer = adam(lr = 1e-3)" in said
    assert "\n+  batch = 32 examples; optimizer = adam(lr = 2e-3)" in said
    assert "Dashed: model/1." in said


def test_another_run_or_a_spec_can_be_named(
    make_run: MakeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_run("model/1")
    spec = tmp_path / "other.s2s"
    spec.write_text((folder / "spec.s2s").read_text().replace("16, kernel = 3", "24, kernel = 3"))
    assert cli.main(["report", str(folder), "--against", str(spec), "-o", "-"]) == 0
    text = capsys.readouterr().out
    assert "conv1d(24, kernel = 3" in "".join(inert(text).said)
    assert not (folder / "report.html").exists()
    assert cli.main(["report", str(folder), "--against", str(tmp_path / "none")]) == 2
    spec.write_text("nonsense")
    assert cli.main(["report", str(folder), "--against", str(spec)]) == 1
    assert cli.main(["report", str(tmp_path)]) == 2


def test_a_report_that_cannot_be_written_says_so(
    make_run: MakeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_run()
    assert cli.main(["report", str(folder), "-o", str(tmp_path / "none" / "report.html")]) == 74
    assert "-o names another file" in capsys.readouterr().err


def test_a_report_needs_no_torch(make_run: MakeRun) -> None:
    code = "import sys; from s2sc.cli.main import main; main(['report', sys.argv[1]]); "
    code += "print(sorted({'torch', 'numpy', 'rich', 'safetensors'} & set(sys.modules)))"
    words = [sys.executable, "-c", code, str(make_run())]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_long_run_is_small_and_keeps_its_extremes(make_run: MakeRun) -> None:
    numbers = random.Random(1)
    lines = [{"step": step, "loss": numbers.uniform(1, 2), "lr": 1e-3} for step in range(1, 30_001)]
    lines[12_345]["loss"], lines[23_456]["loss"] = 77.0, 0.125
    content = "".join(json.dumps(line) + "\n" for line in lines).encode()
    made = material_of(make_run(files={"metrics.jsonl": content}), "x")
    points = made.curves["train", "loss"].points
    assert (12_346.0, 77.0) in points
    assert (23_457.0, 0.125) in points
    assert len(page(made)) < 150_000


def test_thinning_keeps_ends_and_extremes_in_order() -> None:
    numbers = random.Random(2)
    series = Series(kept=100)
    points = [(float(step), numbers.gauss(0, 1)) for step in range(10_000)]
    for point in points:
        series.add(*point)
    kept = series.points
    assert len(kept) <= 100
    assert kept[0] == points[0]
    assert kept[-1] == points[-1]
    assert min(y for _, y in kept) == min(y for _, y in points)
    assert max(y for _, y in kept) == max(y for _, y in points)
    assert [x for x, _ in kept] == sorted(x for x, _ in kept)
    assert set(kept) <= set(points)
    assert thinned(points[:5], 100) == points[:5]


@pytest.mark.parametrize(
    "values",
    [
        [0.0],
        [5.0],
        [-3.0, -3.0],
        [1e-300, 1e300],
        [0.0, 1e-12],
        [65536.0, 2.0],
        [1e308, -1e308],
        [3, 4, 3.5],
        [1.0, 1 + 2**-52],
    ],
)
@pytest.mark.parametrize("logarithmic", [False, True])
def test_a_chart_of_any_values_stays_inside_its_frame(values: list[float], logarithmic: bool) -> None:
    text = line_chart("x", [Line("y", list(enumerate(values)))], logarithmic=logarithmic)
    Page(text)
    places = [float(place) for pair in re.findall(r'points="([^"]*)"', text)[0].split() for place in pair.split(",")]
    assert all(math.isfinite(place) and 0 <= place <= 640 for place in places)


def test_differences_are_marked() -> None:
    assert compared("a b c", "a x c") == ("a <del>b</del> c", "a <ins>x</ins> c")
    assert compared("abc", "abd") == ("ab<del>c</del>", "ab<ins>d</ins>")
    assert compared("a", "") == ("<del>a</del>", "<i>nothing</i>")
    assert compared("<b>", "<b>") == ("&lt;b&gt;", "&lt;b&gt;")


def test_markup_is_only_what_is_written_as_such() -> None:
    assert tag("p", "<b>", Html("<i>x</i>"), ["&", None], class_='"') == '<p class="&quot;">&lt;b&gt;<i>x</i>&amp;</p>'
    with pytest.raises(AssertionError):
        tag("p", onclick="x")
    with pytest.raises(AssertionError):
        tag("p><script")


def test_what_is_no_file_is_written_to_and_not_replaced(make_run: MakeRun, tmp_path: Path) -> None:
    folder, pipe = make_run(), tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True) as reader:
        assert cli.main(["report", str(folder), "-o", str(pipe)]) == 0
        assert reader.stdout is not None
        inert(reader.stdout.read())
    assert pipe.is_fifo()


def test_a_folder_in_the_way_is_named(make_run: MakeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report", str(make_run()), "-o", str(tmp_path)]) == 74
    assert "Is a directory" in capsys.readouterr().err
    assert not [path for path in tmp_path.parent.iterdir() if path.name.startswith(f".{tmp_path.name}.")]
