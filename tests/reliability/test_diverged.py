"""A run whose numbers stay not finite ends with code 76, says where they began, and keeps its last good checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from s2sc.cli.main import main
from s2sc.runtime.data.batch import Batch
from s2sc.runtime.training import trainer as engine
from s2sc.runtime.training.state import is_finite
from s2sc.runtime.training.training import Trainer
from torch import Tensor

from ..runtime.training import conftest as kit

DIVERGED = 76
GOOD_STEPS = 9


def in_the_data(trainer: Trainer) -> Callable[[Batch], Batch]:
    def spoil(batch: Batch) -> Batch:
        batch.inputs["data.audio.waveform"].fill_(torch.nan)
        return batch

    return spoil


def going_forward(trainer: Trainer) -> Callable[[Batch], Batch]:
    layer = trainer.state.model.module.get_submodule("encoder.out.conv1d")
    layer.register_forward_hook(lambda _, given, result: result * torch.inf)
    return lambda batch: batch


def going_back(trainer: Trainer) -> Callable[[Batch], Batch]:
    layer = trainer.state.model.module.get_submodule("decoder.logits.linear")
    weight: Tensor = layer.get_parameter("weight")
    weight.register_hook(lambda gradient: gradient * torch.inf)  # type: ignore[no-untyped-call]  # torch gives it no types
    return lambda batch: batch


def in_a_weight(trainer: Trainer) -> Callable[[Batch], Batch]:
    with torch.no_grad():
        trainer.state.model.module.get_parameter("decoder.logits.linear.weight").view(-1)[3] = torch.nan
    return lambda batch: batch


@pytest.mark.parametrize(
    ("spoiler", "said"),
    [
        (in_the_data, "going forward, the data is the first that is not finite"),
        (going_forward, "going forward, encoder.out.conv1d (torch.float32) is the first"),
        (going_back, "going backward, the gradient of decoder.logits.linear.weight"),
        (in_a_weight, "going forward, decoder.logits.linear"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_fifty_skips_end_with_76_and_say_where(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    spoiler: Callable[[Trainer], Callable[[Batch], Batch]],
    said: str,
) -> None:
    corpus = kit.write_corpus(tmp_path / "tones")
    step = engine._train_step
    spoil: list[Callable[[Batch], Batch]] = []

    def spoiled(trainer: Trainer, batches: list[Batch]) -> None:
        if trainer.state.step == GOOD_STEPS and not spoil:
            spoil.append(spoiler(trainer))
        step(trainer, [spoil[0](batch) for batch in batches] if spoil else batches)

    monkeypatch.setattr(engine, "_train_step", spoiled)
    run = tmp_path / "run"
    sets = ("--set", "hyperparameters.stop=200 steps", "--set", "hyperparameters.workers=0")
    code = main(["compile", str(corpus / "tones.s2s"), "--train", "--device", "cpu", "--out", str(run), *sets])
    err = capsys.readouterr().err
    assert code == DIVERGED, err
    assert said.replace("torch.", "") in err
    assert f"after step {GOOD_STEPS}" in err
    assert "are unharmed" in err
    assert "Traceback" not in err
    good = kit.newest(run)
    assert good.step == GOOD_STEPS - 1
    assert is_finite(good)
