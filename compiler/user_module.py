"""The component that a signature file declares: shapes, cost and conditions from what it says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ..dsl.diagnostics import Label
from ..dsl.limits import LIMITS
from ..dsl.references import names_in
from ..dsl.source import Span
from ..dsl.statics import is_number
from ..dsl.syntax import Expression, Name, TypeExpression
from ..dsl.values import Plain
from .component import Component, Mismatch
from .dim import Dim
from .formula import FormulaError, value_of
from .graph import Graph
from .signature_file import Declared, one_line
from .step_form import PLAIN, StepForm
from .tensor_type import Axis, TensorType

Inputs = Mapping[str, tuple[TensorType, ...]]
# the time at which a formula of multiply-accumulates is tried
_SOME_FRAMES = 1000


class UserModule(Component):
    """A module of a user's package, known by its signature file alone."""

    declared: ClassVar[Declared]

    def infer(self, inputs: Inputs) -> dict[str, TensorType]:
        return {result.name: self._result(result.type, inputs) for result in self.declared.results}

    def check(self, inputs: Inputs) -> None:
        names = self.sizes(inputs) | self.values()
        for condition in self.declared.requires:
            if self._computed("requires", condition, names) is not True:
                wrong = _mentioned(condition, names)
                raise Mismatch(
                    "S2S402",
                    f"{self.name} requires {_spelt(condition.span)}",
                    at=wrong,
                    labels=(Label(condition.span, "required here"),),
                )
        self._number("params", self.declared.num_params, names)
        self._number("macs", self.declared.macs, {**dict.fromkeys(self.declared.axes, _SOME_FRAMES), **names})

    def weights(self, inputs: Inputs) -> dict[str, tuple[int, ...]]:
        count = self._number("params", self.declared.num_params, self.sizes(inputs) | self.values())
        return {"all weights": (count,)} if count else {}

    def macs(self, inputs: Mapping[str, tuple[tuple[int, ...], ...]], outputs: Mapping[str, tuple[int, ...]]) -> int:
        names: dict[str, Plain] = {**self.values()}
        for one in self.declared.inputs:
            for shape in inputs.get(one.name, ()):
                names |= dict(zip(_axes(one.type), shape, strict=True))
        try:
            return self._number("macs", self.declared.macs, names)
        except Mismatch:
            # it has a value for some lengths: `check` tried
            return LIMITS.integer_magnitude

    def step_form(self, inputs: Inputs, stepped: frozenset[str]) -> StepForm:
        if self.declared.steps:
            return PLAIN
        raise Mismatch(
            "S2S414",
            f"{self.name} has no step form: nothing says that a token's result depends on that token alone",
            at="cannot run token by token",
            helps=('if it is so, say step = "plain" in its signature file',),
            labels=(Label(self.declared.span, "declared here"),),
        )

    def sizes(self, inputs: Inputs) -> dict[str, int]:
        """What the names of sizes stand for: `d` -> 512."""
        return {
            name: axis.dim.known for name, axis in self._bound(inputs).items() if self.declared.axes[name] == "features"
        }

    def _bound(self, inputs: Inputs) -> dict[str, Axis]:
        """The axes by the names that the signature gives them."""
        found: dict[str, Axis] = {}
        for one in self.declared.inputs:
            for given in inputs.get(one.name, ()):
                for name, axis in zip(_axes(one.type), given.axes, strict=True):
                    found.setdefault(name, axis)
        return found

    def _result(self, wanted: TypeExpression | None, inputs: Inputs) -> TensorType:
        assert wanted is not None
        assert wanted.axes is not None
        bound = self._bound(inputs)
        names = self.sizes(inputs) | self.values()
        axes = []
        for expression in wanted.axes:
            if isinstance(expression, Name) and expression.name in bound:
                axes.append(bound[expression.name])
            else:
                size = self._number("a size of its result", expression, names, least=1)
                axes.append(Axis("features", Dim(size)))
        return TensorType("seq" if wanted.kind == "seq" else "tensor", tuple(axes))

    def _number(self, what: str, formula: Expression | None, names: Mapping[str, Plain], *, least: int = 0) -> int:
        """A formula that gives a whole number."""
        if formula is None:
            return 0
        value = self._computed(what, formula, names)
        if is_number(value) and value == int(value) and value >= least:
            return int(value)
        shown = f"{value:g}" if isinstance(value, float) else str(value)
        raise Mismatch(
            "S2S304" if is_number(value) else "S2S301",
            f"{what} of {self.name} must be a whole number of {least} or more, and {_spelt(formula.span)} is {shown}",
            at=_mentioned(formula, names),
            labels=(Label(formula.span, "computed here"),),
        )

    def _computed(self, what: str, formula: Expression, names: Mapping[str, Plain]) -> Plain:
        try:
            return value_of(formula, names)
        except FormulaError as problem:
            raise Mismatch(
                problem.code,
                f"{what} of {self.name} cannot be computed: {problem.message}",
                at=_mentioned(formula, names),
                labels=(Label(problem.span, "computed here"),),
            ) from None


def user_modules(graph: Graph) -> list[type[UserModule]]:
    """The users' modules of a graph, each once, by name."""
    found = {type(node.operation) for node in graph.nodes.values() if isinstance(node.operation, UserModule)}
    return sorted(found, key=lambda one: one.declared.name)


def user_module(declared: Declared) -> type[UserModule]:
    """The class of the component that a signature file declares."""
    inputs = ", ".join(one_line(one.span.text) for one in declared.inputs)
    results = ", ".join(one_line(one.span.text) for one in declared.results)
    return type(
        declared.class_name,
        (UserModule,),
        {
            "__doc__": declared.signature.doc,
            "name": declared.name,
            "family": "component",
            "params": declared.signature.params,
            # apart from the methods, whatever the parameters are called
            "_attributes": {param.name: f"given_{param.name}" for param in declared.signature.params},
            "declared": declared,
            "signature": f"({inputs}) => ({results})",
            "letters": declared.axes,
            "precision": declared.precision,
            # of one whose signature says nothing only S2S702 speaks
            "opset": declared.onnx if declared.says_onnx else UserModule.opset,
            "mixes_time": not declared.steps,
        },
    )


def _axes(type_: TypeExpression | None) -> list[str]:
    assert type_ is not None
    assert type_.axes is not None
    return [axis.name for axis in type_.axes if isinstance(axis, Name)]


def _spelt(span: Span) -> str:
    return f"`{one_line(span.text)}`"


def _mentioned(formula: Expression, names: Mapping[str, Plain]) -> str:
    """`d is 63, ratio is 8`: what a formula was given."""
    found = dict.fromkeys(name for name in sorted(names_in(formula)) if name in names)
    return ", ".join(f"{name} is {names[name]}" for name in found)
