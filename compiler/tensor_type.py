"""Types of tensors, and the letter table.

Letters name axes in signatures, in code (`states_BTH`) and in the plan:

    B  batch              T  time: frames or tokens       N  audio samples
    D  features           C  channels of a convolution    H  hidden size
    V  vocabulary         U  target tokens                K  kernel positions
    F  frequency bins     S  source time                  W  beam width
    L  layers, each in each direction
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from .dim import Dim

LETTERS = {
    "B": "batch",
    "T": "time",
    "N": "samples",
    "D": "features",
    "C": "channels",
    "H": "hidden",
    "V": "vocabulary",
    "U": "target_time",
    "K": "kernel",
    "F": "frequency",
    "S": "source_time",
    "W": "beam",
    "L": "layers",
}


@dataclass(frozen=True)
class Axis:
    """One axis: what it is (`batch`, `time`, `features`, …) and its size."""

    name: str
    dim: Dim


@dataclass(frozen=True)
class TensorType:
    """A tensor's axes and elements.

    A `seq` carries its lengths: axis 0 is batch, axis 1 is time, and frames at or beyond a row's length are padding.
    element     "real", or "index" for token numbers and lengths
    vocabulary  for tokens: how many there are
    """

    kind: Literal["seq", "tensor"]
    axes: tuple[Axis, ...]
    element: Literal["real", "index"] = "real"
    vocabulary: int | None = None

    @property
    def is_seq(self) -> bool:
        return self.kind == "seq"

    @property
    def time(self) -> Dim:
        """The time axis of a sequence."""
        assert self.is_seq
        return self.axes[1].dim

    @property
    def features(self) -> int:
        """The size of the last axis."""
        return self.axes[-1].dim.known

    @property
    def rank(self) -> int:
        return len(self.axes)

    def with_last(self, dim: int | Dim, name: str = "features") -> TensorType:
        """The same type with another last axis."""
        return replace(self, axes=(*self.axes[:-1], Axis(name, Dim.of(dim))))

    def with_time(self, dim: Dim) -> TensorType:
        """The same sequence with another time axis."""
        assert self.is_seq
        return replace(self, axes=(self.axes[0], Axis(self.axes[1].name, dim), *self.axes[2:]))

    def shape(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """Concrete sizes for given symbols."""
        return tuple(axis.dim.value(sizes) for axis in self.axes)

    @property
    def named(self) -> str:
        """With the names of axes whose sizes are not known: seq[batch, ceil(time/2), 256]."""
        axes = ", ".join(re.sub(r"\b[A-Z]\w*", axis.name, str(axis.dim)) for axis in self.axes)
        return f"seq[{axes}]" if self.is_seq else f"[{axes}]"

    def __str__(self) -> str:
        axes = ", ".join(str(axis.dim) for axis in self.axes)
        return f"seq[{axes}]" if self.is_seq else f"[{axes}]"


def seq(time: int | str | Dim, features: int | str | Dim, *, batch: int | str | Dim = "B") -> TensorType:
    """seq[B, time, features] of real numbers."""
    return TensorType(
        "seq", (Axis("batch", Dim.of(batch)), Axis("time", Dim.of(time)), Axis("features", Dim.of(features)))
    )


def tokens(time: int | str | Dim, vocabulary: int, *, batch: int | str | Dim = "B", axis: str = "time") -> TensorType:
    """seq[B, time] of token numbers below `vocabulary`; `axis` is the name of the time axis."""
    return TensorType("seq", (Axis("batch", Dim.of(batch)), Axis(axis, Dim.of(time))), "index", vocabulary)


def lengths(*, batch: int | str | Dim = "B") -> TensorType:
    """[B] lengths of a sequence."""
    return TensorType("tensor", (Axis("batch", Dim.of(batch)),), "index")


def waveform(samples: int | str | Dim = "N", *, batch: int | str | Dim = "B") -> TensorType:
    """seq[B, samples] of audio between -1 and 1."""
    return TensorType("seq", (Axis("batch", Dim.of(batch)), Axis("samples", Dim.of(samples))))
