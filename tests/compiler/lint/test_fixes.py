"""Every fix of reading, resolving and building does what it says: its finding is gone and nothing is broken."""

from __future__ import annotations

from pathlib import Path

import pytest
from s2sc.compiler.lint.edits import apply
from s2sc.compiler.lint.fixing import fix_all
from s2sc.compiler.lint.linter import Linter
from s2sc.compiler.rulebook import Page, complete, pages
from s2sc.tests.examples import findings_of_example

BEST = """hyperparameters {
  batch = 16 examples
  optimizer = adam(lr = 1e-3)
  stop = 10 epochs
  seed = 17
  checkpoint { every = 100 steps; best = %s(valid.loss) }
}
"""
SAFE = [
    # code, what is written, what is written then
    ("S2S102", "decoder {\n  logits = (1 + 2\n}\n", "decoder {\n  logits = (1 + 2)\n}\n"),
    ("S2S103", "let a = 1\n}\nlet b = 2\n", "let a = 1\nlet b = 2\n"),
    ("S2S103", "let a = [1])\n", "let a = [1]\n"),
    ("S2S104", "hyperparameters {\n  seed 17\n}\n", "hyperparameters {\n  seed = 17\n}\n"),
    ("S2S104", "hyperparameters {\n  seed: 17\n}\n", "hyperparameters {\n  seed = 17\n}\n"),
    ("S2S104", "hyperparameters {\n  precision fp16\n}\n", "hyperparameters {\n  precision = fp16\n}\n"),
    ("S2S106", "let a = “x”\n", 'let a = "x"\n'),
    ("S2S106", "let a = 'x'\n", 'let a = "x"\n'),
    ("S2S106", "let a\u00a0= 1\n", "let a = 1\n"),
    ("S2S106", "let a = 1\u200b\n", "let a = 1\n"),
    ("S2S106", "let a = 2 × 3\n", "let a = 2 * 3\n"),
    ("S2S106", "let а = 1\n", "let a = 1\n"),
    ("S2S106", 'let a = "b\u202ec"\n', 'let a = "b\\u{202E}c"\n'),
    ("S2S106", "let a = 1  # b\u202ec\n", "let a = 1  # bc\n"),
    ("S2S109", "let a = True\n", "let a = true\n"),
    ("S2S109", "let a = 2 ** 3\n", "let a = 2 ^ 3\n"),
    ("S2S109", "let a = true && false\n", "let a = true and false\n"),
    (
        "S2S109",
        "let a = if true then 1 elif true then 2 else 3\n",
        "let a = if true then 1 else if true then 2 else 3\n",
    ),
    ("S2S201", "endoder { out = data.audio }\n", "encoder { out = data.audio }\n"),
    (
        "S2S202",
        "encoder { out = data.audio -> gru(sise = 16) }\n",
        "encoder { out = data.audio -> gru(size = 16) }\n",
    ),
    (
        "S2S202",
        "hyperparameters {\n  optimizer = adam(learning_rate = 1e-3)\n}\n",
        "hyperparameters {\n  optimizer = adam(lr = 1e-3)\n}\n",
    ),
    ("S2S202", 'let a = alphabet("ab")\nlet b = a.sise\n', 'let a = alphabet("ab")\nlet b = a.size\n'),
    ("S2S202", "export onnx { opsett = 20 }\n", "export onnx { opset = 20 }\n"),
    ("S2S210", "let a = 1\nlet b = 2   # two\n", ""),
    ("S2S210", "# above\nblock b(x: seq) => y {\n  y = x -> relu\n}\n\n", "# above\n\n"),
    ("S2S210", "let a = 1; let b = 2\n", ""),
    ("S2S210", 'import "lib/rnn.s2s" as lib\n', ""),
    (
        "S2S302",
        "data speech {\n  audio = logmel(rate = 16000, window = 0.02, hop = 10ms)\n}\n",
        "data speech {\n  audio = logmel(rate = 16000Hz, window = 0.02s, hop = 10ms)\n}\n",
    ),
    (
        "S2S302",
        "data speech {\n  audio = logmel(rate = 16khz)\n}\n",
        "data speech {\n  audio = logmel(rate = 16kHz)\n}\n",
    ),
    ("S2S302", "data speech {\n  keep = 0.5 .. 10\n}\n", "data speech {\n  keep = 0.5s .. 10s\n}\n"),
    (
        "S2S308",
        'encoder { out = data.audio -> conv1d(16, kernel = 3, pad = "sam") }\n',
        'encoder { out = data.audio -> conv1d(16, kernel = 3, pad = "same") }\n',
    ),
]
UNSAFE = [
    (
        "S2S307",
        "encoder {\n  shared a = linear(16)\n  out = data.audio -> a\n}\n",
        "encoder {\n  a = linear(16)\n  out = data.audio -> a\n}\n",
    ),
    ("S2S304", "encoder { out = data.audio -> linear(15 / 2) }\n", "encoder { out = data.audio -> linear(15 // 2) }\n"),
    (
        "S2S306",
        "encoder {\n  a = linear(16)\n  out = data.audio -> a -> a\n}\n",
        "encoder {\n  shared a = linear(16)\n  out = data.audio -> a -> a\n}\n",
    ),
    (
        "S2S402",
        "encoder { out = data.audio -> self_attention(heads = 3) }\n",
        "encoder { out = data.audio -> self_attention(heads = 2) }\n",
    ),
    (
        "S2S410",
        "decoder {\n  logits = encoder.out -> linear(9)\n}\n",
        "decoder {\n  logits = encoder.out -> linear(5)\n}\n",
    ),
    ("S2S607", BEST % "max", BEST % "min"),
]


@pytest.mark.parametrize(("code", "written", "then"), [*SAFE, *UNSAFE])
def test_a_fix_writes_what_was_meant(code: str, written: str, then: str) -> None:
    unsafe = any(code == one[0] for one in UNSAFE)
    text = complete(written)
    assert code in {one.code for one in findings_of_example(text)}
    for _ in range(5):
        found = [one for one in findings_of_example(text) if one.code == code]
        sources = [one.span.source for one in found if one.span]
        text = apply(found, sources[0], unsafe=unsafe).text if sources else text
    assert text == complete(written).replace(written, then)
    assert code not in {one.code for one in findings_of_example(text)}


def test_a_missing_seed_is_the_one_that_it_has_today(tmp_path: Path) -> None:
    spec = tmp_path / "spec.s2s"
    spec.write_text(complete("").replace("  seed = 17\n", ""))
    linter = Linter()
    (done,) = fix_all(linter, [linter.lint(spec)], unsafe=False)
    assert done.refused == ""
    assert done.new == complete("").replace("  seed = 17\n", "").replace("  batch =", "  seed = 0\n  batch =")


@pytest.mark.parametrize(
    "words",
    [
        "hop = 10",  # seconds or milliseconds?
        "stop = 200",  # epochs or steps?
        "batch = 16",
        "let a = 'b\"c'",
    ],
)
def test_what_can_be_meant_in_two_ways_is_left_alone(words: str) -> None:
    sections = {"hop": "data speech {\n  audio = logmel(%s)\n}\n", "let": "%s\n"}
    text = complete(sections.get(words[:3], "hyperparameters {\n  %s\n}\n") % words)
    found = [one for one in findings_of_example(text) if one.code in ("S2S302", "S2S106")]
    assert found
    assert not any(one.fixes for one in found)


@pytest.mark.parametrize("page", [pytest.param(page, id=page.code) for page in pages()])
def test_what_is_fixed_safely_in_an_example_keeps_its_model(page: Page, tmp_path: Path) -> None:
    spec = tmp_path / "example.s2s"
    spec.write_text(complete(page.example("bad")))
    linter = Linter()
    before = linter.lint(spec)
    done = list(fix_all(linter, [before], unsafe=False))
    assert [one.refused for one in done if one.refused] == []
    if not done:
        return
    spec.write_text(done[0].new)
    after = Linter().lint(spec)
    fixed = {(finding.code, finding.message) for finding, _ in done[0].fixes}
    assert not {(one.code, one.message) for one in after.findings} & fixed
