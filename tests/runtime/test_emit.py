"""The emitted Python computes what the lowered module computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from s2sc.compiler.graph import CheckedGraph
from s2sc.runtime.emit import emit_torch
from s2sc.runtime.lower import lower
from torch import Tensor

Compile = Callable[..., CheckedGraph]

MIXED = """
encoder {
  shared proj = linear(8)
  type = data.audio -> proj -> conv1d(6, kernel = 3, stride = 2) -> glu -> stack_frames(2)
  tied = data.audio -> linear(8, tie = encoder.proj) -> conv1d(8, kernel = 4, stride = 4)
  out  = (type, tied) -> concat -> repeat 2 { layer_norm -> relu }
}
"""

MODELS = {
    "fp32": {},
    "bf16": {"precision": "autocast(bf16)"},
    "mixed": {"encoder": MIXED},
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
def test_emitted_code_gives_the_same_bits(
    compile_model: Compile, batch: dict[str, Tensor], model: dict[str, str]
) -> None:
    checked = compile_model(**model)
    lowered = lower(checked).module
    scope: dict[str, Any] = {}
    exec(compile(emit_torch(checked), "model.py", "exec"), scope)
    emitted = scope["Model"]()
    assert list(emitted.state_dict()) == list(lowered.state_dict())
    emitted.load_state_dict(lowered.state_dict())
    for training in (True, False):
        torch.manual_seed(0)
        expected = lowered.train(training)(**batch)
        torch.manual_seed(0)
        found = emitted.train(training)(**batch)
        assert list(found) == list(expected)
        for name, tensor in expected.items():
            assert torch.equal(tensor, found[name]), name


def test_emitted_code_reads_as_the_spec_does(compile_model: Compile) -> None:
    text = emit_torch(compile_model())
    assert 'self.add("encoder.stack.1.1.conv1d", Conv1d(in_channels=8, channels=8, kernel=4, ' in text
    assert "self.encoder.stack[1][1].conv1d(" in text
    assert "# [B, 8, ceil(T/2)]" in text
