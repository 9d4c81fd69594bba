"""A training graph cut at what torch.compile only hinders: recurrent kernels and features stay as they are."""

from __future__ import annotations

from dataclasses import replace

from torch import fx, nn
from torch.fx.passes.split_module import split_module

from .features.logmel import LogMel
from .features.spec_augment import SpecAugment
from .layers.attention_rnn import AttentionRnn
from .model import Model
from .recomputed import Recomputed
from .recurrence import RecurrentLayer

# cuDNN runs recurrences whole; features choose their own precision and keep tables between calls
EAGER = (RecurrentLayer, AttentionRnn, LogMel, SpecAugment)
# a piece with fewer operations is over before its guards are checked
LEAST_OPERATIONS = 3


def compiled(model: Model, *, backend: str = "inductor") -> Model:
    """The model whose training graph runs in compiled pieces, for sizes of any length.

    Layers and weights are the same objects as before; evaluation, search and export see nothing of this. Kernels are
    made in the first steps and round in their own way: losses differ in their last digits.
    """
    assert isinstance(model.trained, fx.GraphModule)
    return replace(model, trained=compiled_graph(model.trained, backend=backend))


def compiled_graph(module: fx.GraphModule, *, backend: str = "inductor") -> fx.GraphModule:
    """The same for a training graph, or a part of one."""
    segments = [one for one in module.children() if isinstance(one, Recomputed)]
    if not segments:
        return _in_pieces(module, backend)
    # what is computed again is cut within its segments
    for name, piece in list(module.named_children()):
        if isinstance(piece, Recomputed):
            piece.segment = _in_pieces(piece.segment, backend)
        elif isinstance(piece, fx.GraphModule):
            module.add_submodule(name, _in_pieces(piece, backend))
    return module


def _in_pieces(module: fx.GraphModule, backend: str) -> fx.GraphModule:
    pieces, eager = _cut(module)
    for name, piece in pieces.named_children():
        if name not in eager and _num_operations(piece) >= LEAST_OPERATIONS:
            piece.compile(backend=backend, dynamic=True)
    return pieces


def _cut(module: fx.GraphModule) -> tuple[fx.GraphModule, set[str]]:
    """The module as a row of pieces, and the names of those that hold a layer that stays as it is."""
    numbers: dict[fx.Node, int] = {}
    eager: set[int] = set()
    number = 0
    for node in module.graph.nodes:
        stays = node.op == "call_module" and isinstance(module.get_submodule(str(node.target)), EAGER)
        if stays:
            # alone in its piece, so that pieces stay in the order of the graph
            number += 1
            eager.add(number)
        numbers[node] = number
        number += stays
    # in another order dropout would draw other numbers
    pieces = split_module(module, module, lambda node: numbers[node], keep_original_order=True)
    return pieces, {f"submod_{number}" for number in eager}


def _num_operations(piece: nn.Module) -> int:
    if not isinstance(piece, fx.GraphModule):
        return 0
    return sum(node.op.startswith("call_") for node in piece.graph.nodes)
