"""Where numbers stop being finite is found, whichever layer of the model it is, forward and backward."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from s2sc.compiler.graph import CheckedGraph
from s2sc.runtime.data.batch import Batch
from s2sc.runtime.model import Model, build_model
from s2sc.runtime.optim.groups import named_parameters
from s2sc.runtime.training.diagnosis import Diagnosis, diagnose
from s2sc.runtime.training.halves import halves
from s2sc.runtime.training.weights import Weights
from torch import Tensor, nn

LAYERS = """
encoder {
  out = data.audio -> conv1d(8, kernel = 3) -> relu -> linear(8) -> layer_norm -> lstm(8)
}
"""
PLACES = ["encoder.conv1d", "encoder.linear", "encoder.layer_norm", "encoder.lstm", "decoder.linear"]


@pytest.fixture
def given(batch: dict[str, Tensor]) -> Batch:
    waveform, lengths = batch["audio_waveform"], batch["audio_waveform_lengths"]
    return Batch(
        number=0,
        epoch=0,
        ids=("a", "b", "c"),
        inputs={"data.audio.waveform": waveform, "data.text": torch.tensor([[0, 1], [1, 2], [2, 2]])},
        lengths={"data.audio.waveform": lengths, "data.text": torch.tensor([2, 2, 1])},
        texts=("ab", "bc", "c"),
    )


def model_of(checked: CheckedGraph) -> Model:
    torch.manual_seed(1)
    model = build_model(checked)
    model.module.train()
    named = named_parameters(model.module, checked)
    Weights(named, stored=halves(named, checked.graph), masters=True)
    return model


def layer_of(model: Model, place: str) -> nn.Module:
    """The layer of this kind; its path has the name of a statement in it."""
    section, kind = place.split(".")
    found: list[nn.Module] = [
        layer
        for name, layer in model.module.named_modules()
        if name.startswith(section) and name.endswith(kind) and any(True for _ in layer.parameters(recurse=False))
    ]
    assert len(found) == 1
    return found[0]


def found_in(diagnosis: Diagnosis) -> str:
    section, *_, kind = diagnosis.place.split(".")
    return f"{section}.{kind}"


class Poisoned(torch.autograd.Function):
    """Passes on what it is given, and gives back what is not finite."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0] * torch.nan


@pytest.mark.parametrize("precision", ["mixed(fp16)", "mixed(bf16)", "fp32"])
@pytest.mark.parametrize("place", PLACES)
def test_a_layer_that_gives_nan_is_named(place: str, precision: str, compile_model: Any, given: Batch) -> None:
    model = model_of(compile_model(encoder=LAYERS, precision=precision))
    with torch.no_grad():
        next(layer_of(model, place).parameters()).fill_(torch.nan)
    found = diagnose(model, given)
    assert (found_in(found), found.direction) == (place, "forward")


@pytest.mark.parametrize("place", PLACES)
def test_a_layer_that_gives_back_nan_is_named(place: str, compile_model: Any, given: Batch) -> None:
    model = model_of(compile_model(encoder=LAYERS, precision="mixed(fp16)"))
    layer = layer_of(model, place)
    layer.register_forward_pre_hook(
        lambda _, arguments: tuple(
            # torch leaves Function.apply without types
            Poisoned.apply(one) if one.is_floating_point() and one.requires_grad else one  # type: ignore[no-untyped-call]
            for one in arguments
        )
    )
    found = diagnose(model, given)
    if place == "encoder.conv1d":
        # nothing before it is trained, so nothing goes back through it
        assert found == Diagnosis("")
    else:
        assert (found_in(found), found.direction) == (place, "backward")


def test_an_overflow_of_fp16_is_named_with_what_it_was_given(compile_model: Any, given: Batch) -> None:
    model = model_of(compile_model(encoder=LAYERS, precision="mixed(fp16)"))
    with torch.no_grad():
        layer_of(model, "encoder.linear").get_parameter("weight").fill_(6e4)
    found = diagnose(model, given)
    assert (found_in(found), found.direction, found.dtype) == ("encoder.linear", "forward", torch.float16)
    assert 0 < found.largest < 65504
    assert str(found).startswith("going forward, encoder.")
    assert "(float16) is the first that is not finite; it was given numbers up to " in str(found)


def test_a_scale_that_is_too_large_shows_on_the_way_back(compile_model: Any, given: Batch) -> None:
    model = model_of(compile_model(encoder=LAYERS, precision="mixed(fp16)"))
    found = diagnose(model, given, scale=2.0**30)
    assert found.direction == "backward"
    assert found.dtype == torch.float16
    assert diagnose(model, given, scale=1.0) == Diagnosis("")


def test_nan_in_the_data_is_the_datas(compile_model: Any, given: Batch) -> None:
    given.inputs["data.audio.waveform"][0, 7] = torch.nan
    found = diagnose(model_of(compile_model(precision="mixed(fp16)")), given)
    assert (found.place, found.direction) == ("the data", "forward")


def test_looking_changes_nothing(compile_model: Any, given: Batch) -> None:
    model = model_of(compile_model(precision="mixed(fp16)"))
    for one in model.module.parameters():
        one.grad = torch.full_like(one, 2.0)
    before = {name: tensor.clone() for name, tensor in model.module.state_dict().items()}
    random = torch.get_rng_state()
    diagnose(model, given)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.module.state_dict().items())
    assert all(one.grad is not None and bool((one.grad == 2.0).all()) for one in model.module.parameters())
    assert torch.equal(torch.get_rng_state(), random)
