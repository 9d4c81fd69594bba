"""A user's module held against its signature, before anything is trained with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from ..compiler.tensor_type import TensorType
from ..compiler.user_module import UserModule
from .layers.layer import Layer
from .real_frames import real_frames

_DTYPES = {"fp32": torch.float32, "tf32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
# rows and frames of the batches that are tried; the lengths of the rows come from a generator
_BATCHES = ((3, 7), (2, 12), (1, 1))
_NOISE = 1e4
# results in float32 that only differ in the order of their sums
_TOLERANCE = 1e-3
Types = Mapping[str, tuple[TensorType, ...]]


def check_use(operation: UserModule, types: Types, compute: str, layer: type[Layer]) -> str:
    """What is wrong with a module at the sizes of one use, in words; empty where nothing is.

    types    of its inputs
    compute  the precision that it computes in: "fp32", "fp16", "bf16" or "tf32"
    """
    arguments = layer.arguments(operation, types)
    written = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        try:
            module = layer(**arguments).eval()
        except Exception as problem:
            return f"{layer.__name__}({written}) fails: {type(problem).__name__}: {problem}"
        try:
            return next(_problems(_Trial(operation, types, module), compute), "")
        except Exception as problem:
            return f"{layer.__name__}({written}).forward fails: {type(problem).__name__}: {problem}"


class _Trial:
    """A module at given types of its inputs."""

    def __init__(self, operation: UserModule, types: Types, module: Layer) -> None:
        self.operation, self.module = operation, module
        self.types = {one.name: types[one.name][0] for one in operation.declared.inputs}
        self.results = operation.infer(types)

    def inputs(self, batch: int, frames: int, lengths: Sequence[int], padding: float) -> dict[str, Tensor]:
        """Random numbers, and `padding` behind each row's length."""
        found = {}
        real = real_frames(torch.tensor(lengths), frames)
        for name, type_ in self.types.items():
            shape = [batch, frames] if type_.is_seq else [batch]
            tensor = torch.randn(*shape, *(axis.dim.known for axis in type_.axes[len(shape) :]))
            if type_.is_seq:
                kept = real.reshape(*real.shape, *(1 for _ in type_.axes[2:]))
                tensor = torch.where(kept, tensor, torch.tensor(padding))
            found[name] = tensor
        return found

    def run(self, inputs: Mapping[str, Tensor], lengths: Sequence[int]) -> tuple[Tensor, ...]:
        """All results in order."""
        first = next(iter(self.types.values()))
        needs: dict[str, Tensor] = {}
        for need in self.operation.declared.needs:
            if first.is_seq and need == "lengths":
                needs[need] = torch.tensor(lengths)
            elif first.is_seq:
                real = real_frames(torch.tensor(lengths), next(iter(inputs.values())).shape[1])
                needs[need] = real.unsqueeze(2) if first.rank == 3 else real
        given = self.module(*inputs.values(), **needs)
        results = given if isinstance(given, tuple) else (given,)
        for result in results:
            if not isinstance(result, Tensor):
                raise TypeError(f"it gives a {type(result).__name__}, no tensor")
        return results


def _problems(trial: _Trial, compute: str) -> Iterator[str]:
    operation, module = trial.operation, trial.module
    types = {name: (type_,) for name, type_ in trial.types.items()}
    declared = sum(shape[0] for shape in operation.weights(types).values())
    count = sum(weight.numel() for weight in module.parameters() if weight.requires_grad)
    if count != declared:
        yield f"it has {count:,} trained numbers, and `params` gives {declared:,}"
    for batch, frames in _BATCHES:
        lengths = [frames, *torch.randint(1, frames + 1, (batch - 1,)).tolist()]
        inputs = trial.inputs(batch, frames, lengths, 0.0)
        for dtype in dict.fromkeys((torch.float32, _DTYPES[compute])):
            cast = {name: tensor.to(dtype) for name, tensor in inputs.items()}
            before = {name: tensor.clone() for name, tensor in cast.items()}
            given = trial.run(cast, lengths)
            yield from _wrong_results(trial, given, batch, frames, dtype)
            for name, tensor in cast.items():
                if not torch.equal(tensor, before[name]):
                    yield f"it changes its input `{name}`"
        yield from _wrong_padding(trial, batch, frames, lengths)
        if operation.declared.steps:
            yield from _wrong_steps(trial, batch, frames)


def _wrong_results(
    trial: _Trial, given: tuple[Tensor, ...], batch: int, frames: int, dtype: torch.dtype
) -> Iterator[str]:
    if len(given) != len(trial.results):
        yield f"it gives {len(given)} results, {len(trial.results)} are declared"
    for (name, type_), tensor in zip(trial.results.items(), given, strict=True):
        leading = [batch, frames] if type_.is_seq else [batch]
        wanted = [*leading, *(axis.dim.known for axis in type_.axes[len(leading) :])]
        if list(tensor.shape) != wanted:
            yield f"its result `{name}` is {list(tensor.shape)} for {batch} rows of {frames} frames, not {wanted}"
        if tensor.dtype != dtype:
            yield f"its result `{name}` is {tensor.dtype} for inputs of {dtype}"
        if not bool(tensor.isfinite().all()):
            yield f"its result `{name}` holds NaN or infinite numbers in {dtype}"


def _wrong_padding(trial: _Trial, batch: int, frames: int, lengths: list[int]) -> Iterator[str]:
    """What is behind a row's length must not change its results: a row alone gives what it gives in the batch.

    Where frames read their neighbours, padding is zero; where they do not, anything may be in it.
    """
    inputs = trial.inputs(batch, frames, lengths, _NOISE if trial.operation.declared.steps else 0.0)
    together = trial.run(inputs, lengths)
    for row, length in enumerate(lengths):
        alone = {
            name: tensor[row : row + 1, :length] if trial.types[name].is_seq else tensor[row : row + 1]
            for name, tensor in inputs.items()
        }
        for (name, type_), whole, own in zip(trial.results.items(), together, trial.run(alone, [length]), strict=True):
            real = whole[row : row + 1, :length] if type_.is_seq else whole[row : row + 1]
            if _differ(real, own):
                yield f"padding changes its result `{name}`: a row of {length} frames differs among {frames}"


def _wrong_steps(trial: _Trial, batch: int, frames: int) -> Iterator[str]:
    """A module with a plain step gives for each token alone what it gives for all at once."""
    inputs = trial.inputs(batch, frames, [frames] * batch, 0.0)
    together = trial.run(inputs, [frames] * batch)
    for place in range(frames):
        step = {name: tensor[:, place : place + 1] for name, tensor in inputs.items() if trial.types[name].is_seq}
        one = trial.run({**inputs, **step}, [1] * batch)
        for (name, type_), whole, own in zip(trial.results.items(), together, one, strict=True):
            if type_.is_seq and _differ(whole[:, place : place + 1], own):
                yield f'its result `{name}` for a token depends on other tokens, and `step = "plain"` says it does not'


def _differ(one: Tensor, other: Tensor) -> bool:
    return not torch.allclose(one, other, rtol=_TOLERANCE, atol=_TOLERANCE)
