"""Signature files: what is declared of a user's module, so that nothing needs to import it."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..dsl import syntax
from ..dsl.diagnostics import Findings, Label
from ..dsl.lexing import lex
from ..dsl.signature import Input, Param, Signature
from ..dsl.source import Source, Span
from ..dsl.statics import is_number
from ..dsl.suggest import did_you_mean, listing
from ..dsl.values import Plain
from .formula import FormulaError, check_formula, value_of
from .unification import role

# as `use` names it
MODULE_NAME = r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*"
PRECISIONS = ("half", "fp32", "follow")
NEEDS = ("lengths", "mask")
_TYPES = {"int": "int", "float": "number", "bool": "bool", "str": "str"}
_WHAT = {"int": "a whole number", "number": "a number", "bool": "true or false", "str": "a text in quotes"}
_MOST_INPUTS = 8
_MOST_REQUIREMENTS = 16
_FIRST_OPSET, _LAST_OPSET = 7, 30


@dataclass(frozen=True)
class Declared:
    """A user's module as its signature file declares it.

    name        how messages and graph.json call it: "acme_layers.layers.rotary"
    file        the Python module that it is in, beside which its signature file stands: "acme_layers.layers"
    inputs, results   with their types; `axes` are the names of the inputs' axes and what each is ("d" -> "features")
    class_name  the class in that module
    requires    conditions on sizes and parameters
    num_params  how many trained numbers it has; None: none
    macs        multiply-accumulates of one forward pass; None: none
    precision   "half", "fp32" or "follow", as of any component
    onnx        the first opset that it can be exported in; None: none
    steps       whether it treats each token by itself, so that a decoder can run it token by token
    needs       what it takes besides its inputs: "lengths", "mask"
    text        the whole signature file without comments and blanks, which graph.json keeps
    """

    name: str
    file: str
    signature: Signature
    inputs: tuple[syntax.Parameter, ...]
    results: tuple[syntax.Result, ...]
    axes: Mapping[str, str]
    class_name: str
    text: str
    span: Span
    requires: tuple[syntax.Expression, ...] = ()
    num_params: syntax.Expression | None = None
    macs: syntax.Expression | None = None
    precision: str = "fp32"
    onnx: int | None = None
    says_onnx: bool = False
    steps: bool = False
    needs: tuple[str, ...] = ()

    @property
    def sizes(self) -> tuple[str, ...]:
        """The names of the axes that have a known number of places: all but batch and time."""
        return tuple(name for name, what in self.axes.items() if what == "features")

    def interface(self) -> dict[str, object]:
        """What decides its weights and how it is called: the part of it that belongs to the architecture."""
        return {
            "class": self.class_name,
            "inputs": [one_line(one.span.text) for one in self.inputs],
            "results": [one_line(one.span.text) for one in self.results],
            "params": "" if self.num_params is None else one_line(self.num_params.span.text),
            "needs": list(self.needs),
        }


def read_declared(file: str, document: syntax.Document, findings: Findings) -> tuple[Declared, ...] | None:
    """What the signature file of the Python module `file` declares; None after an error.

    The document has no syntax errors.
    """
    num_before = len(findings)
    modules: dict[str, syntax.Module] = {}
    for statement in document.statements:
        if isinstance(statement, syntax.Module) and statement.name not in modules:
            modules[statement.name] = statement
        elif isinstance(statement, syntax.Module):
            first = Label(modules[statement.name].name_span, "first here")
            findings.error("S2S204", f"`{statement.name}` is declared twice", statement.name_span, labels=(first,))
        elif not isinstance(statement, syntax.Edition):
            findings.error(
                "S2S201", "a signature file holds `module` and nothing else", statement.span, at="belongs to a spec"
            )
    source = document.source
    if not modules and len(findings) == num_before:
        span = next((statement.span for statement in document.statements), Span(source, 0, 0))
        findings.error("S2S305", "the signature file declares no module", span, helps=(f"add {_HEAD} => … {{ … }}",))
    text = one_line(source.text)
    declared = [_Reading(file, module, text, findings).run() for module in modules.values()]
    found = tuple(one for one in declared if one is not None)
    return found if len(findings) == num_before else None


@dataclass
class _Reading:
    """One reading of a module's declaration; `facts` are the statements of its body by name."""

    file: str
    module: syntax.Module
    text: str
    findings: Findings
    axes: dict[str, str] = field(default_factory=dict)
    params: dict[str, Param] = field(default_factory=dict)
    facts: dict[str, syntax.Assign] = field(default_factory=dict)

    def run(self) -> Declared | None:
        num_before = len(self.findings)
        inputs = tuple(one for one in self.module.parameters if _is_tensor(one))
        self._check_inputs(inputs)
        self._take_params([one for one in self.module.parameters if not _is_tensor(one)])
        self._check_names()
        for result in self.module.results:
            self._check_result(result)
        self._take_facts()
        sizes = {name for name, what in self.axes.items() if what == "features"}
        static = {*sizes, *self.params}
        requires = self._requirements(static)
        name = _full_name(self.file, self.module.name)
        declared = Declared(
            name=name,
            file=self.file,
            signature=Signature(
                name,
                "component",
                f"The module of {self.module.span.source.name}.",
                tuple(Input(one.name) for one in inputs),
                tuple(one.name for one in self.module.results),
                tuple(self.params.values()),
            ),
            inputs=inputs,
            results=self.module.results,
            axes=self.axes,
            class_name=self._class(),
            text=self.text,
            span=self.module.name_span,
            requires=requires,
            num_params=self._formula("params", static),
            macs=self._formula("macs", {*static, *self.axes}),
            precision=self._choice("fp16", PRECISIONS, "fp32"),
            onnx=self._onnx(),
            says_onnx="onnx" in self.facts,
            steps=self._steps(),
            needs=self._needs(),
        )
        return declared if len(self.findings) == num_before else None

    def error(self, code: str, message: str, span: Span, *helps: str, at: str = "") -> None:
        self.findings.error(code, message, span, at=at, helps=helps)

    # ------------------------------------------------------------ the head

    def _check_inputs(self, inputs: Sequence[syntax.Parameter]) -> None:
        if not inputs:
            self.error("S2S305", f"`{self.module.name}` takes no tensor", self.module.name_span, _INPUT)
        if len(inputs) > _MOST_INPUTS:
            self.error("S2S110", f"a module takes at most {_MOST_INPUTS} tensors", inputs[_MOST_INPUTS].span)
        for one in inputs:
            if one.variadic or one.default is not None:
                what = "takes one tensor" if one.variadic else "has no default: it is always given"
                self.error("S2S301", f"an input of a user's module {what}", one.span, f"write {one.name}: seq[…]")
            assert one.type is not None
            names = self._axis_names(one.type)
            for place, (name, span) in enumerate(names):
                wanted = _role_at(one.type, place)
                said = role(name) or "features"
                if said != wanted:
                    self._misplaced(name, span, wanted)
                self.axes.setdefault(name, said)

    def _axis_names(self, type_: syntax.TypeExpression) -> list[tuple[str, Span]]:
        """The axes of an input, each a name; empty after an error."""
        axes = type_.axes
        if axes is None or len(axes) < (2 if type_.kind == "seq" else 1):
            self.error("S2S301", "an input says all of its axes", type_.span, _INPUT)
            return []
        found = []
        for axis in axes:
            if not isinstance(axis, syntax.Name) or axis.name in ("_", ".."):
                self.error("S2S301", "an axis of an input is a name", axis.span, "say in `requires` what it must be")
                return []
            found.append((axis.name, axis.span))
        return found

    def _misplaced(self, name: str, span: Span, wanted: str) -> None:
        message = {
            "batch": f"the first axis of an input is `batch`, not `{name}`",
            "time": f"the second axis of a sequence is its `time`, not `{name}`",
            "features": f"`{name}` is not the name of a size",
        }[wanted]
        self.error("S2S403", message, span)

    def _take_params(self, parameters: Sequence[syntax.Parameter]) -> None:
        for one in parameters:
            kind = one.type.kind if one.type is not None and one.type.axes is None else ""
            if kind not in _TYPES or one.variadic:
                self.error(
                    "S2S301",
                    f"the parameter `{one.name}` needs a type: {listing(_TYPES)}, or seq[…] for a tensor",
                    one.span,
                )
                continue
            if one.name in self.params:
                self.error("S2S204", f"`{one.name}` is declared twice", one.span)
            default = self._default(one, _TYPES[kind])
            required = one.default is None
            self.params[one.name] = Param(one.name, _TYPES[kind], "as its module takes it", required, default)

    def _default(self, one: syntax.Parameter, kind: str) -> Plain:
        if one.default is None or not check_formula(one.default, (), self.findings):
            return None
        value = self._value(one.default, {})
        if value is None:
            return None
        if not _FITS[kind](value):
            self.error("S2S301", f"the default of `{one.name}` is not {_WHAT[kind]}", one.default.span)
            return None
        return float(value) if kind == "number" and is_number(value) else value

    def _check_names(self) -> None:
        """Sizes and parameters go to the class by name, and formulas name both."""
        spans = {one.name: one.span for one in self.module.parameters}
        spans |= {one.name: one.span for one in self.module.results}
        for name in (*self.axes, *spans):
            if keyword.iskeyword(name) or name.startswith("_") or name in ("self", *NEEDS):
                self.error("S2S301", f"`{name}` cannot be a name here", spans.get(name, self.module.span))
        for one in self.module.parameters:
            if one.name in self.axes:
                self.error("S2S204", f"`{one.name}` is the name of an axis too", one.span, "choose another name")
        inputs = [(one.name, one.span) for one in self.module.parameters if _is_tensor(one)]
        for several in (inputs, [(one.name, one.span) for one in self.module.results]):
            first: set[str] = set()
            for given, span in several:
                if given in first:
                    self.error("S2S204", f"`{given}` is declared twice", span)
                first.add(given)

    def _check_result(self, result: syntax.Result) -> None:
        type_ = result.type
        if type_ is None or type_.axes is None or type_.kind not in ("seq", "tensor"):
            self.error(
                "S2S301", f"the result `{result.name}` needs a type", result.span, "write y: seq[batch, time, d]"
            )
            return
        known = {*self.params, *(name for name, what in self.axes.items() if what == "features")}
        for place, axis in enumerate(type_.axes):
            wanted = _role_at(type_, place)
            if wanted == "features":
                check_formula(axis, known, self.findings)
            elif not isinstance(axis, syntax.Name) or self.axes.get(axis.name) != wanted:
                own = listing(name for name, what in self.axes.items() if what == wanted)
                what = "first" if wanted == "batch" else "second"
                self.error("S2S403", f"the {what} axis of a result is {own or wanted}, as of an input", axis.span)
        if len(type_.axes) < (2 if type_.kind == "seq" else 1):
            self.error("S2S301", "a result says all of its axes", type_.span)

    # ------------------------------------------------------------ the facts

    def _take_facts(self) -> None:
        for statement in self.module.body:
            if not isinstance(statement, syntax.Assign) or len(statement.path) > 1 or statement.shared:
                self.error("S2S201", "only `fact = value` can stand in a module", statement.span)
            elif statement.name not in _FACTS:
                helps = did_you_mean(statement.name, _FACTS) or (f"it has {listing(_FACTS)}",)
                if statement.name == "flops":
                    helps = ("write macs = …: multiply-accumulates, half as many",)
                self.error("S2S202", f"a module has no fact `{statement.name}`", statement.name_span, *helps)
            elif statement.name in self.facts:
                first = Label(self.facts[statement.name].name_span, "first here")
                self.findings.error("S2S204", f"`{statement.name}` is said twice", statement.name_span, labels=(first,))
            else:
                self.facts[statement.name] = statement

    def _class(self) -> str:
        statement = self.facts.get("class")
        if statement is None:
            self.error(
                "S2S305",
                f"`{self.module.name}` does not say which class it is",
                self.module.name_span,
                f'add class = "{self.module.name.title().replace("_", "")}"',
            )
            return ""
        value = statement.value
        if not isinstance(value, syntax.String) or not value.value.isidentifier() or value.value.startswith("_"):
            self.error("S2S301", "`class` is the name of a Python class in quotes", value.span)
            return ""
        return value.value

    def _requirements(self, known: set[str]) -> tuple[syntax.Expression, ...]:
        statement = self.facts.get("requires")
        if statement is None:
            return ()
        listed = isinstance(statement.value, syntax.ListLiteral)
        items = statement.value.items if isinstance(statement.value, syntax.ListLiteral) else (statement.value,)
        if len(items) > _MOST_REQUIREMENTS:
            self.error("S2S110", f"a module has at most {_MOST_REQUIREMENTS} requirements", statement.value.span)
            return ()
        for item in items:
            if check_formula(item, known, self.findings) and not self._is_condition(item):
                way = f"write {item.span.text} == …" if listed else "write requires = [d > 1]"
                self.error("S2S301", "a requirement is true or false", item.span, way)
        return items

    def _formula(self, fact: str, known: set[str]) -> syntax.Expression | None:
        statement = self.facts.get(fact)
        if statement is None or not check_formula(statement.value, known, self.findings):
            return None
        if self._is_condition(statement.value) or isinstance(statement.value, syntax.String):
            self.error("S2S301", f"`{fact}` is a number", statement.value.span)
        return statement.value

    def _choice(self, fact: str, choices: Sequence[str], default: str) -> str:
        statement = self.facts.get(fact)
        if statement is None:
            return default
        value = statement.value
        if isinstance(value, syntax.String) and value.value in choices:
            return value.value
        written = value.value if isinstance(value, syntax.String) else value.span.text
        ways = did_you_mean(written, choices) or (f"one of {listing(repr_of(one) for one in choices)}",)
        self.error("S2S308", f"`{fact}` has no choice {value.span.text}", value.span, *ways)
        return default

    def _onnx(self) -> int | None:
        statement = self.facts.get("onnx")
        if statement is None or isinstance(statement.value, syntax.NoneLiteral):
            return None
        value = statement.value
        if isinstance(value, syntax.Number) and isinstance(value.value, int):
            if _FIRST_OPSET <= value.value <= _LAST_OPSET:
                return value.value
            self.error("S2S303", f"an opset is {_FIRST_OPSET} to {_LAST_OPSET}, got {value.value}", value.span)
            return None
        self.error("S2S301", "`onnx` is the first opset that it can be exported in, or none", value.span)
        return None

    def _steps(self) -> bool:
        statement = self.facts.get("step")
        if statement is None or isinstance(statement.value, syntax.NoneLiteral):
            return False
        return self._choice("step", ("plain",), "") == "plain"

    def _needs(self) -> tuple[str, ...]:
        statement = self.facts.get("needs")
        if statement is None:
            return ()
        value = statement.value
        items = value.items if isinstance(value, syntax.ListLiteral) else (value,)
        found: list[str] = []
        for item in items:
            if not isinstance(item, syntax.String) or item.value not in NEEDS:
                ways = f"one of {listing(repr_of(one) for one in NEEDS)}"
                self.error("S2S308", f"`needs` has no choice {item.span.text}", item.span, ways)
            elif item.value not in found:
                found.append(item.value)
        return tuple(found)

    def _is_condition(self, node: syntax.Expression) -> bool:
        """Whether an expression can only be true or false."""
        match node:
            case syntax.Boolean():
                return True
            case syntax.Name(name=name):
                return name in self.params and self.params[name].type == "bool"
            case syntax.Unary(operator=operator):
                return operator == "not"
            case syntax.Binary(operator=operator):
                return operator in ("and", "or", "==", "!=", "<", "<=", ">", ">=")
            case syntax.If(then=then, otherwise=otherwise):
                return self._is_condition(then) and self._is_condition(otherwise)
        return False

    def _value(self, formula: syntax.Expression, names: Mapping[str, Plain]) -> Plain:
        try:
            return value_of(formula, names)
        except FormulaError as problem:
            self.error(problem.code, problem.message, problem.span)
            return None


_FACTS = ("class", "requires", "params", "macs", "fp16", "onnx", "step", "needs")
_HEAD = "module name(x: seq[batch, time, d])"
_INPUT = "write x: seq[batch, time, d]"


def _full_name(file: str, name: str) -> str:
    """`acme_layers.layers.rotary`; `acme_layers.rotary` for the one that its file is called after."""
    return file if file.rpartition(".")[2] == name else f"{file}.{name}"


def _is_tensor(parameter: syntax.Parameter) -> bool:
    return parameter.type is not None and parameter.type.kind in ("seq", "tensor")


def _role_at(type_: syntax.TypeExpression, place: int) -> str:
    """What an axis is by its place: batch first, then the time of a sequence, then sizes."""
    leading = ("batch", "time") if type_.kind == "seq" else ("batch",)
    return leading[place] if place < len(leading) else "features"


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_FITS: Mapping[str, Callable[[object], bool]] = {
    "int": _whole,
    "number": is_number,
    "bool": lambda value: isinstance(value, bool),
    "str": lambda value: isinstance(value, str),
}


def repr_of(choice: str) -> str:
    """A choice as it is written."""
    return f'"{choice}"'


def one_line(text: str) -> str:
    """A text of the language without its comments and with one way to write blanks."""
    return "".join(_pieces(text)).strip()


def _pieces(text: str) -> Iterator[str]:
    source = Source("", text)
    tokens, _ = lex(source, Findings())
    for token in tokens:
        yield "\n" if token.type == "NEWLINE" else f"{token.span.text} "
