"""Lowering: names, sharing, casts, and nothing computed twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import s2sc
import torch
from s2sc.compiler.graph import CheckedGraph
from s2sc.compiler.plan import plan
from s2sc.dsl.values import Ref
from s2sc.runtime.layers.mask import mask
from s2sc.runtime.lower import lower
from s2sc.runtime.real_frames import real_frames
from torch import Tensor

Compile = Callable[..., CheckedGraph]
Batch = dict[str, Tensor]


def test_modules_and_weights_are_called_as_in_the_spec(compile_model: Compile) -> None:
    lowered = lower(compile_model())
    assert type(lowered.module.get_submodule("encoder.stack.1.1.conv1d")).__name__ == "Conv1d"
    names = list(lowered.module.state_dict())
    assert "encoder.stack.0.0.conv1d.weight" in names
    assert "decoder.logits.linear.bias" in names
    assert not any(name.startswith("data") for name in names), "tables of features are no weights"


def test_default_outputs_are_what_loss_and_search_read(compile_model: Compile, batch: Batch) -> None:
    lowered = lower(compile_model())
    assert lowered.inputs == ("audio_waveform", "audio_waveform_lengths")
    assert lowered.outputs == (
        "decoder.logits",
        "decoder.logits.lengths",
        "decoder.log_probs",
        "decoder.log_probs.lengths",
    )
    assert lowered.loss == {
        "logits": "decoder.logits",
        "logits_lengths": "decoder.logits.lengths",
        "target": "data.text",
        "target_lengths": "data.text.lengths",
    }
    assert lowered.infer == {"x": "decoder.log_probs", "x_lengths": "decoder.log_probs.lengths"}
    outputs = lowered.module(**batch)
    assert list(outputs) == list(lowered.outputs)
    assert outputs["decoder.logits"].shape == (3, 25, 8)
    assert outputs["decoder.logits.lengths"].tolist() == [15, 25, 6]


def test_only_what_the_outputs_need_is_lowered(compile_model: Compile) -> None:
    checked = compile_model()
    lowered = lower(checked, outputs=[Ref("encoder.stack.0.0.relu")])
    modules = {node.target for node in lowered.module.graph.nodes if node.op == "call_module"}
    assert "encoder.stack.0.0.relu" in modules
    assert not any(str(target).startswith(("decoder", "encoder.stack.1")) for target in modules)
    lengths = lower(checked, outputs=[replace(checked.graph.names["decoder.logits"], lengths=True)])
    assert lengths.inputs == ("audio_waveform_lengths",)
    assert not any(node.op == "call_module" for node in lengths.module.graph.nodes)


def test_masks_lengths_and_layouts_are_computed_once(compile_model: Compile) -> None:
    nodes = list(lower(compile_model()).module.graph.nodes)
    assert sum(node.target is real_frames for node in nodes) == 1, "one time axis needs a mask"
    assert sum(node.target is mask for node in nodes) == 2, "the features are clean, the two convolutions' inputs not"
    assert sum(node.target == "transpose" for node in nodes) == 1, "the convolutions run on [B, C, T] throughout"


def test_every_node_knows_its_place_in_the_spec(compile_model: Compile) -> None:
    for node in lower(compile_model()).module.graph.nodes:
        if node.op == "call_module":
            assert node.meta["path"] == node.target
            assert node.name == node.target.replace(".", "_")


def test_half_precision_is_cast_where_it_was_assigned(compile_model: Compile, batch: Batch) -> None:
    lowered = lower(compile_model(precision="autocast(bf16)"))
    dtypes: dict[str, torch.dtype] = {}

    def record(name: str) -> Callable[..., None]:
        def hook(_module: object, _inputs: object, result: Tensor) -> None:
            dtypes[name] = result.dtype

        return hook

    for name, module in lowered.module.named_modules():
        if not list(module.children()):
            module.register_forward_hook(record(name))
    outputs = lowered.module(**batch)
    assert dtypes["data.audio.logmel"] == torch.float32
    assert dtypes["encoder.stack.0.0.conv1d"] == torch.bfloat16
    assert dtypes["encoder.stack.0.0.batch_norm"] == torch.bfloat16
    assert dtypes["decoder.log_probs.log_softmax"] == torch.float32
    assert outputs["decoder.logits"].dtype == torch.float32, "the loss computes in float32"
    assert all(parameter.dtype == torch.float32 for parameter in lowered.module.parameters())


def test_classes_that_do_not_exist_have_no_probability(compile_model: Compile, batch: Batch) -> None:
    for precision in ("fp32", "autocast(bf16)", "autocast(fp16)"):
        outputs = lower(compile_model(precision=precision)).module.eval()(**batch)
        probabilities = outputs["decoder.log_probs"].exp()
        assert not probabilities[..., 4:].any()
        torch.testing.assert_close(probabilities.sum(-1), torch.ones(3, 25))


SHARED = """
encoder {
  shared proj = linear(8)
  a   = data.audio -> proj -> relu
  b   = a -> proj
  out = a + b
}
"""


def test_a_shared_module_is_there_once_and_learns_from_both_uses(compile_model: Compile, batch: Batch) -> None:
    lowered = lower(compile_model(encoder=SHARED))
    calls = [node.target for node in lowered.module.graph.nodes if str(node.target).endswith("proj.linear")]
    assert calls == ["encoder.proj.linear", "encoder.proj.linear"]
    assert [name for name in lowered.module.state_dict() if name.startswith("encoder")] == [
        "encoder.proj.linear.weight",
        "encoder.proj.linear.bias",
    ]


TIED = """
encoder {
  shared proj = linear(8)
  out = data.audio -> proj -> relu -> linear(8, tie = encoder.proj, bias = false)
}
"""


def test_a_tied_weight_is_one_parameter(compile_model: Compile, batch: Batch) -> None:
    lowered = lower(compile_model(encoder=TIED))
    weights = {name for name, _ in lowered.module.named_parameters() if name.startswith("encoder")}
    assert weights == {"encoder.proj.linear.weight", "encoder.proj.linear.bias"}
    weights_of = dict(lowered.module.named_parameters())
    before = lowered.module(**batch)["decoder.logits"]
    with torch.no_grad():
        weights_of["encoder.proj.linear.weight"].mul_(-1.0)
    assert not torch.equal(before, lowered.module(**batch)["decoder.logits"])


RESERVED = "encoder {\n  half = data.audio -> linear(4)\n  train = half -> relu\n  out = train -> linear(4)\n}\n"


def test_names_that_torch_uses_itself_are_allowed(compile_model: Compile, batch: Batch) -> None:
    lowered = lower(compile_model(encoder=RESERVED))
    assert "encoder.half_.linear.weight" in lowered.module.state_dict()
    lowered.module.train()
    lowered.module(**batch)


def test_the_same_graph_gives_the_same_code_and_weights(compile_model: Compile) -> None:
    torch.manual_seed(3)
    first = lower(compile_model())
    torch.manual_seed(3)
    second = lower(compile_model())
    assert first.module.code == second.module.code
    for name, tensor in first.module.state_dict().items():
        assert torch.equal(tensor, second.module.state_dict()[name])


def test_only_a_checked_graph_is_lowered(compile_model: Compile) -> None:
    with pytest.raises(AssertionError, match="checked"):
        lower(replace(compile_model(), _seal=None))


def test_wave2letter_plus_has_as_many_parameters_in_torch_as_in_its_plan() -> None:
    checked = s2sc.compile(Path(__file__).parents[2] / "specs" / "speech" / "wav2letter_plus.s2s")
    weights = lower(checked).module.parameters()
    assert sum(weight.numel() for weight in weights) == plan(checked).parameters == 106_499_360
