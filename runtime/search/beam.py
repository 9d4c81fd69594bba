"""Beam search over a decoder that is run token by token."""

from __future__ import annotations

from ..no_answer import NoAnswer
from .hypothesis import Hypothesis
from .text_length import most_tokens
from .token_search import Integers, Stepper, search


def beam(
    stepper: Stepper,
    source_tokens_B: Integers,
    *,
    begin: int,
    end: int,
    width: int,
    length_penalty: float,
    n_best: int,
    min_tokens: int,
    max_tokens: int | None,
    most_places: int | None = None,
) -> list[list[Hypothesis] | NoAnswer]:
    """The `n_best` texts with the best scores for each row of a batch, the best first.

    source_tokens_B  lengths of the source, by which the longest text is reckoned
    most_places      tokens that the decoder has places for; None: no end
    """
    return search(
        stepper,
        num_rows=len(source_tokens_B),
        width=width,
        length_penalty=length_penalty,
        n_best=n_best,
        min_tokens=min_tokens,
        max_tokens_per_row=most_tokens(source_tokens_B, max_tokens, most_places),
        begin=begin,
        end=end,
    )
