"""graph.json and graph.map.json: a checked graph on disk, the same bytes everywhere, checked again when it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from re import fullmatch
from typing import Any

from ..dsl.diagnostics import Findings
from ..dsl.limits import LIMITS
from ..dsl.parser import parse
from ..dsl.reading import Unreadable, read_bytes
from ..dsl.source import Source, Span
from ..dsl.values import ModuleReference, PartValue, Ref
from .catalogue import Catalogue, builtin
from .component import Component
from .data_layer import DataLayer, Symbolic
from .encoding import decode, encode
from .graph import CheckedGraph, Graph, Node
from .part import Mismatch, Part
from .pipeline import check
from .provenance import Value
from .signature_file import MODULE_NAME
from .strict_json import BadJson, parse_strictly
from .types_as_json import dim_json, type_json
from .user_module import user_modules
from .whole_file import canonical, write_whole

FORMAT = "s2sc.graph"
MAP_FORMAT = "s2sc.graph.map"
VERSION = 1

_MOST_BYTES = 64 * 1024 * 1024
_MOST_DEPTH = 64


class GraphFileError(ValueError):
    """A graph.json that cannot be trusted: what is wrong, and where."""


def write_graph(checked: CheckedGraph, folder: Path) -> None:
    """Write graph.json and graph.map.json into a folder; each is there whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "graph.map.json", map_json(checked))
    write_whole(folder / "graph.json", graph_json(checked))


def graph_json(checked: CheckedGraph) -> bytes:
    """The canonical bytes of graph.json: no spans, texts, folders or read variables."""
    graph = checked.graph
    modules = {one.declared.file: one.declared.text for one in user_modules(graph)}
    return canonical(
        {
            # only where there are any
            **({"modules": modules} if modules else {}),
            "format": FORMAT,
            "version": VERSION,
            "architecture": checked.architecture_hash,
            "name": graph.name,
            "edition": graph.edition,
            "data": encode(graph.data),
            "inputs": {path: type_json(given) for path, given in graph.inputs.items()},
            "targets": list(graph.targets),
            "symbols": [_symbol(symbol) for symbol in graph.symbols],
            "nodes": [_node(node) for node in graph.nodes.values()],
            "names": {name: encode(ref) for name, ref in graph.names.items()},
            "loss": encode(graph.loss),
            "infer": encode(graph.infer),
            "hyperparameters": encode(graph.hyperparameters),
            "exports": {label: encode(part) for label, part in graph.exports.items()},
            "notes": list(graph.notes),
        }
    )


def read_graph(path: Path) -> CheckedGraph:
    """Read graph.json: schema, then all passes again; what they find must be what the file says."""
    try:
        data = read_bytes(path, str(path), most=_MOST_BYTES, what="a graph")
    except Unreadable as problem:
        raise GraphFileError(problem.message) from problem
    return graph_from_json(data, name=str(path))


def graph_from_json(data: bytes, *, name: str = "graph.json") -> CheckedGraph:
    """The checked graph that the bytes of a graph.json describe."""
    catalogue = builtin().for_one_spec()
    try:
        content = parse_strictly(data, name, most_bytes=_MOST_BYTES, most_depth=_MOST_DEPTH)
    except BadJson as problem:
        raise GraphFileError(str(problem)) from problem
    _declare(content, catalogue, name)
    content = _with_defaults(content, catalogue)
    _validate(content, catalogue, name)
    try:
        graph = _structure(content, catalogue)
    except (KeyError, TypeError, ValueError, AssertionError) as problem:
        raise GraphFileError(f"{name} does not describe a graph: {problem}") from problem
    findings = Findings()
    checked = check(graph, findings)
    if checked is None:
        first = next(one for one in findings if one.severity == "error")
        raise GraphFileError(f"{name} does not pass the checks: {first.message} [{first.code}] {first.place}".rstrip())
    again = json.loads(graph_json(checked))
    difference = _difference(content, again, "")
    if difference:
        raise GraphFileError(f"{name} does not agree with what its structure means: {difference}")
    return checked


def map_json(checked: CheckedGraph) -> bytes:
    """Spans and provenance: where each node and each value stands in the text."""
    origins = checked.graph.origins
    nodes = {
        path: {
            "at": _place(origin.span),
            "reached": list(origin.reached),
            "params": {name: _provenance(value) for name, value in origin.params.items()},
        }
        for path, origin in origins.nodes.items()
    }
    return canonical(
        {
            "format": MAP_FORMAT,
            "version": VERSION,
            "architecture": checked.architecture_hash,
            "spec": origins.spec_hash,
            "nodes": nodes,
            "data": origins.data and _provenance(origins.data),
            "hyperparameters": origins.hyperparameters and _provenance(origins.hyperparameters),
            "exports": {label: _provenance(value) for label, value in origins.exports.items()},
        }
    )


# ---------------------------------------------------------------- writing


def _node(node: Node) -> dict[str, Any]:
    return {
        "path": node.path,
        "operation": encode(node.operation),
        "inputs": {name: [encode(ref) for ref in refs] for name, refs in node.inputs.items()},
        "weights": node.weights,
        "derived": node.derived,
        "outputs": {port: type_json(given) for port, given in node.outputs.items()},
        "compute": node.compute,
        "gives": node.gives,
        "clean": node.clean,
        "cost": {
            "parameters": node.cost.parameters,
            "macs": node.cost.macs,
            "activation_bytes": node.cost.activation_bytes,
        },
    }


def _symbol(symbol: Symbolic) -> dict[str, Any]:
    return {
        "name": symbol.name,
        "doc": symbol.doc,
        "definition": None if symbol.definition is None else dim_json(symbol.definition),
        "minimum": symbol.minimum,
        "maximum": symbol.maximum,
        "seconds": symbol.seconds,
    }


def _provenance(value: Value) -> dict[str, Any]:
    if isinstance(value, PartValue):
        return {
            "part": value.name,
            "at": _place(value.span),
            "from": value.origin.kind,
            "params": {name: _provenance(inner) for name, inner in value.params.items()},
        }
    if isinstance(value, ModuleReference):
        return {"module": value.weights, "at": _place(value.span)}
    found: dict[str, Any] = {"at": _place(value.origin.span), "from": value.origin.kind}
    if value.operation:
        found["operation"] = value.operation
        found["sources"] = sorted({place for one in value.sources() if (place := _place(one.origin.span)) is not None})
    if isinstance(value.value, tuple):
        found["items"] = [_provenance(item) for item in value.value]
    return found


def _place(span: Span | None) -> str | None:
    return None if span is None else f"{span.source.name}:{span.line}:{span.column}"


# ---------------------------------------------------------------- reading


def _validate(content: Any, catalogue: Catalogue, name: str) -> None:
    from jsonschema import Draft202012Validator
    from referencing import Registry

    from .graph_schema import graph_schema

    # An empty registry: nothing is ever fetched.
    validator = Draft202012Validator(graph_schema(catalogue), registry=Registry())
    error = next(validator.iter_errors(content), None)
    if error is not None:
        raise GraphFileError(
            f"{name} does not fit the schema of graph.json at {error.json_path}: {_short(error.message)}"
        )


def _short(message: str) -> str:
    return message if len(message) <= 200 else f"{message[:200]}…"


def _declare(content: Any, catalogue: Catalogue, name: str) -> None:
    """Take in the signatures of the users' modules that the graph keeps."""
    modules = content.get("modules", {}) if isinstance(content, dict) else {}
    if not isinstance(modules, dict) or not all(isinstance(text, str) for text in modules.values()):
        raise GraphFileError(f"{name} does not fit the schema of graph.json at $.modules")
    if len(modules) > LIMITS.includes:
        raise GraphFileError(f"{name} holds more than {LIMITS.includes} modules")
    for module, text in modules.items():
        findings = Findings()
        found = None
        if fullmatch(MODULE_NAME, module) and len(text) <= LIMITS.file_bytes:
            document = parse(Source(f"{name}: {module}", text), findings)
            found = None if findings.has_errors else catalogue.declare(module, document, findings)
        if found is None:
            first = next((one.message for one in findings), "not a module's signature")
            raise GraphFileError(f"{name} does not declare {_short(module)}: {_short(first)}")


def _with_defaults(content: Any, catalogue: Catalogue) -> Any:
    """The same with the defaults of parameters that its parts did not have yet when an earlier version wrote it.

    A default that changes the network changes the architecture's hash, and such a file is refused by that.
    """
    if isinstance(content, list):
        return [_with_defaults(item, catalogue) for item in content]
    if not isinstance(content, dict):
        return content
    found = {key: _with_defaults(value, catalogue) for key, value in content.items()}
    name, params = found.get("part"), found.get("params")
    if isinstance(name, str) and isinstance(params, dict):
        try:
            declared = catalogue.part_class(name).params
        except (KeyError, ValueError):
            return found  # the schema says which names there are
        missing = {one.name: encode(one.default) for one in declared if not one.required and one.name not in params}
        found["params"] = {**params, **missing}
    return found


def _structure(content: Any, catalogue: Catalogue) -> Graph:
    """The graph before the passes: streams and features from the data section, all else as written."""
    data = decode(content["data"], catalogue)
    assert isinstance(data, DataLayer), "data is no data layer"
    _check_params(data)
    streams = data.streams()
    nodes = {
        feature.path: Node(feature.path, feature.operation, feature.inputs, feature.path)
        for feature in streams.features
    }
    derived = {node["path"]: _ref(node["inputs"]["x"][0]) for node in content["nodes"] if node["derived"]}

    def original(ref: Ref) -> Ref:
        for _ in range(len(derived) + 1):
            if ref.path not in derived:
                return ref
            source = derived[ref.path]
            ref = Ref(source.path, source.port, ref.lengths or source.lengths)
        raise ValueError("derived nodes run in a circle")

    for node in content["nodes"]:
        if node["derived"] or node["path"] in nodes:
            continue
        operation = decode(node["operation"], catalogue)
        assert isinstance(operation, Component), f"{node['path']} is no operation"
        _check_params(operation)
        inputs = {key: tuple(original(_ref(ref)) for ref in refs) for key, refs in node["inputs"].items()}
        nodes[node["path"]] = Node(node["path"], operation, inputs, node["weights"])
    return Graph(
        name=content["name"],
        edition=content["edition"],
        inputs=streams.inputs,
        targets=streams.targets,
        symbols=streams.symbols,
        nodes=nodes,
        names={key: original(_ref(ref)) for key, ref in content["names"].items()},
        loss=None if content["loss"] is None else original(_ref(content["loss"])),
        infer=None if content["infer"] is None else original(_ref(content["infer"])),
        data=data,
        hyperparameters=_part(content["hyperparameters"], catalogue),
        exports={
            label: _part(part, catalogue).with_refs(original) for label, part in sorted(content["exports"].items())
        },
    )


def _part(content: Any, catalogue: Catalogue) -> Part:
    part = decode(content, catalogue)
    assert isinstance(part, Part), "settings are no part"
    _check_params(part)
    return part


def _check_params(part: Part) -> None:
    try:
        part.check_params()
    except Mismatch as mismatch:
        if mismatch.severity == "error":
            raise ValueError(mismatch.message) from mismatch


def _ref(content: Mapping[str, Any]) -> Ref:
    return Ref(content["tensor"], content["port"], content["lengths"])


def _difference(ours: Any, theirs: Any, where: str) -> str:
    """The first place where two JSON values differ, in words; empty if they do not."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() | theirs.keys()):
            if key not in ours or key not in theirs:
                return f"{where}.{key} is {'missing' if key not in ours else 'not expected'}"
            found = _difference(ours[key], theirs[key], f"{where}.{key}")
            if found:
                return found
        return ""
    if isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            return f"{where} has {len(ours)} items, not {len(theirs)}"
        for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            found = _difference(one, other, f"{where}[{index}]")
            if found:
                return found
        return ""
    if type(ours) is type(theirs) and ours == theirs:
        return ""
    return f"{where} is {_short(json.dumps(ours))}, not {_short(json.dumps(theirs))}"
