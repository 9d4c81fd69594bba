"""`guard = rewind(…)`: a loss that jumps leaves no trace but the batches that are left out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from s2sc.runtime.data.batch import Batch
from s2sc.runtime.training.ended import Diverged
from s2sc.runtime.training.step import Stepper
from s2sc.tests.nightly import tries

# three batches an epoch; a checkpoint every four steps, and none more where the valid split is at its best
GUARD = "hyperparameters.guard=rewind(factor = 5, window = 6 steps, most = 2)"
RARELY = "hyperparameters.evaluate=100 steps"
Place = tuple[int, int]


class Killed(BaseException):
    """As a process ends that is killed."""


def jumps(monkeypatch: pytest.MonkeyPatch, places: Collection[Place], *, killed_at: Sequence[Place] = ()) -> None:
    """Let the losses of some batches be a hundred times what they are, and their gradients too; die once at others."""
    whole, killed = Stepper.gradients, list(killed_at)

    def gradients(self: Stepper, batches: Sequence[Batch]) -> None:
        place = (batches[0].epoch, batches[0].number)
        if place in killed:
            killed.remove(place)
            raise Killed
        whole(self, batches)
        if place in places:
            self._loss *= 100
            for weight in self.model.module.parameters():
                if weight.grad is not None:
                    weight.grad *= 100

    monkeypatch.setattr(Stepper, "gradients", gradients)


class Without:
    """A corpus some of whose batches are left out."""

    def __init__(self, whole: Any, places: Collection[Place]) -> None:
        self._whole, self._places = whole, places

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)

    def batches(self, split: str, **how: Any) -> Iterator[Batch]:
        for batch in self._whole.batches(split, **how):
            if split != "train" or (batch.epoch, batch.number) not in self._places:
                yield batch


def of(kit: Any, folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The newest state and all figures, without the count of times back."""
    state = kit.state_of(kit.newest(folder))
    figures = kit.metrics_of(folder, without=("seconds", "examples_per_second", "rewinds"))
    return {name: value for name, value in state.items() if name != "rewinds"}, figures


# none of which takes a whole epoch with it
@pytest.mark.parametrize("seed", range(3, 3 + tries(1, 30)))
@pytest.mark.parametrize("jump", [6, 7, 8, 9, 10, 12, 13, 16, 17, 18])
def test_a_jump_leaves_no_trace_but_what_is_left_out(
    jump: int, seed: int, kit: Any, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more_sets = (GUARD, RARELY, f"hyperparameters.seed={seed}")
    back = jump // 4 * 4
    whole = kit.data_of(kit.graph_of(*more_sets), corpus)
    left_out = {divmod(number, 3) for number in range(back, jump + 1)}
    kit.trained(corpus, tmp_path / "reference", *more_sets, data=Without(whole, left_out))
    jumps(monkeypatch, {divmod(jump, 3)})
    shown = kit.Silent()
    kit.trained(corpus, tmp_path / "run", *more_sets, progress=shown)
    (state, figures), (expected, more) = of(kit, tmp_path / "run"), of(kit, tmp_path / "reference")
    assert state == expected
    # an epoch is over sooner where its last batches are left out
    assert [{**line, "epoch": 0} for line in figures] == [{**line, "epoch": 0} for line in more]
    (warned,) = shown.warned
    assert f"training goes back to step {back} and leaves out the batches in between (1 of at most 2 times)" in warned
    assert kit.newest(tmp_path / "run").state["rewinds"] == 1
    assert kit.metrics_of(tmp_path / "run")[-2]["rewinds"] == 1


@pytest.mark.parametrize("killed_at", [(3, 2), (4, 1), (5, 0)])
def test_a_run_that_is_killed_after_it_went_back_is_as_if_it_was_not(
    killed_at: Place, kit: Any, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jumps(monkeypatch, {(3, 1)})
    kit.trained(corpus, tmp_path / "whole", GUARD)
    monkeypatch.undo()
    jumps(monkeypatch, {(3, 1)}, killed_at=[killed_at])
    with pytest.raises(Killed):
        kit.trained(corpus, tmp_path / "killed", GUARD)
    kit.trained(corpus, tmp_path / "killed", GUARD, resume=True)
    assert kit.state_of(kit.newest(tmp_path / "killed")) == kit.state_of(kit.newest(tmp_path / "whole"))
    assert of(kit, tmp_path / "killed") == of(kit, tmp_path / "whole")


def test_one_jump_too_many_ends_the_run(
    kit: Any, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jumps(monkeypatch, {(3, 1), (4, 1), (5, 1)})
    shown = kit.Silent()
    with pytest.raises(Diverged, match=r"training went back 2 times already\. .*checkpoints.* are unharmed"):
        kit.trained(corpus, tmp_path, GUARD, RARELY, progress=shown)
    assert len(shown.warned) == 2
    assert kit.newest(tmp_path).step == 8


def test_before_the_window_is_full_and_without_a_guard_nothing_is_a_jump(
    kit: Any, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jumps(monkeypatch, {(1, 2)})
    shown = kit.Silent()
    kit.trained(corpus, tmp_path / "early", GUARD, progress=shown)
    kit.trained(corpus, tmp_path / "none", progress=shown)
    assert shown.warned == []
    assert "rewinds" not in kit.metrics_of(tmp_path / "early")[-1]


def test_without_a_checkpoint_training_goes_on(
    kit: Any, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jumps(monkeypatch, {(3, 1)})
    shown = kit.Silent()
    kit.trained(corpus, tmp_path, GUARD, RARELY, "hyperparameters.checkpoint.every=100 steps", progress=shown)
    (warned,) = shown.warned
    assert "there is no checkpoint to go back to yet" in warned
