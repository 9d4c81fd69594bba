"""The most arithmetic that a device gives: what a large matrix product reaches, measured in a moment."""

from __future__ import annotations

import time
from functools import cache

import torch

# TFLOP/s of dense bf16 products by the makers' data sheets, for those who reckon with them
PUBLISHED = {"H200": 989.5, "H100": 989.5, "A100": 312.0, "V100": 125.0, "L4": 121.0, "T4": 65.0, "B200": 2250.0}
_WARM_UPS, _REPEATS = 2, 5


@cache
def measured_peak(device: torch.device, precision: str) -> float:
    """Operations a second (two for each multiply-accumulate) of the best of a few square products.

    precision  fp32, tf32, bf16 or fp16
    """
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision, torch.float32)
    # a CPU without instructions for half precision takes seconds for more
    size = 8192 if device.type == "cuda" else 1024 if dtype is torch.float32 else 512
    left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    matmul = torch.backends.cuda.matmul
    before = matmul.fp32_precision
    matmul.fp32_precision = "tf32" if precision == "tf32" else "ieee"
    try:
        seconds = [_seconds(left, right) for _ in range(_WARM_UPS + _REPEATS)]
    finally:
        matmul.fp32_precision = before
    return float(2 * size**3 / min(seconds[_WARM_UPS:]))


def published_peak(device: torch.device) -> float | None:
    """What the maker says of dense bf16 products; None of a CPU or a GPU that is not in the table."""
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    return next((1e12 * peak for kind, peak in PUBLISHED.items() if kind in name.replace("-", " ").split()), None)


def _seconds(left: torch.Tensor, right: torch.Tensor) -> float:
    _wait(left.device)
    begun = time.perf_counter()
    torch.mm(left, right)
    _wait(left.device)
    return time.perf_counter() - begun


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
