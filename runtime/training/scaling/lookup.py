"""The scaler that a spec's precision asks for."""

from __future__ import annotations

import torch

from ....compiler.loss_scaling import scaler_part
from ....compiler.part import Part
from ....compiler.parts.precision.autocast import Autocast
from ....compiler.parts.scaling.backoff import Backoff as BackoffPart
from ....compiler.parts.scaling.logmax import LogMax as LogMaxPart
from ....compiler.parts.scaling.static import Static as StaticPart
from ....dsl.values import DType
from .backoff import Backoff
from .guarded import Guarded
from .logmax import LogMax
from .off import Off
from .scaler import Scaler
from .static import Static


def scaler_for(precision: DType | Part, device: torch.device) -> Scaler:
    """Scaling where half-precision gradients may vanish, none elsewhere."""
    if isinstance(precision, Autocast) and precision.dtype.name == "fp16":
        return Guarded(precision, device)
    match scaler_part(precision):
        case BackoffPart() as part:
            return Backoff(part, device)
        case LogMaxPart() as part:
            return LogMax(part, device)
        case StaticPart() as part:
            return Static(part, device)
    return Off(device)
