"""A decoder run token by token with torch: what a search over tokens calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ..compiler.step_form import ROOM
from .likeliest import likeliest
from .lower_step import LOGITS, POSITION, TOKENS, CarriedTensor, LoweredStep

# Room for so many tokens at first, and so many more when it is full: what is not used yet is copied with every move
# of the rows, so there is little of it.
_ROOM = 8


class TorchStepper:
    """The rows of one batch, each a sentence or one of its hypotheses, on their way through the target.

    lowered  the decoder; its modules are in evaluation mode
    given    arguments of `lowered.first`: tensors of one batch, in order
    num_rows  rows of the batch, where the decoder reads nothing of it
    """

    def __init__(self, lowered: LoweredStep, given: Sequence[Tensor], *, num_rows: int = 1) -> None:
        self._lowered = lowered
        with torch.inference_mode():
            begun: Mapping[str, Tensor] = lowered.first(*given) if lowered.takes else {}
        self._device = next(lowered.step.parameters()).device
        num_rows = given[0].shape[0] if given else num_rows
        self._rows: NDArray[np.int64] = np.arange(num_rows)
        self._all = begun
        self._once = {kept.name: begun[kept.name] for kept in lowered.once}
        self._room = _ROOM
        self._position = 0
        self._state = {
            kept.name: begun[kept.name] if kept.name in lowered.given else self._zeros(kept, num_rows)
            for kept in lowered.state
        }

    @property
    def carried(self) -> Mapping[str, Tensor]:
        """What the next step reads besides its tokens, by name."""
        return {**self._once, **self._state}

    def advance(
        self, tokens_R: NDArray[np.int64], parents_R: NDArray[np.int64], k: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Feed a token to each row and give the `k` likeliest that may follow it.

        tokens_R   the rows' newest tokens (the begin mark at first)
        parents_R  the row of the call before (of the batch, at first) that each row continues
        returns    log probabilities [R, k] and tokens [R, k], the likeliest first
        """
        with torch.inference_mode():
            self._follow(parents_R)
            tokens = torch.from_numpy(np.ascontiguousarray(tokens_R)).to(self._device).unsqueeze(1)
            logits_RV = self._step(tokens)[:, 0].float()
            log_probs_RK, tokens_RK = likeliest(F.log_softmax(logits_RV, -1), k)
            self._position += 1
            return log_probs_RK.cpu().numpy(), tokens_RK.cpu().numpy()

    def logits(self, tokens_B: Tensor) -> Tensor:
        """Feed a token to each row and give the logits [B, V] of the next one."""
        with torch.inference_mode():
            logits_BV = self._step(tokens_B.unsqueeze(1))[:, 0]
            self._position += 1
            return logits_BV

    def _step(self, tokens: Tensor) -> Tensor:
        """One step for all rows: logits [R, 1, V]."""
        if self._position >= self._room:
            self._enlarge()
        position = torch.tensor(self._position, device=self._device)
        known: dict[str, Tensor] = {TOKENS: tokens, POSITION: position, **self._once, **self._state}
        made: dict[str, Tensor] = self._lowered.step(*(known[name] for name in self._lowered.arguments))
        logits = made.pop(LOGITS)
        self._state = made
        return logits

    def _follow(self, parents_R: NDArray[np.int64]) -> None:
        """Make each row the continuation of its parent."""
        if len(parents_R) == len(self._rows) and bool((parents_R == np.arange(len(parents_R))).all()):
            return
        index = torch.from_numpy(np.ascontiguousarray(parents_R)).to(self._device)
        self._state = {name: value.index_select(0, index) for name, value in self._state.items()}
        rows = self._rows[parents_R]
        if not np.array_equal(rows, self._rows):
            # from the batch itself: rows of one sentence share what is computed once
            sentences = torch.from_numpy(rows).to(self._device)
            self._once = {name: self._all[name].index_select(0, sentences) for name in self._once}
        self._rows = rows

    def _enlarge(self) -> None:
        before, self._room = self._room, self._room + _ROOM
        for kept in self._lowered.state:
            axis = _room_axis(kept)
            if axis is not None:
                value = self._state[kept.name]
                padding: list[Any] = [0, 0] * (value.dim() - 1 - axis) + [0, self._room - before]
                self._state[kept.name] = F.pad(value, padding)

    def _zeros(self, kept: CarriedTensor, num_rows: int) -> Tensor:
        shape = [dim.value({ROOM: self._room}) for dim in kept.shape]
        return torch.zeros(num_rows, *shape, dtype=kept.dtype, device=self._device)


def _room_axis(kept: CarriedTensor) -> int | None:
    """The axis of a carried tensor that has a place for each token."""
    return next((axis for axis, dim in enumerate(kept.shape, start=1) if ROOM in dim.symbols), None)
