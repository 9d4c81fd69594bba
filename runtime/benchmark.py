"""How fast a spec trains: steps of the trainer on its own data or data made up in its shape."""

from __future__ import annotations

import math
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from ..compiler.graph import CheckedGraph, Graph
from ..compiler.memory import precision_of
from ..compiler.training_cost import training_macs
from .clock import Clock
from .data.batch import Batch
from .data.opened import OpenedData
from .distributed import ALONE, World
from .layers.layer import LayerOf, layer_class
from .peak import measured_peak, published_peak
from .peak_memory import begin, peak_bytes
from .run_folder import Run
from .training.batches import train_batches
from .training.preparing import prepare
from .training.quiet import QuietProgress
from .training.trainer import settle
from .training.training import Trainer
from .training.uploads import uploaded

_SOURCE, _TARGET, _WAVEFORM = "data.source", "data.target", "data.audio.waveform"
_TARGETS = (_TARGET, "data.text")


@dataclass
class Contents:
    """What the measured batches held, and what padding made of them.

    frames         of features, for speech
    source_tokens  for text
    target_tokens  for text with their end marks; for speech those of the transcripts
    real, padded   samples or tokens of all streams that the model reads
    flops          of forward and backward passes over what is real
    """

    examples: int = 0
    seconds: float = 0.0
    frames: int = 0
    source_tokens: int = 0
    target_tokens: int = 0
    real: int = 0
    padded: int = 0
    flops: float = 0.0

    def add(self, batch: Batch, graph: Graph) -> None:
        """Count a batch that lies on the CPU."""
        sizes = _sizes(batch, graph)
        self.examples += len(batch)
        self.seconds += math.fsum(batch.seconds)
        self.frames += sum(row.get("T", 0) for row in sizes)
        self.source_tokens += _sum(batch, _SOURCE)
        self.target_tokens += sum(_sum(batch, path) for path in _TARGETS)
        for path, values in batch.inputs.items():
            # transcripts are no input of a recogniser; a shifted target is as long as the target
            if path in (_SOURCE, _TARGET, _WAVEFORM):
                self.real += _sum(batch, path)
                self.padded += values.numel()
        self.flops += 2 * math.fsum(training_macs(graph, row) for row in sizes)


@dataclass(frozen=True)
class Speed:
    """How fast one precision trains; None where there is nothing of the kind.

    step_seconds     of each measured step, the wait for its batch included
    waited_seconds   of all of them together, for batches that were not there yet
    peak_flops       what large matrix products reach in this precision on all devices together
    memory_bytes     of the process that needs most
    """

    precision: str
    step_seconds: tuple[float, ...]
    waited_seconds: float
    contents: Contents
    peak_flops: float
    published_flops: float | None
    memory_bytes: int | None
    skipped: int

    @property
    def total_seconds(self) -> float:
        return math.fsum(self.step_seconds)

    @property
    def padding_efficiency(self) -> float:
        return self.contents.real / max(self.contents.padded, 1)

    @property
    def flops_per_second(self) -> float:
        return self.contents.flops / self.total_seconds

    def per_second(self, what: str) -> float:
        """Examples, frames, seconds, source_tokens, target_tokens a second."""
        return float(getattr(self.contents, what)) / self.total_seconds

    def speed_up(self, first: Speed) -> float:
        """How many times faster than another precision: the median over steps of the same batches."""
        return statistics.median(their / our for their, our in zip(first.step_seconds, self.step_seconds, strict=True))

    def to_json(self) -> dict[str, Any]:
        """All figures, unrounded."""
        return {
            "precision": self.precision,
            "steps": len(self.step_seconds),
            "skipped": self.skipped,
            "step_seconds": quartiles(self.step_seconds),
            "examples_per_second": self.per_second("examples"),
            "audio_seconds_per_second": self.per_second("seconds"),
            "frames_per_second": self.per_second("frames"),
            "source_tokens_per_second": self.per_second("source_tokens"),
            "target_tokens_per_second": self.per_second("target_tokens"),
            "padding_efficiency": self.padding_efficiency,
            "waiting_for_data": self.waited_seconds / self.total_seconds,
            "flops_per_second": self.flops_per_second,
            "peak_flops_per_second": self.peak_flops,
            "share_of_peak": self.flops_per_second / self.peak_flops,
            "published_bf16_flops_per_second": self.published_flops,
            "peak_memory_bytes": self.memory_bytes,
            "contents": asdict(self.contents),
        }


def quartiles(values: Sequence[float]) -> dict[str, float]:
    """The median, the middle half and the least."""
    if len(values) == 1:
        return dict.fromkeys(("median", "low", "high", "least"), values[0])
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": median, "low": low, "high": high, "least": min(values)}


def measure_speed(
    checked: CheckedGraph,
    data: OpenedData,
    *,
    precision: str,
    device: torch.device,
    steps: int,
    warmup: int,
    layer_of: LayerOf = layer_class,
    world: World = ALONE,
    warn: Callable[[str], None] = lambda message: None,
) -> Speed:
    """Take steps as training takes them, without evaluations, checkpoints and figures.

    precision  how the spec's precision is called in the answer
    warmup     steps before those that count: kernels are chosen, caches fill, a loss scale is found
    world      the processes that train together: the answer is of all of them, in each of them
    warn       is told what the spec asks for and these steps go without

    Raises what training raises, and torch.OutOfMemoryError.
    """
    with tempfile.TemporaryDirectory() as folder:
        begin(device)
        trainer = prepare(
            checked,
            Run(Path(folder)),
            data,
            device=device,
            progress=_Warns(warn),
            layer_of=layer_of,
            # another run's weights are as fast as any
            fresh=False,
            world=world,
        )
        trainer.state.model.module.train()
        return _measured(trainer, precision, steps=steps, warmup=warmup)


class _Warns(QuietProgress):
    """A display of warnings alone."""

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._told = warn

    def warn(self, message: str) -> None:
        self._told(message)


@dataclass
class _Taken:
    """What the loop saw of the steps that count."""

    waited: float = 0.0
    batches: list[Batch] = field(default_factory=list)


def _measured(trainer: Trainer, precision: str, *, steps: int, warmup: int) -> Speed:
    clock, taken = Clock(trainer.device), _Taken()
    before = 0
    with closing(uploaded(train_batches(trainer), trainer.device, shaped=trainer.shaped)) as batches:
        for number in range(warmup + steps):
            if number == warmup:
                settle(trainer)
                before = trainer.state.step
                clock.mark()
            asked = time.perf_counter()
            held, there, _, _ = next(batches)
            if number >= warmup:
                taken.waited += time.perf_counter() - asked
                taken.batches += held
            trainer.stepper.gradients(there)
            settle(trainer)
            trainer.pending = trainer.stepper.apply(trainer.rate_of(trainer.state.step, trainer.length))
            if trainer.stepper.waits:
                settle(trainer)
            if number >= warmup:
                clock.mark()
    seconds = clock.seconds()
    settle(trainer)
    contents, graph, world = Contents(), trainer.checked.graph, trainer.world
    memory, published = peak_bytes(trainer.device), published_peak(trainer.device)
    # counted behind the clock's back
    for batch in taken.batches:
        if batch.counts:
            contents.add(batch, graph)
    # steps of all end together: the slowest is waited for
    seconds, waited = world.largest(*seconds), world.largest(taken.waited)[0]
    contents = Contents(**{name: sum(one[name] for one in world.gather(asdict(contents))) for name in asdict(contents)})
    return Speed(
        precision=precision,
        step_seconds=tuple(seconds),
        waited_seconds=waited,
        contents=contents,
        # measured by all at once: on a CPU they share its memory
        peak_flops=math.fsum(world.gather(measured_peak(trainer.device, precision_of(graph)))),
        published_flops=published and published * world.size,
        memory_bytes=None if memory is None else int(world.largest(memory)[0]),
        skipped=steps - (trainer.state.step - before),
    )


def _sum(batch: Batch, path: str) -> int:
    return int(batch.lengths[path].sum()) if path in batch.lengths else 0


def _sizes(batch: Batch, graph: Graph) -> list[dict[str, int]]:
    """Of each row, the size of every symbol that it decides."""
    letters = {path: str(given.time) for path, given in graph.inputs.items() if given.is_seq}
    lengths = {letters[path]: batch.lengths[path].tolist() for path in letters}
    rows = [dict(zip(lengths, row, strict=True)) for row in zip(*lengths.values(), strict=True)]
    for symbol in graph.symbols:
        if symbol.definition is not None:
            for row in rows:
                row[symbol.name] = symbol.definition.value(row)
    return rows
