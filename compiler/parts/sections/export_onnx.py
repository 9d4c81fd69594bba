"""What leaves as an ONNX file."""

from __future__ import annotations

from ....dsl.values import DType, Ref
from ...part import Part, param, part

# The writer's own floor: what is written for an older set is not what that set's readers know.
FIRST_OPSET = 18
# One ONNX file holds 2 GiB; a little is kept for all that is no weight.
MOST_WEIGHT_BYTES = 2**31 - 2**24


@part("export.onnx", family="section")
class ExportOnnx(Part):
    """Which tensors go in and out of the exported file, in which precision, and how it is checked."""

    precision: DType = param(
        default=DType("fp16"), doc="precision of the weights", choices=("fp16", "fp32"), training=True
    )
    opset: int = param(default=20, doc="ONNX operator set", minimum=1, maximum=23, training=True)
    inputs: tuple[Ref, ...] = param(
        default=(), doc="tensors that go in, empty for what the outputs need", training=True
    )
    outputs: tuple[Ref, ...] = param(doc="tensors that come out", training=True)
    licence: str = param(default="", doc="licence of the weights, written into the file", training=True)
    dynamic: Part = param(default=None, doc="sizes that may change", families=("section",), training=True)
    check: Part = param(default=None, doc="comparison with the trained model", families=("section",), training=True)
