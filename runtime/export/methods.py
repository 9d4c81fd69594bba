"""Calls of layers' methods as calls of modules, so that an exporter knows which layer made what."""

from __future__ import annotations

from typing import Any

from torch import fx, nn


class _Method(nn.Module):
    """A method of a layer, called as a module."""

    def __init__(self, layer: nn.Module, name: str) -> None:
        super().__init__()
        self.layer, self.name = layer, name

    def forward(self, **keywords: Any) -> Any:
        return getattr(self.layer, self.name)(**keywords)


def methods_as_modules(module: fx.GraphModule) -> fx.GraphModule:
    """The same with `layer.begin(…)` and `layer.step(…)` called as modules at the layers' paths.

    A layer that is also called by itself, or whose weights are read by another, stays as it is. Layers are shared.
    """
    taken = {str(node.target) for node in module.graph.nodes if node.op == "call_module"}
    taken |= {str(node.target).rpartition(".")[0] for node in module.graph.nodes if node.op == "get_attr"}
    methods: dict[str, set[str]] = {}
    for node in module.graph.nodes:
        if _layer_path(node):
            methods.setdefault(_layer_path(node), set()).add(str(node.target))
    wrapped = {path for path, names in methods.items() if len(names) == 1 and path not in taken}
    graph = fx.Graph()
    copied: dict[fx.Node, fx.Node] = {}
    output = graph.graph_copy(module.graph, copied)
    graph.output(output)
    for node in list(graph.nodes):
        path = _layer_path(node)
        if path in wrapped:
            with graph.inserting_before(node):
                call = graph.call_module(path, (), dict(node.kwargs))
            node.replace_all_uses_with(call)
            graph.erase_node(node)
    graph.eliminate_dead_code(lambda node: node.op in ("placeholder", "output"))
    layers = {path: module.get_submodule(path) for path in wrapped}
    copy = fx.GraphModule(module, graph)
    for path, layer in layers.items():
        (name,) = methods[path]
        scope, _, last = path.rpartition(".")
        setattr(copy.get_submodule(scope), last, _Method(layer, name))
    return copy


def _layer_path(node: fx.Node) -> str:
    """The layer whose method a node calls; "" for other nodes."""
    if node.op != "call_method" or not node.args:
        return ""
    owner = node.args[0]
    return str(owner.target) if isinstance(owner, fx.Node) and owner.op == "get_attr" and not node.args[1:] else ""
