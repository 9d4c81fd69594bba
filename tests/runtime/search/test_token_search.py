"""Search over tokens, on a made-up decoder whose every probability is known."""

from __future__ import annotations

from itertools import product
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from s2sc.runtime.no_answer import NoAnswer
from s2sc.runtime.search.beam import beam
from s2sc.runtime.search.greedy import greedy
from s2sc.runtime.search.hypothesis import Hypothesis
from s2sc.runtime.search.text_length import most_tokens
from s2sc.runtime.search.token_search import search

BEGIN, END = 0, 1


class Table:
    """A decoder that gives each prefix of each sentence its own random distribution, and knows what it was fed.

    coarse     few different probabilities, so that there are ties
    sharpness  how much likelier the likeliest token is, on average
    """

    def __init__(self, names: list[int], vocabulary: int, *, coarse: bool = False, sharpness: float = 1.5) -> None:
        self.prefixes: list[tuple[int, ...]] = [(name,) for name in names]
        self.vocabulary, self.coarse, self.sharpness = vocabulary, coarse, sharpness
        self.num_rows_fed: list[int] = []

    def advance(
        self, tokens_R: NDArray[np.int64], parents_R: NDArray[np.int64], k: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        parents = [self.prefixes[row] for row in parents_R]
        self.prefixes = [(*parent, int(token)) for parent, token in zip(parents, tokens_R, strict=True)]
        self.num_rows_fed.append(len(tokens_R))
        log_probs_RV = np.stack([self.log_probs(prefix) for prefix in self.prefixes])
        order_RK = np.argsort(-log_probs_RV, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(log_probs_RV, order_RK, 1), order_RK

    def log_probs(self, prefix: tuple[int, ...]) -> NDArray[np.float32]:
        rng = np.random.default_rng([7, *prefix])
        sharpness = self.sharpness * rng.choice([0.1, 1, 6])
        logits_V = rng.normal(size=self.vocabulary) * sharpness
        if self.coarse:
            # the same few numbers in another order: sums of them are often equal
            logits_V = rng.permutation(np.arange(self.vocabulary) // 2 * self.sharpness)
        found: NDArray[np.float32] = (logits_V - np.log(np.exp(logits_V).sum())).astype(np.float32)
        return found


Settings = dict[str, float]
Case = tuple[list[int], list[int], dict[str, Any], Settings]


def run(table: Table, limits: list[int], **given: float) -> list[list[Hypothesis]]:
    chosen = {"width": 4, "length_penalty": 0.6, "n_best": 1, "min_tokens": 0, **given}
    found = search(
        table,
        num_rows=len(limits),
        width=int(chosen["width"]),
        length_penalty=chosen["length_penalty"],
        n_best=int(chosen["n_best"]),
        min_tokens=int(chosen["min_tokens"]),
        max_tokens_per_row=np.array(limits, dtype=np.int64),
        begin=BEGIN,
        end=END,
    )
    assert all(not isinstance(one, NoAnswer) for one in found)
    return [one for one in found if not isinstance(one, NoAnswer)]


def plain_search(table: Table, name: int, limit: int, **given: float) -> list[Hypothesis]:
    """One sentence, hypothesis by hypothesis, and over only when nothing is left to search."""
    width, n_best = int(given["width"]), int(given["n_best"])
    hypotheses: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    texts: list[Hypothesis] = []
    for num_tokens in range(limit):
        every: list[tuple[float, int, int, tuple[int, ...]]] = []
        for rank, (log_prob, tokens) in enumerate(hypotheses):
            for token, more in enumerate(table.log_probs((name, BEGIN, *tokens))):
                if token != END or num_tokens >= given["min_tokens"]:
                    every.append((-(log_prob + float(more)), rank, token, tokens))
        every.sort()
        for cost, _, token, tokens in every[:width]:
            if token == END:
                texts.append(text_of(tokens, -cost, given["length_penalty"]))
        if len(texts) >= width:
            break
        others = [entry for entry in every if entry[2] != END][:width]
        hypotheses = [(-cost, (*tokens, token)) for cost, _, token, tokens in others]
    else:
        texts += [text_of(tokens, log_prob, given["length_penalty"]) for log_prob, tokens in hypotheses]
    return sorted(texts, key=lambda text: -text.score)[:n_best]


def text_of(tokens: tuple[int, ...], log_prob: float, length_penalty: float) -> Hypothesis:
    return Hypothesis(tokens, log_prob, log_prob / ((5.0 + len(tokens) + 1) / 6.0) ** length_penalty)


@st.composite
def searches(draw: st.DrawFn) -> Case:
    """Sentences, their limits, what their table is like, and settings."""
    names = draw(st.lists(st.integers(0, 10**6), min_size=1, max_size=5, unique=True))
    limits = draw(st.lists(st.integers(1, 12), min_size=len(names), max_size=len(names)))
    width = draw(st.integers(1, 6))
    given = {
        "width": width,
        "n_best": draw(st.integers(1, width)),
        "length_penalty": draw(st.sampled_from([0.0, 0.6, 1.0, 2.5, -1.0])),
        "min_tokens": draw(st.integers(0, 5)),
    }
    table = {
        "vocabulary": draw(st.integers(2, 7)),
        "coarse": draw(st.booleans()),
        "sharpness": draw(st.sampled_from([0.5, 1.5, 6.0])),
    }
    return names, limits, table, given


@given(searches())
@settings(max_examples=300, deadline=None)
def test_it_finds_what_a_plain_search_without_early_stop_finds(
    case: Case,
) -> None:
    names, limits, table, given = case
    found = run(Table(names, **table), limits, **given)
    for name, limit, texts in zip(names, limits, found, strict=True):
        assert texts == plain_search(Table([], **table), name, limit, **given)


@given(searches(), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_neither_batch_nor_order_matter(case: Case, rng: Random) -> None:
    names, limits, table, given = case
    together = run(Table(names, **table), limits, **given)
    order = list(range(len(names)))
    rng.shuffle(order)
    shuffled = run(Table([names[at] for at in order], **table), [limits[at] for at in order], **given)
    assert shuffled == [together[at] for at in order]
    for name, limit, texts in zip(names, limits, together, strict=True):
        assert run(Table([name], **table), [limit], **given) == [texts]


@given(searches())
@settings(max_examples=200, deadline=None)
def test_texts_are_distinct_sorted_and_as_long_as_asked(
    case: Case,
) -> None:
    names, limits, table, given = case
    found = run(Table(names, **table), limits, **given)
    for limit, texts in zip(limits, found, strict=True):
        assert 1 <= len(texts) <= given["n_best"]
        assert len({text.tokens for text in texts}) == len(texts)
        assert [text.score for text in texts] == sorted((text.score for text in texts), reverse=True)
        for text in texts:
            assert END not in text.tokens
            assert min(int(given["min_tokens"]), limit) <= len(text.tokens) <= limit


@pytest.mark.parametrize("length_penalty", [0.0, 0.6, 3.0])
def test_a_beam_of_1_is_greedy_search(length_penalty: float) -> None:
    names = list(range(40))
    sources = np.array([1 + name % 7 for name in names], dtype=np.int64)
    settings_: dict[str, Any] = {"begin": BEGIN, "end": END, "max_tokens": None, "min_tokens": 2}
    expected = greedy(Table(names, 9), sources, **settings_)
    found = beam(Table(names, 9), sources, width=1, n_best=1, length_penalty=length_penalty, **settings_)
    for name, source, ours, theirs in zip(names, sources, found, expected, strict=True):
        assert not isinstance(ours, NoAnswer)
        assert not isinstance(theirs, NoAnswer)
        assert ours[0].tokens == theirs[0].tokens == chosen_one_by_one(name, 9, 2 * int(source) + 10, 2)
        assert theirs[0].score == theirs[0].log_probability


def chosen_one_by_one(name: int, vocabulary: int, limit: int, min_tokens: int) -> tuple[int, ...]:
    table = Table([], vocabulary)
    tokens: tuple[int, ...] = ()
    while len(tokens) < limit:
        log_probs_V = table.log_probs((name, BEGIN, *tokens))
        if len(tokens) < min_tokens:
            log_probs_V[END] = -np.inf
        token = int(log_probs_V.argmax())
        if token == END:
            break
        tokens = (*tokens, token)
    return tokens


@pytest.mark.parametrize("length_penalty", [0.0, 0.6, 2.0])
@pytest.mark.parametrize("vocabulary", [2, 3, 4])
def test_a_beam_as_wide_as_the_tree_is_exhaustive_search(vocabulary: int, length_penalty: float) -> None:
    limit, n_best = 4, 5
    others = [token for token in range(vocabulary) if token != END]
    for name in range(20):
        table = Table([name], vocabulary, sharpness=1.0)
        every = [
            text_of(tokens, log_prob_of(table, name, tokens, limit), length_penalty)
            for length in range(limit + 1)
            for tokens in product(others, repeat=length)
        ]
        assert sum(np.exp(text.log_probability) for text in every) == pytest.approx(1, abs=1e-5)
        every.sort(key=lambda text: -text.score)
        (found,) = run(table, [limit], width=vocabulary**limit, n_best=n_best, length_penalty=length_penalty)
        assert [text.tokens for text in found] == [text.tokens for text in every[:n_best]]
        assert [text.score for text in found] == pytest.approx([text.score for text in every[:n_best]])


def log_prob_of(table: Table, name: int, tokens: tuple[int, ...], limit: int) -> float:
    """The end mark of a text that is as long as can be costs nothing."""
    fed = (*tokens, END) if len(tokens) < limit else tokens
    return sum(float(table.log_probs((name, BEGIN, *fed[:at]))[token]) for at, token in enumerate(fed))


class LateEnd(Table):
    """At first the end is likelier than the beginning of a text of nine tokens, which is certain to end."""

    def log_probs(self, prefix: tuple[int, ...]) -> NDArray[np.float32]:
        num_tokens = len(prefix) - 2
        found = np.full(4, -30, dtype=np.float32)
        found[[END, 2]] = (-0.6, -0.9) if num_tokens == 0 else (-30, 0) if num_tokens < 9 else (0, -30)
        return found


def test_a_longer_text_is_waited_for_as_long_as_it_can_win() -> None:
    # at first -0.6 / 1 against -0.9 / (7 / 6); in the end against -0.9 / (15 / 6)
    expected = [(2,) * 9, ()]
    assert [text.tokens for text in run(LateEnd([0], 4), [12], width=3, n_best=2, length_penalty=1.0)[0]] == expected
    assert [text.tokens for text in run(LateEnd([0], 4), [12], width=3, n_best=1, length_penalty=1.0)[0]] == expected[
        :1
    ]
    impatient = LateEnd([0], 4)
    # with room for one token more the best that can come is -0.9 / (8 / 6), which is below -0.6
    run(impatient, [2], width=3, length_penalty=1.0)
    assert len(impatient.num_rows_fed) == 1


def test_what_is_over_is_not_fed_again() -> None:
    table = Table(list(range(30)), 5)
    run(table, [1] * 10 + [20] * 20, width=3)
    assert table.num_rows_fed[0] == 30
    assert max(table.num_rows_fed[1:]) <= 20 * 3
    assert table.num_rows_fed[-1] < 60
    assert len(table.num_rows_fed) <= 20


def test_nothing_to_search_gives_nothing() -> None:
    assert run(Table([], 5), []) == []


class Broken(Table):
    """Gives NaN for one sentence after two tokens, and no token at all for another."""

    def log_probs(self, prefix: tuple[int, ...]) -> NDArray[np.float32]:
        found = super().log_probs(prefix)
        found[END] = -20
        if prefix[0] == 3 and len(prefix) == 4:
            found[:] = np.nan
        if prefix[0] == 4:
            found[:] = -np.inf
        return found


def test_a_row_of_broken_numbers_has_no_answer_and_harms_no_other() -> None:
    def answers(names: list[int]) -> list[list[Hypothesis] | NoAnswer]:
        sources = np.full(len(names), 3, dtype=np.int64)
        return beam(
            Broken(names, 6), sources, begin=BEGIN, end=END, width=3, n_best=2, length_penalty=0.6, min_tokens=0,
            max_tokens=5,
        )  # fmt: skip

    found = answers([2, 3, 4, 5])
    assert isinstance(found[1], NoAnswer)
    assert "NaN after 2 tokens" in str(found[1])
    assert isinstance(found[2], NoAnswer)
    assert "no token" in str(found[2])
    assert [found[0], found[3]] == answers([2, 5])


def test_impossible_tokens_are_never_chosen() -> None:
    class Padded(Table):
        def log_probs(self, prefix: tuple[int, ...]) -> NDArray[np.float32]:
            found = super().log_probs(prefix)
            found[3:] = -np.inf
            return found

    for texts in run(Padded(list(range(20)), 8), [6] * 20, width=5, n_best=5):
        assert all(token < 3 for text in texts for token in text.tokens)


def test_a_text_may_be_twice_as_long_as_its_source_and_10_more() -> None:
    assert most_tokens(np.array([1, 2, 21]), None).tolist() == [12, 14, 52]
    assert most_tokens(np.array([1, 2, 21]), 7).tolist() == [7, 7, 7]


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="n_best"):
        run(Table([1], 5), [3], n_best=5)
    with pytest.raises(ValueError, match="max_tokens_per_row"):
        run(Table([1], 5), [0])
