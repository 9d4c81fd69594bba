"""How training ends before its end."""

from __future__ import annotations


class Diverged(Exception):
    """Training cannot go on: what it computes is not finite, or its loss jumps again and again."""


class NotDeterministic(Exception):
    """A run that is to give the same bits each time has an operation that cannot."""


class Stopped(Exception):
    """Training was asked to stop; its state is in the checkpoint of `step`."""

    def __init__(self, signal: str, step: int) -> None:
        super().__init__(f"stopped by {signal} after step {step}")
