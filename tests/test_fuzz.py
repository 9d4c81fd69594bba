"""The fuzzer itself: it finds what is broken, its inputs get somewhere, and its ledger adds up."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
from s2sc.dsl.diagnostics import Findings
from s2sc.dsl.format.formatter import format_source
from s2sc.dsl.source import Source
from s2sc.fuzz import ledger, structured, trial
from s2sc.fuzz.inputs import Inputs
from s2sc.fuzz.words import dictionary
from s2sc.tests.small_spec import SPEC

ROOT = Path(__file__).parents[1]


def test_a_sound_spec_comes_to_its_plan_and_bytes_do_not() -> None:
    assert trial.attempt(SPEC.encode()) == trial.Outcome(read=True, parsed=True, planned=True)
    assert trial.attempt(b"\xff") == trial.Outcome(read=False)
    assert trial.attempt(b"edition 1\nlet = =") == trial.Outcome(read=True)


def test_every_kind_of_input_gets_as_far_as_it_should() -> None:
    tried = [(kind, trial.attempt(content)) for kind, content in islice(Inputs("a test"), 400)]
    parsed = sum(outcome.parsed for _, outcome in tried)
    assert parsed > 0.3 * len(tried)
    assert {kind for kind, _ in tried} >= {"generated", "nearly", "pieces", "changed_words", "odd", "bytes"}
    assert all(outcome.parsed for kind, outcome in tried if kind == "generated")
    assert list(islice(Inputs("a test"), 5)) == list(islice(Inputs("a test"), 5))


@pytest.mark.parametrize("group", range(4))
def test_inputs_of_all_kinds_keep_the_promises(group: int) -> None:
    for _, content in islice(Inputs(f"promises {group}"), 750):
        trial.attempt(content)


def test_models_come_to_their_plans() -> None:
    inputs = Inputs("models")
    assert sum(trial.attempt(inputs.meant().encode()).planned for _ in range(30)) >= 3


def test_what_was_found_once_stays_right() -> None:
    for path in sorted((ROOT / "fuzz" / "golden").glob("*")):
        trial.attempt(path.read_bytes())


def test_whatever_breaks_a_promise_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, here = format_source, os.getpid()

    def broken(source: Source, findings: Findings) -> str | None:
        if "0.5" in source.text:
            raise RecursionError("deep")
        if "true" in source.text and os.getpid() != here:
            raise SystemExit(3)
        return whole(source, findings)

    monkeypatch.setattr(trial, "format_source", broken)
    tally = structured.run(3, "broken", 1, tmp_path)
    said = [path.read_text() for path in tmp_path.glob("*.txt")]
    assert any(text.startswith("RecursionError: deep") for text in said)
    assert any(text.startswith("the process died: exit 70") for text in said)
    assert tally.inputs > 0
    assert len(tally.findings) == len(said)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a\x1b[31m", "active character"),
        ("a\u202eb", "active character"),
        ("x\n  ::error::y", "CI runner"),
        ("x ##vso[task]", "CI runner"),
        ("\t", "tab"),
    ],
)
def test_what_acts_is_not_inert(text: str, what: str) -> None:
    with pytest.raises(trial.Broken, match=what):
        trial._inert(text, "full")


def test_what_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "MOST_SECONDS", 0.05)

    def endless() -> None:
        with trial.limited("lint"):
            while True:
                pass

    with pytest.raises(trial.Broken, match=r"lint takes more than 0.05 s"):
        endless()


def test_the_dictionary_is_one_that_libfuzzer_reads() -> None:
    assert all(re.fullmatch(r'"([ !#-\[\]-~]|\\x[0-9a-f]{2})+"', line) for line in dictionary().splitlines())


# ---------------------------------------------------------------- the ledger


def entry(inputs: int, findings: int) -> ledger.Run:
    return ledger.Run("2026-01-01T00:00Z", "abc", "structured", "1", 60, 2, inputs, 9, inputs // 2, 1, findings)


def test_what_counts_is_what_came_after_the_last_finding(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    for run in (entry(10, 0), entry(20, 2), entry(30, 0), entry(40, 0)):
        ledger.append(run, path)
    assert ledger.total(ledger.read(path)) == ledger.Total(4, 100, 50, 4, 70)


def test_the_ledger_holds_what_can_be() -> None:
    for run in ledger.read():
        assert run.kind in ("structured", "bytes")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ", run.date)
        assert re.fullmatch(r"[0-9a-f]{7,40}", run.commit), "a run counts for code that is committed"
        assert 0 <= run.planned <= run.parsed <= run.inputs <= run.bytes
        assert 0 < run.inputs <= 3000 * run.seconds * run.processes, "nobody is that fast"
    dates = [run.date for run in ledger.read()]
    assert dates == sorted(dates)
    found = ledger.total(ledger.read())
    assert found.parsed >= 0.3 * found.inputs


def test_the_page_has_the_sums_of_the_ledger() -> None:
    assert ledger.sentence(ledger.total(ledger.read())) in ledger.PAGE.read_text(encoding="utf-8")


def test_a_run_writes_a_line_and_one_ledger_is_folded_into_another(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "s2sc.fuzz", "--ledger", str(tmp_path / "a.jsonl")]
    subprocess.run([*words, "--seconds", "2", "--processes", "1", "--findings", str(tmp_path / "f")], check=True)
    (run,) = ledger.read(tmp_path / "a.jsonl")
    assert run.inputs > 0
    subprocess.run([*words, "--fold", str(tmp_path / "a.jsonl")], check=True, capture_output=True)
    assert ledger.read(tmp_path / "a.jsonl") == [run, run]
