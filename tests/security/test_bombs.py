"""A few words that stand for more than any machine has: refused from numbers alone, before anything is made of them."""

from __future__ import annotations

import tracemalloc

import pytest
from s2sc.dsl.limits import tightened
from s2sc.tests.small_spec import OUT, analysed, before_data, encoder

# bytes that a refusal may need beyond what the small spec needs
MOST_BYTES = 10 * 1024 * 1024
HUGE = ("10^12", "2^2^40", "9007199254740991", "9^9^9", "1e400", "10^9 * 10^6")
PLACES = {
    "copies": "out = data.audio -> linear(8) -> repeat {} {{ linear(8) }}",
    "copies of copies": "out = data.audio -> linear(8) -> repeat 4000 {{ repeat {} {{ linear(8) }} }}",
    "features": "out = data.audio -> linear({})",
    "channels": "out = data.audio -> conv1d({}, kernel = 3)",
    "a kernel": "out = data.audio -> conv1d(1000000, kernel = {})",
    "units": "out = data.audio -> lstm({})",
    "a row": "table t of conv {{\n| channels | kernel | repeat |\n| 8 | 3 | {} |\n}}\nout = data.audio -> t",
    "a cell": "table t of conv {{\n| channels | kernel |\n| {} | 3 |\n}}\nout = data.audio -> t",
    "a number": "out = data.audio -> linear(8 + ({}) * ({}))",
}
TOWERS = {
    "copies, four deep": encoder("out = data.audio -> repeat 99 { repeat 99 { repeat 99 { repeat 99 { relu } } } }"),
    "all copies that one may have, twice": encoder("out = data.audio -> repeat 4096 { repeat 4096 { relu } }"),
    "layers that are wide together": encoder("out = data.audio -> linear(2^20) -> repeat 4 { linear(2^20) }"),
    "lists that double": encoder(
        "a0 = [1]", *(f"a{n + 1} = [a{n}, a{n}]" for n in range(60)), "out = data.audio -> linear(a60)"
    ),
    "numbers that square": before_data("let a0 = 3", *(f"let a{n + 1} = a{n} * a{n}" for n in range(60))),
    "layers that double": encoder(
        "h0 = data.audio", *(f"h{n + 1} = concat(h{n}, h{n})" for n in range(60)), "out = h60"
    ),
}
# what no product of numbers tells beforehand grows to as many nodes as a model may have
GROWING = {
    "rows that multiply": encoder(
        "table t of conv {\n| channels | kernel | repeat |\n" + "| 8 | 3 | 4096 |\n" * 9 + "}\nout = data.audio -> t"
    ),
    "blocks that double": (
        OUT + "\n}",
        "out = data.audio -> linear(8) -> b40\n}\nblock b1(x: seq) => y { y = x -> relu }\n"
        + "".join(f"block b{n + 1}(x: seq) => y {{ y = x -> b{n} -> b{n} }}\n" for n in range(1, 40)),
    ),
}
BOMBS = {
    **{f"{place}: {size}": encoder(text.format(size, size)) for place, text in PLACES.items() for size in HUGE},
    **TOWERS,
}


def cost(change: tuple[str, str]) -> int:
    """Bytes that analysis has at most at a time, of a spec that it refuses."""
    tracemalloc.start()
    try:
        found = [one for one in analysed(change).findings if one.severity == "error"]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found
    assert all(one.span for one in found)
    return peak


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    analysed()


@pytest.mark.parametrize("change", [pytest.param(change, id=name) for name, change in BOMBS.items()])
def test_a_bomb_is_refused_for_almost_nothing(change: tuple[str, str]) -> None:
    assert cost(change) <= MOST_BYTES


@pytest.mark.parametrize("change", [pytest.param(change, id=name) for name, change in GROWING.items()])
def test_what_grows_is_refused_at_the_most_nodes(change: tuple[str, str]) -> None:
    with tightened({"nodes": 2000}):
        assert cost(change) <= MOST_BYTES


def test_there_are_enough_bombs() -> None:
    assert len(BOMBS) + len(GROWING) >= 60
