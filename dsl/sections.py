"""Sections of settings (data, hyperparameters, export …) bound to what their kind declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from . import syntax
from .arguments import Fitted, fit, with_defaults
from .diagnostics import Label
from .evaluator import Evaluator
from .functions import SPLITS
from .modules import UNKNOWN, Environment, Namespace, Scope, TensorValue, Thunk, Unknown, Value
from .signature import Param, Signature, StreamFacts
from .source import Span
from .suggest import listing, possessive
from .values import ModuleReference, Origin, PartValue, Plain, Ref, SplitMetric, Static


def bind_section(
    evaluator: Evaluator,
    signature: Signature,
    body: tuple[syntax.Statement, ...],
    span: Span,
    environment: Environment,
    path: str,
) -> PartValue | None:
    """A section's settings with defaults and overrides; None after an error.

    `path` is where it stands ("hyperparameters.checkpoint"); every parameter below it becomes a path that a profile
    or `--set` may set.
    """
    inner = Environment(_split_names(span), environment)
    scope = Scope(path)
    given: dict[str, Fitted] = {}
    places: dict[str, Span] = {}
    for statement in body:
        if isinstance(statement, syntax.Section):
            name, where = statement.kind, statement.kind_span
        elif isinstance(statement, syntax.Assign) and len(statement.path) == 1:
            name, where = statement.name, statement.name_span
        else:
            evaluator.findings.error(
                "S2S201",
                f"only `name = value` can stand in `{path}`",
                statement.span,
                helps=("dotted paths are for profiles",) if isinstance(statement, syntax.Assign) else (),
            )
            continue
        if isinstance(statement, syntax.Assign) and statement.shared:
            evaluator.findings.error("S2S301", "`shared` is for modules in an encoder or a decoder", where)
            continue
        param = signature.param(name)
        if name in places and signature.param(name) is not None:
            evaluator.findings.error(
                "S2S204", f"`{name}` is set twice", where, labels=(Label(places[name], "first here"),)
            )
            continue
        places[name] = where
        if param is None:
            meant = _unknown(evaluator, signature, statement, name, where)
            if meant is not None:
                given.setdefault(meant, UNKNOWN)  # it is there, under another name
                places.setdefault(meant, where)
            continue
        given[name] = _setting(evaluator, signature, param, statement, inner, scope, path)
    for param in signature.params:
        evaluator.paths[f"{path}.{param.name}"] = places.get(param.name, span)
        _fill(evaluator, signature, param, given, inner, scope, path, span)
    complete = with_defaults(signature, given, span, evaluator.findings)
    if complete is None:
        return None
    for name, value in complete.items():
        if isinstance(value, PartValue) and value.family != "section":
            overridden = override_part(evaluator, value, f"{path}.{name}", inner, scope)
            if overridden is None:
                return None
            complete[name] = overridden
    return PartValue(signature.name, signature.family, complete, span, Origin("spec", span))


def data_namespace(evaluator: Evaluator, data: PartValue) -> Namespace:
    """`data.audio`, `data.text.vocab`: the streams of a bound data section."""
    parts = {name: part for name, part in data.params.items() if isinstance(part, PartValue)}
    facts = {name: evaluator.catalogue.facts(part) for name, part in parts.items()}

    def decided_by(path: str, fact: Plain) -> tuple[Static, ...]:
        """The settings that a fact of a stream comes from: of the part that it is a fact of."""
        alike = [name for name, known in facts.items() if fact in known.values()]
        named = [name for name in alike if name in path.split(".")] or alike
        if not named:
            return tuple(value for value in data.params.values() if isinstance(value, Static))
        return parts[named[0]].behind(fact)

    streams = {
        name: _stream(f"data.{name}", stream, data.span, decided_by)
        for name, stream in evaluator.catalogue.streams(data).items()
    }

    def get(name: str) -> Value | None:
        return streams.get(name)

    return Namespace("data", lambda: set(streams), get)


def settings_namespace(what: str, settings: PartValue) -> Namespace:
    """`hyperparameters.dropout`: the values of a bound section."""

    def get(name: str) -> Value | None:
        value = settings.params.get(name)
        return value if isinstance(value, Static | PartValue) else None

    return Namespace(what, lambda: set(settings.params), get)


def _split_names(span: Span) -> dict[str, Thunk]:
    def thunk(split: str) -> Thunk:
        return Thunk(split, span, lambda: Static(SplitMetric(split, ""), Origin("spec", span)))

    return {split: thunk(split) for split in SPLITS}


def _setting(
    evaluator: Evaluator,
    signature: Signature,
    param: Param,
    statement: syntax.Section | syntax.Assign,
    environment: Environment,
    scope: Scope,
    path: str,
) -> Fitted:
    place = f"{path}.{param.name}"
    if isinstance(statement, syntax.Section):
        nested = evaluator.catalogue.section(statement.kind, statement.label)
        if "section" not in param.families or nested is None:
            evaluator.findings.error(
                "S2S301",
                f"{possessive(signature.name)} `{param.name}` is a value, not a section",
                statement.kind_span,
                helps=(f"write {param.name} = …",),
            )
            return UNKNOWN
        return bind_section(evaluator, nested, statement.body, statement.kind_span, environment, place) or UNKNOWN
    if "section" in param.families:
        evaluator.findings.error(
            "S2S301",
            f"{possessive(signature.name)} `{param.name}` is a section, not a value",
            statement.name_span,
            helps=(f"write {param.name} {{ … }}",),
        )
        return UNKNOWN
    if place in evaluator.overrides:
        return (
            UNKNOWN
            if (found := _override(evaluator, param, signature.name, place, environment, scope)) is None
            else found
        )
    value = evaluator.mentioned(evaluator.evaluate(statement.value, environment, scope), statement.value.span)
    return fit(param, value, signature.name, statement.value.span, evaluator.findings)


def _fill(
    evaluator: Evaluator,
    signature: Signature,
    param: Param,
    given: dict[str, Fitted],
    environment: Environment,
    scope: Scope,
    path: str,
    span: Span,
) -> None:
    """What was not written: a nested section with its defaults, or an override of a default."""
    place = f"{path}.{param.name}"
    if param.name in given:
        return
    if "section" in param.families:
        nested = evaluator.catalogue.section(param.name, None)
        assert nested is not None, f"no section {param.name}"
        if not any(inner.required for inner in nested.params):
            bound = bind_section(evaluator, nested, (), span, environment, place)
            if bound is not None:
                given[param.name] = bound
    elif place in evaluator.overrides:
        found = _override(evaluator, param, signature.name, place, environment, scope)
        if found is not None:
            given[param.name] = found


def _override(
    evaluator: Evaluator, param: Param, owner: str, place: str, environment: Environment, scope: Scope
) -> Fitted | None:
    expression, kind = evaluator.overrides[place]
    evaluator.consumed.add(place)
    outer, evaluator.origin_kind = evaluator.origin_kind, kind
    value = evaluator.mentioned(evaluator.evaluate(expression, environment, scope), expression.span)
    evaluator.origin_kind = outer
    return fit(param, value, owner, expression.span, evaluator.findings)


def override_part(
    evaluator: Evaluator, part: PartValue, path: str, environment: Environment, scope: Scope
) -> PartValue | None:
    """A part with overrides of its own parameters (`hyperparameters.optimizer.lr`); None after an error."""
    signature = evaluator.catalogue.callable(part.name)
    if signature is None:
        return part
    changed: dict[str, Static | PartValue | ModuleReference] = dict(part.params)
    for param in signature.params:
        place = f"{path}.{param.name}"
        value = part.params[param.name]
        evaluator.paths[place] = part.span
        if place in evaluator.overrides:
            found = _override(evaluator, param, part.name, place, environment, scope)
            if found is None or isinstance(found, Unknown):
                return None
            changed[param.name] = found
        elif isinstance(value, PartValue):
            nested = override_part(evaluator, value, place, environment, scope)
            if nested is None:
                return None
            changed[param.name] = nested
    return replace(part, params=changed)


def _unknown(
    evaluator: Evaluator, signature: Signature, statement: syntax.Statement, name: str, span: Span
) -> str | None:
    known = evaluator.catalogue.section(name, None) is not None or name in _MODEL
    if isinstance(statement, syntax.Section) and known:
        names = listing([param.name for param in signature.params])
        evaluator.findings.error(
            "S2S201", f"a section `{name}` cannot stand in {signature.name}", span, helps=(f"it has {names}",)
        )
        return None
    return evaluator.unknown_parameter(signature, name, span)


_MODEL = ("encoder", "decoder", "loss", "block", "table", "profile", "export", "data", "hyperparameters")


def _stream(
    path: str, stream: StreamFacts, span: Span, decided_by: Callable[[str, Plain], tuple[Static, ...]]
) -> TensorValue:
    facts: Mapping[str, Static] = {
        name: Static(value, Origin("spec", span), f"{path}.{name}", decided_by(path, value))
        for name, value in stream.facts.items()
    }
    children = {name: _stream(f"{path}.{name}", child, span, decided_by) for name, child in stream.children.items()}
    return TensorValue({"": Ref(path)} if stream.tensor else {}, facts, children)
