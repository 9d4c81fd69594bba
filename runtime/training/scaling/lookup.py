"""The scaler that a spec's precision asks for."""

from __future__ import annotations

import torch

from ....compiler.part import Part
from ....compiler.parts.precision.autocast import Autocast
from ....dsl.values import DType
from .guarded import Guarded
from .off import Off
from .scaler import Scaler


def scaler_for(precision: DType | Part, device: torch.device) -> Scaler:
    """Scaling where half-precision gradients may vanish, none elsewhere."""
    if isinstance(precision, Autocast) and precision.dtype.name == "fp16":
        return Guarded(precision, device)
    return Off(device)
