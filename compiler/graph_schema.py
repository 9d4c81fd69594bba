"""JSON Schema (Draft 2020-12) of graph.json."""

from __future__ import annotations

from typing import Any

from .catalogue import Catalogue
from .component import Component
from .data_layer import DataLayer
from .schema import DIALECT, TENSOR, any_part, definitions
from .signature_file import MODULE_NAME

Json = dict[str, Any]

_NATURAL: Json = {"type": "integer", "minimum": 0}
_TEXT: Json = {"type": "string"}
_PATH: Json = {"type": "string", "pattern": r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*$"}


def graph_schema(catalogue: Catalogue) -> Json:
    """The schema that `s2sc schema` publishes and read_graph checks."""
    graph = _object(
        {
            "format": {"const": "s2sc.graph"},
            "version": {"const": 1},
            "architecture": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "name": _TEXT,
            "edition": {"type": "integer", "minimum": 1},
            "data": any_part(catalogue, lambda cls: issubclass(cls, DataLayer)),
            "inputs": _map({"$ref": "#/$defs/type"}),
            "targets": {"type": "array", "items": _PATH},
            "symbols": {"type": "array", "items": _symbol()},
            "nodes": {"type": "array", "items": _node(catalogue)},
            "names": _map({"$ref": "#/$defs/tensor"}),
            "loss": _or_null({"$ref": "#/$defs/tensor"}),
            "infer": _or_null({"$ref": "#/$defs/tensor"}),
            "hyperparameters": any_part(catalogue, lambda cls: cls.name == "hyperparameters"),
            "exports": {
                "type": "object",
                "additionalProperties": any_part(catalogue, lambda cls: cls.name.startswith("export.")),
            },
            "notes": {"type": "array", "items": _TEXT},
        }
    )
    modules = {"type": "object", "propertyNames": {"pattern": f"^{MODULE_NAME}$"}, "additionalProperties": _TEXT}
    return {
        "$schema": DIALECT,
        "title": "graph.json of s2sc",
        # the signatures of users' modules; not there where there are none
        **graph | {"properties": {**graph["properties"], "modules": modules}},
        "$defs": {"tensor": TENSOR, "type": _type(), "size": _size(), **definitions(catalogue)},
    }


def _node(catalogue: Catalogue) -> Json:
    return _object(
        {
            "path": _PATH,
            "operation": any_part(catalogue, lambda cls: issubclass(cls, Component)),
            "inputs": {
                "type": "object",
                "additionalProperties": {"type": "array", "items": {"$ref": "#/$defs/tensor"}, "minItems": 1},
            },
            "weights": _PATH,
            "derived": {"type": "boolean"},
            "outputs": _map({"$ref": "#/$defs/type"}),
            "compute": {"enum": ["fp32", "fp16", "bf16", "tf32"]},
            "gives": {"enum": ["fp32", "fp16", "bf16", "tf32", "int64"]},
            "clean": {"type": "boolean"},
            "cost": _object({"parameters": _NATURAL, "macs": _NATURAL, "activation_bytes": _NATURAL}),
        }
    )


def _symbol() -> Json:
    return _object(
        {
            "name": _TEXT,
            "doc": _TEXT,
            "definition": _or_null({"$ref": "#/$defs/size"}),
            "minimum": _or_null({"type": "integer"}),
            "maximum": _or_null({"type": "integer"}),
            "seconds": _or_null({"type": "number", "exclusiveMinimum": 0}),
        }
    )


def _type() -> Json:
    return _object(
        {
            "kind": {"enum": ["seq", "tensor"]},
            "axes": {"type": "array", "items": _object({"name": _TEXT, "size": {"$ref": "#/$defs/size"}})},
            "element": {"enum": ["real", "index"]},
            "vocabulary": _or_null({"type": "integer", "minimum": 1}),
        }
    )


def _size() -> Json:
    """A number, or a linear form: const + coefficients times symbols and floor divisions."""
    floor = _object({"floor": {"$ref": "#/$defs/size"}, "by": {"type": "integer", "minimum": 2}})
    term = {"type": "array", "prefixItems": [{"type": "integer"}, {"anyOf": [_TEXT, floor]}], "items": False}
    form = _object({"const": {"type": "integer"}, "terms": {"type": "array", "items": term, "minItems": 1}})
    return {"anyOf": [{"type": "integer"}, form]}


def _object(properties: Json) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _map(items: Json) -> Json:
    return {"type": "object", "propertyNames": _PATH, "additionalProperties": items}


def _or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}
