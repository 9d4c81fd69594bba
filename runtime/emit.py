"""A lowered module written out as readable Python."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

import torch
from torch import fx

from ..compiler.graph import CheckedGraph
from .layers.cast import cast
from .layers.class_mask import class_mask
from .layers.layer import Layer
from .layers.mask import mask
from .lower import lower
from .real_frames import real_frames

_FUNCTIONS = {cast, class_mask, mask, real_frames}
_OPERATORS = {operator.add: "+", operator.mul: "*", operator.floordiv: "//"}


def emit_torch(checked: CheckedGraph) -> str:
    """Write `class Model`: the same weights by name, the same results to the bit as the lowered module."""
    lowered = lower(checked)
    nodes = list(lowered.module.graph.nodes)
    modules = _modules(lowered.module)
    functions = {node.target for node in nodes if node.op == "call_function" and node.target in _FUNCTIONS}
    classes = {type(module) for module in modules.values()}
    lines = [
        f'"""{checked.graph.name or "Model"}: written from its spec; shapes in comments, T frames, N samples."""',
        "",
        *(["import torch"] if cast in functions else []),
        "from torch import Tensor, nn",
        "",
        *_imports([*classes, *functions]),
        "",
        "",
        *_GROUP.splitlines(),
        "",
        "",
        "class Model(Group):",
        "    def __init__(self) -> None:",
        "        super().__init__()",
        *(f'        self.add("{path}", {_constructor(module)})' for path, module in modules.items()),
        "",
        "    def forward(",
        "        self,",
        *(_commented(f"        {node.name}: Tensor,", node) for node in nodes if node.op == "placeholder"),
        "    ) -> dict[str, Tensor]:",
        *(_commented(f"        {node.name} = {_expression(node)}", node) for node in nodes if _is_step(node)),
        *_result(nodes[-1]),
    ]
    return "\n".join(lines) + "\n"


_GROUP = '''\
class Group(nn.Module):
    """Modules below dotted paths, so that weights are called as in the spec."""

    def add(self, path: str, module: nn.Module) -> None:
        name, _, rest = path.partition(".")
        if not rest:
            self.add_module(name, module)
            return
        if name not in self._modules:
            self.add_module(name, Group())
        self._modules[name].add(rest, module)

    def __getitem__(self, index: int) -> nn.Module:
        return self._modules[str(index)]
'''


def _modules(module: fx.GraphModule) -> dict[str, Layer]:
    """The layers by path, in the order in which they are used."""
    found: dict[str, Layer] = {}
    for node in module.graph.nodes:
        path = {"call_module": str(node.target), "get_attr": str(node.target).rpartition(".")[0]}.get(node.op)
        if path is not None:
            layer = module.get_submodule(path)
            assert isinstance(layer, Layer)
            found[path] = layer
    return found


def _imports(named: Iterable[Any]) -> list[str]:
    return sorted(f"from {one.__module__} import {one.__name__}" for one in named)


def _constructor(module: Layer) -> str:
    arguments = ", ".join(f"{name}={value!r}" for name, value in module.written_as.items())
    return f"{type(module).__name__}({arguments})"


def _is_step(node: fx.Node) -> bool:
    return node.op not in ("placeholder", "output")


def _expression(node: fx.Node) -> str:
    arguments = [_argument(value) for value in node.args]
    keywords = [f"{name}={_argument(value)}" for name, value in node.kwargs.items()]
    call = ", ".join([*arguments, *keywords])
    match node.op:
        case "call_module":
            return f"self{_attribute(str(node.target))}({call})"
        case "get_attr":
            return f"self{_attribute(str(node.target))}"
        case "call_method":
            return f"{arguments[0]}.{node.target}({', '.join([*arguments[1:], *keywords])})"
    if node.target is operator.getitem:
        return f"{arguments[0]}[{arguments[1]}]"
    if node.target in _OPERATORS:
        return f" {_OPERATORS[node.target]} ".join(arguments)
    assert node.target in _FUNCTIONS, f"no spelling for {node.target}"
    return f"{node.target.__name__}({call})"


def _argument(value: object) -> str:
    if isinstance(value, fx.Node):
        return value.name
    return str(value) if isinstance(value, torch.dtype) else repr(value)


def _attribute(path: str) -> str:
    """`encoder.stack.0.0.conv1d` -> `.encoder.stack[0][0].conv1d`."""
    return "".join(f"[{name}]" if name.isdigit() else f".{name}" for name in path.split("."))


def _commented(line: str, node: fx.Node) -> str:
    shape, dtype = node.meta.get("shape", ""), node.meta.get("dtype", "")
    about = f"{shape} {dtype}" if dtype in ("fp16", "bf16") else shape
    return f"{line}  # {about}" if about else line


def _result(output: fx.Node) -> list[str]:
    (results,) = output.args
    assert isinstance(results, dict)
    return ["        return {", *(f'            "{name}": {node},' for name, node in results.items()), "        }"]
