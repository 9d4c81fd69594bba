"""Beam search over a decoder that is run token by token, in numpy; greedy search is a beam of 1."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..no_answer import NoAnswer
from .hypothesis import Hypothesis

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


class Stepper(Protocol):
    """A decoder on its way through the targets of a batch."""

    def advance(self, tokens_R: Integers, parents_R: Integers, k: int) -> tuple[NDArray[np.float32], Integers]:
        """Feed a token to each row and give the `k` likeliest that may follow it, or all where there are fewer.

        tokens_R   the rows' newest tokens; the begin mark at first
        parents_R  the row of the call before, or of the batch at first, that each row continues: one may be continued
                   by several rows, in any order, or by none
        returns    log probabilities [R, k], the likeliest first, and their tokens [R, k], the lower of two as likely
                   first; NaN comes before all others
        """


def search(
    stepper: Stepper,
    *,
    num_rows: int,
    width: int,
    length_penalty: float,
    n_best: int,
    min_tokens: int,
    max_tokens_per_row: Integers,
    begin: int,
    end: int,
) -> list[list[Hypothesis] | NoAnswer]:
    """Find the `n_best` texts of each row of a batch, the best first; fewer where there are no more.

        score = log P / ((5 + n) / 6)^length_penalty        n tokens, the end mark counted (Wu et al. 2016)

    width               hypotheses that a sentence keeps
    min_tokens          before that many the end mark is passed over
    max_tokens_per_row  tokens without the end mark, 1 or more, also where `min_tokens` is larger. A hypothesis of so
                        many is a text: the end is all that can follow it, so its end mark costs nothing

    Of all continuations of a sentence's hypotheses, the end marks among the `width` likeliest finish texts, and the
    `width` likeliest others are the next hypotheses: what is finished takes no place from them. A sentence is over when
    `width` texts are finished, or when no hypothesis can score better than the `n_best` best texts, which changes
    nothing about the answer, because log probabilities only fall. What is over is not fed to the decoder again.

    Of equal continuations the one of the likelier hypothesis comes first, then the lower token; of equal scores, the
    text that was finished first. Nothing depends on the other rows.

    NoAnswer stands for a row for which the model gave NaN, or for which it had no token to choose.
    """
    if not 1 <= n_best <= width:
        raise ValueError(f"n_best is 1 to {width}, not {n_best}")
    if len(max_tokens_per_row) != num_rows or (num_rows and int(max_tokens_per_row.min()) < 1):
        raise ValueError("max_tokens_per_row holds a number of 1 or more for each row")
    sentences = [_Sentence() for _ in range(num_rows)]
    trail = _Trail()
    # the sentences that go on, and their hypotheses' log probabilities, -inf for none
    sentence_A, limit_A = np.arange(num_rows), max_tokens_per_row.astype(np.int64)
    log_prob_AW = np.zeros((num_rows, 1))
    tokens_R, parents_R = np.full(num_rows, begin, dtype=np.int64), np.arange(num_rows)
    num_tokens = 0
    while len(tokens_R):
        trail.add(tokens_R, parents_R)
        may_end = num_tokens >= min_tokens
        # `width` others and an end mark; greedy search has no use for what is less likely than an end mark
        log_probs_RK, next_RK = stepper.advance(tokens_R, parents_R, 1 if width == 1 and may_end else width + 1)
        continuations = _continuations(log_prob_AW, log_probs_RK, next_RK)
        broken_A = np.isnan(continuations.log_prob_AC).any(1)
        continuations.log_prob_AC[broken_A] = -np.inf
        for number in sentence_A[broken_A]:
            sentences[number].broken_at = num_tokens
        if not may_end:
            continuations.log_prob_AC[continuations.token_AC == end] = -np.inf
        ranked = continuations.ranked()
        num_tokens += 1

        is_end_AC = ranked.token_AC == end
        likely_AC = np.arange(is_end_AC.shape[1]) < width
        hypotheses = ranked.first(width, ~is_end_AC)
        for at, text in ranked.texts(is_end_AC & likely_AC, num_tokens, length_penalty, has_end=True):
            sentences[sentence_A[at]].texts.append(text)
        over_A = np.array([len(sentences[number].texts) >= width for number in sentence_A])
        cut_A = (limit_A == num_tokens) & ~over_A
        for at, text in hypotheses.texts(cut_A[:, None], num_tokens, length_penalty, has_end=False):
            sentences[sentence_A[at]].texts.append(text)

        # no text still to come scores better than what its hypothesis has now, divided by the most that it may be
        most_A = np.maximum(_penalty(num_tokens + 1, length_penalty), _penalty(limit_A + 1, length_penalty))
        nth_best_A = np.array([sentences[number].nth_best(n_best) for number in sentence_A])
        over_A |= cut_A | (hypotheses.log_prob_AC[:, 0] / most_A <= nth_best_A)
        sentence_A, limit_A = sentence_A[~over_A], limit_A[~over_A]
        log_prob_AW = hypotheses.log_prob_AC[~over_A]
        is_row_AW = log_prob_AW > -np.inf
        tokens_R, parents_R = hypotheses.token_AC[~over_A][is_row_AW], hypotheses.row_AC[~over_A][is_row_AW]
    return [sentence.answer(trail, n_best) for sentence in sentences]


class _Continuations(NamedTuple):
    """What may follow each sentence's hypotheses: log probability (-inf: nothing), token, and the row it follows."""

    log_prob_AC: Floats
    token_AC: Integers
    row_AC: Integers

    def ranked(self) -> _Continuations:
        """The likeliest first."""
        order_AC = np.lexsort((self.token_AC, self.row_AC, -self.log_prob_AC), axis=-1)
        return _Continuations(
            np.take_along_axis(self.log_prob_AC, order_AC, 1),
            np.take_along_axis(self.token_AC, order_AC, 1),
            np.take_along_axis(self.row_AC, order_AC, 1),
        )

    def first(self, width: int, wanted_AC: NDArray[np.bool_]) -> _Continuations:
        """The first `width` of those that are wanted."""
        wanted_AC = wanted_AC & (self.log_prob_AC > -np.inf)
        place_AC = np.cumsum(wanted_AC, 1) - 1
        at, column = np.nonzero(wanted_AC & (place_AC < width))
        place = place_AC[at, column]
        shape = (len(wanted_AC), width)
        found = _Continuations(np.full(shape, -np.inf), np.zeros(shape, dtype=int), np.zeros(shape, dtype=int))
        for into, values in zip(found, self, strict=True):
            into[at, place] = values[at, column]
        return found

    def texts(
        self, wanted_AC: NDArray[np.bool_], num_tokens: int, length_penalty: float, *, has_end: bool
    ) -> Iterator[tuple[int, _Text]]:
        """Those of `num_tokens` tokens that are wanted as finished texts; the last token is an end mark or is none."""
        for at, place in zip(*np.nonzero(wanted_AC & (self.log_prob_AC > -np.inf)), strict=True):
            log_prob, row = float(self.log_prob_AC[at, place]), int(self.row_AC[at, place])
            score = log_prob / float(_penalty(num_tokens if has_end else num_tokens + 1, length_penalty))
            last = () if has_end else (int(self.token_AC[at, place]),)
            yield int(at), _Text(score, log_prob, num_tokens - 1, row, last)


def _continuations(log_prob_AW: Floats, log_probs_RK: NDArray[np.float32], next_RK: Integers) -> _Continuations:
    """All continuations; the rows are the sentences' hypotheses in order, without the places that have none."""
    (num_alive, width), k = log_prob_AW.shape, log_probs_RK.shape[1]
    is_row_AW = log_prob_AW > -np.inf
    shape = (num_alive, width, k)
    total_AWK, token_AWK = np.full(shape, -np.inf), np.zeros(shape, dtype=np.int64)
    total_AWK[is_row_AW] = log_prob_AW[is_row_AW][:, None] + log_probs_RK
    token_AWK[is_row_AW] = next_RK
    row_AW = np.cumsum(is_row_AW).reshape(num_alive, width) - 1
    row_AWK = np.broadcast_to(row_AW[:, :, None], shape)
    flat = (num_alive, width * k)
    return _Continuations(total_AWK.reshape(flat), token_AWK.reshape(flat), row_AWK.reshape(flat))


def _penalty(num_tokens: int | Integers, length_penalty: float) -> Floats:
    """What a log probability is divided by; `num_tokens` counts the end mark."""
    return np.asarray(((5.0 + np.asarray(num_tokens)) / 6.0) ** length_penalty)


@dataclass(frozen=True)
class _Text:
    """A finished text: the row of a call of the stepper that it ends with, and a token that was never fed."""

    score: float
    log_prob: float
    call: int
    row: int
    last: tuple[int, ...]


@dataclass(frozen=True)
class _Trail:
    """The tokens and parents of every call, from which any hypothesis can be read back."""

    calls: list[tuple[Integers, Integers]] = field(default_factory=list)

    def add(self, tokens_R: Integers, parents_R: Integers) -> None:
        self.calls.append((tokens_R, parents_R))

    def tokens_of(self, text: _Text) -> tuple[int, ...]:
        chosen, row = [], text.row
        # the first call was fed the begin mark
        for tokens_R, parents_R in reversed(self.calls[1 : text.call + 1]):
            chosen.append(int(tokens_R[row]))
            row = int(parents_R[row])
        return (*reversed(chosen), *text.last)


@dataclass
class _Sentence:
    """What was found for a row of the batch, and after how many tokens the model gave NaN, if it did."""

    texts: list[_Text] = field(default_factory=list)
    broken_at: int | None = None

    def best(self, n_best: int) -> list[_Text]:
        return sorted(self.texts, key=lambda text: -text.score)[:n_best]

    def nth_best(self, n_best: int) -> float:
        return self.best(n_best)[-1].score if len(self.texts) >= n_best else -np.inf

    def answer(self, trail: _Trail, n_best: int) -> list[Hypothesis] | NoAnswer:
        if self.broken_at is not None:
            return NoAnswer(f"the model gave numbers that are NaN after {self.broken_at} tokens")
        if not self.texts:
            return NoAnswer("the model gave no token that can be chosen")
        return [Hypothesis(trail.tokens_of(text), text.log_prob, text.score) for text in self.best(n_best)]
