"""What processes do in these tests, for each of them to import."""

from __future__ import annotations

import errno
import hashlib
import time
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from s2sc.compiler.front import analyse_file
from s2sc.compiler.parts.data.speech import Speech
from s2sc.runtime.benchmark import measure_speed
from s2sc.runtime.checkpoint import commit as checkpoint_commit
from s2sc.runtime.checkpoint import load_checkpoint, write_part
from s2sc.runtime.compiled import compiled, compiled_graph
from s2sc.runtime.data.batch import Batch
from s2sc.runtime.data.generated import generated_data
from s2sc.runtime.data.opening import open_data
from s2sc.runtime.data.speech import open_speech
from s2sc.runtime.distributed import World
from s2sc.runtime.evaluation import evaluate
from s2sc.runtime.initialize import initialize
from s2sc.runtime.model import build_model
from s2sc.runtime.optim.groups import named_parameters
from s2sc.runtime.run_folder import Run
from s2sc.runtime.shards import local
from s2sc.runtime.storage import StorageError
from s2sc.runtime.training import keeping, preparing, strategy
from s2sc.runtime.training.ended import Diverged
from s2sc.runtime.training.preparing import prepare
from s2sc.runtime.training.quiet import QuietProgress
from s2sc.runtime.training.step import Stepper
from s2sc.runtime.training.trainer import train
from s2sc.runtime.training.training import Trainer
from s2sc.tests.runtime.training.conftest import SPEC, data_of, graph_of
from safetensors.torch import load
from torch import Tensor
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel

# masks are drawn for the rows of each process: with dropout no two numbers of processes do the same
PLAIN = SPEC.replace(" -> dropout(0.02)", "")

SPECS = Path(__file__).parents[3] / "specs"


def digest(tensors: Any) -> str:
    """The bits of some tensors; of those that are dealt out, of what lies here."""
    found = hashlib.sha256()
    for tensor in local(tensors):
        found.update(tensor.detach().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def training(
    world: World, corpus: str, folder: str, sets: tuple[str, ...], text: str = PLAIN, resume: bool = False
) -> dict[str, Any]:
    """Train into a folder, or go on there; result.json's content."""
    checked = graph_of(*sets, text=text)
    run = Run(Path(folder))
    if world.is_first:
        run.begin(checked, spec_text=text, base=Path(corpus), started_with={})
    data = data_of(checked, Path(corpus))
    return train(checked, run, data, device=world.device, progress=QuietProgress(), world=world, resume=resume)


def going_on(world: World, corpus: str, folder: str, sets: tuple[str, ...]) -> dict[str, Any]:
    """Go on in a folder; a file's tensors come in another order in each process, as safetensors has it."""

    def in_order(data: bytes) -> dict[str, torch.Tensor]:
        return dict(sorted(load(data).items(), reverse=world.rank % 2 == 1))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("s2sc.runtime.checkpoint.load_tensors", in_order)
        return training(world, corpus, folder, sets, resume=True)


def training_on_bad_records(world: World, corpus: str, folder: str, sets: tuple[str, ...]) -> list[tuple[str, int]]:
    """Train on recordings that are decoded when their turn comes; the bad records that this process knows of."""
    text = PLAIN.replace('  valid   = ["valid.jsonl"]', '  on_bad = "skip"').replace("; best = min(valid.wer)", "")
    checked = graph_of(*sets, text=text)
    run = Run(Path(folder))
    if world.is_first:
        run.begin(checked, spec_text=text, base=Path(corpus), started_with={})
    assert isinstance(checked.graph.data, Speech)
    data = open_speech(checked.graph.data, base=Path(corpus), environment={}, kept_bytes=0)
    result = train(checked, run, data, device=world.device, progress=QuietProgress(), world=world)
    assert sum(result["data"]["refused"].values()) == len(data.tally.refused)
    return sorted((problem.reason, problem.line) for problem in data.tally.refused)


def training_on_texts(world: World, folder: str, text: str, sets: tuple[str, ...]) -> dict[str, Any]:
    """Train on a corpus that is made of nothing; result.json's content."""
    checked = graph_of(*sets, text=text)
    run = Run(Path(folder))
    if world.is_first:
        run.begin(checked, spec_text=text, base=Path(folder), started_with={})
    data = open_data(checked, base=Path(folder), environment={})
    return train(checked, run, data, device=world.device, progress=QuietProgress(), world=world)


def writing_parts(world: World, corpus: str, folder: str, sets: tuple[str, ...], full: tuple[int, ...]) -> Any:
    """Train where the disk of the last process is full after some steps; the warnings, and at which step each
    checkpoint was committed while training went on.
    """
    real_part, real_commit = write_part, checkpoint_commit
    committed: list[tuple[int, int]] = []
    trainers: list[Trainer] = []

    def part(*arguments: Any, **more: Any) -> Any:
        if world.rank == world.size - 1:
            if arguments[2].step in full:
                raise StorageError("cannot write", OSError(errno.ENOSPC, "No space left on device"))
            # the first one has written long before
            time.sleep(0.1)
        return real_part(*arguments, **more)

    def commit(*arguments: Any, **more: Any) -> Any:
        committed.append((arguments[2], trainers[0].state.step))
        return real_commit(*arguments, **more)

    def prepared(*arguments: Any, **more: Any) -> Trainer:
        trainers.append(prepare(*arguments, **more))
        return trainers[0]

    warned: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keeping, "write_part", part)
        patch.setattr(keeping, "commit", commit)
        patch.setattr("s2sc.runtime.training.trainer.prepare", prepared)
        patch.setattr(QuietProgress, "warn", lambda self, message: warned.append(message))
        try:
            training(world, corpus, folder, sets)
        except StorageError as error:
            warned.append(str(error))
    return warned, committed


def jumping(world: World, corpus: str, folder: str, sets: tuple[str, ...]) -> dict[str, Any]:
    """Train where the loss of one batch, of one process's share of it, is far too large."""
    whole = Stepper.gradients

    def gradients(self: Stepper, batches: Sequence[Batch]) -> None:
        whole(self, batches)
        if (batches[0].epoch, batches[0].number) == (3, 1) and world.rank == world.size - 1:
            self._loss *= 1000

    pytest.MonkeyPatch().setattr(Stepper, "gradients", gradients)
    return training(world, corpus, folder, sets)


def speed(world: World, sets: tuple[str, ...]) -> dict[str, Any]:
    """What `s2sc bench` measures, of data that is made up."""
    checked = graph_of(*sets, text=PLAIN)
    data = generated_data(checked)
    device = world.device
    return measure_speed(checked, data, precision="fp32", device=device, steps=4, warmup=1, world=world).to_json()


def diverging(world: World, corpus: str, folder: str, sets: tuple[str, ...]) -> str:
    """Train where the samples of the last process are no numbers from the second epoch on; what it ends with."""
    whole = Stepper.gradients

    def gradients(self: Stepper, batches: Sequence[Batch]) -> None:
        if batches[0].epoch >= 1 and world.rank == world.size - 1:
            batches[0].inputs["data.audio.waveform"].fill_(float("nan"))
        whole(self, batches)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stepper, "gradients", gradients)
        try:
            training(world, corpus, folder, sets)
        except Diverged as error:
            return str(error)
    return ""


def samples(world: World, corpus: str, folder: str, sets: tuple[str, ...], resume: bool) -> list[list[str]]:
    """Train on recordings that are decoded when their turn comes, or go on there; the ids of each step's samples."""
    checked = graph_of(*sets, text=PLAIN)
    run = Run(Path(folder))
    if world.is_first:
        run.begin(checked, spec_text=PLAIN, base=Path(corpus), started_with={})
    assert isinstance(checked.graph.data, Speech)
    data = open_speech(checked.graph.data, base=Path(corpus), environment={}, kept_bytes=0)
    found: list[list[str]] = []
    gradients = Stepper.gradients

    def watched(stepper: Stepper, batches: Sequence[Batch]) -> None:
        found.append([one for batch in batches if batch.counts for one in batch.ids])
        gradients(stepper, batches)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stepper, "gradients", watched)
        train(checked, run, data, device=world.device, progress=QuietProgress(), world=world, resume=resume)
    return found


def averaging(world: World, corpus: str, folder: str) -> dict[str, Any]:
    """Train without a valid split and end with the mean of two checkpoints; rank 1 is slow to read them."""
    if world.rank == 1:

        def slowly(*arguments: Any, **more: Any) -> Any:
            time.sleep(0.3)
            return load_checkpoint(*arguments, **more)

        pytest.MonkeyPatch().setattr(keeping, "load_checkpoint", slowly)
    text = PLAIN.replace("valid   =", "test    =").replace("; best = min(valid.wer)", "")
    sets = ("hyperparameters.average=2", "hyperparameters.stop=8 steps")
    return training(world, corpus, folder, sets, text)


def steps(
    world: World, corpus: str, folder: str, sets: tuple[str, ...], bad: tuple[int, int], ahead: bool = False
) -> list[dict[str, Any]]:
    """Take six steps; in step `bad[0]` the samples of rank `bad[1]` are not numbers. What each step did to a rank.

    ahead  without a look at what a step did, as on a GPU
    """
    checked = graph_of(*sets, text=PLAIN)
    run = Run(Path(folder))
    data = data_of(checked, Path(corpus))
    trainer = prepare(checked, run, data, device=world.device, progress=QuietProgress(), world=world)
    trainer.stepper.waits = not ahead
    trainer.state.model.module.train()
    found: list[dict[str, Any]] = []
    for epoch in range(3):
        for batch in data.batches("train", batch=2, seed=3, epoch=epoch, shuffle=True, share=trainer.share):
            if (len(found), world.rank) == bad:
                batch.inputs["data.audio.waveform"].fill_(float("nan"))
            trainer.stepper.gradients([batch])
            loss, norm, skipped, _, scale = trainer.stepper.apply(1e-2).numbers()
            tensors = [*trainer.state.model.module.state_dict().values(), *trainer.stepper.weights.tensors]
            found.append({"loss": loss, "norm": norm, "skipped": skipped, "scale": scale, "bits": digest(tensors)})
    return found


def bucket_bytes(world: World, corpus: str, sets: tuple[str, ...]) -> int:
    """How many bytes of gradients travel together."""
    checked = graph_of(*sets, text=PLAIN)
    data = data_of(checked, Path(corpus))
    trainer = prepare(
        checked, Run(Path(corpus) / "none"), data, device=world.device, progress=QuietProgress(), world=world
    )
    wrapped = trainer.state.model.trained
    assert isinstance(wrapped, DistributedDataParallel)
    return int(wrapped.bucket_bytes_cap)


def measuring(world: World, corpus: str, batch: int) -> dict[str, Any]:
    """Measure a model with fresh weights on the valid split."""
    checked = graph_of(text=PLAIN)
    settings = checked.graph.hyperparameters.values()
    torch.manual_seed(5)
    model = build_model(checked)
    initialize(settings["initializer"], named_parameters(model.module, checked))
    found = evaluate(
        model,
        data_of(checked, Path(corpus)),
        "valid",
        metrics=settings["metrics"],
        batch=batch,
        device=world.device,
        world=world,
    )
    return {**found.to_json(), "pairs": found.pairs, "infeasible": found.infeasible}


def recipe(world: World, spec: str, sets: tuple[str, ...], folder: str) -> dict[str, Any]:
    """Take three steps of a recipe on generated data, and let it answer; what each step gave, what is held here.

    Compiled pieces are cut and traced, but no kernels are made of them, which would take minutes.
    """
    patch = pytest.MonkeyPatch()
    patch.setattr(preparing, "compiled", partial(compiled, backend="eager"))
    patch.setattr(strategy, "compiled_graph", partial(compiled_graph, backend="eager"))
    found = analyse_file(SPECS / spec, sets=sets)
    assert found.checked is not None, [finding.message for finding in found.findings]
    data = generated_data(found.checked)
    trainer = prepare(
        found.checked, Run(Path(folder)), data, device=world.device, progress=QuietProgress(), world=world
    )
    batch = trainer.settings["batch"]
    answers = [_answers(trainer, next(iter(data.batches("train", batch=batch, share=trainer.share))))]
    seen = []
    for one in islice(data.batches("train", batch=batch, share=trainer.share), 3):
        trainer.stepper.gradients([one])
        seen.append(trainer.stepper.apply(1e-2).numbers())
    weights, module = trainer.state.weights, trainer.state.model.module
    answers.append(_answers(trainer, one))
    return {
        "seen": seen,
        "held": sum(one.numel() for one in local([*weights.tensors, *module.parameters()])),
        "units": 0 if trainer.sharded is None else trainer.sharded.num_units,
        "weights": {name: _whole(one).tolist() for name, one in weights.state_dict(module).items()},
        "answers": answers,
    }


def _whole(tensor: Tensor) -> Tensor:
    """All rows of a tensor that is dealt out; every process takes part."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def _answers(trainer: Trainer, batch: Batch) -> Any:
    """What the model's search finds; the weights whole for as long."""
    model = trainer.state.model
    model.module.eval()
    with trainer.sharded.whole() if trainer.sharded is not None else nullcontext(), torch.no_grad():
        found = model.hypotheses(model(batch), batch)
    model.module.train()
    return found
