"""Training: it learns, it goes on to the bit, and what is not finite changes nothing."""

from __future__ import annotations

import errno
import json
import math
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from s2sc.runtime.checkpoint import CheckpointError, checkpoint_steps, load_best, load_checkpoint, save_checkpoint
from s2sc.runtime.convolution import ConvolutionLayer
from s2sc.runtime.data.batch import Batch
from s2sc.runtime.data.tally import BadData
from s2sc.runtime.evaluation import evaluate
from s2sc.runtime.metrics_file import MetricsFile
from s2sc.runtime.model import build_model
from s2sc.runtime.run_folder import Run
from s2sc.runtime.run_record import read_run
from s2sc.runtime.storage import StorageError
from s2sc.runtime.trained import load_trained
from s2sc.runtime.training import keeping
from s2sc.runtime.training import trainer as engine
from s2sc.runtime.training.ended import Diverged, Stopped
from s2sc.runtime.training.preparing import prepare
from s2sc.runtime.training.state import is_finite, load_model
from s2sc.runtime.training.stopping import StopRequest

WAVEFORM = "data.audio.waveform"
CPU = torch.device("cpu")


class Tampered:
    """Data with some of its batches changed."""

    def __init__(self, data: Any, change: Callable[[int, Batch], Batch | None]) -> None:
        self._data = data
        self._change = change
        self.given = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._data, name)

    def batches(self, split: str, **settings: Any) -> Iterator[Batch]:
        for batch in self._data.batches(split, **settings):
            if split != "train":
                yield batch
                continue
            self.given += 1
            changed = self._change(self.given, batch)
            if changed is not None:
                yield changed


def with_waveform(batch: Batch, value: float) -> Batch:
    inputs = {**batch.inputs, WAVEFORM: torch.full_like(batch.inputs[WAVEFORM], value)}
    return replace(batch, inputs=inputs)


def stop_after(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """Ask to stop once `steps` batches were taken, as a signal would."""
    take = engine._take
    taken = 0

    def counted(trainer: Any, batch: Any, stop: StopRequest) -> None:
        nonlocal taken
        take(trainer, batch, stop)
        taken += 1
        if taken == steps:
            stop.heard = signal.SIGTERM

    monkeypatch.setattr(engine, "_take", counted)


# ---------------------------------------------------------------- it learns


def test_eight_clips_are_learnt_by_heart(kit: Any, corpus: Path, tmp_path: Path) -> None:
    result = kit.trained(corpus, tmp_path, "hyperparameters.stop=200 steps", "hyperparameters.evaluate=50 steps")
    losses = [line["loss"] for line in kit.metrics_of(tmp_path) if "split" not in line]
    assert losses[-1] < losses[0] / 4
    assert result["valid"]["wer"] == 0
    assert result["valid"]["cer"] == 0


def test_the_result_says_what_came_out(kit: Any, corpus: Path, tmp_path: Path) -> None:
    result = kit.trained(corpus, tmp_path)
    assert json.loads((tmp_path / "result.json").read_bytes()) == result
    assert set(result) == {"steps", "epochs", "seconds", "best_step", "parameters", "valid", "data"}
    assert set(result["valid"]) == {"wer", "cer", "loss", "examples"}
    assert (result["steps"], result["valid"]["examples"]) == (20, 8)
    assert result["parameters"] == sum(weight.numel() for weight in build_model(kit.graph_of()).module.parameters())
    assert {path.name for path in tmp_path.iterdir()} == {
        *("spec.s2s", "graph.json", "graph.map.json", "run.json", "metrics.jsonl", "result.json"),
        *("samples.jsonl", "checkpoints", "tensorboard"),
    }


def test_what_is_measured_again_stands_in_its_file_once(kit: Any, tmp_path: Path) -> None:
    """As if the run had been killed between its last samples and its result."""
    corpus, run = kit.write_corpus(tmp_path / "tones"), tmp_path / "run"
    shutil.copy(corpus / "valid.jsonl", corpus / "test.jsonl")
    text = kit.SPEC.replace("  keep ", '  test    = ["test.jsonl"]\n  keep ')
    kit.trained(corpus, run, text=text)
    before = (run / "samples.jsonl").read_text()
    assert [json.loads(line)["split"] for line in before.splitlines()] == ["valid"] * 4 + ["test"]
    (run / "result.json").unlink()
    kit.trained(corpus, run, text=text, resume=True)
    assert (run / "samples.jsonl").read_text() == before


def test_samples_are_the_same_examples_each_time(kit: Any, corpus: Path, tmp_path: Path) -> None:
    kit.trained(corpus, tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "samples.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(line["split"], line["step"]) for line in lines] == [("valid", step) for step in (5, 10, 15, 20)]
    assert len({tuple(sample["id"] for sample in line["samples"]) for line in lines}) == 1
    assert all(sample["wanted"] and isinstance(sample["found"], str) for line in lines for sample in line["samples"])


def test_figures_come_in_order_and_once(kit: Any, corpus: Path, tmp_path: Path) -> None:
    kit.trained(corpus, tmp_path, "hyperparameters.stop=22 steps")
    lines = kit.metrics_of(tmp_path)
    # the last window is shorter than `log`, and the last step is measured though no interval ends there
    assert [line["step"] for line in lines if "split" not in line] == [4, 8, 12, 16, 20, 22]
    assert [line["step"] for line in lines if "split" in line] == [5, 10, 15, 20, 22]


def test_a_run_without_valid_split_or_metrics_has_a_result(kit: Any, corpus: Path, tmp_path: Path) -> None:
    text = kit.SPEC.replace('  valid   = ["valid.jsonl"]\n', "").replace("metrics = [wer, cer]", "")
    result = kit.trained(corpus, tmp_path, text=text.replace("best = min(valid.wer)", ""))
    assert "valid" not in result
    assert result["best_step"] == 20


def test_the_same_seed_gives_the_same_weights(kit: Any, corpus: Path, tmp_path: Path) -> None:
    for name, seed in (("one", 3), ("two", 3), ("other", 4)):
        kit.trained(corpus, tmp_path / name, "hyperparameters.stop=6 steps", f"hyperparameters.seed={seed}")
    one, two, other = (kit.state_of(kit.newest(tmp_path / name)) for name in ("one", "two", "other"))
    assert one == two
    assert one != other
    assert kit.metrics_of(tmp_path / "one") == kit.metrics_of(tmp_path / "two")


@pytest.mark.parametrize("optimizer", ["adam(lr = 1e-2)", "adamw(lr = 1e-2)", "momentum(lr = 1e-2)"])
@pytest.mark.parametrize("precision", ["fp32", "autocast(bf16)", "autocast(fp16)"])
def test_every_optimizer_learns_in_every_precision(
    kit: Any, corpus: Path, tmp_path: Path, optimizer: str, precision: str
) -> None:
    sets = (f"hyperparameters.optimizer={optimizer}", f"hyperparameters.precision={precision}")
    kit.trained(corpus, tmp_path, *sets, "hyperparameters.stop=24 steps")
    losses = [line["loss"] for line in kit.metrics_of(tmp_path) if "split" not in line]
    assert losses[-1] < losses[0]


# ---------------------------------------------------------------- it goes on to the bit


@pytest.mark.parametrize("after", [1, 4, 5, 6, 17])
@pytest.mark.parametrize(
    "sets",
    [
        ("hyperparameters.precision=autocast(fp16)", "hyperparameters.schedule=poly(warmup = 3 steps)"),
        ("hyperparameters.optimizer=momentum(lr = 1e-2)", "hyperparameters.evaluate=1 epochs"),
        (
            "hyperparameters.optimizer=adamw(lr = 1e-2)",
            "hyperparameters.regularizer=l2(1e-3)",
            "hyperparameters.clip=1",
        ),
    ],
    ids=["fp16", "momentum", "adamw"],
)
def test_a_stopped_run_goes_on_to_the_bit(
    kit: Any, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sets: tuple[str, ...], after: int
) -> None:
    whole = kit.trained(corpus, tmp_path / "whole", *sets)
    with monkeypatch.context() as patched:
        stop_after(patched, after)
        with pytest.raises(Stopped):
            kit.trained(corpus, tmp_path / "parts", *sets)
    torch.manual_seed(77)
    silent = kit.Silent()
    parts = kit.trained(corpus, tmp_path / "parts", *sets, resume=True, progress=silent)
    assert silent.warned == []
    assert kit.metrics_of(tmp_path / "parts") == kit.metrics_of(tmp_path / "whole")
    assert kit.state_of(kit.newest(tmp_path / "parts")) == kit.state_of(kit.newest(tmp_path / "whole"))
    assert {**parts, "seconds": 0} == {**whole, "seconds": 0}


def test_a_run_stopped_while_it_measures_measures_first_when_it_goes_on(
    kit: Any, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = kit.trained(corpus, tmp_path / "whole")
    for number, at in enumerate((5, 10, 20)):
        with monkeypatch.context() as patched:
            measure = keeping.measure

            def interrupted(trainer: Any, split: str, stop: StopRequest, at: int = at, measure: Any = measure) -> Any:
                if trainer.state.step == at:
                    stop.heard = signal.SIGINT
                return measure(trainer, split, stop)

            patched.setattr(keeping, "measure", interrupted)
            with pytest.raises(Stopped):
                kit.trained(corpus, tmp_path / "parts", resume=number > 0)
    result = kit.trained(corpus, tmp_path / "parts", resume=True)
    assert kit.metrics_of(tmp_path / "parts") == kit.metrics_of(tmp_path / "whole")
    assert kit.state_of(kit.newest(tmp_path / "parts")) == kit.state_of(kit.newest(tmp_path / "whole"))
    assert {**result, "seconds": 0} == {**whole, "seconds": 0}


def test_a_finished_run_can_be_measured_again_and_taken_further(kit: Any, corpus: Path, tmp_path: Path) -> None:
    first = kit.trained(corpus, tmp_path, "hyperparameters.stop=8 steps")
    before = kit.metrics_of(tmp_path), kit.state_of(kit.newest(tmp_path))
    again = kit.trained(corpus, tmp_path, "hyperparameters.stop=8 steps", resume=True)
    assert (kit.metrics_of(tmp_path), kit.state_of(kit.newest(tmp_path))) == before
    assert {**again, "seconds": 0} == {**first, "seconds": 0}
    silent = kit.Silent()
    assert kit.trained(corpus, tmp_path, "hyperparameters.stop=12 steps", resume=True, progress=silent)["steps"] == 12
    assert silent.warned == ["inexact resume: different from before: stop"]


@pytest.mark.parametrize("changed", ["accumulate=2", "ema=0.9", "guard=rewind(window = 3 steps)", "deterministic=true"])
def test_a_run_that_goes_on_with_another_recipe_says_so(kit: Any, corpus: Path, tmp_path: Path, changed: str) -> None:
    kit.trained(corpus, tmp_path, "hyperparameters.stop=4 steps")
    silent = kit.Silent()
    sets = ("hyperparameters.stop=4 steps", f"hyperparameters.{changed}")
    kit.trained(corpus, tmp_path, *sets, resume=True, progress=silent)
    assert silent.warned == [f"inexact resume: different from before: {changed.partition('=')[0]}"]


@pytest.mark.parametrize("on", [False, True])
def test_convolutions_have_channels_last_where_the_spec_says_so(
    kit: Any, corpus: Path, tmp_path: Path, on: bool
) -> None:
    checked = kit.graph_of(f"hyperparameters.channels_last={str(on).lower()}")
    cpu = torch.device("cpu")
    trainer = prepare(checked, Run(tmp_path), kit.data_of(checked, corpus), device=cpu, progress=kit.Silent())
    found = [one for one in trainer.state.model.trained.modules() if isinstance(one, ConvolutionLayer)]
    assert [one.channels_last for one in found] == [on]


def test_where_there_can_be_no_cuda_graphs_it_is_said(kit: Any, corpus: Path, tmp_path: Path) -> None:
    silent, sets = kit.Silent(), ("hyperparameters.stop=2 steps", "hyperparameters.cuda_graphs=true")
    kit.trained(corpus, tmp_path, *sets, progress=silent)
    assert silent.warned == ["cuda_graphs are for one process with a GPU: this run goes without"]


def test_another_optimizer_is_refused(kit: Any, corpus: Path, tmp_path: Path) -> None:
    kit.trained(corpus, tmp_path, "hyperparameters.stop=2 steps")
    sets = ("hyperparameters.stop=4 steps", "hyperparameters.optimizer=momentum(lr = 1e-2)")
    with pytest.raises(CheckpointError, match="was trained by Adam and the spec says SGD"):
        kit.trained(corpus, tmp_path, *sets, resume=True)


def test_other_weights_are_refused(kit: Any, corpus: Path, tmp_path: Path) -> None:
    kit.trained(corpus, tmp_path, "hyperparameters.stop=2 steps")
    model = build_model(kit.graph_of(text=kit.SPEC.replace("conv1d(8", "conv1d(16")))
    with pytest.raises(CheckpointError, match="do not fit the model"):
        load_model(model, kit.newest(tmp_path))


def test_the_speed_of_training_is_without_what_is_done_besides(
    kit: Any, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("s2sc.runtime.training.training.time.monotonic", lambda: now)
    take, measure = engine._train_step, keeping.measure

    def step(*arguments: Any) -> None:
        nonlocal now
        take(*arguments)
        now += 1.0

    def slow(*arguments: Any) -> Any:
        nonlocal now
        now += 1000.0
        return measure(*arguments)

    monkeypatch.setattr(engine, "_train_step", step)
    monkeypatch.setattr(keeping, "measure", slow)
    text = kit.SPEC.replace("batch = 3 examples", "batch = 4 examples")
    kit.trained(corpus, tmp_path, text=text)
    lines = kit.metrics_of(tmp_path, without=())
    assert {line["examples_per_second"] for line in lines if "split" not in line} == {4.0}


# ---------------------------------------------------------------- batches that are skipped


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e30])
def test_a_bad_batch_changes_nothing(kit: Any, corpus: Path, tmp_path: Path, value: float) -> None:
    checked = kit.graph_of("hyperparameters.schedule=poly", "hyperparameters.precision=autocast(fp16)")
    data = kit.data_of(checked, corpus)
    run = Run(tmp_path)
    run.begin(checked, spec_text="", base=corpus, started_with={})
    trainer = prepare(checked, run, data, device=CPU, progress=kit.Silent())
    trainer.state.model.module.train()
    batches = list(data.batches("train", batch=3, shuffle=True, seed=1))
    for batch in batches:
        engine._train_step(trainer, [batch])
    before = kit.state_of(trainer.state.to_checkpoint(made_with={}))
    rate = trainer.rate_of(trainer.state.step, trainer.length)
    bad = with_waveform(batches[0], value)
    if value == 1e30:
        bad = replace(bad, inputs={**bad.inputs, WAVEFORM: bad.inputs[WAVEFORM].cumsum(1)})
    engine._train_step(trainer, [bad])
    after = kit.state_of(trainer.state.to_checkpoint(made_with={}))
    changed = {name for name in before if before[name] != after[name]}
    # dropout drew random numbers, the loss scale halved
    assert changed <= {"skips", "skipped", "scale", "random/cpu"}
    assert after["skips"] == 1
    assert after["skipped"] == before["skipped"] + 1
    assert trainer.rate_of(trainer.state.step, trainer.length) == rate
    assert all(weight.grad is None for weight in trainer.stepper.weights.tensors)


def test_training_goes_on_after_a_bad_batch(kit: Any, corpus: Path, tmp_path: Path) -> None:
    checked = kit.graph_of()
    data = Tampered(
        kit.data_of(checked, corpus), lambda number, batch: with_waveform(batch, math.nan) if number == 7 else batch
    )
    silent = kit.Silent()
    result = kit.trained(corpus, tmp_path, data=data, progress=silent)
    assert result["steps"] == 20
    assert len(silent.warned) == 1
    assert silent.warned[0].startswith("skipped a batch after step 6: the loss is nan")
    lines = kit.metrics_of(tmp_path)
    assert [line["step"] for line in lines if "split" not in line] == [4, 8, 12, 16, 20]
    assert [line["step"] for line in lines if "split" in line] == [5, 10, 15, 20]
    assert {line["step"]: line["skipped"] for line in lines if "skipped" in line} == {8: 1}


@pytest.mark.parametrize("after", [5, 6, 7, 8, 9])
def test_a_run_with_bad_batches_goes_on_to_the_bit(
    kit: Any, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    bad = {(1, 2), (2, 0), (2, 1), (2, 2)}

    def data() -> Tampered:
        def change(number: int, batch: Batch) -> Batch:
            return with_waveform(batch, math.nan) if (batch.epoch, batch.number) in bad else batch

        return Tampered(kit.data_of(kit.graph_of(), corpus), change)

    kit.trained(corpus, tmp_path / "whole", data=data())
    with monkeypatch.context() as patched:
        stop_after(patched, after)
        with pytest.raises(Stopped):
            kit.trained(corpus, tmp_path / "parts", data=data())
    kit.trained(corpus, tmp_path / "parts", data=data(), resume=True)
    assert kit.metrics_of(tmp_path / "parts") == kit.metrics_of(tmp_path / "whole")
    assert kit.state_of(kit.newest(tmp_path / "parts")) == kit.state_of(kit.newest(tmp_path / "whole"))


def test_fifty_bad_batches_end_training_and_leave_the_checkpoints(kit: Any, corpus: Path, tmp_path: Path) -> None:
    data = Tampered(
        kit.data_of(kit.graph_of(), corpus),
        lambda number, batch: batch if number <= 9 else with_waveform(batch, math.nan),
    )
    with pytest.raises(Diverged, match=r"50 batches in a row .* after step 9"):
        kit.trained(corpus, tmp_path, data=data)
    assert data.given == 9 + 50 + 1  # one is asked for ahead
    good = kit.newest(tmp_path)
    assert good.step == 8
    assert all(tensor.isfinite().all() for tensor in good.tensors["model"].values())
    load_trained(Run(tmp_path), CPU)


def test_weights_that_are_not_finite_reach_no_checkpoint(kit: Any, corpus: Path, tmp_path: Path) -> None:
    silent = kit.Silent()
    sets = ("hyperparameters.optimizer=momentum(lr = 1e30, momentum = 0.99)", "hyperparameters.stop=100 steps")
    with pytest.raises(Diverged) as caught:
        kit.trained(corpus, tmp_path, *sets, "hyperparameters.checkpoint.every=1 steps", progress=silent)
    kept = checkpoint_steps(tmp_path / "checkpoints")
    assert str(caught.value).endswith("are unharmed" if kept else "There is no checkpoint yet")
    for step in checkpoint_steps(tmp_path / "checkpoints"):
        found = load_checkpoint(tmp_path / "checkpoints", step=step)
        assert found is not None
        assert is_finite(found)


def test_an_epoch_without_a_batch_does_not_go_on_for_ever(kit: Any, corpus: Path, tmp_path: Path) -> None:
    data = Tampered(kit.data_of(kit.graph_of(), corpus), lambda number, batch: None if number > 5 else batch)
    with pytest.raises(BadData, match="no batch of epoch 2"):
        kit.trained(corpus, tmp_path, data=data)


@pytest.mark.parametrize(("batch", "workers"), [(3, 0), (1, 0), (0.5, 2)])
def test_short_epochs_from_memory_start_no_workers(
    kit: Any, corpus: Path, tmp_path: Path, batch: float, workers: int
) -> None:
    asked: list[int] = []

    class Asked(Tampered):
        def batches(self, split: str, **settings: Any) -> Iterator[Batch]:
            if split == "train":
                asked.append(settings["num_workers"])
            return super().batches(split, **{**settings, "num_workers": 0})

        def num_batches(self, *_: Any, **__: Any) -> int:
            return round(8 / batch)

    sets = ("hyperparameters.workers=2", "hyperparameters.stop=9 steps")
    data = Asked(kit.data_of(kit.graph_of(*sets), corpus), lambda number, batch: batch)
    kit.trained(corpus, tmp_path, *sets, data=data)
    assert set(asked) == {workers}


def test_an_epochs_last_batch_may_be_missing(kit: Any, corpus: Path, tmp_path: Path) -> None:
    data = Tampered(kit.data_of(kit.graph_of(), corpus), lambda number, batch: None if batch.number == 2 else batch)
    assert kit.trained(corpus, tmp_path, "hyperparameters.stop=4 epochs", data=data)["steps"] == 8


# ---------------------------------------------------------------- the best one


def test_the_best_checkpoint_stays_and_is_what_is_measured(kit: Any, corpus: Path, tmp_path: Path) -> None:
    result = kit.trained(corpus, tmp_path, "hyperparameters.stop=40 steps")
    measured = {line["step"]: line["wer"] for line in kit.metrics_of(tmp_path) if "split" in line}
    least = min(measured.values())
    last = max(step for step, wer in measured.items() if wer == least)
    assert (result["best_step"], result["valid"]["wer"]) == (last, least)
    best = load_best(tmp_path / "checkpoints")
    assert best is not None
    assert best.step == last
    for _ in range(2):
        listed = read_run(tmp_path)
        assert (listed.best_step, listed.best) == (last, least)
        # as it is while a run is in training
        (tmp_path / "result.json").unlink(missing_ok=True)


def test_the_best_checkpoint_survives_pruning(
    kit: Any, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = iter([0.9, 0.2, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3])
    measure = keeping.measure

    def pretended(*arguments: Any) -> Any:
        found = measure(*arguments)
        assert found is not None
        found.metrics["wer"] = next(rates)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(keeping, "measure", pretended)
        sets = ("hyperparameters.stop=35 steps", "hyperparameters.checkpoint.keep=2")
        result = kit.trained(corpus, tmp_path, *sets)
    assert result["best_step"] == 10
    assert checkpoint_steps(tmp_path / "checkpoints") == [10, 32, 35]
    assert kit.newest(tmp_path).state["best"] == [10, 0.2]


def test_a_full_disk_stops_no_training_and_the_best_is_what_can_be_read(
    kit: Any, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = iter([0.9, 0.2, 0.8, 0.7, 0.5, 0.6])
    measure, save, add = keeping.measure, save_checkpoint, MetricsFile.write

    def pretended(*arguments: Any) -> Any:
        found = measure(*arguments)
        assert found is not None
        found.metrics["wer"] = next(rates)
        return found

    def full(what: str) -> StorageError:
        return StorageError(what, OSError(errno.ENOSPC, "no space left on device"))

    def save_if_room(folder: Path, checkpoint: Any, **settings: Any) -> Path:
        if 9 <= checkpoint.step <= 16:
            raise full("cannot write the checkpoint")
        return save(folder, checkpoint, **settings)

    def write_if_room(file: Any) -> None:
        if any('"step": 12' in line for line in file._waiting) and '"step": 16' not in file._waiting[-1]:
            raise full("cannot write metrics.jsonl")
        add(file)

    monkeypatch.setattr(keeping, "measure", pretended)
    monkeypatch.setattr(keeping, "save_checkpoint", save_if_room)
    monkeypatch.setattr(MetricsFile, "write", write_if_room)
    silent = kit.Silent()
    result = kit.trained(corpus, tmp_path, "hyperparameters.stop=25 steps", progress=silent)
    # the 0.2 of step 10 found no room, so the least that is on the disk is that of step 25
    assert (result["steps"], result["best_step"]) == (25, 25)
    assert kit.newest(tmp_path).state["best"] == [25, 0.5]
    warned = [warning.partition(":")[0] for warning in silent.warned]
    weights, figures = "cannot write the checkpoint", "cannot write metrics.jsonl"
    # a checkpoint is written while training goes on: its failure is heard of when there is the next thing to write
    assert warned == [figures, weights, weights, figures, weights, weights]  # 12, 10, 12, 15, 15, 16
    steps = [line["step"] for line in kit.metrics_of(tmp_path) if "split" not in line]
    assert steps == [4, 8, 12, 16, 20, 24, 25]


# ---------------------------------------------------------------- the step's parts


def a_trainer(kit: Any, corpus: Path, folder: Path, *sets: str) -> tuple[Any, list[Batch]]:
    checked = kit.graph_of(*sets)
    data = kit.data_of(checked, corpus)
    trainer = prepare(checked, Run(folder), data, device=CPU, progress=kit.Silent())
    trainer.state.model.module.train()
    return trainer, list(data.batches("train", batch=3, shuffle=True, seed=1))


def test_a_step_is_what_a_loop_by_hand_does(kit: Any, corpus: Path, tmp_path: Path) -> None:
    sets = ("hyperparameters.clip=0.5", "hyperparameters.optimizer=adam(lr = 1e-2)")
    trainer, batches = a_trainer(kit, corpus, tmp_path, *sets)
    torch.manual_seed(3)
    model = build_model(kit.graph_of(*sets))
    weights = list(model.module.parameters())
    optimizer = torch.optim.Adam(weights, lr=1e-2, betas=(0.9, 0.999), eps=1e-8, fused=True)
    for batch in batches:
        random = torch.get_rng_state()
        engine._train_step(trainer, [batch])
        torch.set_rng_state(random)
        loss = model.loss(model(batch), batch).mean()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(weights, 0.5)
        optimizer.step()
        optimizer.zero_grad()
        assert trainer.state.losses[-1] == loss.item()
    for ours, theirs in zip(trainer.stepper.weights.tensors, weights, strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize(("ahead", "waits_wanted"), [(False, ["tolist"]), (True, [])])
def test_a_step_waits_for_the_device_once_or_not_at_all(
    kit: Any, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead: bool, waits_wanted: list[str]
) -> None:
    trainer, batches = a_trainer(
        kit,
        corpus,
        tmp_path,
        "hyperparameters.clip=0.5",
        "hyperparameters.optimizer=adamw(lr = 1e-3)",
        "hyperparameters.regularizer=weight_decay(1e-2)",
        "hyperparameters.precision=autocast(fp16)",
    )
    trainer.stepper.waits = not ahead
    engine._train_step(trainer, [batches[0]])
    engine.settle(trainer)
    waits = []
    for name in ("item", "tolist", "__bool__", "__float__", "__int__"):
        original = getattr(torch.Tensor, name)

        def counted(self: Any, *arguments: Any, original: Any = original, name: str = name) -> Any:
            waits.append(name)
            return original(self, *arguments)

        monkeypatch.setattr(torch.Tensor, name, counted)
    engine._train_step(trainer, [batches[1]])
    assert waits == waits_wanted


@pytest.mark.parametrize(
    "precision", ["fp32", "autocast(fp16)", "mixed(fp16)", "mixed(fp16, loss_scale = logmax())", "mixed(bf16)"]
)
def test_a_device_that_works_ahead_takes_the_same_steps(kit: Any, corpus: Path, tmp_path: Path, precision: str) -> None:
    sets = (
        f"hyperparameters.precision={precision}",
        "hyperparameters.clip=0.5",
        "hyperparameters.optimizer=adamw(lr = 1e-2)",
        "hyperparameters.regularizer=weight_decay(1e-2)",
        "hyperparameters.schedule=poly",
    )
    found = []
    for ahead in (False, True):
        folder = tmp_path / str(ahead)
        folder.mkdir()
        trainer, batches = a_trainer(kit, corpus, folder, *sets)
        trainer.stepper.waits = not ahead
        bad = with_waveform(batches[0], math.nan)
        for number, batch in enumerate([bad, *batches, bad, bad, *batches]):
            engine._train_step(trainer, [batch])
            assert (trainer.pending is not None) == ahead
            if number == 2:
                engine.settle(trainer)
        engine.settle(trainer)
        state = kit.state_of(trainer.state.to_checkpoint(made_with={}))
        # figures are reported as they become known
        found.append({name: value for name, value in state.items() if name not in ("seconds", "losses", "skipped")})
    assert len(batches) < trainer.state.step <= 2 * len(batches)
    assert found[0] == found[1]


def test_reckoning_the_loss_changes_no_weight(kit: Any, corpus: Path, tmp_path: Path) -> None:
    trainer, batches = a_trainer(kit, corpus, tmp_path)
    model = trainer.state.model
    before = {name: tensor.clone() for name, tensor in model.module.state_dict().items()}
    for precision_of_mode in (False, True):
        model.module.train(precision_of_mode)
        loss = model.loss(model(batches[0]), batches[0])
        assert loss.requires_grad
    for name, weight in model.module.named_parameters():
        assert torch.equal(weight, before[name]), name
        assert weight.grad is None


def test_half_precision_starts_over_with_half_the_scale(kit: Any, corpus: Path, tmp_path: Path) -> None:
    precision = "autocast(fp16, start_scale = 1048576, grow_every = 2 steps, min_scale = 8)"
    trainer, batches = a_trainer(kit, corpus, tmp_path, f"hyperparameters.precision={precision}")
    state = trainer.state
    bad = with_waveform(batches[0], math.nan)
    seen = []
    for _ in range(19):
        engine._train_step(trainer, [bad])
        seen.append(float(state.scaler.value))
    assert seen[:3] == [2.0**19, 2.0**18, 2.0**17]
    assert seen[-2:] == [8.0, 8.0]
    assert len(trainer.progress.warned) == 19  # a loss that is NaN is no matter of scale
    for batch in batches[:2]:
        engine._train_step(trainer, [batch])
    assert (state.step, float(state.scaler.value)) == (2, 16.0)


def test_an_overflow_of_the_scaled_loss_is_skipped_and_recovered_from(kit: Any, corpus: Path, tmp_path: Path) -> None:
    sets = ("hyperparameters.precision=autocast(fp16, start_scale = 16777216)", "hyperparameters.stop=30 steps")
    result = kit.trained(corpus, tmp_path, *sets)
    scales = [line["loss_scale"] for line in kit.metrics_of(tmp_path) if "loss_scale" in line]
    assert result["steps"] == 30
    assert 1 <= scales[-1] < 2**24


# ---------------------------------------------------------------- measuring


@pytest.mark.parametrize("precision", ["fp32", "autocast(bf16)"])
def test_what_is_measured_does_not_depend_on_the_batch(kit: Any, corpus: Path, tmp_path: Path, precision: str) -> None:
    sets = (f"hyperparameters.precision={precision}", "hyperparameters.stop=60 steps")
    kit.trained(corpus, tmp_path, *sets)
    checked = kit.graph_of(*sets)
    data = kit.data_of(checked, corpus)
    model = load_trained(Run(tmp_path), CPU)
    metrics = checked.graph.hyperparameters.values()["metrics"]
    found = [evaluate(model, data, "valid", metrics=metrics, batch=size, device=CPU) for size in (1, 3, 16)]
    for other in found[1:]:
        assert other.metrics == found[0].metrics
        # sums over padded frames come in another order
        assert other.loss == pytest.approx(found[0].loss, abs=1e-5)
        assert {pair[0]: pair[1:] for pair in other.pairs} == {pair[0]: pair[1:] for pair in found[0].pairs}


def test_measuring_leaves_the_model_as_it_was(kit: Any, corpus: Path, tmp_path: Path) -> None:
    trainer, _ = a_trainer(kit, corpus, tmp_path)
    before = kit.state_of(trainer.state.to_checkpoint(made_with={}))
    for mode in (True, False):
        trainer.state.model.module.train(mode)
        keeping.measure(trainer, "valid", StopRequest())
        assert trainer.state.model.module.training is mode
    assert kit.state_of(trainer.state.to_checkpoint(made_with={})) == before


def test_a_run_that_ends_by_time_ends_and_its_rate_falls_with_it(
    kit: Any, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("s2sc.runtime.training.training.time.monotonic", lambda: now)
    step = engine._train_step

    def timed(*arguments: Any) -> None:
        nonlocal now
        step(*arguments)
        now += 1.0

    monkeypatch.setattr(engine, "_train_step", timed)
    silent = kit.Silent()
    sets = ("hyperparameters.stop=40s", "hyperparameters.schedule=poly", "hyperparameters.evaluate=10 steps")
    result = kit.trained(corpus, tmp_path, *sets, progress=silent)
    assert result["steps"] == 40
    for record in silent.records[1:]:
        assert record["lr"] == pytest.approx(2e-2 * (1 - (record["step"] - 1) / 40))
