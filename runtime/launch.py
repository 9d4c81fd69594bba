"""Several processes on this machine that train together, under torchrun's elastic agent."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .extras import extra

with extra("train", "training"):
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

MAX_RESTARTS = 3
# workers finish a step and write a checkpoint in it; after that they are killed
GRACE_SECONDS = 60
SUPERVISOR = "S2SC_SUPERVISOR"
SIGNALS = "SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1"


@dataclass(frozen=True)
class Ending:
    """How several processes ended: what went wrong, in words, or the signal that asked them to end."""

    problem: str = ""
    signal: str = ""


def launch(words: Sequence[str], *, processes: int, status: Path, max_restarts: int = MAX_RESTARTS) -> Ending:
    """Run `python -m s2sc` with these words in several processes, anew if one dies.

    status  a folder in which they say how they ended, by the variable S2SC_STATUS

    Signals go on to all of them. When this process ends, whatever ends it, they end too.
    """
    # what its agent says of signals and exits, the processes have said themselves
    # (each of its modules has a logger with a level of its own)
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("torch.distributed.elastic"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
    os.environ["S2SC_STATUS"] = str(status)
    os.environ[SUPERVISOR] = str(os.getpid())
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    with tempfile.TemporaryDirectory(prefix="s2sc-launch-") as logs:
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=processes,
            run_id=uuid.uuid4().hex,
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",
            max_restarts=max_restarts,
            monitor_interval=0.1,
            logs_specs=DefaultLogsSpecs(log_dir=logs),
            signals_to_handle=SIGNALS,
            shutdown_timeout=GRACE_SECONDS,
        )
        try:
            elastic_launch(config, sys.executable)("-m", "s2sc", *words)
        except SignalException as error:
            return Ending(signal=error.sigval.name)
        except ChildFailedError as error:
            rank, failure = error.get_first_failure()
            how = f"was ended by signal {-failure.exitcode}" if failure.exitcode < 0 else f"gave {failure.exitcode}"
            return Ending(problem=f"process {rank} {how}, after {max_restarts} new starts")
        finally:
            del os.environ["S2SC_STATUS"], os.environ[SUPERVISOR]
    return Ending()


def end_with_parent() -> None:
    """End this process when the one that started it is gone, as it may be before this is called."""
    parent = int(os.environ.get(SUPERVISOR, os.getppid()))
    threading.Thread(target=_wait_for_end, args=(parent,), daemon=True).start()


def _wait_for_end(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
