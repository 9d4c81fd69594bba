"""Which of several processes this one is: from torchrun's variables or from those of srun."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .run_folder import RunError

_PORTS = range(20_000, 30_000)


@dataclass(frozen=True)
class Place:
    """A process among those that train together.

    rank         its number, 0 .. size - 1
    local_rank   its number on its machine: which GPU is its
    address, port   where rank 0 listens
    """

    rank: int
    size: int
    local_rank: int
    address: str
    port: int


def found_place(environment: Mapping[str, str]) -> Place | None:
    """Find this process's place; None where it trains alone. Raises RunError where variables contradict each other."""
    if "RANK" in environment or "WORLD_SIZE" in environment:
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_PORT")
        rank, size, local_rank, port = (_number(environment, name) for name in names)
        address = environment.get("MASTER_ADDR", "")
    elif int(environment.get("SLURM_STEP_NUM_TASKS", "1")) > 1:
        # of the step, not of the job: a batch script itself is one process, however many tasks its job has
        names = ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", "SLURM_JOB_ID")
        rank, size, local_rank, job = (_number(environment, name) for name in names)
        address = environment.get("MASTER_ADDR") or first_host(environment.get("SLURM_STEP_NODELIST", ""))
        port = _PORTS[job % len(_PORTS)]
        if "MASTER_PORT" in environment:
            port = _number(environment, "MASTER_PORT")
    else:
        return None
    if not 0 <= rank < size or local_rank < 0 or not address:
        raise RunError(
            f"this process is said to be {rank} of {size} (number {local_rank} of its machine) with the first one on "
            f"{address or 'no machine'}: start it with --devices, torchrun or srun, which set these variables"
        )
    return Place(rank, size, local_rank, address, port)


def first_host(nodes: str) -> str:
    """The first machine of a list as SLURM writes it: "node[07-09,12],gpu1" begins with node07."""
    found = re.match(r"([^,\[]*)(?:\[([0-9]+)[^\]]*\])?([^,\[]*)", nodes)
    return "".join(part or "" for part in found.groups()) if found else ""


def _number(environment: Mapping[str, str], name: str) -> int:
    text = environment.get(name, "")
    if not (text.isascii() and text.isdigit()):
        raise RunError(f"{name} is {text!r}, not a number: start with --devices, torchrun or srun, which set it")
    return int(text)
