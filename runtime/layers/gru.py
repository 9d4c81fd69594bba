"""Gated recurrent unit."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..recurrence import RecurrentLayer, States


class Gru(RecurrentLayer):
    """Gated recurrent unit (Cho et al. 2014) in cuDNN's form, gates in the order r, z, n."""

    num_gates = 3
    hold = (0, 1, 0)
    onnx_operator = "GRU"
    onnx_gates = (1, 0, 2)

    def cell_weights(self, cell: str, features: int) -> dict[str, tuple[int, ...]]:
        return {**super().cell_weights(cell, features), f"bias_hn_{cell}": (self.size,)}

    def biases(self, cell: str, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        bias_G, _ = super().biases(cell, dtype)
        return bias_G, F.pad(self.weight_of("bias_hn", cell, dtype), (2 * self.size, 0))

    def forward(self, x_BTD: Tensor, *, h0: Tensor | None = None, lengths: Tensor | None = None) -> tuple[Tensor, ...]:
        """Give y [B, T, size * directions] and the last h [B, layers * directions, size]."""
        return self.run(x_BTD, (h0,), lengths)

    def kernel(
        self, x_BTD: Tensor, states_LBH: States, weights: list[Tensor], *, bidirectional: bool
    ) -> tuple[Tensor, States]:
        # cuDNN keeps what the backward pass needs in its training mode only
        training = torch.is_grad_enabled()
        y_BTC, h_LBH = torch._VF.gru(x_BTD, states_LBH[0], weights, True, 1, 0.0, training, bidirectional, True)
        return y_BTC, (h_LBH,)

    def onnx_attributes(self) -> dict[str, int | list[str]]:
        return {"linear_before_reset": 1}

    def begin(self, *, h0: Tensor) -> dict[str, Tensor]:
        return {"h": h0}

    def step(self, *, position: Tensor, x: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        y_B1H, state = self.run_step(x, (h,))
        return y_B1H, state, state

    def cell(self, cell: str, x_BD: Tensor, states_BH: States) -> States:
        (h_BH,) = states_BH
        bias_G, bias_of_h_G = self.biases(cell, x_BD.dtype)
        ours_BG = F.linear(x_BD, self.weight_of("weight_ih", cell, x_BD.dtype), bias_G)
        past_BG = F.linear(h_BH, self.weight_of("weight_hh", cell, x_BD.dtype), bias_of_h_G)
        r_BH, z_BH, n_BH = ours_BG.chunk(3, 1)
        past_r_BH, past_z_BH, past_n_BH = past_BG.chunk(3, 1)
        n_BH = torch.tanh(n_BH + torch.sigmoid(r_BH + past_r_BH) * past_n_BH)
        return (n_BH + torch.sigmoid(z_BH + past_z_BH) * (h_BH - n_BH),)
