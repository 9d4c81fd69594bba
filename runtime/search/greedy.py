"""Greedy search over a decoder that is run token by token."""

from __future__ import annotations

from ..no_answer import NoAnswer
from .hypothesis import Hypothesis
from .text_length import most_tokens
from .token_search import Integers, Stepper, search


def greedy(
    stepper: Stepper,
    source_tokens_B: Integers,
    *,
    begin: int,
    end: int,
    max_tokens: int | None,
    min_tokens: int,
    most_places: int | None = None,
) -> list[list[Hypothesis] | NoAnswer]:
    """The likeliest token at each place, for each row of a batch: one text a row, its score its log probability.

    source_tokens_B  lengths of the source, by which the longest text is reckoned
    most_places      tokens that the decoder has places for; None: no end
    """
    return search(
        stepper,
        num_rows=len(source_tokens_B),
        width=1,
        length_penalty=0.0,
        n_best=1,
        min_tokens=min_tokens,
        max_tokens_per_row=most_tokens(source_tokens_B, max_tokens, most_places),
        begin=begin,
        end=end,
    )
