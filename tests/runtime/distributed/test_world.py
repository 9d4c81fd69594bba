"""What processes tell each other, and how they find each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from s2sc.runtime.distributed import ALONE, World, joined
from s2sc.runtime.place_in_world import Place, first_host, found_place
from s2sc.runtime.run_folder import RunError
from s2sc.tests.processes import together

TORCHRUN = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "MASTER_ADDR": "node07", "MASTER_PORT": "29500"}
SRUN = {
    "SLURM_PROCID": "3",
    "SLURM_STEP_NUM_TASKS": "4",
    "SLURM_LOCALID": "1",
    "SLURM_JOB_ID": "40017",
    "SLURM_STEP_NODELIST": "node[07-08]",
}
VALUES = [None, "ü\u2028", {"pairs": [["a", "", 0.1]]}]


def exchange(world: World) -> dict[str, Any]:
    own = torch.tensor([float(world.rank), -1.0])
    world.barrier()
    return {
        "sum": world.sum(own.clone()).tolist(),
        "max": world.max(own.clone()).tolist(),
        "agree": [world.agree(world.rank == bad) for bad in (0, world.size - 1, 99)],
        "gather": world.gather(VALUES[world.rank]),
        "tell": world.tell(world.rank + 7),
        "first": world.is_first,
    }


@pytest.mark.parametrize("size", [2, 3])
def test_every_process_learns_the_same(size: int, tmp_path: Path) -> None:
    found = together(exchange, size, tmp_path)
    assert [one.pop("first") for one in found] == [True, False, False][:size]
    for one in found:
        assert one == {
            "sum": [sum(range(size)), -size],
            "max": [size - 1, -1],
            "agree": [True, True, False],
            "gather": VALUES[:size],
            "tell": 7,
        }


def test_one_process_exchanges_nothing() -> None:
    tensor = torch.tensor([2.0])
    assert ALONE.sum(tensor) is tensor
    assert ALONE.max(tensor) is tensor
    ALONE.barrier()
    assert (ALONE.gather("x"), ALONE.tell("x"), ALONE.agree(False), ALONE.is_first) == (["x"], "x", False, True)


def test_without_variables_a_process_is_alone() -> None:
    with joined({}, "cpu") as world:
        assert world == ALONE


def test_places_of_torchrun_and_srun() -> None:
    assert found_place(TORCHRUN) == Place(3, 4, 1, "node07", 29500)
    assert found_place(SRUN) == Place(3, 4, 1, "node07", 20017)
    assert found_place(SRUN | {"MASTER_ADDR": "a", "MASTER_PORT": "5"}) == Place(3, 4, 1, "a", 5)


def test_a_batch_script_of_slurm_is_one_process() -> None:
    assert found_place({"SLURM_PROCID": "0", "SLURM_NTASKS": "8", "SLURM_JOB_ID": "1"}) is None


@pytest.mark.parametrize(
    ("nodes", "first"),
    [
        ("node[07-09,12],gpu1", "node07"),
        ("gpu1", "gpu1"),
        ("gpu1,gpu2", "gpu1"),
        ("a[1,3]-ib", "a1-ib"),
        ("", ""),
    ],
)
def test_the_first_of_slurms_list_of_machines(nodes: str, first: str) -> None:
    assert first_host(nodes) == first


@pytest.mark.parametrize("wrong", [{"RANK": "4"}, {"LOCAL_RANK": ""}, {"WORLD_SIZE": "two"}, {"MASTER_ADDR": ""}])
def test_variables_that_contradict_each_other_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(RunError, match="--devices, torchrun or srun"):
        found_place(TORCHRUN | wrong)
