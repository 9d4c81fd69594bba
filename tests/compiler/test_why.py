"""Where values come from: the answers about one spec are kept as text beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from s2sc.cli.main import main
from s2sc.compiler.front import analyse, analyse_file
from s2sc.compiler.rulebook import complete
from s2sc.compiler.why import UnknownPath, Why, why
from s2sc.dsl.source import Source

HERE = Path(__file__).parent.parent / "golden" / "why"
LR, BOTH = "hyperparameters.optimizer.lr", ("quick", ("hyperparameters.optimizer.lr=3e-3",))
ASKED: tuple[tuple[str | None, Sequence[str], str], ...] = (
    (*BOTH, LR),
    ("quick", (), LR),
    (None, (), LR),
    (None, (), "hyperparameters.optimizer.beta1"),
    (*BOTH, "hyperparameters.optimizer"),
    ("quick", (), "hyperparameters.stop"),
    (None, (), "d"),
    (None, (), "encoder.out.lstm.size"),
    ("quick", (), "encoder.out.lstm.size"),
    ("quick", ("d=48",), "encoder.out.lstm.size"),
    (None, (), "encoder.out.layer.dropout.rate"),
    ("quick", (), "encoder.out.1.lstm.size"),
    (None, (), "encoder.out.1.dropout.rate"),
    (None, (), "decoder.att.attention.kind"),
    (None, (), "decoder.logits.linear.size"),
    (None, (), "data.keep"),
    (None, (), "data.tokens"),
    (None, (), "encoder.out"),
    (None, (), "decoder.logits.concat"),
)


def asked(profile: str | None, sets: Sequence[str], path: str) -> Why:
    spec = HERE / "model.s2s"
    layers = [analyse_file(spec, profile=profile, sets=sets), analyse_file(spec, profile=profile), analyse_file(spec)]
    assert layers[0].checked is not None, [(one.code, one.message) for one in layers[0].findings]
    return why(layers, path)


def test_the_answers_are_those_that_are_kept() -> None:
    lines = []
    for profile, sets, path in ASKED:
        words = ["s2sc plan model.s2s", f"--why {path}"]
        words += [f"--profile {profile}"] if profile else []
        words += [f"--set {text}" for text in sets]
        answer = asked(profile, sets, path).to_text().replace(f"{HERE}{os.sep}", "")
        lines.append(f"$ {' '.join(words)}\n{answer}")
    found = "\n".join(lines)
    golden = HERE / "answers.txt"
    if os.environ.get("S2SC_UPDATE_GOLDEN"):
        golden.write_text(found)
    assert found == golden.read_text()


def test_what_is_shadowed_is_named_strongest_first() -> None:
    answer = asked(*BOTH, LR)
    assert answer.link is not None
    assert [one.said for one in (answer.link, *answer.shadows)] == ["set", "profile", "spec"]
    assert [one.value for one in (answer.link, *answer.shadows)] == ["0.003", "0.002", "0.001"]


def test_a_block_s_default_is_shadowed_by_what_the_spec_gives_it() -> None:
    answer = asked(None, (), "encoder.out.1.dropout.rate")
    assert answer.value == "0.05"
    assert [(one.value, one.said) for one in answer.shadows] == [("0.2", "imported")]


def test_the_answer_as_json_says_the_same() -> None:
    content = json.loads(json.dumps(asked("quick", (), "encoder.out.lstm.size").to_json()))
    assert (content["format"], content["version"], content["value"], content["from"]) == (
        "s2sc.why",
        1,
        "16",
        "profile",
    )
    use = content["chain"]
    let = use["of"][0]
    assert (use["text"], let["text"]) == ("half", "let half = d / 2")
    assert [(one["value"], one.get("by")) for one in let["of"]] == [("32", "quick"), ("2", None)]


@pytest.mark.parametrize(
    ("path", "meant"),
    [("hyperparameters.optimizer.lrr", LR), ("encoder.out.lstm.sise", "encoder.out.lstm.size"), ("hafl", "half")],
)
def test_an_unknown_path_says_which_was_meant(path: str, meant: str) -> None:
    with pytest.raises(UnknownPath, match=rf"did you mean `{meant}`"):
        asked(None, (), path)


@pytest.mark.parametrize("path", ["", ".", "..", "a" * 10_000, "data.", ".data", "data.keep.99999999999", "\0", "d.d"])
def test_any_path_has_an_answer_or_is_unknown(path: str) -> None:
    with pytest.raises(UnknownPath):
        asked(None, (), path)


def test_a_long_way_ends_and_a_wide_one_is_not_walked_twice() -> None:
    chain = "".join(f"let a{number} = a{number - 1} + 1\n" for number in range(1, 800))
    wide = "".join(f"let b{number} = b{number - 1} + b{number - 1} - b{number - 1}\n" for number in range(1, 60))
    aliases = "".join(f"let c{number} = c{number - 1}\n" for number in range(1, 200))
    starts = "let a0 = 1\nlet b0 = 1\nlet c0 = 1\n"
    use = "let all = a799 + b59 + c199\nencoder { out = data.audio -> linear(all) }\n"
    found = analyse(Source("long.s2s", complete(starts + chain + wide + aliases + use)))
    assert found.checked is not None, [(one.code, one.message) for one in found.findings]
    text = why([found], "encoder.out.linear.size").to_text()
    assert text.startswith("encoder.out.linear.size = 802\n")
    assert len(text.splitlines()) < 1_000


def test_a_value_that_is_set_twice_shadows_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "model.s2s"
    spec.write_text(complete(""))
    stop = "hyperparameters.stop"
    words = ["plan", str(spec), "--why", stop, "--set", f"{stop}=3 steps", "--set", f"{stop}=4 steps"]
    assert main(words) == 0
    shown = [line.split("   ")[0].strip() for line in capsys.readouterr().out.splitlines()]
    assert shown == ["hyperparameters.stop = 4 steps", "4 steps", "shadows 3 steps", "shadows 10 epochs"]
