"""What a difference says of checkpoints is what torch finds in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from s2sc.compiler.difference import weights_of
from s2sc.compiler.front import analyse_file
from s2sc.runtime.lower import lower

SPECS = Path(__file__).parent.parent.parent / "specs"
SMALL = ["wav2letter.s2s", *(f"toy/{path.name}" for path in sorted((SPECS / "toy").glob("*.s2s")))]


@pytest.mark.parametrize("spec", SMALL)
def test_the_weights_of_a_graph_are_those_of_its_module(spec: str) -> None:
    checked = analyse_file(SPECS / spec).checked
    assert checked is not None
    module = lower(checked).module
    buffers = {name for name, _ in module.named_buffers()}
    found = {name: tuple(given.shape) for name, given in module.state_dict().items() if name not in buffers}
    assert weights_of(checked.graph) == found
