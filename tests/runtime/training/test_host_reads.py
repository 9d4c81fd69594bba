"""A training step reads nothing from the device, so that on a GPU the host can work ahead."""

from __future__ import annotations

import io
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from s2sc.compiler.front import analyse_file
from s2sc.compiler.graph import CheckedGraph
from s2sc.runtime.data.batch import Batch
from s2sc.runtime.data.generated import generated_data
from s2sc.runtime.progress import PlainProgress
from s2sc.runtime.run_folder import Run
from s2sc.runtime.training.preparing import prepare
from s2sc.runtime.training.step import Outcome
from s2sc.runtime.training.training import Trainer
from torch.utils._python_dispatch import TorchDispatchMode

ROOT = Path(__file__).parents[3]

# Operators whose answer the host needs before it can go on: a number, or the shape of what comes out.
READS = {
    "_local_scalar_dense",
    "equal",
    "is_nonzero",
    "item",
    "masked_select",
    "nonzero",
    "nonzero_numpy",
    "repeat_interleave",
    "unique_consecutive",
    "_unique",
    "_unique2",
}

SMALL = ("data.keep=0.2s .. 1s", "hyperparameters.batch=2 examples")
SMALL_TEXT = ("data.keep=1 .. 12 tokens", "hyperparameters.batch=40 tokens")
CASES = {
    "wav2letter.s2s": SMALL,
    "spoken_digits.s2s": (*SMALL, "hyperparameters.precision=autocast(fp16)"),
    "toy/reversal_tt.s2s": (*SMALL_TEXT, "hyperparameters.precision=mixed(fp16, loss_scale = logmax())"),
    "toy/reversal_rr.s2s": (*SMALL_TEXT, "hyperparameters.precision=mixed(fp16)"),
    "toy/reversal_cc.s2s": SMALL_TEXT,
    "toy/reversal_cr.s2s": SMALL_TEXT,
}


class Reads(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has no types here
    """Every read of the host while it is entered, by the operator's name."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # likewise
        self.found: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        # an index of bools is as long as it has ones
        by_bools = name == "index" and any(
            one is not None and one.dtype is torch.bool for one in args[1] if isinstance(one, torch.Tensor)
        )
        if name in READS or by_bools:
            self.found.append(name)
        return func(*args, **(kwargs or {}))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    """Also those that pass no operator on a CPU."""
    found = Reads()

    def seen(name: str) -> Any:
        method = getattr(torch.Tensor, name)

        def read(self: torch.Tensor, *given: Any, **named: Any) -> Any:
            found.found.append(name)
            return method(self, *given, **named)

        return read

    for name in ("tolist", "numpy", "cpu", "__array__"):
        monkeypatch.setattr(torch.Tensor, name, seen(name))
    return found


@pytest.mark.parametrize("spec", CASES)
def test_a_step_that_works_ahead_reads_nothing(spec: str, tmp_path: Path, reads: Reads) -> None:
    checked = compiled(spec)
    trainer, batches = made(checked, tmp_path)
    trainer.stepper.waits = False
    step(trainer, batches[0])  # tables are made in the first one
    reads.found.clear()
    with reads:
        outcome = step(trainer, batches[1])
    assert reads.found == []
    assert isinstance(outcome.figures, torch.Tensor)


def test_a_step_that_waits_is_seen_to_read(tmp_path: Path, reads: Reads) -> None:
    trainer, batches = made(compiled("toy/reversal_tt.s2s"), tmp_path)
    trainer.stepper.waits = True
    with reads:
        step(trainer, batches[0])
    assert reads.found == ["tolist"]


def test_both_ways_take_the_same_steps(tmp_path: Path) -> None:
    weights = []
    for waits in (True, False):
        trainer, batches = made(compiled("toy/reversal_tt.s2s"), tmp_path)
        trainer.stepper.waits = waits
        for batch in batches:
            torch.manual_seed(batch.number)
            step(trainer, batch)
        weights.append([weight.detach().clone() for weight in trainer.stepper.weights.tensors])
    for first, second in zip(*weights, strict=True):
        # clipping by a factor of 1 instead of leaving it out changes nothing; a factor below rounds alike
        torch.testing.assert_close(first, second, rtol=0, atol=0)


def compiled(spec: str) -> CheckedGraph:
    found = analyse_file(ROOT / "specs" / spec, sets=CASES[spec])
    assert found.checked is not None, [finding.message for finding in found.findings]
    return found.checked


def made(checked: CheckedGraph, folder: Path) -> tuple[Trainer, list[Batch]]:
    data = generated_data(checked)
    trainer = prepare(checked, Run(folder), data, device=torch.device("cpu"), progress=PlainProgress(io.StringIO()))
    trainer.state.model.module.train()
    batches = list(islice(data.batches("train", batch=trainer.settings["batch"]), 3))
    return trainer, batches


def step(trainer: Trainer, batch: Batch) -> Outcome:
    trainer.stepper.gradients([batch.to(trainer.device)])
    return trainer.stepper.apply(1e-3)
