"""tf32 is used where a spec says so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from s2sc.compiler.parts.precision.mixed import Mixed
from s2sc.dsl.values import DType
from s2sc.runtime.tf32 import use_tf32


@pytest.fixture(autouse=True)
def _back() -> Iterator[None]:
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    yield
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


@pytest.mark.parametrize(
    ("precision", "allowed"),
    [(DType("tf32"), True), (DType("fp32"), False), (DType("bf16"), False), (Mixed(dtype=DType("fp16")), False)],
    ids=["tf32", "fp32", "bf16", "mixed"],
)
def test_products_and_convolutions_are_as_the_spec_says(precision: DType | Mixed, allowed: bool) -> None:
    use_tf32(precision)
    assert torch.backends.cuda.matmul.allow_tf32 == allowed
    assert torch.backends.cudnn.allow_tf32 == allowed
    # the features' own convolution is exact whatever the rest is
    cudnn = torch.backends.cudnn
    with cudnn.flags(enabled=cudnn.enabled, allow_tf32=False):
        assert not cudnn.allow_tf32
    assert cudnn.allow_tf32 == allowed
