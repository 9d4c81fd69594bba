"""Users' modules at work: imported if the project and the command line say so, and held against their signatures."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.func import functional_call

from ..compiler.component import Component
from ..compiler.graph import CheckedGraph
from ..compiler.signature_file import Declared
from ..compiler.user_module import UserModule, user_modules
from ..dsl.signature_files import SUFFIX, signature_path
from .layers.layer import Inputs, Layer, LayerOf, layer_class
from .plugin_check import check_use


class PluginRefused(Exception):
    """Code of a user's package would run, and nobody allowed it."""


class PluginError(Exception):
    """A user's module that cannot be had, or that is not what its signature file says."""


def layers_for(checked: CheckedGraph, *, root: Path, packages: Iterable[str], allowed: bool) -> LayerOf:
    """Where the torch side of each component of a graph is found; imports the users' modules that it has.

    root      the project's folder, where its own packages are
    packages  those that the project trusts
    allowed   whether the command line said --allow-plugins

    Without users' modules nothing is imported. Raises PluginRefused and PluginError: every use in the graph has been
    tried by then.
    """
    modules = user_modules(checked.graph)
    if not modules:
        return layer_class
    _refuse([one.declared for one in modules], set(packages), root, allowed)
    layers = Layers({one.declared.name: _layer(one.declared, _class(one.declared, root)) for one in modules})
    tried: set[object] = set()
    for node in checked.graph.nodes.values():
        if not isinstance(node.operation, UserModule):
            continue
        types = {
            name: tuple(given for ref in refs if (given := checked.graph.type_of(ref)) is not None)
            for name, refs in node.inputs.items()
        }
        use = (node.operation, tuple(sorted(node.operation.sizes(types).items())), node.compute)
        if use not in tried:
            tried.add(use)
            problem = check_use(node.operation, types, node.compute, layers(type(node.operation)))
            if problem:
                raise PluginError(f"{node.operation.name} is not what its signature file says: {problem} ({node.path})")
    return layers


class Layers:
    """The torch sides of components and of the users' modules of one graph."""

    def __init__(self, users: Mapping[str, type[Layer]]) -> None:
        self._users = dict(users)

    def __call__(self, operation: type[Component]) -> type[Layer]:
        return self._users[operation.name] if issubclass(operation, UserModule) else layer_class(operation)


def _refuse(modules: Iterable[Declared], packages: set[str], root: Path, allowed: bool) -> None:
    names = sorted({one.name.partition(".")[0] for one in modules})
    unknown = [name for name in names if name not in packages]
    listed = ", ".join(f"`{name}`" for name in unknown or names)
    if unknown:
        line = ", ".join(f'"{name}"' for name in sorted({*packages, *unknown}))
        raise PluginRefused(
            f"this would run code of {listed}, which {root / 's2sc.toml'} does not allow: "
            f"if you trust it, write [plugins] allow = [{line}] there, and add --allow-plugins"
        )
    if not allowed:
        raise PluginRefused(f"this would run code of {listed}: add --allow-plugins if you trust it")


def _class(declared: Declared, root: Path) -> type[nn.Module]:
    """Import the class that a signature file names."""
    ours = os.path.realpath(root)
    of_project = (root / signature_path(declared.file)).is_file()
    if of_project and ours not in map(os.path.realpath, sys.path):
        # behind all others: a file of the project replaces no installed module
        sys.path.append(ours)
    try:
        module = importlib.import_module(declared.file)
    except Exception as problem:
        why = f"{type(problem).__name__}: {problem}" if str(problem) else type(problem).__name__
        raise PluginError(f"{declared.file} cannot be imported: {why}") from problem
    place = os.path.realpath(getattr(module, "__file__", None) or "")
    beside = os.path.realpath(root / signature_path(declared.file)).removesuffix(SUFFIX)
    if of_project and os.path.splitext(place)[0] not in (beside, os.path.join(beside, "__init__")):
        raise PluginError(
            f"{declared.file} is described in {root}, but Python finds another one: {place or 'built in'}"
        )
    found = getattr(module, declared.class_name, None)
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        what = "is no torch module" if found is not None else "is not there"
        raise PluginError(f"{declared.file}: its class {declared.class_name} {what}")
    return found


def _layer(declared: Declared, found: type[nn.Module]) -> type[Layer]:
    """The class as a layer: what lowering asks of it comes from its signature file."""
    wanted = [*declared.sizes, *(param.name for param in declared.signature.params)]
    _check_constructor(declared, found, wanted)

    def arguments(cls: type[Layer], operation: Component, inputs: Inputs) -> dict[str, object]:
        assert isinstance(operation, UserModule)
        return {**operation.sizes(inputs), **operation.values()}

    def forward(self: nn.Module, *inputs: Tensor, **needs: Any) -> Any:
        """Run it with its weights in the inputs' precision, so that it need not care."""
        dtype = next((one.dtype for one in inputs if one.is_floating_point()), None)
        held = {**dict(self.named_parameters()), **dict(self.named_buffers())}
        others = {name: one for name, one in held.items() if one.is_floating_point() and one.dtype != dtype}
        if dtype is None or not others:
            return found.forward(self, *inputs, **needs)
        return functional_call(self, {name: one.to(dtype) for name, one in others.items()}, inputs, needs)

    return type(
        found.__name__,
        (found, Layer),
        {
            "__module__": found.__module__,
            "__doc__": found.__doc__,
            "layout": "BTC",
            "needs": declared.needs,
            "arguments": classmethod(arguments),
            "forward": forward,
        },
    )


def _check_constructor(declared: Declared, found: type[nn.Module], wanted: list[str]) -> None:
    taken = list(inspect.signature(found.__init__).parameters.values())[1:]
    if any(one.kind is one.VAR_KEYWORD for one in taken):
        names = {one.name for one in taken if one.kind in (one.KEYWORD_ONLY, one.POSITIONAL_OR_KEYWORD)} | {*wanted}
    else:
        names = {one.name for one in taken if one.kind in (one.KEYWORD_ONLY, one.POSITIONAL_OR_KEYWORD)}
    missing = [name for name in wanted if name not in names]
    more = [
        one.name
        for one in taken
        if one.default is one.empty and one.name not in wanted and one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL)
    ]
    what = f"{declared.name} is not what its signature file says: {found.__name__}(…)"
    if missing:
        raise PluginError(f"{what} takes no {', '.join(missing)}")
    if more:
        raise PluginError(f"{what} wants {', '.join(more)} too")
