"""Weights scaled by the inputs or outputs of a matrix."""

from __future__ import annotations

import math

from torch import Tensor, nn

from ...compiler.parts.init.variance_scaling import VarianceScaling

# the standard deviation of a normal distribution that is cut at two
_CUT_AT_TWO = 0.87962566103423978


def fill(part: VarianceScaling, weight: Tensor) -> None:
    """Overwrite a matrix or kernel [outputs, inputs, …]."""
    taps = math.prod(weight.shape[2:])
    fan_in, fan_out = weight.shape[1] * taps, weight.shape[0] * taps
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[part.mode]
    std = math.sqrt(part.scale / fan)
    if part.distribution == "uniform":
        nn.init.uniform_(weight, -math.sqrt(3.0) * std, math.sqrt(3.0) * std)
    else:
        nn.init.trunc_normal_(weight, 0.0, std / _CUT_AT_TWO, -2 * std / _CUT_AT_TWO, 2 * std / _CUT_AT_TWO)
