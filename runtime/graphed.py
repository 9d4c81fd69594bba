"""A training graph whose kernels are launched together: one CUDA graph for each shape of its arguments.

A small model's kernels end before the next one is launched; a graph launches all of a pass at once. It is recorded when
a shape comes for the second time (https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .model import Model
from .run_folder import RunError
from .training.running_statistics import RunningStatistics

# each holds what it gives and the gradients of all weights
MOST_GRAPHS = 32

Results = Sequence[Tensor | None]
Shape = tuple[tuple[torch.Size, torch.dtype], ...]


class CannotBeRecorded(RuntimeError):
    """A layer does what no record can hold, such as waiting for the device; nothing has been recorded."""


class Recorder(Protocol):
    """Records work on tensors that stay where they are; random numbers are drawn when it is done again, and only then.

    rehearse  do the work for nothing; RuntimeError where it cannot be recorded
    record    what the work gives, and what does it again, into the same tensors
    """

    def rehearse(self, work: Callable[[], None]) -> None: ...

    def record(self, work: Callable[[], Results]) -> tuple[Results, Callable[[], None]]: ...


class CudaRecorder:
    """Records CUDA graphs, which share their memory: they are replayed one after the other."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._pool = torch.cuda.graph_pool_handle()

    def rehearse(self, work: Callable[[], None]) -> None:
        """Do the work in a queue of its own, in which nothing may wait for the device."""
        random, mode = torch.cuda.get_rng_state(self._device), torch.cuda.get_sync_debug_mode()
        queue = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]  # torch has no types here
        queue.wait_stream(torch.cuda.current_stream(self._device))
        torch.cuda.set_sync_debug_mode("error")
        try:
            with torch.cuda.stream(queue):
                work()
        finally:
            torch.cuda.set_sync_debug_mode(mode)
            torch.cuda.synchronize(self._device)
            torch.cuda.set_rng_state(random, self._device)

    def record(self, work: Callable[[], Results]) -> tuple[Results, Callable[[], None]]:
        """Record a graph; other threads, which pin batches, go on with what the recording one must not do."""
        graph = torch.cuda.CUDAGraph()
        # torch does not come back to this queue by itself where a recording ends in an error
        with (
            torch.cuda.stream(torch.cuda.current_stream(self._device)),
            torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"),
        ):
            given = work()
        return given, graph.replay


def graphed(model: Model, recorder: Recorder, *, warn: Callable[[str], None]) -> Model:
    """The model whose training graph is recorded and replayed; layers and weights are the same objects as before.

    warn  is told, once, where a layer does what cannot be recorded: all goes on as it would without
    """
    return replace(model, trained=Graphed(model.trained, recorder, warn))


class Graphed(nn.Module):
    """A module with a record of its two passes for each shape of its arguments."""

    def __init__(self, module: nn.Module, recorder: Recorder, warn: Callable[[str], None]) -> None:
        super().__init__()
        self.module = module
        self._recorder, self._warn = recorder, warn
        self._statistics = RunningStatistics(module)
        self._seen: set[Shape] = set()
        self._records: dict[Shape, _Record] = {}
        self._possible = True

    def forward(self, *arguments: Tensor) -> Mapping[str, Tensor]:
        """What the module gives."""
        found: Mapping[str, Tensor]
        shape = tuple((one.shape, one.dtype) for one in arguments)
        if not torch.is_grad_enabled() or not self._has_record(shape, arguments):
            found = self.module(*arguments)
        else:
            found = self._records[shape](arguments)
        return found

    def _has_record(self, shape: Shape, arguments: Sequence[Tensor]) -> bool:
        if shape in self._records:
            return True
        # a shape's first batch is for kernels to be chosen and tables to be made
        if self._possible and shape in self._seen and len(self._records) < MOST_GRAPHS:
            self._record(shape, arguments)
        self._seen.add(shape)
        return shape in self._records

    def _record(self, shape: Shape, arguments: Sequence[Tensor]) -> None:
        self._statistics.remember()
        try:
            self._records[shape] = _Record(self.module, arguments, self._recorder)
        except CannotBeRecorded as error:
            self._possible = False
            self._warn(f"cuda_graphs: there are none, a layer does what they cannot hold ({error})")
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            # torch's allocator may still take what follows for a part of the record
            way_out = "train with cuda_graphs = false"
            raise RunError(f"cuda_graphs: a pass could not be recorded ({error}); {way_out}") from error
        finally:
            self._statistics.go_back()


class _Record:
    """A forward and a backward pass over arguments, results and gradients that stay where they are."""

    def __init__(self, module: nn.Module, arguments: Sequence[Tensor], recorder: Recorder) -> None:
        self.weights = [one for one in module.parameters() if one.requires_grad]
        self.arguments = [one.clone() for one in arguments]
        # the weights' own leaves belong to the queue in which their gradients have added up so far
        leaves: dict[str, Tensor] = {
            name: nn.Parameter(one.detach()) for name, one in module.named_parameters() if one.requires_grad
        }
        outputs: Mapping[str, Tensor] = {}

        def forward() -> list[Tensor]:
            nonlocal outputs
            outputs = torch.func.functional_call(module, leaves, tuple(self.arguments))
            return list(outputs.values())

        def backward() -> Results:
            moving = [one for one in outputs.values() if one.requires_grad]
            found = torch.autograd.grad(moving, list(leaves.values()), self.wanted, allow_unused=True)
            return _apart(found)

        def both() -> None:
            nonlocal outputs
            self.wanted = [torch.zeros_like(one) for one in forward() if one.requires_grad]
            backward()
            # while they are there, what the leaves' gradients come to belongs to the queue of the rehearsal
            outputs = {}

        try:
            recorder.rehearse(both)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise CannotBeRecorded(str(error)) from error
        given, self.forward_again = recorder.record(forward)
        self.names = tuple(outputs)
        self.given = [one.detach() for one in given if one is not None]
        self.moves = [one.requires_grad for one in given if one is not None]
        self.gradients, self.backward_again = recorder.record(backward)

    def __call__(self, arguments: Sequence[Tensor]) -> Mapping[str, Tensor]:
        """What the module gives."""
        for weight in self.weights:
            if weight.grad is not None:
                # of the batch before in the same step: it may lie where the record writes
                weight.grad = weight.grad.clone()
        found = _Again.apply(self, *arguments, *self.weights)  # type: ignore[no-untyped-call]  # torch has no types here
        return dict(zip(self.names, found, strict=True))


def _apart(gradients: Results) -> Results:
    """The gradients, each in a place of its own: those of two weights that are added up are one tensor."""
    last = {one.data_ptr(): index for index, one in enumerate(gradients) if one is not None}
    return [one if one is None or last[one.data_ptr()] == index else one.clone() for index, one in enumerate(gradients)]


class _Again(torch.autograd.Function):
    """Does a record again."""

    @staticmethod
    def forward(ctx: Any, record: _Record, *inputs: Tensor) -> tuple[Tensor, ...]:
        for own, argument in zip(record.arguments, inputs, strict=False):
            own.copy_(argument)
        record.forward_again()
        given = tuple(one.detach() for one in record.given)
        ctx.record = record
        ctx.mark_non_differentiable(*(one for one, moves in zip(given, record.moves, strict=True) if not moves))
        return given

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        record: _Record = ctx.record
        moving = [one for one, moves in zip(gradients, record.moves, strict=True) if moves]
        torch._foreach_copy_(record.wanted, moving)
        record.backward_again()
        found = (None if one is None else one.detach() for one in record.gradients)
        return None, *(None for _ in record.arguments), *found
