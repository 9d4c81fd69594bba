"""What recurrent layers share: stacking, directions, padding, states, and their operators in ONNX."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..compiler.component import Component
from .layers.layer import Inputs, Layer
from .real_frames import real_frames

States = tuple[Tensor, ...]
Initial = tuple[Tensor | None, ...]

# The gates that have to stand still do so at ± this much; sigmoid gives 0 and 1 there.
_SATURATED = 1e4
_TENSOR_CORE_FEATURES = 8


class RecurrentLayer(Layer):
    """Recurrent layers on top of each other, run by torch's own kernels (cuDNN on GPUs).

    In padding the states stand still, which needs no packing and so no lengths on the host: x gets a column that is 1
    in padding, whose weights drive the gates into saturation. A layer that cannot do so reads each row reversed for
    the backward direction. Weights are cast to the type of x at use.

    hold  what the padding column adds to each gate: -1 for 0, 1 for 1, 0 for nothing; () for a layer without gates
    """

    layout = "BTC"
    needs = ("lengths",)

    num_gates: ClassVar[int]
    num_states: ClassVar[int] = 1
    hold: ClassVar[tuple[int, ...]] = ()
    onnx_operator: ClassVar[str]
    # ONNX's order of the gates
    onnx_gates: ClassVar[tuple[int, ...]] = (0,)

    padding_weight: Tensor

    def __init__(
        self, *, features: int, size: int, layers: int = 1, bidirectional: bool = False, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.size, self.layers, self.dropout = size, layers, dropout
        self.suffixes = ("", "_reverse") if bidirectional else ("",)
        hold_G = torch.tensor(self.hold, dtype=torch.float32).repeat_interleave(size)
        self.register_buffer("padding_weight", _SATURATED * hold_G.unsqueeze(1), persistent=False)
        bound = 1.0 / math.sqrt(size)
        for layer in range(layers):
            for suffix in self.suffixes:
                for name, shape in self.cell_weights(f"l{layer}{suffix}", features).items():
                    weight = nn.Parameter(torch.empty(shape))
                    nn.init.uniform_(weight, -bound, bound)
                    self.register_parameter(name, weight)
            features = size * len(self.suffixes)

    @classmethod
    def arguments(cls, operation: Component, inputs: Inputs) -> dict[str, object]:
        return {"features": inputs["x"][0].features, **operation.values()}

    def cell_weights(self, cell: str, features: int) -> dict[str, tuple[int, ...]]:
        """Weights of one direction of one layer and their shapes."""
        rows = self.num_gates * self.size
        return {
            f"weight_ih_{cell}": (rows, features),
            f"weight_hh_{cell}": (rows, self.size),
            f"bias_{cell}": (rows,),
        }

    def kernel(
        self, x_BTD: Tensor, states_LBH: States, weights: list[Tensor], *, bidirectional: bool
    ) -> tuple[Tensor, States]:
        """Run one layer; `weights` holds for each direction W_ih, W_hh and the two biases that torch's kernels read."""
        raise NotImplementedError

    def cell(self, cell: str, x_BD: Tensor, states_BH: States) -> States:
        """One step of one layer: its new states, the one that is its result first."""
        raise NotImplementedError

    def biases(self, cell: str, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """The bias at W_ih and the one at W_hh, as torch's kernels read them."""
        bias = self.weight_of("bias", cell, dtype)
        return bias, torch.zeros_like(bias)

    def weight_of(self, name: str, cell: str, dtype: torch.dtype) -> Tensor:
        """A weight by name, in the type of what it is used on."""
        return self.get_parameter(f"{name}_{cell}").to(dtype)

    # --- all tokens at once ---

    def run(self, x_BTD: Tensor, initial: Initial, lengths_B: Tensor | None) -> tuple[Tensor, ...]:
        """Give y [B, T, size * directions] and the last states [B, layers * directions, size].

        initial  first states of the same shape, None for zeros
        """
        if lengths_B is None:
            lengths_B = torch.full(x_BTD.shape[:1], x_BTD.shape[1], dtype=torch.int64, device=x_BTD.device)
        run_layer = self._run_in_onnx if torch.onnx.is_in_onnx_export() else self._run_layer
        y_BTC = x_BTD
        finals: list[States] = []
        for layer in range(self.layers):
            if layer and self.dropout:
                y_BTC = F.dropout(y_BTC, self.dropout, self.training)
            starts = self._starts(layer, initial)
            y_BTC, final = run_layer(layer, y_BTC, starts, lengths_B)
            finals.append(final)
        return y_BTC, *(torch.cat(parts, 1) for parts in zip(*finals, strict=True))

    def _starts(self, layer: int, initial: Initial) -> Initial:
        """The initial states [B, directions, H] of one layer."""
        num = len(self.suffixes)
        return tuple(
            None if state is None else state[:, layer * num : (layer + 1) * num].to(state.dtype) for state in initial
        )

    def _run_layer(self, layer: int, x_BTD: Tensor, starts: Initial, lengths_B: Tensor) -> tuple[Tensor, States]:
        """Run one layer; its states [B, directions, H]."""
        zeros = x_BTD.new_zeros(x_BTD.shape[0], len(self.suffixes), self.size)
        starts_BLH = tuple(zeros if start is None else start.to(x_BTD.dtype) for start in starts)
        cells = [f"l{layer}{suffix}" for suffix in self.suffixes]
        # in a gated layer that starts from zeros nothing happens before the first real frame
        together = len(cells) == 1 or (bool(self.hold) and all(start is None for start in starts))
        if together:
            return self._run_cells(cells, x_BTD, starts_BLH, lengths_B)
        ahead, back = (tuple(start[:, one : one + 1] for start in starts_BLH) for one in (0, 1))
        turn_BT = _reversal(lengths_B, x_BTD.shape[1])
        y_BTH, states = self._run_cells(cells[:1], x_BTD, ahead, lengths_B)
        z_BTH, more = self._run_cells(cells[1:], _turned(x_BTD, turn_BT), back, lengths_B)
        y_BTC = torch.cat([y_BTH, _turned(z_BTH, turn_BT)], 2)
        return y_BTC, tuple(torch.cat(pair, 1) for pair in zip(states, more, strict=True))

    def _run_cells(
        self, cells: Sequence[str], x_BTD: Tensor, starts_BLH: States, lengths_B: Tensor
    ) -> tuple[Tensor, States]:
        """Run one direction forwards, or both."""
        num_flags = self._num_flags(x_BTD)
        if num_flags:
            padding_BT1 = ~real_frames(lengths_B, x_BTD.shape[1]).unsqueeze(2)
            x_BTD = torch.cat([x_BTD, padding_BT1.to(x_BTD.dtype).expand(-1, -1, num_flags)], 2)
        weights = [weight for cell in cells for weight in self._kernel_weights(cell, x_BTD.dtype, num_flags)]
        if x_BTD.is_cuda:
            weights = _side_by_side(weights)
        states_LBH = tuple(start.transpose(0, 1).contiguous() for start in starts_BLH)
        y_BTC, states_LBH = self.kernel(x_BTD, states_LBH, weights, bidirectional=len(cells) == 2)
        last_BLH = _last(y_BTC, lengths_B, len(cells))
        h_BLH = torch.where(lengths_B.view(-1, 1, 1) > 0, last_BLH, starts_BLH[0])
        return y_BTC, (h_BLH, *(state.transpose(0, 1) for state in states_LBH[1:]))

    def _num_flags(self, x_BTD: Tensor) -> int:
        """Columns that say where padding is: one, on GPUs as many as make the features fit tensor cores."""
        if not self.hold:
            return 0
        return _TENSOR_CORE_FEATURES - x_BTD.shape[2] % _TENSOR_CORE_FEATURES if x_BTD.is_cuda else 1

    def _kernel_weights(self, cell: str, dtype: torch.dtype, num_flags: int) -> tuple[Tensor, ...]:
        weight_GD = self.weight_of("weight_ih", cell, dtype)
        if num_flags:
            rest = weight_GD.new_zeros(weight_GD.shape[0], num_flags - 1)
            weight_GD = torch.cat([weight_GD, self.padding_weight.to(dtype), rest], 1)
        return weight_GD, self.weight_of("weight_hh", cell, dtype), *self.biases(cell, dtype)

    # --- one token ---

    def run_step(self, x_B1D: Tensor, states_BLH: States) -> tuple[Tensor, ...]:
        """One token through all layers: y [B, 1, H] and the new states [B, layers, H]."""
        y_BD = x_B1D[:, 0]
        new: list[States] = []
        for layer in range(self.layers):
            states_BH = self.cell(f"l{layer}", y_BD, tuple(state[:, layer] for state in states_BLH))
            y_BD = states_BH[0]
            new.append(states_BH)
        return y_BD.unsqueeze(1), *(torch.stack(parts, 1) for parts in zip(*new, strict=True))

    # --- as an operator of ONNX ---

    def lay_out_for_export(self) -> None:
        """Keep the weights a second time as ONNX orders them, so that no Split or Concat of weights is exported."""
        for layer in range(self.layers):
            cells = [f"l{layer}{suffix}" for suffix in self.suffixes]
            for name in ("weight_ih", "weight_hh"):
                parts = [self._in_onnx_order(self.get_parameter(f"{name}_{cell}").detach()) for cell in cells]
                self.register_buffer(f"onnx_{name}_l{layer}", torch.stack(parts), persistent=False)
            biases = [
                torch.cat([self._in_onnx_order(bias.detach()) for bias in self.biases(cell, self._dtype())])
                for cell in cells
            ]
            self.register_buffer(f"onnx_bias_l{layer}", torch.stack(biases), persistent=False)

    def _dtype(self) -> torch.dtype:
        return next(self.parameters()).dtype

    def _in_onnx_order(self, weight: Tensor) -> Tensor:
        gates = weight.chunk(self.num_gates)
        return torch.cat([gates[index] for index in self.onnx_gates])

    def onnx_attributes(self) -> dict[str, int | list[str]]:
        """What the operator needs to know besides its size and direction."""
        return {}

    def _run_in_onnx(self, layer: int, x_BTD: Tensor, starts: Initial, lengths_B: Tensor) -> tuple[Tensor, States]:
        batch, time, num = x_BTD.shape[0], x_BTD.shape[1], len(self.suffixes)
        states = tuple(None if start is None else start.to(x_BTD.dtype).transpose(0, 1) for start in starts)
        weights = [self.get_buffer(f"onnx_{name}_l{layer}") for name in ("weight_ih", "weight_hh", "bias")]
        y_TLBH, *finals_LBH = torch.onnx.ops.symbolic_multi_out(
            self.onnx_operator,
            (x_BTD.transpose(0, 1), *weights, lengths_B.to(torch.int32), *states),
            attrs={
                "hidden_size": self.size,
                "direction": "bidirectional" if num == 2 else "forward",
                **self.onnx_attributes(),
            },
            dtypes=[x_BTD.dtype] * (1 + self.num_states),
            shapes=[[time, num, batch, self.size], *[[num, batch, self.size]] * self.num_states],
            version=20,
        )
        y_BTC = y_TLBH.permute(2, 0, 1, 3).flatten(2)
        return y_BTC, tuple(final.transpose(0, 1) for final in finals_LBH)


def _last(y_BTC: Tensor, lengths_B: Tensor, num_directions: int) -> Tensor:
    """The results [B, directions, H] that each direction ends with: at the last real frame and at the first one."""
    last_B = (lengths_B - 1).clamp(min=0)
    rows_B = torch.arange(y_BTC.shape[0], device=y_BTC.device)
    if num_directions == 1:
        return y_BTC[rows_B, last_B].unsqueeze(1)
    ahead_BTH, back_BTH = y_BTC.chunk(2, 2)
    return torch.stack([ahead_BTH[rows_B, last_B], back_BTH[:, 0]], 1)


def _reversal(lengths_B: Tensor, num_frames: int) -> Tensor:
    """Where each frame comes from when each row's real frames are reversed and padding stays."""
    places_T = torch.arange(num_frames, device=lengths_B.device)
    ends_B1 = lengths_B.unsqueeze(1)
    return torch.where(places_T < ends_B1, ends_B1 - 1 - places_T, places_T)


def _turned(x_BTD: Tensor, turn_BT: Tensor) -> Tensor:
    return x_BTD.gather(1, turn_BT.unsqueeze(2).expand(-1, -1, x_BTD.shape[2]))


def _side_by_side(weights: list[Tensor]) -> list[Tensor]:
    """The same weights in one piece of memory, matrices before biases: cuDNN would copy them there itself."""
    order = sorted(range(len(weights)), key=lambda index: index % 4 > 1)
    flat = torch.cat([weights[index].reshape(-1) for index in order])
    parts = torch.split(flat, [weights[index].numel() for index in order])
    placed = {index: part.view_as(weights[index]) for index, part in zip(order, parts, strict=True)}
    return [placed[index] for index in range(len(weights))]
