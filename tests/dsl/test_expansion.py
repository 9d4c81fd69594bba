"""Modules, blocks, tables and repeats become instances with the paths that the documentation promises."""

from __future__ import annotations

import time

import pytest
from s2sc.compiler.front import analyse
from s2sc.dsl.source import Source
from s2sc.dsl.spec import Instance
from s2sc.tests.small_spec import analysed, before_data, changed, encoder, found, said

CONV = "block conv("


def instances(*changes: tuple[str, str]) -> list[Instance]:
    analysis = analysed(*changes)
    assert analysis.spec is not None, [one.message for one in analysis.findings]
    return [one for one in analysis.spec.instances if one.path.startswith("encoder.")]


def paths(*changes: tuple[str, str]) -> list[str]:
    return [one.path for one in instances(*changes)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("out = data.audio -> relu", ["encoder.out.relu"]),
        ("out = data.audio -> relu -> gelu -> relu", ["encoder.out.relu", "encoder.out.gelu", "encoder.out.relu_2"]),
        ("out = data.audio + data.audio", ["encoder.out.add"]),
        ("out = data.audio -> repeat 2 { relu }", ["encoder.out.0.relu", "encoder.out.1.relu"]),
        (
            "out = data.audio -> repeat 1 { relu } -> repeat 2 { gelu }",
            ["encoder.out.0.relu", "encoder.out.repeat_2.0.gelu", "encoder.out.repeat_2.1.gelu"],
        ),
        ("out = data.audio -> repeat 1 { repeat 2 { relu } }", ["encoder.out.0.0.relu", "encoder.out.0.1.relu"]),
        ("out = data.audio -> repeat 1 { relu -> relu }", ["encoder.out.0.relu", "encoder.out.0.relu_2"]),
        ("m = relu -> gelu\n  out = data.audio -> m", ["encoder.m.relu", "encoder.m.gelu"]),
        ("out = relu(data.audio) -> gelu", ["encoder.out.relu", "encoder.out.gelu"]),
    ],
)
def test_paths(line: str, expected: list[str]) -> None:
    assert paths(encoder(line)) == expected


def test_a_block_adds_its_name_but_not_inside_a_copy() -> None:
    block = (
        CONV,
        "block act(x: seq) => y { y = x -> relu }\nblock outer(x: seq) => y { y = x -> act -> act }\n" + CONV,
    )
    assert paths(block, encoder("out = data.audio -> act -> act")) == ["encoder.out.act.relu", "encoder.out.act_2.relu"]
    assert paths(block, encoder("out = data.audio -> outer")) == [
        "encoder.out.outer.act.relu",
        "encoder.out.outer.act_2.relu",
    ]
    assert paths(block, encoder("out = data.audio -> repeat 1 { act }")) == ["encoder.out.0.relu"]
    assert paths(block, encoder("out = data.audio -> repeat 1 { outer }")) == [
        "encoder.out.0.act.relu",
        "encoder.out.0.act_2.relu",
    ]
    assert instances(block, encoder("out = data.audio -> outer"))[0].reached == ("outer", "act")


def test_a_table_counts_rows_and_copies_and_keeps_each_cell() -> None:
    table = encoder(
        "table stack of conv {",
        "  | channels | kernel | repeat |",
        "  | 8        | 3      | 1      |",
        "  | width    | 5      | 2      |",
        "}",
        "out = data.audio -> stack",
    )
    found = [one for one in instances(table) if one.component == "conv1d"]
    assert [one.path for one in found] == [f"encoder.stack.{place}.conv1d" for place in ("0.0", "1.0", "1.1")]
    assert [getattr(one.params["kernel"], "value", None) for one in found] == [3, 5, 5]


def test_copies_have_weights_of_their_own_and_shared_ones_do_not() -> None:
    fresh = instances(encoder("out = data.audio -> repeat 2 { linear(8) }"))
    assert [one.weights for one in fresh] == ["encoder.out.0.linear", "encoder.out.1.linear"]
    shared = instances(encoder("shared m = linear(8)", "out = data.audio -> m -> relu -> m"))
    assert [one.path for one in shared] == ["encoder.out.m.linear", "encoder.out.relu", "encoder.out.m_2.linear"]
    assert [one.weights for one in shared] == ["encoder.m.linear", "encoder.out.relu", "encoder.m.linear"]


def test_several_results_are_named_and_the_first_stands_for_all() -> None:
    block = (CONV, "block two(x: seq) => (a, b) { a = x -> relu; b = x -> gelu }\n" + CONV)
    found = instances(block, encoder("t = data.audio -> two", "out = t.b + t"))
    (add,) = [one for one in found if one.component == "add"]
    assert [ref.path for ref in add.inputs["x"]] == ["encoder.t.two.gelu", "encoder.t.two.relu"]
    assert said(block, encoder("t = data.audio -> two", "out = t.c")) == ["S2S202 c: `t` has no `c`"]


def test_an_index_decides_and_counts_from_nought() -> None:
    found = paths(encoder("out = data.audio -> repeat 3 as i { if i == 0 then relu else gelu }"))
    assert found == ["encoder.out.0.relu", "encoder.out.1.gelu", "encoder.out.2.gelu"]


def test_identical_failures_of_copies_are_one_finding_that_counts_them() -> None:
    (one,) = found(encoder('out = data.audio -> repeat 6 { conv1d(8, kernel = 3, pad = "both") } -> conv(width, 3)'))
    assert one.code == "S2S308"
    assert any("encoder.out.0.conv1d (and 5 more copies)" in note for note in one.notes)


def test_the_cap_is_found_before_expanding_and_shows_the_multiplication() -> None:
    (one,) = found(encoder("out = data.audio -> repeat 4096 { repeat 4096 { relu } }"))
    assert one.code == "S2S412"
    assert one.message == "this makes at least 16,777,216 nodes, the most is 10,000"
    assert one.notes == ("reached through: repeat 4,096 x repeat 4,096",)
    assert one.span is not None
    assert one.span.text == "relu"


def test_copies_that_know_their_number_are_counted_as_they_are() -> None:
    line = "out = data.audio -> repeat 300 as i { if i == 0 then (repeat 300 { relu }) else relu } -> conv(width, 3)"
    assert len(paths(encoder(line))) == 300 + 299 + 2


def chain(count: int) -> str:
    """Blocks that call each other twice: 2^count."""
    blocks = ["block b0(x: seq) => y { y = x -> relu }"]
    blocks += [f"block b{i}(x: seq) => y {{ y = x -> b{i - 1} -> b{i - 1} }}" for i in range(1, count + 1)]
    return "\n".join(blocks)


LONG = 5000
HEAVY = {
    "lets in a row": changed(
        (
            "let width = 16",
            "let width = a0\n" + "\n".join(f"let a{i} = a{i + 1}" for i in range(LONG)) + f"\nlet a{LONG} = 16",
        )
    ),
    "statements in a row": changed(
        encoder(
            "h0 = data.audio", *(f"h{i} = h{i - 1} -> relu" for i in range(1, 2000)), "out = h1999 -> conv(width, 3)"
        )
    ),
    "brackets": changed(("let width = 16", f"let width = {'(' * 60}16{')' * 60}")),
    "a sum of 10,000": changed(("let width = 16", "let width = 0" + " + 1" * 10_000)),
    "doubling lets": changed(
        (
            "let width = 16",
            "let width = 16 + 0 * a0\n"
            + "\n".join(f"let a{i} = a{i + 1} + a{i + 1}" for i in range(50))
            + "\nlet a50 = 1",
        )
    ),
    "2^30 blocks": changed(before_data(chain(30)), encoder("out = data.audio -> b30 -> conv(width, 3)")),
    "2^30 blocks of nothing": changed(
        before_data(chain(30).replace("y = x -> relu", "y = x")), encoder("out = data.audio -> b30 -> conv(width, 3)")
    ),
    "repeat in repeat": changed(encoder("out = data.audio -> repeat 4096 { repeat 4096 { relu } }")),
    "repeat of nothing": changed(
        before_data(chain(0).replace("-> relu", "")),
        encoder("out = data.audio -> repeat 4096 { repeat 4096 { repeat 4096 { b0 } } } -> conv(width, 3)"),
    ),
    "a table with 4,000 wrong rows": changed(
        encoder("table t of conv {", "| channels | kernel |", *["| 8 | nope |"] * 4000, "}", "out = data.audio -> t")
    ),
    "unknown names": changed(
        ("let width = 16", "let width = 16\n" + "\n".join(f"let a{i} = b{i}x" for i in range(3000)))
    ),
    "growing texts": changed(
        (
            "let width = 16",
            'let width = 16\nlet s0 = "abcdefgh"\n' + "\n".join(f"let s{i + 1} = s{i} + s{i}" for i in range(40)),
        )
    ),
    "growing lists": changed(
        (
            "let width = 16",
            "let width = 16\nlet s0 = [1]\n" + "\n".join(f"let s{i + 1} = s{i} + s{i}" for i in range(60)),
        )
    ),
    "nested lists": changed(
        (
            "let width = 16",
            "let width = 16\nlet s0 = [1]\n" + "\n".join(f"let s{i + 1} = [s{i}, s{i}]" for i in range(300)),
        )
    ),
    "towers": changed(("let width = 16", "let width = 2 ^ 2 ^ 2 ^ 2 ^ 2 ^ 2")),
}


@pytest.mark.parametrize("what", HEAVY)
def test_whatever_is_written_ends_soon(what: str) -> None:
    before = time.process_time()
    findings = list(analyse(Source("heavy.s2s", HEAVY[what])).findings)
    # two seconds are the promise; a loaded machine is allowed some more
    assert time.process_time() - before < 6
    assert all(one.message for one in findings)
