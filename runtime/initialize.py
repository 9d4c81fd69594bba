"""The start of training: a spec's initializer over a model's matrices."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

import torch
from torch import Tensor

from ..compiler.part import Part
from .optim.groups import NamedParameter


def initialize(part: Part | None, parameters: Sequence[NamedParameter]) -> None:
    """Overwrite matrices and kernels, in the order of their names; biases and norms keep what their layers gave them.

    A recurrent layer's weights from state to gates are filled gate by gate; where the lengths of a weight's rows are
    trained apart they become those of the new rows. Draws from torch's generator. Without an initializer nothing
    changes.
    """
    if part is None:
        return
    # the name comes from the catalogue, never from a spec's text
    fill = importlib.import_module(f".init.{part.name}", __package__).fill
    gains = {one.name.removesuffix(".gain"): one.tensor for one in parameters if one.name.endswith(".gain")}
    filled = [one for one in parameters if one.kind == "weight" and one.tensor.dim() >= 2]
    with torch.no_grad():
        for parameter in sorted(filled, key=lambda one: one.name):
            for matrix in _matrices(parameter):
                fill(part, matrix)
            gain = gains.get(parameter.name.removesuffix(".weight"))
            if gain is not None:
                gain.copy_(torch.linalg.vector_norm(parameter.tensor.flatten(1), dim=1))


def _matrices(parameter: NamedParameter) -> Sequence[Tensor]:
    """A weight as the matrices that it is made of, one on top of the other; usually one."""
    leaf = parameter.name.rpartition(".")[2]
    rows, columns = parameter.tensor.shape[:2]
    if leaf.startswith("weight_hh") and rows % columns == 0:
        return parameter.tensor.split(columns)  # type: ignore[no-untyped-call, no-any-return]  # torch leaves it untyped
    return [parameter.tensor]
