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
from s2sc.compiler.optimizer import Optimizer
from s2sc.compiler.parts.optim.adafactor import Adafactor
from s2sc.compiler.parts.optim.adam import Adam
from s2sc.compiler.parts.optim.ftrl import Ftrl
from s2sc.compiler.parts.optim.lamb import Lamb
from s2sc.compiler.parts.optim.larc import Larc
from s2sc.compiler.parts.optim.novograd import NovoGrad
from s2sc.compiler.parts.optim.sgd import Sgd
from s2sc.runtime.data.batch import Batch
from s2sc.runtime.data.generated import generated_data
from s2sc.runtime.optim.groups import NamedParameter
from s2sc.runtime.optim.lookup import optimizer_for
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


OURS = (
    Adafactor(lr=0.1, beta1=0.9, weight_decay=0.1),
    Ftrl(lr=0.1, l1=0.1, l2=0.1),
    Lamb(lr=0.1),
    NovoGrad(lr=0.1, averaged=True),
    Adam(lr=0.1, larc=0.01),
    Sgd(lr=0.1, larc=Larc(eta=0.01, mode="scale")),
)


@pytest.mark.parametrize("part", OURS, ids=str)
def test_an_optimizer_of_our_own_reads_nothing(part: Optimizer, reads: Reads) -> None:
    parameters = [
        NamedParameter("w", torch.nn.Parameter(torch.randn(4, 3)), "weight"),
        NamedParameter("b", torch.nn.Parameter(torch.randn(4)), "bias"),
    ]
    optimizer = optimizer_for(part, parameters)
    assert getattr(optimizer, "_step_supports_amp_scaling", False), "a GPU would have to wait for the host"
    for called_off in (0.0, 1.0):
        for one in parameters:
            one.tensor.grad = torch.ones_like(one.tensor)
        optimizer.found_inf = torch.tensor(called_off)  # type: ignore[attr-defined]  # what a stepper sets
        with reads:
            optimizer.step()
    assert reads.found == []


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
