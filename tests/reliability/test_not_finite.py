"""NaN, infinities and 1e30 put into every place of a step: it is left out whole, or what it leaves is finite."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from s2sc.runtime.data.batch import Batch
from s2sc.runtime.run_folder import Run
from s2sc.runtime.training import trainer as engine
from s2sc.runtime.training.diagnosis import diagnose
from s2sc.runtime.training.preparing import prepare
from s2sc.runtime.training.state import is_finite
from s2sc.runtime.training.training import Trainer
from torch import Tensor

from ..nightly import tries
from ..runtime.training import conftest as kit

WAVEFORM = "data.audio.waveform"
VALUES = (math.nan, math.inf, -math.inf, 1e30)
PRECISIONS = ("fp32", "autocast(bf16)", "autocast(fp16)", "mixed(fp16, loss_scale = backoff(min = 2, max = 64))")
BOUNDS = {"autocast(fp16)": (1.0, 2.0**24), PRECISIONS[3]: (2.0, 64.0)}
# which number of a tensor is replaced, as a share of them
WHERE = {0: 0.5}
# what a step that is left out may change: it is counted, the loss scale backs off, dropout drew random numbers
MAY_CHANGE = {"skips", "skipped", "scale", "random/cpu"}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kit.write_corpus(tmp_path_factory.mktemp("tones"))


def trainer_of(corpus: Path, folder: Path, precision: str) -> Trainer:
    sets = ("schedule=poly", "regularizer=l2(1e-3)", "ema=0.9", f"precision={precision}")
    checked = kit.graph_of(*(f"hyperparameters.{one}" for one in sets))
    run = Run(folder)
    run.begin(checked, spec_text="", base=corpus, started_with={})
    trainer = prepare(checked, run, kit.data_of(checked, corpus), device=torch.device("cpu"), progress=kit.Silent())
    trainer.state.model.module.train()
    return trainer


def spoiled(tensor: Tensor, value: float) -> Tensor:
    """One number of it replaced; gradients flow through the others."""
    put = torch.zeros_like(tensor, dtype=torch.bool)
    put.view(-1)[int(tensor.numel() * WHERE[0])] = True
    return torch.where(put, torch.full_like(tensor, value, dtype=torch.float32).to(tensor.dtype), tensor)


def spoiled_sample(batch: Batch, value: float) -> Tensor:
    """The waveforms with one sample replaced, which is no padding: what lies there reaches nothing."""
    found = batch.inputs[WAVEFORM].clone()
    row = int(len(batch) * WHERE[0])
    found[row, int(int(batch.lengths[WAVEFORM][row]) * WHERE[0])] = value
    return found


@contextmanager
def into(place: str, trainer: Trainer, value: float) -> Iterator[Callable[[Batch], Batch]]:
    """While entered, a number of each batch's step is `value`."""
    model = trainer.state.model
    layer = next(one for one in model.module.modules() if type(one).__name__ == "Conv1d")
    if place == "input":
        yield lambda batch: replace(batch, inputs={**batch.inputs, WAVEFORM: spoiled_sample(batch, value)})
    elif place == "activation":
        handle = layer.register_forward_hook(lambda _, given, result: spoiled(result, value))
        yield lambda batch: batch
        handle.remove()
    elif place == "loss":
        with pytest.MonkeyPatch.context() as patch:
            loss: Callable[..., Tensor] = model.loss
            patch.setattr(type(model), "loss", lambda self, out, batch: spoiled(loss(out, batch), value))
            yield lambda batch: batch
    elif place == "gradient":
        weight: Tensor = layer.get_parameter("weight")
        handle = weight.register_hook(  # type: ignore[no-untyped-call]  # torch gives it no types
            lambda gradient: spoiled(gradient, value)
        )
        yield lambda batch: batch
        handle.remove()


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("number", range(tries(1, 47)))
@pytest.mark.parametrize("precision", PRECISIONS)
def test_what_is_not_finite_poisons_nothing(
    tmp_path: Path, corpus: Path, precision: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four places and four values in each precision: 64 in all; in `make soak` of other numbers of the tensors too."""
    monkeypatch.setitem(WHERE, 0, (0.5 + number * 0.618) % 1)
    trainer = trainer_of(corpus, tmp_path, precision)
    state = trainer.state
    batches = list(trainer.data.batches("train", batch=3, shuffle=True, seed=1))
    for place in ("input", "activation", "loss", "gradient"):
        for value in VALUES:
            engine._train_step(trainer, [batches[0]])
            step, before = state.step, kit.state_of(state.to_checkpoint(made_with={}))
            rate = trainer.rate_of(step, trainer.length)
            with into(place, trainer, value) as spoil:
                engine._train_step(trainer, [spoil(batches[1])])
            checkpoint = state.to_checkpoint(made_with={})
            what = f"{value} in the {place}"
            if state.step == step:
                after = kit.state_of(checkpoint)
                assert {name for name in before if before[name] != after[name]} <= MAY_CHANGE, what
                assert trainer.rate_of(state.step, trainer.length) == rate, what
            else:
                # 1e30 is a number: it may be part of a step, as long as nothing is lost by it
                assert value == 1e30, what
                assert math.isfinite(trainer.norm), what
            assert is_finite(checkpoint), what
            least, largest = BOUNDS.get(precision, (1.0, 1.0))
            assert least <= float(state.scaler.value) <= largest, what
            for _ in range(20):
                engine._train_step(trainer, [batches[0]])
            assert state.step >= step + 1, what
            assert state.skips == 0, what


def test_a_variance_that_overflows_is_a_bad_batch(tmp_path: Path, corpus: Path) -> None:
    """Its loss and its gradient are finite, and without the variance no checkpoint could be written again."""
    trainer = trainer_of(corpus, tmp_path, "fp32")
    assert isinstance(trainer.progress, kit.Silent)
    batch = next(iter(trainer.data.batches("train", batch=3, shuffle=True, seed=1)))
    with into("activation", trainer, 1e30):
        engine._train_step(trainer, [batch])
        assert trainer.state.step == 0
        assert trainer.state.skips == 1
        (said,) = trainer.progress.warned
        assert said.startswith("skipped a batch after step 0: its running statistics are not finite (it starts with")
        found = diagnose(trainer.state.model, batch)
    assert found.place == "the running statistic encoder.out.batch_norm.running_var"
    assert found.direction == "forward"
    engine._train_step(trainer, [batch])
    assert trainer.state.step == 1


def test_averages_that_are_not_finite_reach_no_checkpoint(tmp_path: Path, corpus: Path) -> None:
    trainer = trainer_of(corpus, tmp_path, "fp32")
    assert trainer.state.averages is not None
    assert is_finite(trainer.state.to_checkpoint(made_with={}))
    next(iter(trainer.state.averages.values.values())).view(-1)[0] = math.nan
    assert not is_finite(trainer.state.to_checkpoint(made_with={}))
