"""What a recipe may ask of training: accumulation, averages, frozen weights, another run's weights, patience."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from s2sc.runtime.checkpoint import CheckpointError, load_checkpoint
from s2sc.runtime.data.batch import Batch
from s2sc.runtime.optim.groups import named_parameters
from s2sc.runtime.run_folder import Run
from s2sc.runtime.trained import load_trained
from s2sc.runtime.training import trainer as engine
from s2sc.runtime.training.preparing import prepare

CPU = torch.device("cpu")
# batch_norm's statistics are of a batch, dropout and augmentation draw anew: without them a batch may be cut up
PLAIN = " -> batch_norm -> relu -> dropout(0.02)", " -> relu"


def plain_text(kit: Any) -> str:
    text: str = kit.SPEC.replace(*PLAIN).replace("  augment = [noise(20 .. 40, chance = 50%)]\n", "")
    return text


def a_trainer(kit: Any, corpus: Path, folder: Path, *sets: str, text: str) -> tuple[Any, Any]:
    checked = kit.graph_of(*sets, text=text)
    data = kit.data_of(checked, corpus)
    trainer = prepare(checked, Run(folder), data, device=CPU, progress=kit.Silent())
    trainer.state.model.module.train()
    return trainer, data


def weights(trainer: Any) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in trainer.state.model.module.named_parameters()}


# ---------------------------------------------------------------- accumulation


@pytest.mark.parametrize("size", [1, 2, 4])
def test_batches_that_add_up_are_the_large_batch(kit: Any, corpus: Path, tmp_path: Path, size: int) -> None:
    text = plain_text(kit).replace("adam(lr = 2e-2)", "momentum(lr = 0.01)")
    whole, data = a_trainer(kit, corpus, tmp_path / "whole", text=text)
    parts, _ = a_trainer(kit, corpus, tmp_path / "parts", text=text)
    for _ in range(3):
        engine._train_step(whole, list(data.batches("train", batch=8)))
        cut: list[Batch] = list(data.batches("train", batch=size))
        assert len(cut) == 8 // size
        engine._train_step(parts, cut)
    for name, value in weights(whole).items():
        torch.testing.assert_close(weights(parts)[name], value, rtol=0, atol=1e-7)
    assert whole.state.losses == pytest.approx(parts.state.losses, abs=1e-5)


def test_a_step_is_so_many_batches_from_the_first_one_on(kit: Any, corpus: Path, tmp_path: Path) -> None:
    # 8 clips in batches of 3: 3 batches an epoch, so that each second step is of one batch
    result = kit.trained(corpus, tmp_path, "hyperparameters.accumulate=2", "hyperparameters.stop=2 epochs")
    assert result["steps"] == 4
    state = kit.newest(tmp_path).state
    assert (state["epoch"], state["next_batch"]) == (2, 0)


def test_a_run_that_accumulates_goes_on_to_the_bit(kit: Any, corpus: Path, tmp_path: Path) -> None:
    sets = ("hyperparameters.accumulate=2", "hyperparameters.ema=0.9", "hyperparameters.log=1 steps")
    kit.trained(corpus, tmp_path / "whole", *sets, "hyperparameters.stop=9 steps")
    kit.trained(corpus, tmp_path / "parts", *sets, "hyperparameters.stop=5 steps")
    kit.trained(corpus, tmp_path / "parts", *sets, "hyperparameters.stop=9 steps", resume=True)
    whole, parts = kit.state_of(kit.newest(tmp_path / "whole")), kit.state_of(kit.newest(tmp_path / "parts"))
    different = {name for name in whole if whole[name] != parts.get(name)}
    assert different <= {"seconds", "evaluations", "evaluated", "best", "made_with", "losses"}
    assert any(name.startswith("averages/") for name in whole)


# ---------------------------------------------------------------- averages


def test_the_moving_average_is_what_it_says(kit: Any, corpus: Path, tmp_path: Path) -> None:
    trainer, data = a_trainer(kit, corpus, tmp_path, "hyperparameters.ema=0.75", text=kit.SPEC)
    expected = weights(trainer)
    for batch in data.batches("train", batch=3):
        engine._train_step(trainer, [batch])
        now = weights(trainer)
        expected = {name: 0.75 * value + 0.25 * now[name] for name, value in expected.items()}
    for name, value in expected.items():
        torch.testing.assert_close(trainer.state.averages.values[name], value)


def test_averages_are_measured_and_kept_and_training_goes_on_with_the_weights(
    kit: Any, corpus: Path, tmp_path: Path
) -> None:
    sets = ("hyperparameters.ema=0.9", "hyperparameters.stop=40 steps", "hyperparameters.checkpoint.keep=50")
    result = kit.trained(corpus, tmp_path / "ema", *sets)
    plain = kit.trained(corpus, tmp_path / "plain", *sets[1:])
    newest, other = kit.newest(tmp_path / "ema"), kit.newest(tmp_path / "plain")
    for name, value in other.tensors["model"].items():
        assert torch.equal(newest.tensors["model"][name], value), name
    assert result["valid"]["loss"] != plain["valid"]["loss"]
    best = load_checkpoint(tmp_path / "ema" / "checkpoints", step=result["best_step"])
    assert best is not None
    model = load_trained(Run(tmp_path / "ema"), CPU)
    for name, value in best.tensors["averages"].items():
        assert torch.equal(model.module.get_parameter(name), value)


def test_a_skipped_step_does_not_move_the_averages(kit: Any, corpus: Path, tmp_path: Path) -> None:
    for ahead in (False, True):
        sets = ("hyperparameters.ema=0.5", "hyperparameters.optimizer=adamw(lr = 1e-2)")
        trainer, data = a_trainer(kit, corpus, tmp_path / str(ahead), *sets, text=kit.SPEC)
        trainer.stepper.waits = not ahead
        batches = list(data.batches("train", batch=3))
        engine._train_step(trainer, [batches[0]])
        before = copy.deepcopy(trainer.state.averages.values)
        batches[1].inputs["data.audio.waveform"][0, 0] = float("nan")
        engine._train_step(trainer, [batches[1]])
        engine.settle(trainer)
        assert trainer.state.skips == 1
        assert all(torch.equal(value, before[name]) for name, value in trainer.state.averages.values.items())


def test_a_run_ends_with_the_mean_of_its_last_checkpoints(kit: Any, corpus: Path, tmp_path: Path) -> None:
    sets = ("hyperparameters.average=3", "hyperparameters.checkpoint.keep=4", "hyperparameters.evaluate=100 steps")
    silent = kit.Silent()
    result = kit.trained(corpus, tmp_path, *sets, progress=silent)
    folder = tmp_path / "checkpoints"
    steps = [12, 16, 20]
    assert "the mean of the weights after steps 12, 16, 20" in silent.said
    found = [load_checkpoint(folder, step=step) for step in steps]
    model = load_trained(Run(tmp_path), CPU)
    for name in dict(model.module.named_parameters()):
        mean = torch.stack([one.tensors["model"][name].double() for one in found if one]).mean(0)
        torch.testing.assert_close(model.module.get_parameter(name).double(), mean, rtol=0, atol=1e-7)
    assert result["best_step"] == 20
    again = kit.trained(corpus, tmp_path, *sets, resume=True)
    assert {**again, "seconds": 0} == {**result, "seconds": 0}


# ---------------------------------------------------------------- frozen weights, weights of another run


def test_frozen_weights_stay_and_have_no_moments(kit: Any, corpus: Path, tmp_path: Path) -> None:
    trainer, data = a_trainer(kit, corpus, tmp_path, 'hyperparameters.freeze=["encoder.*"]', text=kit.SPEC)
    before = weights(trainer)
    for batch in data.batches("train", batch=3):
        engine._train_step(trainer, [batch])
    moved = {name for name, value in weights(trainer).items() if not torch.equal(value, before[name])}
    assert moved == {name for name in before if name.startswith("decoder.")}
    assert len(trainer.state.optimizer.state) == len(moved)


def test_a_layer_in_a_block_that_torch_has_a_name_for_is_frozen_and_known_for_what_it_is(
    kit: Any, corpus: Path, tmp_path: Path
) -> None:
    # nn.Module.half is a method, so the block's module is called half_
    block = "block half(x: seq[batch, time, _]) => y { y = x -> batch_norm -> relu }\nencoder {"
    text = kit.SPEC.replace("-> batch_norm -> relu", "-> half").replace("encoder {", block, 1)
    trainer, data = a_trainer(kit, corpus, tmp_path, 'hyperparameters.freeze=["encoder.*.half"]', text=text)
    before = weights(trainer)
    inside = {name for name in before if "half_" in name}
    assert len(inside) == 2
    for batch in data.batches("train", batch=3):
        engine._train_step(trainer, [batch])
    assert {name for name, value in weights(trainer).items() if torch.equal(value, before[name])} == inside
    kinds = {one.name: one.kind for one in named_parameters(trainer.state.model.module, trainer.checked)}
    assert {kinds[name] for name in inside} == {"norm"}


def test_a_run_starts_from_another_ones_weights_where_they_fit(kit: Any, corpus: Path, tmp_path: Path) -> None:
    kit.trained(corpus, tmp_path / "first", "hyperparameters.stop=30 steps")
    model = load_trained(Run(tmp_path / "first"), CPU)
    text = kit.SPEC.replace("linear(pad_to(8, chars.size + 1))", "linear(16)")
    silent = kit.Silent()
    checked = kit.graph_of(f'hyperparameters.init_from="{tmp_path / "first"}"', text=text)
    trainer = prepare(checked, Run(tmp_path / "second"), kit.data_of(checked, corpus), device=CPU, progress=silent)
    for name, value in model.module.state_dict().items():
        same = torch.equal(trainer.state.model.module.state_dict()[name], value) if "decoder" not in name else None
        assert same in (True, None), name
    said = "\n".join(silent.said)
    assert "not taken: decoder.logits.linear.weight has the shape [8, 8] there and [16, 8] here" in said


def test_a_run_that_starts_from_another_learns_on(kit: Any, corpus: Path, tmp_path: Path) -> None:
    first = kit.trained(corpus, tmp_path / "first", "hyperparameters.stop=60 steps")
    sets = (f'hyperparameters.init_from="{tmp_path / "first"}"', "hyperparameters.stop=1 steps")
    second = kit.trained(corpus, tmp_path / "second", *sets)
    assert second["valid"]["loss"] < first["valid"]["loss"] * 2
    # one that is stopped and goes on does not start again from the other's weights
    (tmp_path / "first").rename(tmp_path / "gone")
    further = kit.trained(corpus, tmp_path / "second", sets[0], "hyperparameters.stop=9 steps", resume=True)
    assert further["steps"] == 9


def test_weights_that_do_not_fit_at_all_are_refused(kit: Any, corpus: Path, tmp_path: Path) -> None:
    kit.trained(corpus, tmp_path / "first", "hyperparameters.stop=4 steps")
    text = kit.SPEC.replace("conv1d(8", "conv1d(24").replace("bins = 8", "bins = 10")
    text = text.replace("linear(pad_to(8, chars.size + 1))", "linear(32)")
    with pytest.raises(CheckpointError, match=r"no tensor of .* has the name and the shape of one here"):
        kit.trained(corpus, tmp_path / "second", f'hyperparameters.init_from="{tmp_path / "first"}"', text=text)
    with pytest.raises(CheckpointError, match="init_from: there is no run at"):
        kit.trained(corpus, tmp_path / "third", f'hyperparameters.init_from="{tmp_path / "nowhere"}"')


# ---------------------------------------------------------------- patience, exactness


def test_a_run_without_a_better_value_ends_early_and_stays_ended(kit: Any, corpus: Path, tmp_path: Path) -> None:
    sets = (
        "hyperparameters.optimizer=adam(lr = 1e-12)",
        "hyperparameters.checkpoint.best=min(valid.loss)",
        "hyperparameters.patience=2",
        "hyperparameters.stop=500 steps",
        "hyperparameters.seed=5",
    )
    text = plain_text(kit)
    silent = kit.Silent()
    result = kit.trained(corpus, tmp_path, *sets, text=text, progress=silent)
    assert result["steps"] < 500
    assert any(line.startswith("stopped early: 2 evaluations without a better one") for line in silent.said)
    assert kit.metrics_of(tmp_path)[-1]["step"] == result["steps"]
    again = kit.trained(corpus, tmp_path, *sets, text=text, resume=True)
    assert again["steps"] == result["steps"]


def test_deterministic_asks_torch_for_it_and_leaves_no_trace(
    kit: Any, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    step = engine._train_step

    def seen(*arguments: Any) -> None:
        asked.append(torch.are_deterministic_algorithms_enabled())
        step(*arguments)

    monkeypatch.setattr(engine, "_train_step", seen)
    for name in ("one", "two"):
        kit.trained(corpus, tmp_path / name, "hyperparameters.deterministic=true")
    assert all(asked)
    assert not torch.are_deterministic_algorithms_enabled()
    assert kit.state_of(kit.newest(tmp_path / "one")) == kit.state_of(kit.newest(tmp_path / "two"))


def test_reckoning_a_loss_changes_no_weight(kit: Any, corpus: Path, tmp_path: Path) -> None:
    trainer, data = a_trainer(kit, corpus, tmp_path, text=kit.SPEC)
    before = weights(trainer)
    for batch in data.batches("train", batch=3):
        trainer.state.model.loss(trainer.state.model(batch), batch)
    assert all(torch.equal(value, before[name]) for name, value in weights(trainer).items())
