"""The algebra of sizes: whatever form a size has, it counts the same, and equal sizes are equal."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from s2sc.compiler.dim import Dim

SYMBOLS = ("T", "N", "U")
SIZES = st.fixed_dictionaries({name: st.integers(0, 10_000) for name in SYMBOLS})
Evaluate = Callable[[dict[str, int]], int]
Form = tuple[Dim, Evaluate]


def _symbol(name: str) -> Form:
    return Dim.of(name), lambda sizes: sizes[name]


def _number(number: int) -> Form:
    return Dim(number), lambda sizes: number


def _sum(a: Form, b: Form) -> Form:
    return a[0] + b[0], lambda sizes: a[1](sizes) + b[1](sizes)


def _difference(a: Form, b: Form) -> Form:
    return a[0] - b[0], lambda sizes: a[1](sizes) - b[1](sizes)


def _scaled(a: Form, factor: int) -> Form:
    return a[0] * factor, lambda sizes: a[1](sizes) * factor


def _floor(a: Form, divisor: int) -> Form:
    return a[0] // divisor, lambda sizes: a[1](sizes) // divisor


def _ceil(a: Form, divisor: int) -> Form:
    return a[0].ceildiv(divisor), lambda sizes: -(-a[1](sizes) // divisor)


LEAVES = st.sampled_from(SYMBOLS).map(_symbol) | st.integers(-50, 50).map(_number)
FORMS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: _sum(*pair)),
        st.tuples(inner, inner).map(lambda pair: _difference(*pair)),
        st.tuples(inner, st.integers(-6, 6)).map(lambda pair: _scaled(*pair)),
        st.tuples(inner, st.integers(1, 9)).map(lambda pair: _floor(*pair)),
        st.tuples(inner, st.integers(1, 9)).map(lambda pair: _ceil(*pair)),
    ),
    max_leaves=8,
)


@given(FORMS, SIZES)
def test_a_form_counts_what_integers_count(form: Form, sizes: dict[str, int]) -> None:
    dim, evaluate = form
    assert dim.value(sizes) == evaluate(sizes)


@given(FORMS, FORMS, SIZES)
def test_equal_forms_have_equal_values_and_hashes(a: Form, b: Form, sizes: dict[str, int]) -> None:
    if a[0] == b[0]:
        assert hash(a[0]) == hash(b[0])
        assert a[1](sizes) == b[1](sizes)


@given(FORMS, FORMS, FORMS)
def test_the_order_of_writing_makes_no_difference(a: Form, b: Form, c: Form) -> None:
    assert (a[0] + b[0]) + c[0] == c[0] + (b[0] + a[0])
    assert str((a[0] + b[0]) + c[0]) == str(c[0] + (b[0] + a[0]))
    assert (a[0] + b[0]) - b[0] == a[0]


@given(FORMS, st.integers(1, 9), st.integers(1, 9), st.integers(-20, 20))
def test_divisions_merge(form: Form, first: int, second: int, added: int) -> None:
    dim = form[0]
    assert (dim * first) // first == dim
    assert (dim + added * first) // first == dim // first + added


@pytest.mark.parametrize("name", SYMBOLS)
@given(first=st.integers(1, 9), second=st.integers(1, 9))
def test_two_strides_are_one(name: str, first: int, second: int) -> None:
    time = Dim.of(name)
    assert time.ceildiv(first).ceildiv(second) == time.ceildiv(first * second)
    assert (time // first) // second == time // (first * second)


@given(FORMS, FORMS, SIZES)
def test_substitution_counts_the_same(form: Form, definition: Form, sizes: dict[str, int]) -> None:
    replaced = form[0].substitute({"T": definition[0]})
    assert "T" not in replaced.symbols or "T" in definition[0].symbols
    assert replaced.value(sizes) == form[0].value({**sizes, "T": definition[0].value(sizes)})


@given(FORMS)
def test_the_text_names_each_symbol(form: Form) -> None:
    for symbol in form[0].symbols:
        assert symbol in str(form[0])


def test_how_sizes_are_written() -> None:
    time = Dim.of("T")
    assert str(time.ceildiv(2)) == "ceil(T/2)"
    assert str(time.ceildiv(2).ceildiv(2)) == "ceil(T/4)"
    assert str((time - 10) // 2) == "floor(T/2) - 5"
    assert str(time * 2 + 1) == "2*T + 1"
    assert str(Dim(0)) == "0"
