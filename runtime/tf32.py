"""What float32 products are made of on a GPU: ten bits of each factor (tf32), or all of them."""

from __future__ import annotations

import torch

from ..compiler.part import Part
from ..dsl.values import DType


def use_tf32(precision: DType | Part) -> None:
    """Let float32 products and convolutions be made of tf32 where a spec says so, and only there.

    For the whole process. torch's own default is tf32 for convolutions and float32 for products.
    """
    allowed = isinstance(precision, DType) and precision.name == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed
