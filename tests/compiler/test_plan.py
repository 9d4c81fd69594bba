"""The plan: figures that are known from elsewhere, and its two forms."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from s2sc.compiler.front import analyse, analyse_file
from s2sc.compiler.graph_file import graph_from_json, graph_json
from s2sc.compiler.plan import Plan, plan
from s2sc.compiler.rulebook import complete
from s2sc.dsl.source import Source

ROOT = Path(__file__).parent.parent.parent
GOLDEN = ROOT / "tests" / "golden"


def made(path: Path) -> Plan:
    found = analyse_file(path)
    assert found.checked is not None, [(one.code, one.message) for one in found.findings]
    return plan(found.checked)


def planned(fragment: str) -> Plan:
    found = analyse(Source("model.s2s", complete(fragment)))
    assert found.checked is not None, [(one.code, one.message) for one in found.findings]
    return plan(found.checked)


@pytest.fixture(scope="module")
def wav2letter() -> Plan:
    return made(ROOT / "specs" / "speech" / "wav2letter_plus.s2s")


def test_wave2letter_plus_has_its_known_figures(wav2letter: Plan) -> None:
    # parameters and receptive field of the published model; 88.9 GMAC are the model's without its features
    assert wav2letter.parameters == 106_499_360
    assert wav2letter.reach is not None
    assert (wav2letter.reach.frames, wav2letter.reach.seconds, wav2letter.reach.step_seconds) == (615, 6.15, 0.02)
    model = sum(row.macs for row in wav2letter.rows if not row.path.startswith("data."))
    assert model == pytest.approx(88.9e9, rel=1e-3)


def test_wave2letter_plus_reads_as_in_the_reference(wav2letter: Plan) -> None:
    text = wav2letter.to_text()
    assert "encoder.stack.0.0   conv          seq[B, ceil(T/2), 256]        180 736         0.15" in text
    assert "receptive field 615 frames = 6.15 s     one label every 20 ms" in text
    assert "3 padded logits" in text
    assert "GMAC/16.7s" in text


def test_memory_of_weights_is_by_count(wav2letter: Plan) -> None:
    memory = wav2letter.memory
    # scales and shifts of normalisations are float32, all else is half with a master and its gradient
    halves = wav2letter.parameters - 19_712
    assert memory.weights == memory.gradients == 2 * halves + 4 * 19_712
    assert memory.masters == 8 * halves
    assert memory.optimizer == 4 * wav2letter.parameters
    assert wav2letter.exports["onnx"] == pytest.approx(2 * wav2letter.parameters, rel=0.01)


def test_plan_of_the_golden_spec() -> None:
    text = made(GOLDEN / "residual.s2s").to_text()
    golden = GOLDEN / "residual.plan.txt"
    if os.environ.get("S2SC_UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()


def test_columns_are_aligned() -> None:
    lines = made(GOLDEN / "residual.s2s").to_text().splitlines()
    table = [line for line in lines if "seq[" in line]
    assert len({line.index("seq[") for line in table}) == 1


def test_json_is_versioned_and_plain() -> None:
    content = json.loads(json.dumps(made(GOLDEN / "residual.s2s").to_json()))
    assert content["format"] == "s2sc.plan"
    assert content["version"] == 1
    assert content["parameters"] == sum(row["parameters"] for row in content["rows"])
    assert content["memory"]["total"] > 0


def test_a_graph_from_disk_plans_the_same() -> None:
    found = analyse_file(GOLDEN / "residual.s2s").checked
    assert found is not None
    ours, theirs = plan(found), plan(graph_from_json(graph_json(found)))
    assert (ours.parameters, ours.macs, ours.memory, ours.reach) == (
        theirs.parameters,
        theirs.macs,
        theirs.memory,
        theirs.reach,
    )
    assert theirs.spec_hash == ""


def test_values_are_counted_by_origin() -> None:
    base = planned("").values
    profiled = analyse(
        Source("model.s2s", complete("profile fast { hyperparameters.seed = 3 }\n")), profile="fast"
    ).checked
    changed = analyse(Source("model.s2s", complete("")), sets=["hyperparameters.seed=4"]).checked
    assert set(base) == {"spec", "default"}
    assert profiled is not None
    assert plan(profiled).values["profile"] == 1
    assert changed is not None
    assert plan(changed).values["set"] == 1


@pytest.mark.parametrize(("batch", "examples"), [("16 examples", 16), ("100s", 10), ("5s", 1)])
def test_memory_is_for_a_batch_of_the_longest(batch: str, examples: int) -> None:
    hyperparameters = (
        f"hyperparameters {{\n batch = {batch}\n optimizer = momentum(lr = 0.1)\n stop = 1 epochs\n seed = 1\n}}\n"
    )
    assert planned(hyperparameters).memory.batch == examples


def test_half_precision_takes_less_for_activations() -> None:
    def hyperparameters(precision: str) -> str:
        return (
            f"hyperparameters {{\n batch = 16 examples\n precision = {precision}\n optimizer = adam(lr = 1e-3)\n"
            " stop = 1 epochs\n seed = 1\n}\n"
        )

    full, half = planned(hyperparameters("fp32")).memory, planned(hyperparameters("autocast(bf16)")).memory
    assert half.activations < full.activations
    assert full.optimizer == 2 * full.weights
    assert half.half_weights == half.weights // 2
