"""Modules applied to tensors: blocks, tables and repeats become instances of components."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from . import syntax
from .diagnostics import Label
from .limits import LIMITS
from .modules import (
    UNKNOWN,
    BlockModule,
    BlockValue,
    ComponentModule,
    Environment,
    LimitReached,
    ModuleValue,
    PipeModule,
    RepeatModule,
    Scope,
    SignatureValue,
    TableModule,
    TensorValue,
    Thunk,
    Unknown,
    Value,
    describe,
)
from .signature import Input, Signature
from .source import Span
from .spec import Constraint, Instance
from .statics import describe as describe_static
from .suggest import did_you_mean, listing
from .values import ModuleReference, PartValue, Ref, Static

if TYPE_CHECKING:
    from .evaluator import Evaluator

_STATIC_TYPES: Mapping[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,), "str": (str,)}
_TENSOR_TYPES = ("seq", "tensor")


def apply(
    evaluator: Evaluator,
    module: ModuleValue,
    inputs: Sequence[TensorValue],
    scope: Scope,
    span: Span,
    *,
    inside_shared: bool = False,
    inside_copy: bool = False,
) -> TensorValue | Unknown:
    """The result of a module on tensors.

    inside_shared  the module is a step of a shared one and may run again
    inside_copy    the module is one copy of a table or repeat: a block adds no name of its own
    """
    if module.uses and not module.shared and not inside_shared:
        what = f"`{module.name}`" if module.name else "this module"
        evaluator.findings.error(
            "S2S306",
            f"{what} is applied twice, which would share its weights",
            span,
            at="applied again",
            labels=(Label(module.uses[0], "first applied here"),),
            helps=(f"say it: shared {module.name or 'name'} = …", "or make a second module"),
        )
        return UNKNOWN
    module.uses.append(span)
    if module.home is not None:
        shared = module.shared or inside_shared
        scope = scope.below(scope.take(module.name), weights=module.home.weights) if shared else module.home
    sharing = module.shared or inside_shared
    if isinstance(module, ComponentModule):
        return _apply_component(evaluator, module, inputs, scope, span)
    if isinstance(module, BlockModule):
        return _apply_block(evaluator, module, inputs, scope, span, inside_copy)
    if isinstance(module, PipeModule):
        return _apply_pipe(evaluator, module, inputs, scope, span, sharing)
    if isinstance(module, RepeatModule):
        return _apply_repeat(evaluator, module, inputs, scope, span)
    assert isinstance(module, TableModule)
    return _apply_table(evaluator, module, inputs, scope, span)


def emit(
    evaluator: Evaluator,
    signature: Signature,
    params: Mapping[str, Static | PartValue | ModuleReference],
    inputs: Mapping[str, tuple[Ref, ...]],
    scope: Scope,
    span: Span,
) -> TensorValue:
    """One instance of a component at a place."""
    if len(evaluator.instances) >= LIMITS.nodes:
        raise LimitReached(
            "S2S412", f"the model has more than {LIMITS.nodes:,} nodes", span, notes=multiplication(evaluator)
        )
    name = scope.take(signature.name)
    path = f"{scope.path}.{name}"
    weights = f"{scope.weights}.{name}"
    evaluator.instances.append(
        Instance(path, signature.name, signature.family, params, inputs, weights, span, scope.reached)
    )
    return TensorValue({result: Ref(path, result) for result in signature.results})


def call_block(
    evaluator: Evaluator,
    function: BlockValue,
    positional: tuple[tuple[Value, Span], ...],
    named: Mapping[str, tuple[Value, Span, Span]],
    span: Span,
    scope: Scope | None,
) -> Value:
    """Bind a block's arguments; with all tensors there it is expanded at once."""
    block = function.block
    tensors: dict[str, TensorValue] = {}
    statics: dict[str, Value] = {}
    broken = False
    free_tensors = [parameter for parameter in block.parameters if is_tensor(parameter) and parameter.name not in named]
    free_statics = [
        parameter for parameter in block.parameters if not is_tensor(parameter) and parameter.name not in named
    ]
    for value, where in positional:
        if isinstance(value, Unknown):
            broken = True
        elif isinstance(value, TensorValue):
            tensor = evaluator.tensor(value, where)
            if tensor is not None and free_tensors:
                tensors[free_tensors.pop(0).name] = tensor
                continue
            broken = True
            if tensor is not None:
                evaluator.findings.error(
                    "S2S301", f"{block.name} takes no further tensor", where, helps=_declare_help(block)
                )
        elif free_statics:
            statics[free_statics.pop(0).name] = value
        else:
            broken = True
            evaluator.findings.error(
                "S2S202", f"{block.name} takes no further value", where, notes=(_parameters(block),)
            )
    for name, (value, where, name_span) in named.items():
        parameter = next((parameter for parameter in block.parameters if parameter.name == name), None)
        if parameter is None:
            names = [parameter.name for parameter in block.parameters]
            helps = did_you_mean(name, names) or (_parameters(block),)
            evaluator.findings.error(
                "S2S202", f"{block.name} has no parameter `{name}`", name_span, at="unknown parameter", helps=helps
            )
            broken = True
        elif isinstance(value, Unknown):
            broken = True
        elif is_tensor(parameter):
            tensor = evaluator.tensor(value, where, f"a tensor for `{name}`")
            broken = broken or tensor is None
            if tensor is not None:
                tensors[name] = tensor
        elif not _fits(evaluator, parameter, value, block, where):
            broken = True
        else:
            statics[name] = value
    for parameter in block.parameters:
        if not is_tensor(parameter) and parameter.name not in statics and parameter.default is None:
            if parameter.name not in named:
                evaluator.findings.error(
                    "S2S305",
                    f"{block.name} needs `{parameter.name}`",
                    span,
                    labels=(Label(parameter.span, "declared here without a default"),),
                )
            broken = True
    if broken:
        return UNKNOWN
    module = BlockModule(span, f"{block.name}(…)", block=function, statics=statics, inputs=tensors)
    missing = [p for p in block.parameters if is_tensor(p) and p.name not in tensors and p.default is None]
    if missing or scope is None:
        return module
    return apply(evaluator, module, (), scope, span)


def statement_thunks(
    evaluator: Evaluator,
    statements: Sequence[syntax.Statement],
    environment: Environment,
    scope: Scope,
    *,
    section: str | None,
) -> dict[str, Thunk]:
    """The named values of a block's or section's body, added to `environment`.

    In a section each statement is a place of its own ("encoder.out"); in a block all share the block's place.
    """
    thunks: dict[str, Thunk] = {}
    for statement in statements:
        if not isinstance(statement, syntax.Assign | syntax.Let | syntax.Table):
            what = type(statement).__name__.lower()
            evaluator.findings.error("S2S201", f"a {what} cannot stand here", statement.span)
            continue
        name = statement.name
        if isinstance(statement, syntax.Assign) and len(statement.path) > 1:
            evaluator.findings.error(
                "S2S202", f"`{name}` is not a name", statement.name_span, helps=("dotted paths are for profiles",)
            )
            continue
        if name in thunks:
            evaluator.findings.error(
                "S2S204",
                f"`{name}` is defined twice",
                statement.name_span,
                labels=(Label(thunks[name].span, "first here"),),
            )
            continue
        place = scope if section is None else scope.below(name)
        path = f"{section}.{name}" if section else None
        thunk = Thunk(name, statement.name_span, _compute(evaluator, statement, environment, place, scope, path))
        thunks[name] = thunk
        environment.names[name] = thunk
    return thunks


def multiplication(evaluator: Evaluator, *more: tuple[str, int]) -> tuple[str, ...]:
    """How repeats multiplied, as a note: "repeat 64 x repeat 64 x repeat 3"."""
    path = (*evaluator.multiplied, *more)
    return ("reached through: " + " x ".join(f"{what} {count:,}" for what, count in path),) if path else ()


def is_tensor(parameter: syntax.Parameter) -> bool:
    """Whether a block's parameter is a tensor input."""
    return parameter.type is not None and parameter.type.kind in _TENSOR_TYPES


def _apply_component(
    evaluator: Evaluator, module: ComponentModule, given: Sequence[TensorValue], scope: Scope, span: Span
) -> TensorValue | Unknown:
    signature = module.signature
    inputs = dict(module.inputs)
    free = [entry for entry in signature.inputs if entry.name not in inputs]
    for tensor in given:
        if not free:
            evaluator.findings.error(
                "S2S301", f"{signature.name} takes {_count(signature.inputs)}, got one too many", span
            )
            return UNKNOWN
        entry = free[0]
        inputs[entry.name] = (*inputs.get(entry.name, ()), tensor.ref)
        if not entry.variadic:
            free.pop(0)
    missing = [entry.name for entry in signature.inputs if entry.name not in inputs and not entry.optional]
    if missing:
        evaluator.findings.error(
            "S2S305",
            f"{signature.name} needs the input `{missing[0]}`",
            span,
            notes=(f"it takes {_count(signature.inputs)}",),
        )
        return UNKNOWN
    return emit(evaluator, signature, module.params, inputs, scope, span)


def _apply_block(
    evaluator: Evaluator, module: BlockModule, given: Sequence[TensorValue], scope: Scope, span: Span, inside_copy: bool
) -> TensorValue | Unknown:
    block = module.block.block
    inputs = dict(module.inputs)
    free = [parameter for parameter in block.parameters if is_tensor(parameter) and parameter.name not in inputs]
    if len(given) > len(free):
        evaluator.findings.error("S2S301", f"{block.name} takes {len(free)} more tensors, got {len(given)}", span)
        return UNKNOWN
    inputs.update({parameter.name: tensor for parameter, tensor in zip(free, given, strict=False)})
    missing = [p for p in free[len(given) :] if p.default is None]
    if missing:
        evaluator.findings.error(
            "S2S305",
            f"{block.name} needs the tensor `{missing[0].name}`",
            span,
            labels=(Label(missing[0].span, "declared here"),),
        )
        return UNKNOWN
    if block.name in scope.reached:
        evaluator.findings.error(
            "S2S207",
            f"block `{block.name}` is built from itself",
            span,
            notes=(f"reached through: {' -> '.join((*scope.reached, block.name))}",),
        )
        return UNKNOWN
    inner = (
        scope.through(block.name)
        if inside_copy or scope.transparent
        else scope.below(scope.take(block.name), reached=block.name)
    )
    return _expand(evaluator, module, inputs, inner, span)


def _expand(
    evaluator: Evaluator, module: BlockModule, inputs: Mapping[str, TensorValue], scope: Scope, span: Span
) -> TensorValue | Unknown:
    block = module.block.block
    environment = Environment({}, module.block.environment)
    for parameter in block.parameters:
        evaluator.check_shadowing(parameter.name, parameter.span, module.block.environment)
        environment.names[parameter.name] = _parameter_thunk(evaluator, parameter, module, inputs, scope)
    statement_thunks(evaluator, block.body, environment, scope, section=None)
    sizes = _sizes(evaluator, block, environment)
    for parameter in block.parameters:
        value = inputs.get(parameter.name)
        if value is not None and parameter.type is not None and parameter.type.axes is not None:
            what = f"{block.name}'s `{parameter.name}`"
            evaluator.constraints.append(Constraint(value.ref, parameter.type, sizes, scope.path, what, span))
    for statement in block.body:
        if isinstance(statement, syntax.Assign | syntax.Table) and statement.name in environment.names:
            evaluator.force(environment.names[statement.name])
    results: dict[str, Ref] = {}
    for result in block.results:
        thunk = environment.names.get(result.name)
        if thunk is None:
            evaluator.findings.error(
                "S2S203",
                f"block `{block.name}` never defines its result `{result.name}`",
                result.span,
                helps=did_you_mean(result.name, environment.names),
            )
            return UNKNOWN
        tensor = evaluator.tensor(evaluator.force(thunk), result.span, f"a tensor for the result `{result.name}`")
        if tensor is None:
            return UNKNOWN
        results[result.name] = tensor.ref
        if result.type is not None and result.type.axes is not None:
            what = f"{block.name}'s result `{result.name}`"
            evaluator.constraints.append(Constraint(tensor.ref, result.type, sizes, scope.path, what, result.span))
    return TensorValue(results)


def _parameter_thunk(
    evaluator: Evaluator,
    parameter: syntax.Parameter,
    module: BlockModule,
    inputs: Mapping[str, TensorValue],
    scope: Scope,
) -> Thunk:
    def compute() -> Value:
        if parameter.name in inputs:
            return inputs[parameter.name]
        if parameter.name in module.statics:
            return module.statics[parameter.name]
        assert parameter.default is not None
        return evaluator.evaluate(parameter.default, module.block.environment, scope)

    return Thunk(parameter.name, parameter.span, compute)


def _sizes(evaluator: Evaluator, block: syntax.Block, environment: Environment) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for parameter in block.parameters:
        if is_tensor(parameter):
            continue
        value = evaluator.force(environment.names[parameter.name])
        if isinstance(value, Static) and isinstance(value.value, int) and not isinstance(value.value, bool):
            sizes[parameter.name] = value.value
    return sizes


def _apply_pipe(
    evaluator: Evaluator, module: PipeModule, given: Sequence[TensorValue], scope: Scope, span: Span, sharing: bool
) -> TensorValue | Unknown:
    inputs = given
    result: TensorValue | Unknown = UNKNOWN
    for step in module.steps:
        result = apply(evaluator, step, inputs, scope, step.span, inside_shared=sharing)
        if isinstance(result, Unknown):
            return UNKNOWN
        inputs = (result,)
    return result


def _apply_repeat(
    evaluator: Evaluator, module: RepeatModule, given: Sequence[TensorValue], scope: Scope, span: Span
) -> TensorValue | Unknown:
    taken = scope.take("repeat")
    prefix = "" if taken == "repeat" else f"{taken}."
    return _copies(evaluator, module.count, module.body, given, scope, prefix, span, ("repeat", module.count))


def _apply_table(
    evaluator: Evaluator, module: TableModule, given: Sequence[TensorValue], scope: Scope, span: Span
) -> TensorValue | Unknown:
    inputs = tuple(given)
    broken = False
    for number, row in enumerate(module.rows):
        made = row()
        if made is None or broken:
            broken = True  # the other rows' cells are still looked at
            continue
        count, copy = made
        multiplier = (f"row {number} of {module.name}, repeat", count)
        result = _copies(evaluator, count, _ignoring_number(copy), inputs, scope, f"{number}.", span, multiplier)
        if isinstance(result, Unknown):
            broken = True
            continue
        inputs = (result,)
    if broken:
        return UNKNOWN
    return inputs[0]


def _ignoring_number(copy: Callable[[Scope], Value]) -> Callable[[int, Scope], Value]:
    return lambda number, at: copy(at)


def _copies(
    evaluator: Evaluator,
    count: int,
    body: Callable[[int, Scope], Value],
    given: Sequence[TensorValue],
    scope: Scope,
    prefix: str,
    span: Span,
    multiplier: tuple[str, int],
) -> TensorValue | Unknown:
    outer = evaluator.multiplied
    evaluator.multiplied = (*outer, multiplier)
    inputs = tuple(given)
    before = len(evaluator.instances)
    for copy in range(count):
        place = scope.below(f"{prefix}{copy}")
        value = body(copy, place)
        module = None if isinstance(value, Unknown) else evaluator.module(value, span)
        result = UNKNOWN if module is None else apply(evaluator, module, inputs, place, span, inside_copy=True)
        if isinstance(result, Unknown):
            evaluator.multiplied = outer
            return UNKNOWN
        inputs = (result,)
        if copy == 0:
            each = len(evaluator.instances) - before
            if before + each * count > LIMITS.nodes:
                raise LimitReached(
                    "S2S412",
                    f"this makes {before + each * count:,} nodes, the most is {LIMITS.nodes:,}",
                    span,
                    notes=multiplication(evaluator),
                )
    evaluator.multiplied = outer
    return inputs[0] if inputs else UNKNOWN


def _compute(
    evaluator: Evaluator,
    statement: syntax.Assign | syntax.Let | syntax.Table,
    environment: Environment,
    place: Scope,
    outer: Scope,
    path: str | None,
) -> Callable[[], Value]:
    def compute() -> Value:
        if isinstance(statement, syntax.Table):
            value: Value = table_module(evaluator, statement, environment, place)
            shared = False
        else:
            expression = statement.value
            kind = evaluator.origin_kind
            if path is not None:
                evaluator.paths[path] = statement.name_span
                if path in evaluator.overrides:
                    evaluator.consumed.add(path)
                    expression, evaluator.origin_kind = evaluator.overrides[path]
            value = evaluator.evaluate(expression, environment, place)
            evaluator.origin_kind = kind
            shared = isinstance(statement, syntax.Assign) and statement.shared
            if _is_bare(value):
                value = evaluator.module(value, statement.value.span) or UNKNOWN
        if isinstance(value, ModuleValue) and value.home is None:
            home = place if path is not None else outer.below(outer.take(statement.name))
            value.home, value.name, value.shared = home, statement.name, shared
            if shared:
                evaluator.shared_modules.append(value)
        elif shared and not isinstance(value, Unknown):
            evaluator.findings.error(
                "S2S301", f"`shared` is for modules, `{statement.name}` is {describe(value)}", statement.name_span
            )
        return value

    return compute


def _is_bare(value: Value) -> bool:
    return isinstance(value, BlockValue) or (isinstance(value, SignatureValue) and bool(value.signature.inputs))


def table_module(evaluator: Evaluator, table: syntax.Table, environment: Environment, place: Scope) -> Value:
    """The module that a table stands for."""
    block_value = evaluator.lookup(syntax.Name(table.block, table.block_span), environment)
    if isinstance(block_value, Unknown):
        return UNKNOWN
    if not isinstance(block_value, BlockValue):
        evaluator.findings.error(
            "S2S301", f"a table is made of a block, `{table.block}` is {describe(block_value)}", table.block_span
        )
        return UNKNOWN
    block = block_value.block
    names = [parameter.name for parameter in block.parameters if not is_tensor(parameter)]
    broken = False
    for index, column in enumerate(table.columns):
        if column.name != "repeat" and column.name not in names:
            helps = did_you_mean(column.name, [*names, "repeat"]) or (_parameters(block),)
            evaluator.findings.error(
                "S2S202",
                f"{block.name} has no parameter `{column.name}`",
                column.span,
                at="unknown column",
                helps=helps,
            )
            broken = True
        if any(column.name == other.name for other in table.columns[:index]):
            evaluator.findings.error("S2S204", f"the column `{column.name}` stands twice", column.span)
            broken = True
    if broken:
        return UNKNOWN
    if not table.rows:
        evaluator.findings.error("S2S305", f"the table `{table.name}` has no rows", table.name_span)
        return UNKNOWN

    def row_maker(number: int) -> Callable[[], tuple[int, Callable[[Scope], Value]] | None]:
        return lambda: _row(evaluator, table, number, block_value, environment, place)

    rows = tuple(row_maker(number) for number in range(len(table.rows)))
    return TableModule(table.name_span, f"table {table.name}", name=table.name, rows=rows)


def _row(
    evaluator: Evaluator, table: syntax.Table, number: int, block: BlockValue, environment: Environment, place: Scope
) -> tuple[int, Callable[[Scope], Value]] | None:
    count = 1
    arguments: dict[str, tuple[Value, Span, Span]] = {}
    for column, cell in zip(table.columns, table.rows[number], strict=True):
        value = evaluator.evaluate(cell, environment, place)
        if isinstance(value, Unknown):
            return None
        if column.name != "repeat":
            arguments[column.name] = (value, cell.span, column.span)
            continue
        if not isinstance(value, Static) or not isinstance(value.value, int) or isinstance(value.value, bool):
            evaluator.findings.error("S2S301", f"`repeat` wants a whole number, got {describe(value)}", cell.span)
            return None
        count = value.value
        if count < 1:
            evaluator.findings.error("S2S303", f"`repeat` wants at least 1, got {count}", cell.span)
            return None
        if count > LIMITS.repeat_copies:
            evaluator.findings.error(
                "S2S412", f"`repeat` makes at most {LIMITS.repeat_copies:,} copies, this asks for {count:,}", cell.span
            )
            return None
    span = table.row_spans[number]
    return count, lambda at: call_block(evaluator, block, (), arguments, span, None)


def _fits(evaluator: Evaluator, parameter: syntax.Parameter, value: Value, block: syntax.Block, span: Span) -> bool:
    if isinstance(value, TensorValue | tuple):
        evaluator.findings.error(
            "S2S301",
            f"{block.name}'s `{parameter.name}` is a static value, got {describe(value)}",
            span,
            labels=(Label(parameter.span, "declared here"),),
            helps=(f"declare it as a tensor: {parameter.name}: seq",),
        )
        return False
    wanted = _STATIC_TYPES.get(parameter.type.kind) if parameter.type is not None else None
    if wanted is None:
        return True
    plain = value.value if isinstance(value, Static) else None
    if isinstance(plain, wanted) and (isinstance(plain, bool) == (wanted == (bool,))):
        return True
    assert parameter.type is not None
    got = describe_static(value) if isinstance(value, Static) else describe(value)
    evaluator.findings.error(
        "S2S301", f"{block.name}'s `{parameter.name}` wants {parameter.type.kind}, got {got}", span
    )
    return False


def _parameters(block: syntax.Block) -> str:
    return f"it has {listing([parameter.name for parameter in block.parameters])}"


def _declare_help(block: syntax.Block) -> tuple[str, ...]:
    untyped = [parameter.name for parameter in block.parameters if parameter.type is None]
    return (f"declare a tensor parameter with its type: {untyped[0]}: seq",) if untyped else ()


def _count(inputs: Sequence[Input]) -> str:
    names = listing([entry.name for entry in inputs])
    return f"{len(inputs)} inputs ({names})" if len(inputs) > 1 else f"one input ({names})"
