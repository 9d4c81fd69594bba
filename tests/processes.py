"""Several processes that meet in a file and train on the CPU."""

from __future__ import annotations

import importlib
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

# a server without threads forks them: torch's autograd cannot be forked, and a fresh start costs seconds each
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["s2sc.runtime.training.training"])
TIMEOUT_SECONDS = 60.0


def together(work: Callable[..., Any], size: int, folder: Path, *arguments: Any) -> list[Any]:
    """What `work(world, *arguments)` gives in each of `size` processes, by rank. What one raises is raised."""
    with ProcessPoolExecutor(size, mp_context=CONTEXT) as pool:
        store = folder / f"store.{len(list(folder.glob('store.*')))}"
        # a file of tests has a name there that only pytest knows
        place = (f"s2sc.{work.__module__.removeprefix('s2sc.')}", work.__name__)
        found = [pool.submit(_one, place, rank, size, store, arguments) for rank in range(size)]
        return [one.result(2 * TIMEOUT_SECONDS) for one in found]


def _one(place: tuple[str, str], rank: int, size: int, path: Path, arguments: tuple[Any, ...]) -> Any:
    import torch
    import torch.distributed as dist
    from s2sc.runtime.distributed import meeting
    from s2sc.runtime.place_in_world import Place

    torch.set_num_threads(1)
    work = getattr(importlib.import_module(place[0]), place[1])
    store = dist.FileStore(str(path), size)  # type: ignore[attr-defined]  # torch's stubs do not export it
    with meeting(Place(rank, size, rank, "", 0), store, "cpu", timeout_seconds=TIMEOUT_SECONDS) as world:
        return work(world, *arguments)
