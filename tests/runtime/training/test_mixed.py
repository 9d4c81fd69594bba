"""Training in each precision: it learns the same thing, goes on to the bit, and leaves float32 weights behind."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from s2sc.runtime.evaluation import evaluate
from s2sc.runtime.layers.relu import Relu
from s2sc.runtime.run_folder import Run
from s2sc.runtime.trained import load_trained
from s2sc.runtime.training import trainer as engine
from s2sc.runtime.training.ended import Diverged, Stopped
from s2sc.runtime.training.stopping import StopRequest

CPU = torch.device("cpu")
MIXED = "hyperparameters.precision=mixed(fp16)"
PRECISIONS = (
    "fp32",
    "tf32",
    "bf16",
    "autocast(bf16)",
    "autocast(fp16)",
    "mixed(bf16)",
    "mixed(fp16)",
    "mixed(fp16, loss_scale = logmax())",
    "mixed(fp16, loss_scale = static(1024))",
    'mixed(fp16, keep = ["decoder"])',
)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_eight_clips_are_learnt_by_heart(precision: str, kit: Any, corpus: Path, tmp_path: Path) -> None:
    result = kit.trained(
        corpus,
        tmp_path,
        "hyperparameters.stop=150 steps",
        "hyperparameters.evaluate=50 steps",
        f"hyperparameters.precision={precision}",
        # bfloat16 has no digits for the average of adam's default
        "hyperparameters.optimizer.beta2=0.98",
    )
    assert result["valid"]["wer"] < 0.1


@pytest.mark.parametrize("precision", ["mixed(fp16)", "mixed(fp16, loss_scale = logmax())", "mixed(bf16)", "bf16"])
def test_a_stopped_run_goes_on_to_the_bit(
    precision: str, kit: Any, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = ("hyperparameters.stop=12 steps", f"hyperparameters.precision={precision}")
    kit.trained(corpus, tmp_path / "whole", *sets)
    take = engine._take

    def stopping(trainer: Any, batches: Any, stop: StopRequest) -> None:
        take(trainer, batches, stop)
        if trainer.state.step == 7:
            stop.heard = signal.SIGTERM

    with monkeypatch.context() as patched:
        patched.setattr(engine, "_take", stopping)
        with pytest.raises(Stopped):
            kit.trained(corpus, tmp_path / "parts", *sets)
    kit.trained(corpus, tmp_path / "parts", *sets, resume=True)
    assert kit.state_of(kit.newest(tmp_path / "parts")) == kit.state_of(kit.newest(tmp_path / "whole"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("fp32", "mixed(fp16)"),
        ("mixed(fp16)", "fp32"),
        ("mixed(fp16)", "mixed(fp16, loss_scale = logmax())"),
        ("mixed(bf16)", "autocast(fp16)"),
        ("bf16", "mixed(fp16)"),
        ("fp32", "bf16"),
    ],
)
def test_a_run_goes_on_in_another_precision(before: str, after: str, kit: Any, corpus: Path, tmp_path: Path) -> None:
    kit.trained(corpus, tmp_path, "hyperparameters.stop=6 steps", f"hyperparameters.precision={before}")
    first = kit.newest(tmp_path)
    silent = kit.Silent()
    sets = ("hyperparameters.stop=7 steps", f"hyperparameters.precision={after}", "hyperparameters.optimizer.lr=1e-9")
    kit.trained(corpus, tmp_path, *sets, resume=True, progress=silent)
    assert silent.warned == ["inexact resume: different from before: stop, optimizer, precision"]
    second = kit.newest(tmp_path)
    for name, weight in first.tensors["model"].items():
        # a step of 1e-9 changes nothing but the last digit, and a plain bfloat16 weight is rounded to 8 digits
        rough = after == "bf16"
        if "running" not in name and "batches" not in name:
            torch.testing.assert_close(
                second.tensors["model"][name].float(),
                weight.float(),
                rtol=2**-8 if rough else 1e-6,
                atol=1e-3 if rough else 2e-8,
            )


@pytest.mark.parametrize("precision", ["mixed(fp16)", "mixed(bf16)", "bf16"])
def test_a_trained_model_is_float32_wherever_it_is_used(precision: str, kit: Any, corpus: Path, tmp_path: Path) -> None:
    """Its figures are those that training measured on its halves."""
    result = kit.trained(corpus, tmp_path, "hyperparameters.stop=30 steps", f"hyperparameters.precision={precision}")
    checked = kit.graph_of("hyperparameters.stop=30 steps", f"hyperparameters.precision={precision}")
    model = load_trained(Run(tmp_path), CPU)
    assert {tensor.dtype for tensor in model.module.parameters()} == {torch.float32}
    settings = checked.graph.hyperparameters.values()
    data = kit.data_of(checked, corpus)
    found = evaluate(model, data, "valid", metrics=settings["metrics"], batch=settings["batch"], device=CPU)
    assert found.to_json() == result["valid"]


def test_a_checkpoint_of_halves_holds_their_masters(kit: Any, corpus: Path, tmp_path: Path) -> None:
    kit.trained(corpus, tmp_path, "hyperparameters.stop=4 steps", MIXED)
    tensors = kit.newest(tmp_path).tensors
    assert {tensor.dtype for tensor in tensors["model"].values() if tensor.is_floating_point()} == {torch.float32}
    kernel = next(tensor for name, tensor in tensors["model"].items() if name.endswith("conv1d.weight"))
    assert not torch.equal(kernel, kernel.half().float())
    assert {tensor.dtype for tensor in tensors["optimizer"].values()} == {torch.float32}


# ---------------------------------------------------------------- it ends and says why


def test_weights_beyond_fp16_end_the_run_and_the_layer_is_named(kit: Any, corpus: Path, tmp_path: Path) -> None:
    sets = ("hyperparameters.precision=mixed(fp16)", "hyperparameters.optimizer=momentum(lr = 1e7)")
    silent = kit.Silent()
    with pytest.raises(
        Diverged, match=r"50 batches in a row .*: going forward, \S+ \(float16\) is the first that is not finite"
    ):
        kit.trained(corpus, tmp_path, "hyperparameters.stop=500 steps", *sets, progress=silent)


def test_a_gradient_beyond_fp16_ends_the_run_once_the_scale_is_at_its_floor(
    kit: Any, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Steep(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x.view_as(x)

        @staticmethod
        def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
            return gradients[0] * 1e30

    forward = Relu.forward
    # torch leaves Function.apply without types
    monkeypatch.setattr(Relu, "forward", lambda self, x, **needs: Steep.apply(forward(self, x, **needs)))  # type: ignore[no-untyped-call]
    silent = kit.Silent()
    with pytest.raises(Diverged, match=r"50 batches in a row .* after step 0: going backward, encoder\.out\.relu \("):
        kit.trained(corpus, tmp_path, MIXED, progress=silent)
    # 14 overflows on the way to the floor are no news
    assert len([one for one in silent.warned if "its gradient is not finite" in one]) == 50
