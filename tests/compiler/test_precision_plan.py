"""What the plan says of each precision: what is stored, the masters' memory, the loss scale."""

from __future__ import annotations

import pytest
from s2sc.compiler.plan import Plan, plan
from s2sc.tests.small_spec import analysed


def planned(precision: str) -> Plan:
    analysis = analysed(("seed      = 1\n", f"seed      = 1\n  precision = {precision}\n"), ("chars.size + 1)", "8)"))
    assert analysis.checked is not None, [one.message for one in analysis.findings]
    return plan(analysis.checked)


@pytest.mark.parametrize(
    ("precision", "note"),
    [
        ("mixed(fp16)", "weights stored fp16 with float32 masters"),
        ("mixed(fp16)", "loss scale by backoff from 16 384, within 1 to 16 384"),
        ("mixed(fp16, loss_scale = logmax(min = 2))", "loss scale by logmax from 16 384, within 2 to 16 384"),
        ("mixed(fp16, loss_scale = static(1024))", "loss scale 1 024, always"),
        ("autocast(fp16)", "loss scale by autocast from 65 536, within 1 to 16 777 216"),
        ("mixed(bf16)", "weights stored bf16 with float32 masters"),
        ("bf16", "weights stored bf16 without float32 masters"),
        ('mixed(bf16, keep = ["decoder"])', "136 fp32"),
    ],
)
def test_the_notes_say_what_is_stored_and_how_the_loss_is_scaled(precision: str, note: str) -> None:
    assert any(note in one for one in planned(precision).notes), planned(precision).notes


@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16", "mixed(bf16)", "autocast(bf16)"])
def test_without_a_scale_none_is_said(precision: str) -> None:
    assert not any("loss scale" in one for one in planned(precision).notes)


def test_memory_counts_masters_and_halves() -> None:
    full, mixed, plain, cast = (planned(one).memory for one in ("fp32", "mixed(fp16)", "bf16", "autocast(fp16)"))
    # all weights of this spec are in a convolution and a product
    assert (mixed.weights, mixed.gradients) == (full.weights // 2, full.gradients // 2)
    assert mixed.masters == full.weights + full.gradients
    assert mixed.optimizer == full.optimizer
    assert (plain.weights, plain.masters, plain.optimizer) == (full.weights // 2, 0, full.optimizer // 2)
    assert cast.weights == full.weights
    assert cast.half_weights == full.weights // 2
    assert mixed.half_weights == plain.half_weights == full.half_weights == 0


def test_tf32_computes_in_tf32_and_stores_float32() -> None:
    analysis = analysed(("seed      = 1\n", "seed      = 1\n  precision = tf32\n"))
    assert analysis.checked is not None
    nodes = analysis.checked.graph.nodes.values()
    assert {node.compute for node in nodes if node.operation.precision == "half"} == {"tf32"}
    assert {node.gives for node in nodes} <= {"fp32", "int64"}
    assert not any(node.operation.name == "cast" for node in nodes)


def test_the_memory_of_shards_is_said_to_be_that_of_all_devices() -> None:
    note = "fsdp: weights, gradients, masters and optimizer are those of all devices together"
    assert [note in planned(one).notes for one in ("fp32", 'fp32\n  strategy = "fsdp"')] == [False, True]
