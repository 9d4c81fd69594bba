"""The step form: how an operation that sees a whole target works one token at a time."""

from __future__ import annotations

from dataclasses import dataclass

from .dim import Dim

# How many tokens the state has room for; the search gives it more when it is full.
ROOM = "M"


@dataclass(frozen=True)
class Carried:
    """A tensor that belongs to a step besides its inputs, batch axis first.

    shape  sizes behind the batch axis: numbers, the symbols of whole inputs ("S"), and ROOM for one place a token
    dtype  "compute": the node's own; "fp32", "int64" or "bool"
    """

    name: str
    shape: tuple[Dim, ...]
    dtype: str = "compute"


@dataclass(frozen=True)
class StepForm:
    """What one step of an operation reads and writes besides the inputs that come token by token.

    once   computed before the first step from the inputs that do not depend on the target (projected keys)
    state  read and written by each step, its shape fixed (hidden states, key and value caches)
    given  those of `state` whose first value is computed from such inputs too; all others start as zeros
    """

    once: tuple[Carried, ...] = ()
    state: tuple[Carried, ...] = ()
    given: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """True for an operation that treats every token by itself: its step is the operation."""
        return not self.once and not self.state


PLAIN = StepForm()


def carried(name: str, *shape: int | str | Dim, dtype: str = "compute") -> Carried:
    """A carried tensor [B, *shape]."""
    return Carried(name, tuple(map(Dim.of, shape)), dtype)
