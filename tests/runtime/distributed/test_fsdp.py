"""Weights that are dealt out over gloo processes: the same training as in one process that holds them all."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from s2sc.runtime.checkpoint import checkpoint_steps, load_checkpoint
from s2sc.runtime.distributed import ALONE, World
from s2sc.runtime.shards import everywhere, largest, local, total_norm
from s2sc.tests.processes import together
from s2sc.tests.runtime.distributed.work import diverging, going_on, recipe, steps, training, writing_parts
from s2sc.tests.runtime.training.conftest import newest, write_corpus
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Shard, distribute_tensor

# as where every process holds all weights: float32 sums over six rows in another order, twelve steps on end
TOLERANCE = 2e-4
MOMENTUM = "hyperparameters.optimizer=momentum(lr = 0.01)"
# of the test's few weights each layer is then a unit of its own
FSDP = ('hyperparameters.strategy="fsdp"', "hyperparameters.bucket=100 B")
SPEECH = ("data.keep=0.2s .. 1s", "hyperparameters.batch=3 examples")
TEXT = ("data.keep=1 .. 12 tokens", "hyperparameters.batch=60 tokens")
COMMON = ("hyperparameters.stop=12 steps", "hyperparameters.log=1 steps", MOMENTUM)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_corpus(tmp_path_factory.mktemp("tones")))


def losses(folder: Path) -> list[float]:
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return [line["loss"] for line in lines if "split" not in line]


@pytest.mark.parametrize(
    "more",
    [
        (),
        ("hyperparameters.accumulate=2", "hyperparameters.clip=0.5", "hyperparameters.regularizer=l2(0.01)"),
        ("hyperparameters.ema=0.9", "hyperparameters.regularizer=weight_decay(0.01)"),
    ],
    ids=["", "accumulated, clipped", "averaged"],
)
def test_losses_are_those_of_one_process_on_the_same_global_batches(
    corpus: str, tmp_path: Path, more: tuple[str, ...]
) -> None:
    """Eight examples in batches of six: of the last two, the third process has none."""
    common = (*COMMON, *more)
    alone = training(ALONE, corpus, str(tmp_path / "1"), ("hyperparameters.batch=6 examples", *common))
    expected = losses(tmp_path / "1")
    assert len(expected) == 12
    for size in (2, 3):
        sets = (f"hyperparameters.batch={6 // size} examples", *common, *FSDP)
        found = together(training, size, tmp_path, corpus, str(tmp_path / f"{size}"), sets)
        assert losses(tmp_path / f"{size}") == pytest.approx(expected, rel=TOLERANCE)
        assert all(one["valid"] == found[0]["valid"] for one in found)
        assert found[0]["valid"]["loss"] == pytest.approx(alone["valid"]["loss"], rel=10 * TOLERANCE)
        assert found[0]["parameters"] == alone["parameters"]


@pytest.mark.parametrize(
    "precision",
    [
        "fp32",
        "bf16",
        "autocast(bf16)",
        "autocast(fp16)",
        "mixed(fp16, loss_scale = backoff(max = 1024))",
        "mixed(fp16, loss_scale = logmax())",
        "mixed(bf16)",
    ],
)
def test_steps_are_those_of_ddp_and_what_is_not_finite_in_one_process_is_skipped_in_all(
    corpus: str, tmp_path: Path, precision: str
) -> None:
    sets = (f"hyperparameters.precision={precision}", "hyperparameters.batch=2 examples", MOMENTUM)
    whole = together(steps, 2, tmp_path, corpus, str(tmp_path / "ddp"), sets, (2, 1))[0]
    found = together(steps, 2, tmp_path, corpus, str(tmp_path / "fsdp"), (*sets, *FSDP), (2, 1))
    # the first scale of autocast(fp16) is too large: an overflow more, in both
    assert [one["skipped"] for one in found[0]] == [one["skipped"] for one in whole]
    assert [one["skipped"] for one in found[0]][1:] == [0, 1, 0, 0, 0]
    for rank in found:
        bits = [one.pop("bits") for one in rank]
        assert bits[2] == bits[1]
        assert len(set(bits)) >= 4
    for step, (mine, other, expected) in enumerate(zip(*found, whole, strict=True)):
        # the loss of the bad step is no number, which equals nothing
        assert str(mine) == str(other)
        assert mine["scale"] == expected["scale"]
        # sums in another order; weights that are kept in bf16 alone round another way from the first step on
        if precision != "bf16" or step == 0:
            assert (mine["loss"], mine["norm"]) == pytest.approx(
                (expected["loss"], expected["norm"]), rel=1e-5, nan_ok=True
            )


@pytest.mark.parametrize(
    ("optimizer", "then"),
    [
        ("momentum(lr = 0.01)", (3, FSDP)),
        ("adafactor(lr = 0.003)", (3, ())),
        ("adamw(lr = 0.003)", (2, FSDP)),
        ("momentum(lr = 0.01)", (1, ())),
    ],
)
def test_a_run_goes_on_with_another_number_of_processes_or_strategy(
    corpus: str, tmp_path: Path, optimizer: str, then: tuple[int, tuple[str, ...]]
) -> None:
    """From two processes with shards; a part of the last batch of each epoch stands in for a row."""
    common = (f"hyperparameters.optimizer={optimizer}", "hyperparameters.log=1 steps", "hyperparameters.ema=0.9")
    short, long = "hyperparameters.stop=7 steps", "hyperparameters.stop=14 steps"
    batch = {size: f"hyperparameters.batch={6 // size} examples" for size in (1, 2, 3)}
    expected = training(ALONE, corpus, str(tmp_path / "whole"), (*common, long, batch[1]))
    folder = str(tmp_path / "resumed")
    together(training, 2, tmp_path, corpus, folder, (*common, short, batch[2], *FSDP))
    assert newest(tmp_path / "resumed").step == 7
    size, strategy = then
    sets = (*common, long, batch[size], *strategy)
    given = corpus, folder, sets
    found = going_on(ALONE, *given) if size == 1 else together(going_on, size, tmp_path, *given)[0]
    assert losses(tmp_path / "resumed") == pytest.approx(losses(tmp_path / "whole"), rel=TOLERANCE)
    assert found["steps"] == 14
    assert found["valid"]["loss"] == pytest.approx(expected["valid"]["loss"], rel=10 * TOLERANCE)
    mine, other = (newest(tmp_path / name).tensors for name in ("resumed", "whole"))
    for group in ("model", "optimizer", "averages"):
        assert mine[group].keys() == other[group].keys()
        for name, value in other[group].items():
            torch.testing.assert_close(mine[group][name], value, rtol=1e-2, atol=1e-4, msg=f"{group} {name}")


@pytest.mark.parametrize("optimizer", ["adamw(lr = 0.01)", "lamb(lr = 0.01)"])
def test_a_step_is_left_out_on_the_word_of_the_device_alone(corpus: str, tmp_path: Path, optimizer: str) -> None:
    more = ("hyperparameters.ema=0.9", "hyperparameters.clip=1.0", "hyperparameters.regularizer=weight_decay(0.1)")
    sets = (f"hyperparameters.optimizer={optimizer}", "hyperparameters.batch=2 examples", *more, *FSDP)
    looked, ahead = (
        together(steps, 2, tmp_path, corpus, str(tmp_path / str(way)), sets, (2, 1), way)[0] for way in (False, True)
    )
    assert [one["skipped"] for one in ahead] == [0, 0, 1, 0, 0, 0]
    assert [str(one) for one in ahead] == [str(one) for one in looked]


@pytest.mark.parametrize(
    ("spec", "sets", "bucket", "units"),
    [
        ("wav2letter.s2s", SPEECH, "20 KiB", 13),
        # tied weights and norms in float32, in every layer and in units with halves
        ("toy/reversal_tt.s2s", (*TEXT, "hyperparameters.precision=mixed(bf16)"), "1 B", 30),
        ("toy/reversal_tt.s2s", (*TEXT, "hyperparameters.precision=mixed(bf16)"), "25 MiB", 2),
        ("toy/reversal_tt.s2s", (*TEXT, "hyperparameters.recompute=true"), "1 B", 10),
        ("toy/reversal_tt.s2s", (*TEXT, 'hyperparameters.freeze=["encoder"]'), "20 KiB", 26),
        ("toy/encoder_vector.s2s", (*TEXT, "hyperparameters.compile=true"), "20 KiB", 5),
        ("toy/reversal_rr.s2s", (*TEXT, 'hyperparameters.recompute=["encoder", "decoder.*"]'), "1 B", 5),
    ],
)
def test_recipes_take_the_steps_and_give_the_answers_of_ddp(
    tmp_path: Path, spec: str, sets: tuple[str, ...], bucket: str, units: int
) -> None:
    dealt = (*sets, 'hyperparameters.strategy="fsdp"', f"hyperparameters.bucket={bucket}")
    whole = together(recipe, 2, tmp_path, spec, sets, str(tmp_path / "ddp"))[0]
    found = together(recipe, 2, tmp_path, spec, dealt, str(tmp_path / "fsdp"))
    # gradients and their norm are summed in another order
    assert found[0]["seen"] == [pytest.approx(step, rel=1e-5) for step in whole["seen"]]
    assert found[0]["weights"].keys() == whole["weights"].keys()
    for name, value in whole["weights"].items():
        torch.testing.assert_close(torch.tensor(found[0]["weights"][name]), torch.tensor(value), rtol=1e-5, atol=1e-5)
    assert found[0]["answers"] == whole["answers"]
    assert found[1]["weights"] == found[0]["weights"]
    assert found[0]["units"] == units
    assert all(0.5 <= one["held"] / whole["held"] < 0.51 for one in found)


@pytest.mark.parametrize("strategy", [(), FSDP], ids=["ddp", "fsdp"])
def test_all_say_where_the_numbers_of_one_stopped_being_finite(
    corpus: str, tmp_path: Path, strategy: tuple[str, ...]
) -> None:
    sets = ("hyperparameters.batch=3 examples", "hyperparameters.stop=500 steps", *strategy)
    mine, other = together(diverging, 2, tmp_path, corpus, str(tmp_path / "run"), sets)
    assert mine == other
    assert "50 batches in a row" in mine
    assert "going forward, the data is the first that is not finite" in mine


PARTS = (
    *("hyperparameters.stop=50 steps", "hyperparameters.evaluate=100 steps", "hyperparameters.batch=2 examples"),
    *("hyperparameters.checkpoint.every=20 steps", "hyperparameters.checkpoint.keep=9", *FSDP),
)


def test_each_process_writes_its_part_and_none_waits_for_another(corpus: str, tmp_path: Path) -> None:
    found = together(writing_parts, 2, tmp_path, corpus, str(tmp_path / "run"), PARTS, ())
    warned, committed = found[0]
    assert (warned, found[1]) == ([], ([], []))
    # behind steps that were taken while the second process wrote; the last one is waited for
    assert [step for step, _ in committed][:2] == [20, 40]
    assert all(step < at < 50 for step, at in committed[:2])
    assert committed[-1][1] == 50
    folder = tmp_path / "run" / "checkpoints"
    assert checkpoint_steps(folder)[:2] == [20, 40]
    for saved in folder.iterdir():
        sizes = {path.name: path.stat().st_size for path in saved.iterdir()}
        for group in ("model", "optimizer"):
            first, second = (sizes[f"{group}-0000{part}-of-00002.safetensors"] for part in (1, 2))
            assert 0.5 < first / second < 2
        load_checkpoint(folder, warn=pytest.fail)


def test_a_full_disk_of_one_process_is_a_checkpoint_less(corpus: str, tmp_path: Path) -> None:
    found = together(writing_parts, 2, tmp_path, corpus, str(tmp_path / "run"), PARTS, (20,))
    warned, committed = found[0]
    assert committed[0][0] == 40
    assert len(warned) == 1
    assert "cannot write: No space left on device; make room" in warned[0]
    assert "training goes on and tries again at the next checkpoint" in warned[0]
    folder = tmp_path / "run" / "checkpoints"
    assert checkpoint_steps(folder)[0] == 40
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_the_last_checkpoint_must_be_written_by_all(corpus: str, tmp_path: Path) -> None:
    found = together(writing_parts, 2, tmp_path, corpus, str(tmp_path / "run"), PARTS, (50,))
    assert all("No space left on device" in one[0][-1] for one in found)
    assert checkpoint_steps(tmp_path / "run" / "checkpoints") == [20, 40]


def figures(world: World) -> tuple[float, float, list[int]]:
    mesh = init_device_mesh("cpu", (world.size,))
    long = distribute_tensor(torch.arange(8.0).view(4, 2), mesh, [Shard(0)], src_data_rank=None)
    short = distribute_tensor(torch.tensor([[3.0, -9.0]]), mesh, [Shard(0)], src_data_rank=None)
    tensors = [long, short, everywhere(torch.tensor([2.0]), [long])]
    return total_norm(tensors).item(), largest(tensors).item(), [one.numel() for one in local([long, short])]


def test_figures_over_shards_are_those_of_the_whole(tmp_path: Path) -> None:
    """Four rows and a single one on three processes: 2, 2 and none of the first, 1, none and none of the second."""
    found = together(figures, 3, tmp_path)
    norm = math.sqrt(sum(one * one for one in (*range(8), 3, 9, 2)))
    assert [one[:2] for one in found] == [pytest.approx((norm, 9.0))] * 3
    assert [one[2] for one in found] == [[4, 2], [4, 0], [0, 0]]
