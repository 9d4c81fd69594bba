"""The parser: what is read as what, where it stands, and that no text breaks it."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import lark
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from s2sc.dsl import grammar, syntax
from s2sc.dsl.diagnostics import Findings
from s2sc.dsl.limits import LIMITS
from s2sc.dsl.parser import parse, parse_expression, parse_signature
from s2sc.dsl.source import Source, Span

ROOT = Path(__file__).parents[2]
SPECS = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests/dsl/specs").glob("*.s2s"))]
SPECS += [path.read_text(encoding="utf-8") for path in sorted((ROOT / "specs").rglob("*.s2s"))]


def parsed(text: str) -> syntax.Document:
    findings = Findings()
    document = parse(Source("spec.s2s", text), findings)
    assert [(found.code, found.message, found.span) for found in findings] == []
    return document


def value(text: str) -> Any:
    """The expression of `x = text`."""
    statement = parsed(f"edition 1\nx = {text}\n").statements[1]
    assert isinstance(statement, syntax.Assign)
    return statement.value


def codes(text: str) -> list[str]:
    findings = Findings()
    parse(Source("spec.s2s", text), findings)
    return [found.code for found in findings]


def grouped(node: Any) -> str:
    """An expression with all its brackets."""
    match node:
        case syntax.Binary():
            return f"({grouped(node.left)} {node.operator} {grouped(node.right)})"
        case syntax.Unary():
            return f"({node.operator} {grouped(node.operand)})"
        case syntax.Pipe():
            return f"({grouped(node.left)} -> {grouped(node.right)})"
        case syntax.RangeLiteral():
            return f"({grouped(node.low)} .. {grouped(node.high)})"
        case syntax.If():
            return f"(if {grouped(node.condition)} then {grouped(node.then)} else {grouped(node.otherwise)})"
        case _:
            text: str = node.span.text
            return text


# ---------------------------------------------------------------- what is read as what


@pytest.mark.parametrize("text", SPECS)
def test_a_right_spec_has_no_findings(text: str) -> None:
    assert parsed(text).statements


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("x -> f -> g", "((x -> f) -> g)"),
        ("if a then b else c -> f", "((if a then b else c) -> f)"),
        ("if a then b else if c then d else e", "(if a then b else (if c then d else e))"),
        ("if a then b -> f else c", "(if a then (b -> f) else c)"),
        ("1 .. 2 + 3", "(1 .. (2 + 3))"),
        ("a or b and not c == d", "(a or (b and (not (c == d))))"),
        ("a + b * c", "(a + (b * c))"),
        ("a - b - c", "((a - b) - c)"),
        ("a // b * c / d", "(((a // b) * c) / d)"),
        ("-2 ^ 2", "(- (2 ^ 2))"),
        ("2 ^ 3 ^ 4", "(2 ^ (3 ^ 4))"),
        ("2 ^ -1", "(2 ^ (- 1))"),
        ("x + f(y).z ^ 2", "(x + (f(y).z ^ 2))"),
        ("not a < b", "(not (a < b))"),
    ],
)
def test_precedence_from_loose_to_tight(text: str, meaning: str) -> None:
    assert grouped(value(text)) == meaning


@pytest.mark.parametrize(
    ("text", "number"),
    [("17", 17), ("340_000", 340_000), ("1e-5", 1e-5), ("0.05", 0.05), ("1E3", 1000.0), ("1_0.5_0", 10.5)],
)
def test_a_number_is_an_int_where_it_was_written_as_one(text: str, number: float) -> None:
    found = value(text).value
    assert (found, type(found)) == (number, type(number))


@pytest.mark.parametrize(
    ("text", "number", "unit"),
    [
        ("20ms", 20, "ms"),
        ("16kHz", 16, "kHz"),
        ("16 kHz", 16, "kHz"),
        ("200 epochs", 200, "epochs"),
        ("1 epoch", 1, "epoch"),
        ("10%", 10, "%"),
        ("512MiB", 512, "MiB"),
        ("1.5h", 1.5, "h"),
    ],
)
def test_a_quantity_is_one_word(text: str, number: float, unit: str) -> None:
    found = value(text)
    assert (found.value, found.unit, found.span.text) == (number, unit, text)


def test_strings_know_their_escapes() -> None:
    assert value(r'"a\"b\\c\n\t\u{1F600}#;"').value == 'a"b\\c\n\t\U0001f600#;'


def test_lists_tuples_and_groups() -> None:
    assert len(value("[1, 2,\n 3,\n]").items) == 3
    assert value("[]").items == ()
    assert len(value("(a, b)").items) == 2
    assert len(value("(a,)").items) == 1
    assert isinstance(value("(a)"), syntax.Name)


def test_keywords_are_names_where_only_a_name_fits() -> None:
    call = value("f(repeat = 3, if = 4, none = 5).then.in")
    assert call.name == "in"
    assert call.value.name == "then"
    assert [argument.name for argument in call.value.value.arguments] == ["repeat", "if", "none"]
    text = "edition 1\nrepeat = 3\nin = 4\nlet = 5\nuse = table + of\nblock.x = 3\n"
    text += "table repeat of shared {\n| repeat | if |\n| 1 | 2 |\n}"
    statements = parsed(text).statements
    assert [getattr(statement, "name", "") for statement in statements[1:6]] == [
        "repeat",
        "in",
        "let",
        "use",
        "block.x",
    ]
    table = statements[6]
    assert isinstance(table, syntax.Table)
    assert [column.name for column in table.columns] == ["repeat", "if"]
    assert (table.name, table.block.span.text) == ("repeat", "shared")


@pytest.mark.parametrize(
    "text",
    [
        "x = a\n  -> f\n\n  # words\n  -> g",
        "x = a ->\n f",
        "x = if a\n then b\n else c",
        "x =\n  3",
        "x = f(\na\n,\nb\n)",
        "x = [\n1\n]",
        "x = repeat 2 as i\n {\n f\n -> g\n}".replace("i\n {", "i {"),
        "x = a +\n b",
    ],
)
def test_a_newline_does_not_end_what_goes_on(text: str) -> None:
    assert len(parsed(f"edition 1\n{text}\n").statements) == 2


def test_newlines_semicolons_and_braces_end_statements() -> None:
    section = parsed("edition 1\ncheck { a = 1; b = 2;; c = 3 }\n\n;").statements[1]
    assert isinstance(section, syntax.Section)
    assert [getattr(statement, "name", "") for statement in section.body] == ["a", "b", "c"]


def test_sections_nest_and_have_labels() -> None:
    outer = parsed("edition 1\nexport onnx {\n dynamic { time = 1s .. 2s }\n x = 1\n}").statements[1]
    assert isinstance(outer, syntax.Section)
    assert (outer.kind, outer.label) == ("export", "onnx")
    inner = outer.body[0]
    assert isinstance(inner, syntax.Section)
    assert (inner.kind, inner.label, inner.span.text) == ("dynamic", None, "dynamic { time = 1s .. 2s }")


def test_blocks_have_typed_parameters_and_results() -> None:
    head = "block b(x: seq[batch, time, _], skip: bool, n = 3, *y: seq, free) => (a, s: [N, B, H * 2])"
    block = parsed(f"edition 1\n{head} {{ a = x }}").statements[1]
    assert isinstance(block, syntax.Block)
    x, skip, n, y, free = block.parameters
    assert x.type is not None
    assert x.type.axes is not None
    assert [axis.span.text for axis in x.type.axes] == ["batch", "time", "_"]
    assert skip.type is not None
    assert (skip.type.kind, skip.type.axes) == ("bool", None)
    assert isinstance(n.default, syntax.Number)
    assert (y.variadic, y.span.text, free.type) == (True, "*y: seq", None)
    assert [(result.name, result.type and result.type.kind) for result in block.results] == [
        ("a", None),
        ("s", "tensor"),
    ]


def test_tables_keep_the_place_of_each_cell() -> None:
    table = parsed(
        "edition 1\ntable t of lib.conv {\n| a | b |\n| 1 | (x, 2) |\n| 3 | if c then d else e |\n}"
    ).statements[1]
    assert isinstance(table, syntax.Table)
    assert table.block.span.text == "lib.conv"
    assert [[cell.span.text for cell in row] for row in table.rows] == [["1", "(x, 2)"], ["3", "if c then d else e"]]
    assert [span.text for span in table.row_spans] == ["| 1 | (x, 2) |", "| 3 | if c then d else e |"]


def test_repeat_may_spread_over_lines() -> None:
    repeat = value("q -> repeat 3 as i {\n  f(k = i)\n    -> g\n}").right
    assert isinstance(repeat, syntax.Repeat)
    assert (repeat.index, repeat.body.span.text) == ("i", "f(k = i)\n    -> g")


def test_imports_uses_and_profiles() -> None:
    text = 'edition 1\nimport "lib/a.s2s" as a\nuse pack.part as p\nprofile quick { hyperparameters.stop = 20 steps }'
    _, import_, use, profile = parsed(text).statements
    assert isinstance(import_, syntax.Import)
    assert (import_.path, import_.alias, import_.path_span.text) == ("lib/a.s2s", "a", '"lib/a.s2s"')
    assert isinstance(use, syntax.Use)
    assert (use.module, use.alias) == ("pack.part", "p")
    assert isinstance(profile, syntax.Section)
    assign = profile.body[0]
    assert isinstance(assign, syntax.Assign)
    assert (assign.path, assign.name_span.text) == (("hyperparameters", "stop"), "hyperparameters.stop")


def test_comments_are_kept() -> None:
    document = parsed("# first\nedition 1 # second\r\n")
    assert [comment.text for comment in document.comments] == ["# first", "# second"]


# ---------------------------------------------------------------- places


def spans(node: Any) -> list[Span]:
    found = [node.span] if hasattr(node, "span") else []
    for child in vars(node).values():
        children = child if isinstance(child, tuple) else (child,)
        for item in children:
            inner = item if isinstance(item, tuple) else (item,)
            found += [span for each in inner if type(each).__module__ == syntax.__name__ for span in spans(each)]
    return found


@pytest.mark.parametrize("text", SPECS)
def test_every_node_lies_within_its_parent(text: str) -> None:
    for statement in parsed(text).statements:
        for span in spans(statement):
            assert statement.span.start <= span.start < span.end <= statement.span.end
            assert span.text == span.text.strip()


def test_a_group_belongs_to_the_place_of_what_it_holds() -> None:
    product = value("(a + b) * c")
    assert (product.span.text, product.left.span.text) == ("(a + b) * c", "(a + b)")


def test_an_argument_spans_its_name_and_value() -> None:
    call = value('conv(3, pad = "same")')
    assert [argument.span.text for argument in call.arguments] == ["3", 'pad = "same"']
    assert call.arguments[1].name_span.text == "pad"


# ---------------------------------------------------------------- other doors


def test_an_expression_alone() -> None:
    findings = Findings()
    found = parse_expression(Source("<command line>", "20 steps"), findings)
    assert isinstance(found, syntax.QuantityLiteral)
    assert found.span.text == "20 steps"
    assert not findings.has_errors


@pytest.mark.parametrize("text", ["", " # nothing", "1 2", "x = 3", "f(", "1; y = 2", "1\nz = 2", "}", "{ }", "1 }"])
def test_what_is_not_one_expression_is_refused(text: str) -> None:
    findings = Findings()
    assert parse_expression(Source("<command line>", text), findings) is None
    assert findings.has_errors


def test_signatures() -> None:
    parameters, results = parse_signature("(x: seq[B,T,D], h0: [N,B,H] = none) => (y: seq[B,T,H*dirs], h: [N,B,H])")
    assert [parameter.name for parameter in parameters] == ["x", "h0"]
    assert isinstance(parameters[1].default, syntax.NoneLiteral)
    assert [result.type and result.type.kind for result in results] == ["seq", "tensor"]
    (x,), (y,) = parse_signature("(x: [..,D]) => (y: [..,size])")
    assert x.type is not None
    assert x.type.axes is not None
    assert [getattr(axis, "name", "") for axis in x.type.axes] == ["..", "D"]
    assert y.name == "y"
    assert parse_signature("(*x: seq[B,T,_]) => (y: seq[B,T,_])")[0][0].variadic


def test_a_wrong_signature_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="not a signature"):
        parse_signature("(x: seq[B,T) => y")


# ---------------------------------------------------------------- errors


def test_one_error_does_not_hide_the_next() -> None:
    text = "edition 1\nencoder {\n x = = 1\n y = 2\n block 3 { z = = 1 }\n}\ndecoder { a = f(1 2)\n b = 3 }\n"
    findings = Findings()
    document = parse(Source("spec.s2s", text), findings)
    assert [found.span.line for found in findings if found.span] == [3, 5, 5, 7]
    assert [getattr(statement, "kind", "") for statement in document.statements] == ["", "encoder", "decoder"]


def test_errors_come_in_the_order_of_the_file() -> None:
    findings = Findings()
    parse(Source("spec.s2s", "edition 1\nx = = 1\ny = “a”\nz = 1 1\n"), findings)
    assert [found.span.line for found in findings if found.span] == [2, 3, 4]


def test_what_follows_from_a_reported_word_is_silent() -> None:
    assert codes("edition 1\nx = ? ? ? (\n") == ["S2S106", "S2S106", "S2S106", "S2S102"]


def test_very_many_errors_are_cut_short() -> None:
    found = codes("edition 1\n" + "3 = 4\n" * 5000)
    assert len(found) == LIMITS.syntax_errors + 1
    assert found[-1] == "S2S110"


def test_a_spec_has_a_largest_number_of_words() -> None:
    assert codes("edition 1\n" + "x = 1\n" * (LIMITS.tokens // 3 + 1)) == ["S2S110"]


def test_a_list_has_a_largest_length() -> None:
    assert codes(f"edition 1\nx = [{'1,' * LIMITS.list_items}]") == []
    assert codes(f"edition 1\nx = [{'1,' * (LIMITS.list_items + 1)}]") == ["S2S110"]


def test_a_string_has_a_largest_size() -> None:
    assert codes(f'edition 1\nx = "{"é" * (LIMITS.string_bytes // 2)}"') == []
    assert codes(f'edition 1\nx = "{"é" * (LIMITS.string_bytes // 2 + 1)}"') == ["S2S110"]


@pytest.mark.parametrize(
    "text",
    [
        "(" * 60_000,
        "{" * 60_000,
        "}" * 50_000,
        "a{" * 20_000,
        "f(" * 30_000 + ")" * 30_000,
        "x = f(\n" * 10_000,
        "x = " + "-" * 49_000 + "1",
        "x = 1" + " ^ 1" * 20_000,
        "x = 1" + " -> f" * 20_000,
        "if " * 20_000,
        "repeat " * 10_000,
        "|" * 40_000,
        '"' * 40_000,
        'x = "' + "\\" * 100_000,
        "1" * 100_000,
        "\n" * 100_000,
        "#" * 100_000,
    ],
)
def test_large_nonsense_ends_in_findings(text: str) -> None:
    assert codes(text)
    assert codes(f"edition 1\n{text}") or text.startswith(("\n", "#"))


WORDS = sorted({word for text in SPECS for word in re.findall(r"\w+|[^\w\s]|\s+", text)})
WORDS += [
    "“",
    "\u202e",
    "\0",
    "\r",
    "**",
    "True",
    "}",
    "{",
    "(",
    ")",
    "[",
    "|",
    "\\",
    "é",
    "१",
    "1e999",
    "elif",
    "\ud800",
]
ANYTHING = st.one_of(st.text(st.characters(), max_size=80), st.lists(st.sampled_from(WORDS), max_size=80).map("".join))


@given(ANYTHING)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_text_ends_in_a_tree_or_findings(text: str) -> None:
    findings = Findings()
    source = Source("spec.s2s", text)
    parse(source, findings)
    for found in findings:
        assert found.span is not None
        assert 0 <= found.span.start <= found.span.end <= len(text)
    parse_expression(source, Findings())


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_damaged_spec_ends_in_a_tree_or_findings(data: st.DataObject) -> None:
    words = re.findall(r"\w+|[^\w\s]|\s+", data.draw(st.sampled_from(SPECS)))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(words)))
        words[at : at + data.draw(st.sampled_from([0, 1, 5]))] = data.draw(st.lists(st.sampled_from(WORDS), max_size=2))
    findings = Findings()
    document = parse(Source("spec.s2s", "".join(words)), findings)
    assert document.statements or findings.has_errors


def test_the_grammar_has_no_conflicts(caplog: pytest.LogCaptureFixture) -> None:
    text = (Path(grammar.__file__).parent / "s2s.lark").read_text(encoding="utf-8")
    # lark resolves a shift/reduce conflict on its own and says so only here
    with caplog.at_level(logging.DEBUG, logger=lark.logger.name):
        lark.Lark(
            text.replace("%declare QUANTITY END", 'QUANTITY: "1s"\nEND: ";"'),
            start="document",
            parser="lalr",
            debug=True,
        )
    assert not [record.message for record in caplog.records if "onflict" in record.message]
