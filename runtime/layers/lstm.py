"""Long short-term memory."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..recurrence import RecurrentLayer, States


class Lstm(RecurrentLayer):
    """Long short-term memory (Hochreiter & Schmidhuber 1997), gates in the order i, f, g, o."""

    num_gates = 4
    num_states = 2
    hold = (-1, 1, 0, 0)
    onnx_operator = "LSTM"
    onnx_gates = (0, 3, 1, 2)

    def __init__(
        self,
        *,
        features: int,
        size: int,
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        forget_bias: float = 1.0,
    ) -> None:
        super().__init__(features=features, size=size, layers=layers, bidirectional=bidirectional, dropout=dropout)
        for name, bias in self.named_parameters():
            if name.startswith("bias"):
                bias.data[size : 2 * size] = forget_bias

    def forward(
        self,
        x_BTD: Tensor,
        *,
        h0: Tensor | None = None,
        c0: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        """Give y [B, T, size * directions], and the last h and c [B, layers * directions, size]."""
        return self.run(x_BTD, (h0, c0), lengths)

    def kernel(
        self, x_BTD: Tensor, states_LBH: States, weights: list[Tensor], *, bidirectional: bool
    ) -> tuple[Tensor, States]:
        # cuDNN keeps what the backward pass needs in its training mode only
        training = torch.is_grad_enabled()
        y_BTC, h_LBH, c_LBH = torch._VF.lstm(
            x_BTD, list(states_LBH), weights, True, 1, 0.0, training, bidirectional, True
        )
        return y_BTC, (h_LBH, c_LBH)

    def begin(self, *, h0: Tensor | None = None, c0: Tensor | None = None) -> dict[str, Tensor]:
        return {name: start for name, start in (("h", h0), ("c", c0)) if start is not None}

    def step(self, *, position: Tensor, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:
        y_B1H, *states = self.run_step(x, (h, c))
        return y_B1H, *states, *states

    def cell(self, cell: str, x_BD: Tensor, states_BH: States) -> States:
        h_BH, c_BH = states_BH
        dtype = x_BD.dtype
        gates_BG = F.linear(x_BD, self.weight_of("weight_ih", cell, dtype), self.weight_of("bias", cell, dtype))
        gates_BG = gates_BG + F.linear(h_BH, self.weight_of("weight_hh", cell, dtype))
        i_BH, f_BH, g_BH, o_BH = gates_BG.chunk(4, 1)
        c_BH = torch.sigmoid(f_BH) * c_BH + torch.sigmoid(i_BH) * torch.tanh(g_BH)
        return torch.sigmoid(o_BH) * torch.tanh(c_BH), c_BH
