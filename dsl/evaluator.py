"""Expressions into values.

Everything is lazy and immutable, nothing recurses without end: names remember that they are being computed, blocks
that they are being expanded, and steps and depth are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from . import expansion, functions, syntax
from .arguments import Fitted, fit, unit_help, with_defaults
from .diagnostics import Label
from .fixes import meant, said
from .limits import LIMITS
from .modules import (
    UNKNOWN,
    BlockValue,
    ComponentModule,
    Environment,
    FunctionValue,
    LimitReached,
    ModuleValue,
    Namespace,
    PipeModule,
    RepeatModule,
    Scope,
    SignatureValue,
    TensorValue,
    Thunk,
    Unknown,
    Value,
    describe,
)
from .references import free_names
from .signature import Signature
from .source import Span
from .state import State
from .statics import StaticError, at, binary, range_of, unary
from .statics import describe as describe_static
from .suggest import closest, did_you_mean, listing, possessive
from .units import to_quantity
from .values import DType, PartValue, Ref, SplitMetric, Static

DTYPES = ("fp32", "fp16", "bf16", "tf32")
_OF_THE_SPEC = ("data", "encoder", "decoder", "loss", "export")
_MOST_SUGGESTIONS = LIMITS.shown_diagnostics


class Evaluator(State):
    """Expressions into values, names into what they stand for, calls into parts, tensors or modules."""

    def lookup(self, name: syntax.Name, environment: Environment) -> Value:
        thunk = environment.find(name.name)
        if thunk is not None:
            return self.force(thunk)
        if name.name in functions.SIGNATURES:
            return FunctionValue(name.name)
        if name.name in DTYPES:
            return Static(DType(name.name), self.origin(name.span))
        signature = self.catalogue.callable(name.name)
        if signature is not None:
            return SignatureValue(signature)
        self._unknown_name(name, environment)
        return UNKNOWN

    def _unknown_name(self, name: syntax.Name, environment: Environment) -> None:
        if len(self.findings) > _MOST_SUGGESTIONS:
            # nobody reads as many, and looking for what was meant takes time
            self.findings.error("S2S203", f"unknown name `{name.name}`", name.span, at="not defined")
            return
        planned = self.catalogue.planned(name.name)
        if planned:
            self.findings.error(
                "S2S214", f"`{name.name}` is not in this version", name.span, at="not built yet", notes=(planned,)
            )
            return
        own = {known for known in environment.all_names() if not environment.hides(known)}
        known = own | set(self.catalogue.callable_names()) | set(functions.SIGNATURES) | set(DTYPES)
        synonym = self.catalogue.synonym(name.name)
        helps = did_you_mean(name.name, known, preferred=own)
        if synonym in known and not helps:
            helps = (f"it is called `{synonym}` here",)
        imports = environment.root.imports.items()
        elsewhere = [f"`{alias}.{name.name}`" for alias, file in imports if name.name in file.names()]
        if elsewhere:
            helps = (f"write {' or '.join(elsewhere)}",)
        message = f"unknown name `{name.name}`"
        if environment.root.imported and name.name in _OF_THE_SPEC:
            message, helps = f"an imported file does not see `{name.name}`", ("take it as a parameter of the block",)
        elif name.name in ("encoder", "decoder"):
            message, helps = f"the spec has no `{name.name}`", (f"add {name.name} {{ … }}",)
            # said once; other uses follow from it
            environment.root.names[name.name] = Thunk(name.name, name.span, lambda: UNKNOWN, silent=True)
        if not helps and name.span.source.text[: name.span.start].rstrip().endswith("//"):
            helps = ("`//` divides; comments start with `#`",)
        shown = name.span.source.shown
        if not helps and shown:
            helps = (f"a text has quotes, which the shell leaves only inside others: --set '{_quoted(shown)}'",)
        self.findings.error("S2S203", message, name.span, at="not defined", helps=helps)

    # ------------------------------------------------------------ expressions

    def evaluate(self, expression: syntax.Expression, environment: Environment, scope: Scope) -> Value:
        """The value of an expression at a place."""
        self.count_steps(1, expression.span)
        if self._depth > LIMITS.evaluation_depth:
            raise LimitReached(
                "S2S412", f"definitions are nested more than {LIMITS.evaluation_depth} deep", expression.span
            )
        self._depth += 1
        try:
            return self._EVALUATE[type(expression)](self, expression, environment, scope)
        finally:
            self._depth -= 1

    def static(
        self, expression: syntax.Expression, environment: Environment, scope: Scope, wanted: str
    ) -> Static | None:
        """An expression that must be a static value; None after an error."""
        value = self.evaluate(expression, environment, scope)
        if isinstance(value, Static):
            return value
        self.wrong_kind(value, wanted, expression.span)
        return None

    def _number(self, node: syntax.Number, environment: Environment, scope: Scope) -> Value:
        return Static(node.value, self.origin(node.span))

    def _quantity(self, node: syntax.QuantityLiteral, environment: Environment, scope: Scope) -> Value:
        quantity = to_quantity(node.value, node.unit)
        if quantity is None:
            # a unit that is none was found when the text was read
            self.findings.error("S2S110", "an amount is at most 2^63 of its base unit", node.span)
            return UNKNOWN
        return Static(quantity, self.origin(node.span))

    def _literal(self, node: syntax.String | syntax.Boolean, environment: Environment, scope: Scope) -> Value:
        return Static(node.value, self.origin(node.span))

    def _none(self, node: syntax.NoneLiteral, environment: Environment, scope: Scope) -> Value:
        return Static(None, self.origin(node.span))

    def _name(self, node: syntax.Name, environment: Environment, scope: Scope) -> Value:
        return self.lookup(node, environment)

    def _attribute(self, node: syntax.Attribute, environment: Environment, scope: Scope) -> Value:
        owner = self.evaluate(node.value, environment, scope)
        if isinstance(owner, Unknown):
            return UNKNOWN
        if isinstance(owner, TensorValue):
            return self._tensor_attribute(owner, node)
        if isinstance(owner, Namespace):
            found = owner.get(node.name)
            if found is not None:
                return found
            self._unknown_attribute(node, f"`{owner.what}`", owner.names())
            return UNKNOWN
        if isinstance(owner, PartValue):
            return self._part_attribute(owner, node)
        if isinstance(owner, Static) and isinstance(owner.value, SplitMetric) and not owner.value.metric:
            return Static(SplitMetric(owner.value.split, node.name), self.origin(node.span))
        self.findings.error(
            "S2S202", f"{describe(owner)} has no attribute `{node.name}`", node.name_span, at=f"of {describe(owner)}"
        )
        return UNKNOWN

    def _tensor_attribute(self, owner: TensorValue, node: syntax.Attribute) -> Value:
        if node.name in owner.children:
            return owner.children[node.name]
        if node.name in owner.facts:
            return owner.facts[node.name]
        if node.name in owner.modules:
            return owner.modules[node.name]
        if owner.results and node.name in owner.results:
            return TensorValue({node.name: owner.results[node.name]})
        if owner.results and node.name == "lengths":
            return TensorValue({"lengths": Ref(owner.ref.path, owner.ref.port, lengths=True)})
        names = {
            *owner.children,
            *owner.facts,
            *owner.results,
            *owner.modules,
            *(("lengths",) if owner.results else ()),
        } - {""}
        self._unknown_attribute(node, f"`{node.value.span.text}`", names)
        return UNKNOWN

    def _part_attribute(self, owner: PartValue, node: syntax.Attribute) -> Value:
        facts = self.catalogue.facts(owner)
        if node.name in facts:
            fact = facts[node.name]
            return Static(fact, self.origin(node.span), f"{owner.name}.{node.name}", owner.behind(fact))
        value = owner.params.get(node.name)
        if isinstance(value, Static | PartValue):
            return value
        self._unknown_attribute(node, describe(owner), {*facts, *owner.params})
        return UNKNOWN

    def _unknown_attribute(self, node: syntax.Attribute, what: str, names: set[str]) -> None:
        helps = did_you_mean(node.name, names) or ((f"it has {listing(sorted(names))}",) if names else ())
        fixes = meant(node.name, node.name_span, names)
        message = f"{what} has no `{node.name}`"
        self.findings.error("S2S202", message, node.name_span, at="unknown", helps=helps, fixes=fixes)

    def _list(self, node: syntax.ListLiteral, environment: Environment, scope: Scope) -> Value:
        if len(node.items) > LIMITS.list_items:
            raise LimitReached(
                "S2S412", f"a list may have {LIMITS.list_items:,} items, this one has {len(node.items):,}", node.span
            )
        items: list[Static | PartValue] = []
        broken = False
        for item in node.items:
            value = self.mentioned(self.evaluate(item, environment, scope), item.span)
            if isinstance(value, TensorValue) and value.results:
                value = Static(value.ref, self.origin(item.span))
            if isinstance(value, Static | PartValue):
                items.append(value)
                continue
            broken = True
            self.wrong_kind(
                value,
                "a static value, a part or a tensor in a list",
                item.span,
                "modules are joined by `->`, not listed",
            )
        return UNKNOWN if broken else Static(tuple(items), self.origin(node.span))

    def _tuple(self, node: syntax.Tuple, environment: Environment, scope: Scope) -> Value:
        tensors = [self.tensor(self.evaluate(item, environment, scope), item.span) for item in node.items]
        kept = tuple(tensor for tensor in tensors if tensor is not None)
        return kept if len(kept) == len(tensors) else UNKNOWN

    def _unary(self, node: syntax.Unary, environment: Environment, scope: Scope) -> Value:
        operand = self.static(node.operand, environment, scope, "a static value")
        if operand is None:
            return UNKNOWN
        return self._guarded(lambda: unary(node.operator, operand), node.span)

    def _binary(self, node: syntax.Binary, environment: Environment, scope: Scope) -> Value:
        spine: list[syntax.Binary] = []
        leftmost: syntax.Expression = node
        while isinstance(leftmost, syntax.Binary):
            spine.append(leftmost)
            leftmost = leftmost.left
        value = self.evaluate(leftmost, environment, scope)
        for step in reversed(spine):
            right = self.evaluate(step.right, environment, scope)
            value = self._combine(step, value, right, scope)
        return value

    def _combine(self, node: syntax.Binary, left: Value, right: Value, scope: Scope) -> Value:
        if isinstance(left, Unknown) or isinstance(right, Unknown):
            return UNKNOWN
        if node.operator in ("==", "!=") and _one_is_none(left, right):
            return Static(node.operator == "!=", self.origin(node.span), node.operator)
        if isinstance(left, TensorValue) and isinstance(right, TensorValue) and left.results and right.results:
            if node.operator == "+":
                signature = self.catalogue.callable("add")
                assert signature is not None
                return expansion.emit(self, signature, {}, {"x": (left.ref, right.ref)}, scope, node.span)
            self.findings.error(
                "S2S301",
                f"`{node.operator}` does not work on tensors",
                node.span,
                helps=("tensors can be added with +",),
            )
            return UNKNOWN
        if any(
            isinstance(side, Namespace) or (isinstance(side, TensorValue) and not side.results)
            for side in (left, right)
        ):
            for side, written in ((left, node.left), (right, node.right)):
                if isinstance(side, Namespace | TensorValue):
                    self.tensor(side, written.span)
            return UNKNOWN
        if isinstance(left, Static) and isinstance(right, Static):
            return self._guarded(lambda: binary(node.operator, left, right), node.span)
        bare = any(isinstance(side, SignatureValue | BlockValue | ModuleValue) for side in (left, right))
        self.findings.error(
            "S2S301",
            f"`{node.operator}` does not work on {describe(left)} and {describe(right)}",
            node.span,
            helps=("`->` binds looser than sums: write (x -> f) + y",) if bare else (),
        )
        return UNKNOWN

    def _range(self, node: syntax.RangeLiteral, environment: Environment, scope: Scope) -> Value:
        low = self.static(node.low, environment, scope, "a number")
        high = self.static(node.high, environment, scope, "a number")
        if low is None or high is None:
            return UNKNOWN
        return self._guarded(lambda: range_of(low, high), node.span)

    def _if(self, node: syntax.If, environment: Environment, scope: Scope) -> Value:
        condition = self.static(node.condition, environment, scope, "true or false")
        if condition is not None and not isinstance(condition.value, bool):
            self.findings.error(
                "S2S301", f"`if` wants true or false, got {describe_static(condition)}", node.condition.span
            )
        if condition is None or not isinstance(condition.value, bool):
            self._mention(node.then, environment)
            self._mention(node.otherwise, environment)
            return UNKNOWN
        taken, other = (node.then, node.otherwise) if condition.value else (node.otherwise, node.then)
        self._mention(other, environment)
        return self.evaluate(taken, environment, scope)

    def _mention(self, expression: syntax.Expression, environment: Environment) -> None:
        """Look at the names of a branch that is not taken: they have to exist, and are used."""
        if expression.span in self._mentioned:
            return
        self._mentioned.add(expression.span)
        for name in free_names(expression):
            self.count_steps(1, name.span)
            thunk = environment.find(name.name)
            if thunk is not None:
                thunk.used = True
            elif not self._is_built_in(name.name):
                self._unknown_name(name, environment)

    def _is_built_in(self, name: str) -> bool:
        return name in functions.SIGNATURES or name in DTYPES or name in self.catalogue.callable_names()

    def _guarded(self, compute: Callable[[], Static], span: Span) -> Static | Unknown:
        try:
            return at(span, compute(), self.origin(span).kind)
        except StaticError as problem:
            self.findings.error(problem.code, problem.message, span, helps=(problem.help,) if problem.help else ())
            return UNKNOWN

    # ------------------------------------------------------------ pipes and repeats

    def _pipe(self, node: syntax.Pipe, environment: Environment, scope: Scope) -> Value:
        spine: list[syntax.Pipe] = []
        first: syntax.Expression = node
        while isinstance(first, syntax.Pipe):
            spine.append(first)
            first = first.left
        if isinstance(first, syntax.If):
            self._check_pipe_of_if(first, spine[-1])
        value = self.evaluate(first, environment, scope)
        for step in reversed(spine):
            value = self._feed(value, step, environment, scope)
        return value

    def _check_pipe_of_if(self, choice: syntax.If, pipe: syntax.Pipe) -> None:
        """Warn of `if c then x -> f else x -> g`, of which the last arrow takes the whole choice."""
        then = choice.then
        if choice.span.text.startswith("(") or not isinstance(then, syntax.Pipe):
            return
        if then.left.span.start > then.span.start:
            return  # in brackets
        self.findings.warning(
            "S2S111",
            "what follows `->` here is applied to both branches of the `if`",
            pipe.right.span,
            at="to both branches",
            labels=(Label(then.span, "this arrow belongs to one branch"),),
            helps=("put the last branch in brackets: else (x -> f)", "or the whole choice: (if … then … else …) -> f"),
        )

    def _feed(self, left: Value, node: syntax.Pipe, environment: Environment, scope: Scope) -> Value:
        if isinstance(left, Unknown):
            self.evaluate(node.right, environment, scope)  # its own errors are still worth saying
            return UNKNOWN
        right = self.evaluate(node.right, environment, scope)
        if isinstance(right, Unknown):
            return UNKNOWN
        module = self.module(right, node.right.span)
        if module is None:
            return UNKNOWN
        if isinstance(left, TensorValue) and left.results:
            return expansion.apply(self, module, (left,), scope, node.right.span)
        if isinstance(left, tuple):
            return expansion.apply(self, module, left, scope, node.right.span)
        if isinstance(left, ModuleValue | BlockValue | SignatureValue):
            before = self.module(left, node.left.span)
            if before is None:
                return UNKNOWN
            steps = (
                (*before.steps, module) if isinstance(before, PipeModule) and before.home is None else (before, module)
            )
            return PipeModule(node.span, "a chain", steps=steps)
        self.tensor(left, node.left.span, "a tensor or a module before `->`")
        return UNKNOWN

    def module(self, value: Value, span: Span) -> ModuleValue | None:
        """A value that must be a module; a bare name of a component or block makes a fresh one."""
        if isinstance(value, ModuleValue):
            return value
        if isinstance(value, SignatureValue | BlockValue):
            made = self.call(value, (), {}, span)
            if isinstance(made, ModuleValue):
                return made
            if isinstance(made, PartValue):
                self.wrong_kind(made, "a module", span)
            return None
        self.wrong_kind(value, "a module", span)
        return None

    def _repeat(self, node: syntax.Repeat, environment: Environment, scope: Scope) -> Value:
        number = expansion.repeat_count(self, self.evaluate(node.count, environment, scope), node.count.span)
        if number is None:
            return UNKNOWN
        if node.index is not None:
            self.check_shadowing(node.index, _index_span(node), environment)

        def body(copy: int, at: Scope) -> Value:
            inner = environment
            if node.index is not None:
                index = Static(copy, self.origin(node.span), "repeat index")
                thunk = Thunk(node.index, node.span, lambda: index, used=True)
                inner = Environment({node.index: thunk}, environment)
            return self.evaluate(node.body, inner, at)

        alike = node.index is None
        return RepeatModule(
            node.span, f"repeat {number}", count=number, body=body, body_span=node.body.span, alike=alike
        )

    def check_shadowing(self, name: str, span: Span, environment: Environment) -> None:
        """Report a parameter or index that hides another name, or has that of something built in."""
        hidden = environment.find(name)
        if hidden is None:
            self.check_built_in(name, span)
        elif not hidden.silent:
            self.findings.error(
                "S2S208",
                f"`{name}` hides another `{name}`",
                span,
                labels=(Label(hidden.span, "defined here"),),
                helps=("choose another name",),
            )

    def check_built_in(self, name: str, span: Span) -> None:
        """Warn of a name that the language has already."""
        signature = self.catalogue.callable(name)
        what = f"the {signature.family} " if signature else "the function " if name in functions.SIGNATURES else ""
        if name in DTYPES:
            what = "the dtype "
        if what:
            self.findings.warning(
                "S2S209",
                f"`{name}` hides {what}`{name}`",
                span,
                at="a built-in name",
                helps=("choose another name",),
            )

    # ------------------------------------------------------------ calls

    def _call(self, node: syntax.Call, environment: Environment, scope: Scope) -> Value:
        function = self.evaluate(node.function, environment, scope)
        positional: list[tuple[Value, Span]] = []
        named: dict[str, tuple[Value, Span, Span]] = {}
        for argument in node.arguments:
            if self._forgot_quotes(function, argument, environment):
                value: Value = UNKNOWN
            else:
                value = self.evaluate(argument.value, environment, scope)
            if argument.name is None:
                positional.append((value, argument.value.span))
            elif argument.name in named:
                assert argument.name_span is not None
                self.given_twice(argument.name, argument.name_span, named[argument.name][2])
            else:
                assert argument.name_span is not None
                named[argument.name] = (value, argument.value.span, argument.name_span)
        if isinstance(function, Unknown):
            return UNKNOWN
        if isinstance(function, FunctionValue):
            return self._call_function(function, positional, named, node)
        if isinstance(function, ModuleValue):
            return self._call_module(function, positional, named, node, scope)
        if isinstance(function, SignatureValue | BlockValue):
            return self.call(function, tuple(positional), named, node.span, scope)
        self.findings.error("S2S301", f"{describe(function)} cannot be called", node.function.span)
        return UNKNOWN

    def _forgot_quotes(self, function: Value, argument: syntax.Argument, environment: Environment) -> bool:
        """Report `pad = same`: a bare name where one of the parameter's words is meant."""
        word = argument.value
        if not (isinstance(word, syntax.Name) and isinstance(function, SignatureValue) and argument.name):
            return False
        param = function.signature.param(argument.name)
        if param is None or word.name not in param.choices or param.type != "str" or environment.find(word.name):
            return False
        self.findings.error(
            "S2S203",
            f"unknown name `{word.name}`",
            word.span,
            at="not defined",
            helps=(f'a choice is written in quotes: {argument.name} = "{word.name}"',),
        )
        return True

    def _call_function(
        self,
        function: FunctionValue,
        positional: list[tuple[Value, Span]],
        named: dict[str, tuple[Value, Span, Span]],
        node: syntax.Call,
    ) -> Value:
        values = [*(value for value, _ in positional), *(value for value, _, _ in named.values())]
        if any(isinstance(value, Unknown) for value in values):
            return UNKNOWN
        for value, span in [*positional, *((value, span) for value, span, _ in named.values())]:
            if not isinstance(value, Static):
                self.wrong_kind(value, "a static value", span)
                return UNKNOWN
        statics = [value for value, _ in positional if isinstance(value, Static)]
        by_name = {name: value for name, (value, _, _) in named.items() if isinstance(value, Static)}
        return self._guarded(lambda: functions.call(function.name, statics, by_name, self.origin(node.span)), node.span)

    def _call_module(
        self,
        module: ModuleValue,
        positional: list[tuple[Value, Span]],
        named: dict[str, tuple[Value, Span, Span]],
        node: syntax.Call,
        scope: Scope,
    ) -> Value:
        if named:
            _, _, name_span = next(iter(named.values()))
            self.findings.error(
                "S2S301", "this module's parameters are already set", name_span, helps=("give it tensors only",)
            )
            return UNKNOWN
        tensors = [self.tensor(value, span) for value, span in positional]
        kept = tuple(tensor for tensor in tensors if tensor is not None)
        if len(kept) < len(tensors):
            return UNKNOWN
        return expansion.apply(self, module, kept, scope, node.span)

    def call(
        self,
        function: SignatureValue | BlockValue,
        positional: tuple[tuple[Value, Span], ...],
        named: Mapping[str, tuple[Value, Span, Span]],
        span: Span,
        scope: Scope | None = None,
    ) -> Value:
        """Bind arguments: a part, a tensor when all inputs are there, else a module."""
        if isinstance(function, BlockValue):
            return expansion.call_block(self, function, positional, named, span, scope)
        signature = function.signature
        inputs, params, broken = self._bind(signature, positional, named, span)
        if broken:
            return UNKNOWN
        complete = with_defaults(signature, params, span, self.findings)
        if complete is None:
            return UNKNOWN
        if not signature.inputs:
            return PartValue(signature.name, signature.family, complete, span, self.origin(span))
        missing = [entry for entry in signature.inputs if entry.name not in inputs and not entry.optional]
        if missing or scope is None:
            what = f"{signature.name}(…)"
            return ComponentModule(span, what, signature=signature, params=complete, inputs=inputs)
        return expansion.emit(self, signature, complete, inputs, scope, span)

    def _bind(
        self,
        signature: Signature,
        positional: tuple[tuple[Value, Span], ...],
        named: Mapping[str, tuple[Value, Span, Span]],
        span: Span,
    ) -> tuple[dict[str, tuple[Ref, ...]], dict[str, Fitted], bool]:
        inputs: dict[str, tuple[Ref, ...]] = {}
        params: dict[str, Fitted] = {}
        broken = False
        first_places: dict[str, Span] = {}
        free_inputs = list(signature.inputs)
        free_params = list(signature.params)
        for value, where in positional:
            if isinstance(value, Unknown):
                broken = True
            elif isinstance(value, TensorValue) and value.results and free_inputs:
                entry = free_inputs[0]
                inputs[entry.name] = (*inputs.get(entry.name, ()), value.ref)
                first_places.setdefault(entry.name, where)
                if not entry.variadic:
                    free_inputs.pop(0)
            elif isinstance(value, Namespace) or (isinstance(value, TensorValue) and not value.results):
                broken = True
                self.tensor(value, where)
            elif isinstance(value, TensorValue | tuple) or not free_params:
                broken = True
                what = "tensor" if isinstance(value, TensorValue | tuple) else "value"
                names = listing([one.name for one in (signature.inputs if what == "tensor" else signature.params)])
                self.findings.error(
                    "S2S202",
                    f"{signature.name} takes no further {what}",
                    where,
                    notes=(f"it has {names}",) if names else (f"it takes no {what}s",),
                )
            else:
                param = free_params.pop(0)
                first_places[param.name] = where
                params[param.name] = fit(param, self.mentioned(value, where), signature.name, where, self.findings)
        for name, (value, where, name_span) in named.items():
            param_found = signature.param(name)
            if name in first_places:
                self.given_twice(name, name_span, first_places[name])
                broken = True
                continue
            if param_found is not None:
                params[name] = fit(param_found, self.mentioned(value, where), signature.name, where, self.findings)
            elif any(entry.name == name for entry in signature.inputs):
                if isinstance(value, Static) and value.value is None and signature.optional(name):
                    continue
                tensor = self.tensor(value, where)
                broken = broken or tensor is None
                if tensor is not None:
                    inputs[name] = (tensor.ref,)
            else:
                broken = True
                self.unknown_parameter(signature, name, name_span)
        broken = broken or any(isinstance(value, Unknown) for value in params.values())
        return inputs, params, broken

    def given_twice(self, name: str, span: Span, first: Span) -> None:
        """Report a parameter that is given once more."""
        self.findings.error("S2S204", f"`{name}` is given twice", span, labels=(Label(first, "first here"),))

    def mentioned(self, value: Value, span: Span) -> Value:
        """`[wer, cer]`: a part named without arguments is called with none."""
        if isinstance(value, SignatureValue) and not value.signature.inputs:
            return self.call(value, (), {}, span)
        return value

    def unknown_parameter(self, signature: Signature, name: str, span: Span) -> str | None:
        """Report a parameter that does not exist; gives the one that was probably meant."""
        planned = self.catalogue.planned(f"{signature.name}.{name}") or self.catalogue.planned(name)
        if planned:
            self.findings.error(
                "S2S214",
                f"{possessive(signature.name)} `{name}` is not in this version",
                span,
                at="not built yet",
                notes=(planned,),
            )
            return None
        names = [*(entry.name for entry in signature.inputs), *(param.name for param in signature.params)]
        synonym = self.catalogue.synonym(f"{signature.name}.{name}") or self.catalogue.synonym(name)
        match = synonym if synonym in names else closest(name, names)
        advice = self.catalogue.advice(f"{signature.name}.{name}") or (None if match else self.catalogue.advice(name))
        helps: tuple[str, ...] = (f"it has {listing(names)}",) if names else ()
        if match:
            helps = (f"did you mean `{match}`?",)
        matching = signature.param(match) if match else None
        fixes = said(synonym, span) if synonym in names else meant(name, span, names)
        if advice:
            helps, fixes = (advice,), ()
        elif matching is not None and matching.units and synonym == match:
            helps += (f"`{match}` has a unit: {unit_help(matching)}",)
        self.findings.error(
            "S2S202",
            f"{signature.name} has no parameter `{name}`",
            span,
            at="unknown parameter",
            helps=helps,
            fixes=fixes,
        )
        return match

    _EVALUATE: ClassVar[Mapping[type, Callable[..., Value]]] = {
        syntax.Number: _number,
        syntax.QuantityLiteral: _quantity,
        syntax.String: _literal,
        syntax.Boolean: _literal,
        syntax.NoneLiteral: _none,
        syntax.Name: _name,
        syntax.Attribute: _attribute,
        syntax.Call: _call,
        syntax.ListLiteral: _list,
        syntax.Tuple: _tuple,
        syntax.Unary: _unary,
        syntax.Binary: _binary,
        syntax.RangeLiteral: _range,
        syntax.If: _if,
        syntax.Pipe: _pipe,
        syntax.Repeat: _repeat,
    }


def _one_is_none(left: Value, right: Value) -> bool:
    """Whether `none` is compared with something that is no static value: a tensor, a module, a part."""
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Static) and one.value is None and not isinstance(other, Static):
            return True
    return False


def _index_span(node: syntax.Repeat) -> Span:
    """Where the index of a repeat is written."""
    assert node.index is not None
    text = node.span.source.text
    start = text.find(node.index, text.find("as", node.count.span.end) + 2)
    return Span(node.span.source, start, start + len(node.index))


def _quoted(shown: str) -> str:
    """`path=value` with the value as a text."""
    path, _, value = shown.partition("=")
    return f'{path}="{value.strip()}"'
