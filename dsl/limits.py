"""How large a spec may be; every figure is far above what a real one needs and keeps linting bounded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """All caps in one place.

    Those of the text are checked while reading and parsing, those of the model while it is expanded, those of the
    output when findings are shown.
    """

    file_bytes: int = 128 * 1024
    total_bytes: int = 512 * 1024
    includes: int = 32
    include_depth: int = 8

    nesting: int = 64
    expression_depth: int = 128
    tokens: int = 50_000
    name_characters: int = 128
    string_bytes: int = 4096
    integer_digits: int = 19
    integer_magnitude: int = 2**53 - 1
    float_characters: int = 40
    list_items: int = 4096

    repeat_copies: int = 4096
    nodes: int = 10_000
    edges: int = 50_000
    parameters: int = 2**40
    evaluator_steps: int = 1_000_000
    evaluation_depth: int = 1_000

    syntax_errors: int = 1000
    shown_diagnostics: int = 100
    shown_characters: int = 64 * 1024


LIMITS = Limits()
# Opening a block, or one copy of a repeat, costs as much as so many evaluation steps.
EXPANSION_STEPS = 40


@contextmanager
def tightened(figures: Mapping[str, int]) -> Iterator[None]:
    """Lower some caps meanwhile; a figure above the cap changes nothing."""
    before = {name: getattr(LIMITS, name) for name in figures}
    try:
        for name, most in figures.items():
            # every room holds this one object, which nobody else changes
            object.__setattr__(LIMITS, name, min(most, before[name]))
        yield
    finally:
        for name, most in before.items():
            object.__setattr__(LIMITS, name, most)
