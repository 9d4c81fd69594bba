"""Which weights are stored in half under each precision, and what the model computes with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from s2sc.compiler.front import analyse_file
from s2sc.compiler.memory import memory
from s2sc.compiler.precisions import has_masters
from s2sc.runtime.lower import lower, module_path
from s2sc.runtime.optim.groups import named_parameters
from s2sc.runtime.training.halves import halves
from s2sc.runtime.training.weights import Weights
from torch import Tensor

ATTENTION = """
encoder {
  out = data.audio -> layer_norm -> linear(16) -> self_attention(heads = 2, dropout = 0)
        -> lstm(8, bidirectional = true)
}
"""


def weights_of(module: torch.nn.Module, checked: Any) -> Weights:
    named = named_parameters(module, checked)
    return Weights(named, stored=halves(named, checked.graph), masters=has_masters(checked.graph))


@pytest.mark.parametrize(("precision", "dtype"), [("mixed(fp16)", torch.float16), ("mixed(bf16)", torch.bfloat16)])
def test_kernels_and_matrices_have_masters_and_normalisations_none(
    precision: str, dtype: torch.dtype, compile_model: Any
) -> None:
    checked = compile_model(precision=precision)
    module = lower(checked).module
    weights = weights_of(module, checked)
    # three convolutions and the linear layer with its bias; scale and shift of three normalisations
    assert len(weights.masters) == 5
    assert len(weights.named) == 11
    for name, tensor in module.named_parameters():
        assert (tensor.dtype == dtype) == (name in weights.masters) == ("batch_norm" not in name)
    assert all(tensor.dtype == torch.float32 for tensor in weights.tensors)
    assert all(buffer.dtype == torch.float32 for buffer in module.buffers() if buffer.is_floating_point())


def test_plain_bf16_has_halves_without_masters(compile_model: Any) -> None:
    checked = compile_model(precision="bf16")
    weights = weights_of(lower(checked).module, checked)
    assert not weights.masters
    assert sorted({str(tensor.dtype) for tensor in weights.tensors}) == ["torch.bfloat16", "torch.float32"]


@pytest.mark.parametrize("precision", ["fp32", "tf32", "autocast(fp16)", "autocast(bf16)"])
def test_elsewhere_all_weights_are_float32(precision: str, compile_model: Any) -> None:
    checked = compile_model(precision=precision)
    weights = weights_of(lower(checked).module, checked)
    assert not weights.masters
    assert {tensor.dtype for tensor in weights.tensors} == {torch.float32}


@pytest.mark.parametrize(
    ("pattern", "kept"),
    [("decoder", 1), ("decoder.*", 1), ("encoder.stack.0", 1), ("encoder.stack.*.*.conv1d", 3), ("encoder", 3)],
)
def test_what_is_kept_stays_float32(pattern: str, kept: int, compile_model: Any) -> None:
    checked = compile_model(precision=f'mixed(fp16, keep = ["{pattern}"])')
    layers = {name.rpartition(".")[0] for name in weights_of(lower(checked).module, checked).masters}
    assert len(layers) == 4 - kept


@pytest.mark.parametrize("precision", ["mixed(fp16)", "mixed(bf16)", "bf16"])
@pytest.mark.parametrize("encoder", [None, ATTENTION], ids=["convolutions", "attention"])
def test_halves_give_what_rounding_at_use_gives(
    precision: str, encoder: str | None, compile_model: Any, batch: dict[str, Tensor]
) -> None:
    """In evaluation a model with half weights and one that rounds float32 weights are the same to the bit."""
    checked = compile_model(precision=precision, **({} if encoder is None else {"encoder": encoder}))
    torch.manual_seed(2)
    rounding = lower(checked).module.eval()
    holding = lower(checked).module.eval()
    holding.load_state_dict(rounding.state_dict())
    weights_of(holding, checked)
    with torch.no_grad():
        expected, found = rounding(*batch.values()), holding(*batch.values())
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name


@pytest.mark.parametrize("precision", ["mixed(fp16)", "mixed(bf16)", "bf16"])
@pytest.mark.parametrize("encoder", [None, ATTENTION], ids=["convolutions", "attention"])
def test_gradients_of_halves_are_those_of_float32(
    precision: str, encoder: str | None, compile_model: Any, batch: dict[str, Tensor]
) -> None:
    gradients = []
    for given in (precision, "fp32"):
        checked = compile_model(precision=given, **({} if encoder is None else {"encoder": encoder}))
        torch.manual_seed(2)
        module = lower(checked).module.eval()
        weights = weights_of(module, checked)
        outputs = module(*batch.values())
        outputs["decoder.logits"].float().square().mean().backward()
        gradients.append([tensor.float().flatten() for tensor in weights.collect()])
    for half, full in zip(*gradients, strict=True):
        if float(full.norm()) > 1e-5:
            # bfloat16 has 8 digits, and some layers lie one behind the other
            assert float((half - full).norm() / full.norm()) < 0.1


@pytest.mark.parametrize("name", ["toy/reversal_rr", "toy/reversal_tt", "toy/reversal_cc", "translation/multi30k_gnmt"])
def test_the_plan_counts_the_masters_that_training_makes(name: str, root: Path) -> None:
    """Also those of an embedding that is shared and tied, which belongs to no single place of the graph."""
    analysis = analyse_file(root / "specs" / f"{name}.s2s", sets=("hyperparameters.precision=mixed(bf16)",))
    assert analysis.checked is not None
    graph = analysis.checked.graph
    module = lower(analysis.checked).module
    masters = weights_of(module, analysis.checked).masters
    estimate = memory(graph)
    assert estimate.masters == 8 * sum(master.numel() for master in masters.values())
    assert estimate.weights == sum(tensor.numel() * tensor.element_size() for tensor in module.parameters())
    embeddings = {node.weights for node in graph.nodes.values() if node.operation.name == "embedding"}
    assert embeddings
    assert all(f"{module_path(path)}.weight" in masters for path in embeddings)


def test_a_shared_embedding_can_be_kept(root: Path) -> None:
    keep = 'hyperparameters.precision=mixed(bf16, keep = ["encoder.emb"])'
    analysis = analyse_file(root / "specs" / "translation" / "multi30k_gnmt.s2s", sets=(keep,))
    assert analysis.checked is not None
    module = lower(analysis.checked).module
    masters = weights_of(module, analysis.checked).masters
    kept = [name for name, tensor in module.named_parameters() if tensor.dtype == torch.float32]
    assert len(kept) == 1
    assert kept[0] not in masters
