"""A lowered module written out as readable Python."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import fx

from ..compiler.graph import CheckedGraph
from .layers.cast import cast
from .layers.class_mask import class_mask
from .layers.layer import Layer, LayerOf, layer_class
from .layers.mask import mask
from .lower import lower
from .lower_step import lower_step
from .real_frames import real_frames

_TORCH = {torch.ones_like}
_FUNCTIONS = {cast, class_mask, mask, real_frames}
_OPERATORS = {operator.add: "+", operator.mul: "*", operator.floordiv: "//"}


def emit_torch(checked: CheckedGraph, *, layer_of: LayerOf = layer_class) -> str:
    """Write `class Model`: the same weights by name, the same results to the bit as the lowered module."""
    about = f"{checked.graph.name or 'Model'}: written from its spec; shapes in comments, T frames, N samples."
    return _written(about, "Model", {"forward": lower(checked, layer_of=layer_of).module})


def emit_step(checked: CheckedGraph, *, layer_of: LayerOf = layer_class) -> str:
    """Write `class Decoder`: `first` computes what a batch needs once, `step` takes one target token of each row.

    For a spec whose search chooses token by token; the weights are called as in `Model`.
    """
    lowered = lower_step(checked, layer_of=layer_of)
    about = f"{checked.graph.name or 'Decoder'}, one target token at a time; shapes in comments, M room for tokens."
    return _written(about, "Decoder", {"first": lowered.first, "step": lowered.step})


def _written(about: str, name: str, methods: Mapping[str, fx.GraphModule]) -> str:
    modules = {path: layer for module in methods.values() for path, layer in _modules(module).items()}
    nodes = [node for module in methods.values() for node in module.graph.nodes]
    functions = {node.target for node in nodes if node.op == "call_function" and node.target in _FUNCTIONS}
    uses_torch = any(
        node.target in _TORCH or any(isinstance(value, torch.dtype) for value in node.kwargs.values()) for node in nodes
    )
    lines = [
        f'"""{about}"""',
        "",
        *(["import torch"] if uses_torch else []),
        "from torch import Tensor, nn",
        "",
        *_imports([*{type(module) for module in modules.values()}, *functions]),
        "",
        "",
        *_GROUP.splitlines(),
        "",
        "",
        f"class {name}(Group):",
        "    def __init__(self) -> None:",
        "        super().__init__()",
        *(f'        self.add("{path}", {_constructor(module)})' for path, module in modules.items()),
    ]
    for method, module in methods.items():
        lines += ["", *_method(method, list(module.graph.nodes))]
    return "\n".join(lines) + "\n"


def _method(name: str, nodes: list[fx.Node]) -> list[str]:
    return [
        f"    def {name}(",
        "        self,",
        *(_commented(f"        {node.name}: Tensor,", node) for node in nodes if node.op == "placeholder"),
        "    ) -> dict[str, Tensor]:",
        *(_commented(f"        {node.name} = {_expression(node)}", node) for node in nodes if _is_step(node)),
        *_result(nodes[-1]),
    ]


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
    known = {path: layer for path, layer in module.named_modules() if isinstance(layer, Layer)}
    found: dict[str, Layer] = {}
    for node in module.graph.nodes:
        if node.op not in ("call_module", "get_attr"):
            continue
        path = str(node.target)
        if path not in known:
            path = path.rpartition(".")[0]  # a weight of it
        found[path] = known[path]
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
    if node.target in _TORCH:
        return f"torch.{node.target.__name__}({call})"
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
