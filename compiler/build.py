"""From a resolved spec to a graph: parts realized, parameters validated, the data section's streams put in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from ..dsl.diagnostics import Findings
from ..dsl.spec import Instance, Spec
from ..dsl.values import Origin, PartValue, Ref
from .catalogue import Catalogue
from .component import Component, Mismatch
from .data_layer import DataLayer, Streams
from .encoding import realize
from .graph import Graph, Node, NodeOrigin, Origins, TypeClaim
from .mismatches import report_mismatch
from .provenance import parts
from .validation import validate


def build(spec: Spec, catalogue: Catalogue, findings: Findings) -> Graph | None:
    """Make the graph of a spec; None after errors. Types, precision and cost come with the passes."""
    uses = {instance.path: _as_part(instance) for instance in spec.instances}
    sound = [
        validate(value, catalogue, findings, place=place)
        for place, value in (
            ("data", spec.data),
            *uses.items(),
            ("hyperparameters", spec.hyperparameters),
            *((f"export.{label}", value) for label, value in spec.exports.items()),
        )
    ]
    if not all(sound):
        return None
    data = realize(spec.data, catalogue)
    assert isinstance(data, DataLayer)
    streams = _streams(data, spec.data, findings)
    if streams is None:
        return None
    origins = {feature.path: _feature_origin(feature.operation.name, spec.data) for feature in streams.features}
    nodes = {
        feature.path: Node(feature.path, feature.operation, feature.inputs, feature.path)
        for feature in streams.features
    }
    for instance in spec.instances:
        operation = realize(uses[instance.path], catalogue)
        assert isinstance(operation, Component), f"{instance.component} is no operation"
        inputs = {
            name: tuple(_resolved(ref, streams.names) for ref in refs) for name, refs in instance.inputs.items() if refs
        }
        nodes[instance.path] = Node(instance.path, operation, inputs, instance.weights)
        origins[instance.path] = NodeOrigin(instance.span, instance.params, instance.reached)
    names = {name: _resolved(ref, streams.names) for name, ref in spec.names.items()}
    return Graph(
        name=spec.name,
        edition=spec.edition,
        inputs=streams.inputs,
        targets=streams.targets,
        symbols=streams.symbols,
        nodes=nodes,
        names={**streams.names, **names},
        loss=spec.loss and _resolved(spec.loss, streams.names),
        infer=spec.infer and _resolved(spec.infer, streams.names),
        data=data,
        hyperparameters=realize(spec.hyperparameters, catalogue),
        exports={
            label: realize(value, catalogue).with_refs(lambda ref: _resolved(ref, streams.names))
            for label, value in sorted(spec.exports.items())
        },
        origins=Origins(
            nodes=origins,
            data=spec.data,
            hyperparameters=spec.hyperparameters,
            exports=spec.exports,
            lets=spec.lets,
            claims=tuple(
                TypeClaim(
                    _resolved(claim.ref, streams.names), claim.type, claim.sizes, claim.scope, claim.what, claim.span
                )
                for claim in spec.constraints
            ),
            spec_hash=_spec_hash(spec),
            sources=spec.sources,
        ),
    )


def _as_part(instance: Instance) -> PartValue:
    return PartValue(instance.component, instance.family, instance.params, instance.span, Origin("spec", instance.span))


def _streams(data: DataLayer, value: PartValue, findings: Findings) -> Streams | None:
    try:
        return data.streams()
    except Mismatch as mismatch:
        report_mismatch(mismatch, NodeOrigin(value.span, value.params), findings, place="data")
        return None


def _feature_origin(name: str, data: PartValue) -> NodeOrigin:
    """The part of the data section that a feature was made from."""
    for part in parts(data):
        if part.name == name:
            return NodeOrigin(part.span, part.params)
    return NodeOrigin(data.span)


def _resolved(ref: Ref, names: Mapping[str, Ref]) -> Ref:
    """`data.audio` as the tensor that it stands for."""
    target = names.get(ref.path)
    if target is None or ref.port:
        return ref
    return replace(target, lengths=ref.lengths or target.lengths)


def _spec_hash(spec: Spec) -> str:
    """Over the text of all files and the profile."""
    digest = hashlib.sha256()
    for source in spec.sources:
        digest.update(source.text.encode())
        digest.update(b"\0")
    digest.update((spec.profile or "").encode())
    return digest.hexdigest()
