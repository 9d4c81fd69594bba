"""Simple recurrence."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..recurrence import RecurrentLayer, States


class Rnn(RecurrentLayer):
    """Simple recurrent network (Elman 1990)."""

    num_gates = 1
    onnx_operator = "RNN"

    def __init__(
        self,
        *,
        features: int,
        size: int,
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        activation: str = "tanh",
    ) -> None:
        super().__init__(features=features, size=size, layers=layers, bidirectional=bidirectional, dropout=dropout)
        self.activation = activation

    def forward(self, x_BTD: Tensor, *, h0: Tensor | None = None, lengths: Tensor | None = None) -> tuple[Tensor, ...]:
        """Give y [B, T, size * directions] and the last h [B, layers * directions, size]."""
        return self.run(x_BTD, (h0,), lengths)

    def kernel(
        self, x_BTD: Tensor, states_LBH: States, weights: list[Tensor], *, bidirectional: bool
    ) -> tuple[Tensor, States]:
        run = torch._VF.rnn_tanh if self.activation == "tanh" else torch._VF.rnn_relu
        # cuDNN keeps what the backward pass needs in its training mode only
        training = torch.is_grad_enabled()
        y_BTC, h_LBH = run(x_BTD, states_LBH[0], weights, True, 1, 0.0, training, bidirectional, True)
        return y_BTC, (h_LBH,)

    def onnx_attributes(self) -> dict[str, int | list[str]]:
        return {"activations": [self.activation.capitalize()] * len(self.suffixes)}

    def begin(self, *, h0: Tensor) -> dict[str, Tensor]:
        return {"h": h0}

    def step(self, *, position: Tensor, x: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        y_B1H, state = self.run_step(x, (h,))
        return y_B1H, state, state

    def cell(self, cell: str, x_BD: Tensor, states_BH: States) -> States:
        (h_BH,) = states_BH
        dtype = x_BD.dtype
        sum_BH = F.linear(x_BD, self.weight_of("weight_ih", cell, dtype), self.weight_of("bias", cell, dtype))
        sum_BH = sum_BH + F.linear(h_BH, self.weight_of("weight_hh", cell, dtype))
        return (torch.tanh(sum_BH) if self.activation == "tanh" else torch.relu(sum_BH),)
