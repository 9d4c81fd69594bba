"""Training on a GPU: the step of the CPU, half precision with a scaled loss, padding that changes nothing."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from s2sc.compiler.front import analyse
from s2sc.compiler.graph import CheckedGraph
from s2sc.dsl.source import Source
from s2sc.runtime.data.batch import Batch
from s2sc.runtime.data.speech import SpeechData
from s2sc.runtime.model import build_model
from s2sc.runtime.progress import PlainProgress
from s2sc.runtime.run_folder import Run
from s2sc.runtime.training import trainer as engine
from s2sc.runtime.training.preparing import prepare
from s2sc.runtime.training.stopping import StopRequest
from s2sc.runtime.training.training import Trainer

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device")

SPEC = """
edition 1
let chars = alphabet("abc")
data speech {
  audio = logmel(rate = 8kHz, bins = 16, window = 20ms, hop = 10ms)
  text  = chars
  train = ["train.jsonl"]
}
block conv(x: seq[batch, time, _], stride, dilation) => y {
  y = x -> conv1d(32, kernel = 5, stride = stride, dilation = dilation, bias = false) -> batch_norm -> relu(max = 20)
}
encoder {
  out = data.audio -> conv(2, 1) -> conv(1, 2)
}
decoder {
  logits    = encoder.out -> linear(pad_to(8, chars.size + 1))
  log_probs = logits -> log_softmax
  infer     = log_probs -> greedy_ctc(blank = chars.size)
}
loss = ctc_loss(logits = decoder.logits, target = data.text, blank = chars.size)
hyperparameters {
  batch = 4 examples; stop = 1000 steps; evaluate = 1000 steps; seed = 1; optimizer = adamw(lr = 1e-3); clip = 1.0
  checkpoint { every = 1000 steps }
  precision = PRECISION
}
"""


@pytest.fixture(autouse=True)
def _exact() -> Iterator[None]:
    """Convolutions in TF32 have ten bits of mantissa; what is compared here is float32."""
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        yield


def test_a_training_step_on_the_gpu_is_that_of_the_cpu(tmp_path: Path) -> None:
    checked, given = compiled("fp32"), batch()
    losses, gradients = {}, {}
    for device in ("cpu", "cuda"):
        trainer = trainer_on(device, checked, tmp_path / device)
        loss_B = trainer.state.model.loss(trainer.state.model(given.to(device)), given.to(device))
        torch.autograd.backward(loss_B.mean())
        losses[device] = loss_B.detach().cpu()
        gradients[device] = [weight.grad.cpu() for weight in trainer.stepper.weights.tensors if weight.grad is not None]
    # float32 sums in another order
    torch.testing.assert_close(losses["cuda"], losses["cpu"], rtol=1e-4, atol=1e-4)
    for found, expected in zip(gradients["cuda"], gradients["cpu"], strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))


def test_losses_of_several_steps_follow_those_of_the_cpu(tmp_path: Path) -> None:
    checked, given = compiled("fp32"), batch()
    losses = {}
    for device in ("cpu", "cuda"):
        trainer = trainer_on(device, checked, tmp_path / device)
        losses[device] = take_steps(trainer, given, 10)
    # AdamW divides small gradients by their own size: differences grow with every step
    torch.testing.assert_close(torch.tensor(losses["cuda"]), torch.tensor(losses["cpu"]), rtol=2e-2, atol=1e-3)


@pytest.mark.parametrize("precision", ["autocast(fp16)", "autocast(bf16)", "mixed(fp16)", "mixed(bf16)"])
def test_half_precision_trains(precision: str, tmp_path: Path) -> None:
    trainer = trainer_on("cuda", compiled(precision), tmp_path)
    losses = take_steps(trainer, batch(), 60)
    assert losses[-1] < 0.5 * losses[0], "sixty steps on one batch more than halve its loss"
    assert trainer.state.scaler.enabled == ("fp16" in precision)
    assert all(bool(weight.isfinite().all()) for weight in trainer.stepper.weights.tensors)
    assert all(weight.dtype == torch.float32 for weight in trainer.stepper.weights.tensors)


def test_an_overflow_skips_the_step_and_lowers_the_scale(tmp_path: Path) -> None:
    trainer = trainer_on("cuda", compiled("autocast(fp16)"), tmp_path)
    # the first scale is too large for the first gradients, and comes down
    assert take_steps(trainer, batch(), 20)
    step = trainer.state.step
    before = [weight.detach().clone() for weight in trainer.stepper.weights.tensors]
    scale = float(trainer.state.scaler.value)
    bad = batch()
    bad.inputs["data.audio.waveform"][0, 0] = float("inf")
    engine._take(trainer, [bad.to("cuda")], StopRequest())
    engine.settle(trainer)
    assert trainer.state.step == step
    assert float(trainer.state.scaler.value) < scale
    assert all(torch.equal(weight, old) for weight, old in zip(trainer.stepper.weights.tensors, before, strict=True))


@pytest.mark.parametrize("precision", ["fp32", "autocast(fp16)", "autocast(bf16)", "mixed(fp16)", "mixed(bf16)"])
def test_padding_changes_no_result(precision: str) -> None:
    model = build_model(compiled(precision))
    model.module.to("cuda").eval()
    given = batch()
    waveform_BN, lengths_B = given.inputs["data.audio.waveform"], given.lengths["data.audio.waveform"]
    longer_BN = torch.full((4, waveform_BN.shape[1] + 1600), 1e4)
    for row, length in enumerate(lengths_B.tolist()):
        longer_BN[row, :length] = waveform_BN[row, :length]
    with torch.inference_mode():
        together = model.module(longer_BN.cuda(), lengths_B.cuda())
        for row, length in enumerate(lengths_B.tolist()):
            alone = model.module(waveform_BN[row : row + 1, :length].cuda(), lengths_B[row : row + 1].cuda())
            frames = int(alone["decoder.log_probs.lengths"][0])
            assert int(together["decoder.log_probs.lengths"][row]) == frames
            # cuDNN may take another algorithm for another shape, half precision rounds what it adds up
            tolerance = 1e-4 if precision == "fp32" else 5e-2
            found = together["decoder.log_probs"][row, :frames, :4]
            torch.testing.assert_close(found, alone["decoder.log_probs"][0, :frames, :4], rtol=0, atol=tolerance)


def test_padding_changes_no_gradient(tmp_path: Path) -> None:
    given = batch()
    waveform_BN = given.inputs["data.audio.waveform"]
    longer = Batch(
        inputs={**given.inputs, "data.audio.waveform": torch.nn.functional.pad(waveform_BN, (0, 1600), value=1e4)},
        lengths=given.lengths,
        ids=given.ids,
        texts=given.texts,
        seconds=given.seconds,
        epoch=0,
        number=0,
    )
    found = []
    for number, one in enumerate((given, longer)):
        trainer = trainer_on("cuda", compiled("fp32"), tmp_path / str(number))
        loss_B = trainer.state.model.loss(trainer.state.model(one.to("cuda")), one.to("cuda"))
        torch.autograd.backward(loss_B.mean())
        found.append([weight.grad for weight in trainer.stepper.weights.tensors if weight.grad is not None])
    for padded, plain in zip(found[1], found[0], strict=True):
        # cuDNN may take another algorithm for another shape
        torch.testing.assert_close(padded, plain, rtol=1e-3, atol=1e-3 * float(plain.abs().max()))


def compiled(precision: str) -> CheckedGraph:
    """A small model."""
    found = analyse(Source("model.s2s", SPEC.replace("PRECISION", precision)))
    assert found.checked is not None, [finding.message for finding in found.findings]
    return found.checked


def trainer_on(device: str, checked: CheckedGraph, folder: Path) -> Trainer:
    """A trainer on a device, from the same weights everywhere."""

    class NoData:
        splits = ("train",)

        def num_batches(self, *_: Any, **__: Any) -> int:
            return 100

    folder.mkdir(parents=True, exist_ok=True)
    trainer = prepare(
        checked,
        Run(folder),
        cast("SpeechData", NoData()),
        device=torch.device(device),
        progress=PlainProgress(io.StringIO()),
    )
    trainer.state.model.module.train()
    return trainer


def take_steps(trainer: Trainer, given: Batch, number: int) -> list[float]:
    """The losses of steps on one batch, those that a loss scale made the trainer skip left out."""
    losses = []
    for _ in range(number):
        step = trainer.state.step
        engine._train_step(trainer, [given.to(trainer.device)])
        engine.settle(trainer)
        if trainer.state.step > step:
            losses.append(trainer.state.losses[-1])
    return losses


def batch() -> Batch:
    """Four clips of noise, of half a second to a second, with texts."""
    generator = torch.Generator().manual_seed(5)
    lengths_B = torch.tensor([8000, 7001, 5200, 4000])
    waveform_BN = torch.rand(4, 8000, generator=generator) - 0.5
    waveform_BN *= torch.arange(8000) < lengths_B.unsqueeze(1)
    return Batch(
        inputs={"data.audio.waveform": waveform_BN, "data.text": torch.randint(3, (4, 5), generator=generator)},
        lengths={"data.audio.waveform": lengths_B, "data.text": torch.tensor([5, 4, 3, 2])},
        ids=("a", "b", "c", "d"),
        texts=("",) * 4,
        seconds=tuple(length / 8000 for length in lengths_B.tolist()),
        epoch=0,
        number=0,
    )
