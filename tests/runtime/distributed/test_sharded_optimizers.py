"""Every optimizer takes the same steps where weights are spread over ranks as where they are whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from s2sc.compiler.catalogue import builtin
from s2sc.compiler.pages.sample import values_of
from s2sc.compiler.part import Part
from s2sc.compiler.parts.optim.adafactor import Adafactor
from s2sc.compiler.parts.optim.ftrl import Ftrl
from s2sc.compiler.parts.optim.lamb import Lamb
from s2sc.compiler.parts.optim.larc import Larc
from s2sc.compiler.parts.optim.momentum import Momentum
from s2sc.compiler.parts.optim.novograd import NovoGrad
from s2sc.compiler.parts.optim.sgd import Sgd
from s2sc.runtime.optim.groups import NamedParameter
from s2sc.runtime.optim.lookup import optimizer_for
from s2sc.runtime.optim.stepping import SteppingOptimizer
from s2sc.tests.processes import together
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import fully_shard


def parts() -> list[Part]:
    """Each optimizer as it is by default, and those with settings that reach further."""
    plain = [cls(**values_of(cls)) for cls in builtin().classes() if cls.family == "optimizer"]
    return [
        *plain,
        Lamb(lr=0.1, weight_decay=0.1),
        NovoGrad(lr=0.1, averaged=True, weight_decay=0.1),
        Ftrl(lr=0.1, l1=0.01, l2=0.1),
        Adafactor(lr=0.1, beta1=0.9, weight_decay=0.1),
        Sgd(lr=0.1, larc=0.02),
        Momentum(lr=0.1, larc=Larc(eta=0.02, mode="scale")),
    ]


def trained(part: Part, mesh: DeviceMesh | None) -> list[Tensor]:
    """Weights after five steps of one model on the same batches; 5 rows on 2 ranks, so that shards are uneven."""
    torch.manual_seed(0)
    model: Any = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3))
    if mesh is not None:
        fully_shard(model, mesh=mesh)
    named = [
        NamedParameter(name, tensor, "bias" if name.endswith("bias") else "weight")
        for name, tensor in model.named_parameters()
    ]
    optimizer = optimizer_for(part, named)
    for step in range(5):
        torch.manual_seed(step)
        model.zero_grad()
        model(torch.randn(4, 6)).square().sum().backward()
        if isinstance(optimizer, SteppingOptimizer):
            optimizer.found_inf = torch.tensor(float(step == 3))  # type: ignore[attr-defined]  # what a stepper sets
        optimizer.step()
    return [one.detach() if mesh is None else one.full_tensor().detach() for one in model.parameters()]


def compare(world: Any) -> list[tuple[str, float]]:
    mesh = init_device_mesh("cpu", (world.size,))
    found = []
    for part in parts():
        pairs = zip(trained(part, None), trained(part, mesh), strict=True)
        found.append((repr(part), max((one - other).abs().max().item() for one, other in pairs)))
    return found


def test_spread_weights_take_the_same_steps(tmp_path: Path) -> None:
    for found in together(compare, 2, tmp_path):
        for part, difference in found:
            # a norm is summed in another order; torch divides by adam's root in another
            assert difference < 2e-6, part
