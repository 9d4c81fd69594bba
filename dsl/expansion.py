"""Modules applied to tensors: blocks, tables and repeats become instances of components."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from . import syntax
from .arguments import origin_labels
from .diagnostics import Fix, Label
from .fixes import inserted, meant, rounded_down, said
from .limits import EXPANSION_STEPS, LIMITS
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
    Row,
    Scope,
    SignatureValue,
    TableModule,
    TensorValue,
    Thunk,
    Unknown,
    Value,
    describe,
)
from .references import names_in
from .signature import Input, Signature
from .source import Span
from .spec import Constraint, Instance
from .state import State
from .statics import describe as describe_static
from .suggest import closest, did_you_mean, listing, possessive
from .values import ModuleReference, PartValue, Ref, Static

_STATIC_TYPES: Mapping[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,), "str": (str,)}
_KIND_WORDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "a text in quotes"}
_TENSOR_TYPES = ("seq", "tensor")


def apply(
    evaluator: State,
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
        helps: tuple[str, ...] = (f"say it: shared {module.name} = …", "or make a second module")
        if not module.name:
            helps = ("make it a block: each use of a block has weights of its own",)
        elif module.name_span is not None and module.home is None:
            helps = ("to share its weights, name it with `shared` in the encoder or the decoder", *helps[1:])
        evaluator.findings.error(
            "S2S306",
            f"{what} is applied twice, which would share its weights",
            span,
            at="applied again",
            labels=(Label(module.uses[0], "first applied here"),) if module.uses[0] != span else (),
            helps=helps,
            fixes=_shared(module),
        )
        return UNKNOWN
    module.uses.append(span)
    if module.home is not None:
        shared = module.shared or inside_shared
        # the first use in the block that names it keeps its name, as a module that is not shared does
        at_home = not shared or (len(module.uses) == 1 and module.home.path.rpartition(".")[0] == scope.path)
        scope = module.home if at_home else scope.below(scope.take(module.name), weights=module.home.weights)
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


def _shared(module: ModuleValue) -> tuple[Fix, ...]:
    """Say that a module is shared, where it has its name in an encoder, a decoder or a block."""
    if not module.name or module.name_span is None or module.home is None:
        return ()
    return inserted(module.name_span.source, module.name_span.start, "shared ", safe=False)


def emit(
    evaluator: State,
    signature: Signature,
    params: Mapping[str, Static | PartValue | ModuleReference],
    inputs: Mapping[str, tuple[Ref, ...]],
    scope: Scope,
    span: Span,
) -> TensorValue:
    """One instance of a component at a place."""
    if len(evaluator.instances) >= LIMITS.nodes:
        raise LimitReached(
            "S2S412", f"the model has more than {LIMITS.nodes:,} nodes", span, notes=evaluator.multiplication()
        )
    name = scope.take(signature.short_name)
    path = f"{scope.path}.{name}"
    weights = f"{scope.weights}.{name}"
    evaluator.findings.made(path)
    evaluator.instances.append(
        Instance(path, signature.name, signature.family, params, inputs, weights, span, scope.reached)
    )
    return TensorValue({result: Ref(path, result) for result in signature.results})


def call_block(
    evaluator: State,
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
    unplaced = False  # an argument went nowhere, so a parameter that seems to be missing may well be there
    first_places: dict[str, Span] = {}
    free_tensors = [parameter for parameter in block.parameters if is_tensor(parameter)]
    free_statics = [parameter for parameter in block.parameters if not is_tensor(parameter)]
    for value, where in positional:
        if isinstance(value, Unknown):
            broken = unplaced = True
        elif isinstance(value, TensorValue):
            tensor = evaluator.tensor(value, where)
            if tensor is not None and free_tensors:
                first_places[free_tensors[0].name] = where
                tensors[free_tensors.pop(0).name] = tensor
                continue
            broken = True
            if tensor is not None:
                evaluator.findings.error(
                    "S2S301", f"{block.name} takes no further tensor", where, helps=_declare_help(block)
                )
        elif free_statics:
            parameter = free_statics.pop(0)
            first_places[parameter.name] = where
            if _fits(evaluator, parameter, value, block, where):
                statics[parameter.name] = value
            else:
                broken = unplaced = True
        else:
            broken = True
            evaluator.findings.error(
                "S2S202", f"{block.name} takes no further value", where, notes=(_parameters(block),)
            )
    for name, (value, where, name_span) in named.items():
        named_parameter = next((parameter for parameter in block.parameters if parameter.name == name), None)
        if named_parameter is None:
            _unknown_parameter(evaluator, block, name, name_span)
            broken = unplaced = True
        elif name in first_places:
            evaluator.given_twice(name, name_span, first_places[name])
            broken = True
        elif isinstance(value, Unknown):
            broken = True
        elif is_tensor(named_parameter):
            tensor = evaluator.tensor(value, where, f"a tensor for `{name}`")
            broken = broken or tensor is None
            if tensor is not None:
                tensors[name] = tensor
        elif not _fits(evaluator, named_parameter, value, block, where):
            broken = True
        else:
            statics[name] = value
    for parameter in block.parameters:
        if not is_tensor(parameter) and parameter.name not in statics and parameter.default is None:
            if parameter.name not in named and not unplaced:
                evaluator.findings.error(
                    "S2S305",
                    f"{block.name} needs `{parameter.name}`",
                    span,
                    labels=(Label(parameter.span, "declared here without a default"),),
                    helps=(f"add {parameter.name} = …",),
                )
            broken = True
    if broken:
        return UNKNOWN
    module = BlockModule(span, f"{block.name}(…)", block=function, statics=statics, inputs=tensors)
    missing = [p for p in block.parameters if is_tensor(p) and p.name not in tensors and p.default is None]
    if missing or scope is None:
        return module
    return apply(evaluator, module, (), scope, span)


def _unknown_parameter(evaluator: State, block: syntax.Block, name: str, span: Span) -> None:
    names = [parameter.name for parameter in block.parameters]
    synonym = evaluator.catalogue.synonym(name)
    helps = did_you_mean(name, names) or (_parameters(block),)
    if synonym in names:
        helps = (f"did you mean `{synonym}`?",)
    fixes = said(synonym, span) if synonym in names else meant(name, span, names)
    message = f"{block.name} has no parameter `{name}`"
    evaluator.findings.error("S2S202", message, span, at="unknown parameter", helps=helps, fixes=fixes)


def look_into(evaluator: State, value: BlockValue) -> None:
    """Evaluate a block that was never opened with nothing known of its parameters, for the mistakes in its body."""
    if value.block.name_span in evaluator.opened:
        return
    num_instances, num_constraints = len(evaluator.instances), len(evaluator.constraints)
    num_shared = len(evaluator.shared_modules)
    environment = Environment({}, value.environment)
    for parameter in value.block.parameters:
        environment.names[parameter.name] = Thunk(parameter.name, parameter.span, lambda: UNKNOWN)
    scope = Scope(value.block.name)
    for thunk in statement_thunks(evaluator, value.block.body, environment, scope, section=None).values():
        evaluator.force(thunk)
    # it is no part of the model
    del evaluator.instances[num_instances:]
    del evaluator.constraints[num_constraints:]
    del evaluator.shared_modules[num_shared:]


def statement_thunks(
    evaluator: State,
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
            _misplaced(evaluator, statement, section)
            continue
        name = statement.name
        if isinstance(statement, syntax.Assign) and len(statement.path) > 1:
            evaluator.findings.error(
                "S2S202", f"`{name}` is not a name", statement.name_span, helps=("dotted paths are for profiles",)
            )
            continue
        first = thunks.get(name) or (environment.names.get(name) if section is None else None)
        if first is not None:
            evaluator.findings.error(
                "S2S204",
                f"`{name}` is defined twice",
                statement.name_span,
                labels=(Label(first.span, "first here"),),
                helps=("a name keeps its value: use a new one",),
            )
            continue
        place = scope if section is None else scope.below(name)
        path = f"{section}.{name}" if section else None
        compute = _compute(evaluator, statement, environment, place, scope, path)
        edge = not isinstance(statement, syntax.Let)
        thunk = Thunk(name, statement.name_span, compute, path=path or "", edge=edge)
        thunks[name] = thunk
        environment.names[name] = thunk
    return thunks


def _misplaced(evaluator: State, statement: syntax.Statement, section: str | None) -> None:
    """Report a statement that cannot stand in a block, an encoder or a decoder."""
    where = f"in `{section}`" if section else "in a block"
    if isinstance(statement, syntax.Section):
        helps = (f"write {statement.kind} = …",) if section is None else ("close the bracket above first",)
        evaluator.findings.error(
            "S2S201", f"a section `{statement.kind}` cannot stand {where}", statement.kind_span, helps=helps
        )
        return
    evaluator.findings.error("S2S201", f"a {type(statement).__name__.lower()} cannot stand {where}", statement.span)


def is_tensor(parameter: syntax.Parameter) -> bool:
    """Whether a block's parameter is a tensor input."""
    return parameter.type is not None and parameter.type.kind in _TENSOR_TYPES


def _apply_component(
    evaluator: State, module: ComponentModule, given: Sequence[TensorValue], scope: Scope, span: Span
) -> TensorValue | Unknown:
    signature = module.signature
    inputs = dict(module.inputs)
    free = [entry for entry in signature.inputs if entry.name not in inputs]
    for tensor in given:
        if not free:
            evaluator.findings.error(
                "S2S301", f"{signature.name} takes {_count(signature.inputs)}, got {len(given)}", span
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
    evaluator: State,
    module: BlockModule,
    given: Sequence[TensorValue],
    scope: Scope,
    span: Span,
    inside_copy: bool,
) -> TensorValue | Unknown:
    block = module.block.block
    inputs = dict(module.inputs)
    free = [parameter for parameter in block.parameters if is_tensor(parameter) and parameter.name not in inputs]
    if len(given) > len(free):
        names = listing([parameter.name for parameter in free]) or "none"
        evaluator.findings.error(
            "S2S301",
            f"{block.name} takes {len(free)} {'tensor' if len(free) == 1 else 'tensors'} here, got {len(given)}",
            span,
            notes=(f"free inputs: {names}",),
            helps=_declare_help(block),
        )
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
    if scope.inside(block):
        evaluator.findings.error(
            "S2S207",
            f"block `{block.name}` is built from itself",
            span,
            notes=(f"reached through: {' -> '.join((*scope.reached, block.name))}",),
        )
        return UNKNOWN
    inner = (
        scope.through(block) if inside_copy or scope.transparent else scope.below(scope.take(block.name), block=block)
    )
    if span.source is block.name_span.source:
        return _expand(evaluator, module, inputs, inner, span)
    with evaluator.findings.using(span):
        return _expand(evaluator, module, inputs, inner, span)


def _expand(
    evaluator: State, module: BlockModule, inputs: Mapping[str, TensorValue], scope: Scope, span: Span
) -> TensorValue | Unknown:
    block = module.block.block
    evaluator.count_steps(EXPANSION_STEPS, span)
    evaluator.opened.add(block.name_span)
    environment = Environment({}, module.block.environment)
    for parameter in block.parameters:
        environment.names[parameter.name] = _parameter_thunk(evaluator, parameter, module, inputs, scope)
    statement_thunks(evaluator, block.body, environment, scope, section=None)
    sizes = _sizes(evaluator, block, module.block.axis_names, environment)
    for parameter in block.parameters:
        given = inputs.get(parameter.name)
        if given is not None and parameter.type is not None and parameter.type.axes is not None:
            what = f"{block.name}'s `{parameter.name}`"
            evaluator.constraints.append(Constraint(given.ref, parameter.type, sizes, scope.path, what, span))
    for statement in block.body:
        if isinstance(statement, syntax.Assign | syntax.Table) and statement.name in environment.names:
            thunk = environment.names[statement.name]
            used = thunk.used
            evaluator.force(thunk)
            thunk.used = used
    results: dict[str, Ref] = {}
    modules: dict[str, ModuleValue] = {}
    for result in block.results:
        made = environment.names.get(result.name)
        if made is None:
            return UNKNOWN  # reported where the block is declared
        value = evaluator.force(made)
        if results and isinstance(value, ModuleValue) and value.shared and result.type is None:
            modules[result.name] = value
            continue
        tensor = evaluator.tensor(value, made.span, f"a tensor for the result `{result.name}`")
        if tensor is None:
            return UNKNOWN
        results[result.name] = tensor.ref
        if result.type is not None and result.type.axes is not None:
            what = f"{block.name}'s result `{result.name}`"
            evaluator.constraints.append(Constraint(tensor.ref, result.type, sizes, scope.path, what, result.span))
    declared = {parameter.name for parameter in block.parameters}
    for name, thunk in environment.names.items():
        # a tensor that leads nowhere is reported as a node
        used = thunk.used or (isinstance(thunk.value, TensorValue | Unknown) and name not in declared)
        key = (block.name_span, name)
        evaluator.used_names[key] = used or evaluator.used_names.get(key, False)
    return TensorValue(results, modules=modules)


def _parameter_thunk(
    evaluator: State,
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


def _sizes(evaluator: State, block: syntax.Block, axes: frozenset[str], environment: Environment) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for parameter in block.parameters:
        if is_tensor(parameter):
            continue
        thunk = environment.names[parameter.name]
        used = thunk.used
        value = evaluator.force(thunk)
        thunk.used = used or parameter.name in axes
        if isinstance(value, Static) and isinstance(value.value, int) and not isinstance(value.value, bool):
            sizes[parameter.name] = value.value
    return sizes


def axis_names(block: syntax.Block) -> frozenset[str]:
    """Names that the types in a block's signature mention."""
    types = [*(one.type for one in block.parameters), *(one.type for one in block.results)]
    return frozenset(name for one in types if one is not None for axis in one.axes or () for name in names_in(axis))


def _apply_pipe(
    evaluator: State,
    module: PipeModule,
    given: Sequence[TensorValue],
    scope: Scope,
    span: Span,
    sharing: bool,
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
    evaluator: State, module: RepeatModule, given: Sequence[TensorValue], scope: Scope, span: Span
) -> TensorValue | Unknown:
    taken = scope.take("repeat")
    prefix = "" if taken == "repeat" else f"{taken}."
    what = ("repeat", module.count)
    return _copies(
        evaluator, module.count, module.body, given, scope, prefix, module.body_span, what, alike=module.alike
    )


def _apply_table(
    evaluator: State, module: TableModule, given: Sequence[TensorValue], scope: Scope, span: Span
) -> TensorValue | Unknown:
    made = [row() for row in module.rows]  # all rows' cells are looked at, whatever is wrong with one
    inputs = tuple(given)
    for number, row in enumerate(made):
        if row is None:
            return UNKNOWN
        what = (f"row {number} of {module.name}, repeat", row.count)
        result = _copies(
            evaluator, row.count, _fresh(row.module), inputs, scope, f"{number}.", row.span, what, alike=True
        )
        if isinstance(result, Unknown):
            return UNKNOWN
        inputs = (result,)
    return inputs[0]


def _fresh(module: BlockModule) -> Callable[[int, Scope], Value]:
    """A maker of copies of a block with the same arguments and weights of their own."""
    return lambda number, at: BlockModule(
        module.span, module.what, block=module.block, statics=module.statics, inputs=module.inputs
    )


def _copies(
    evaluator: State,
    count: int,
    body: Callable[[int, Scope], Value],
    given: Sequence[TensorValue],
    scope: Scope,
    prefix: str,
    span: Span,
    multiplier: tuple[str, int],
    *,
    alike: bool,
) -> TensorValue | Unknown:
    """One copy after the other; with copies that are `alike` the cap is checked after the first of them."""
    outer, outer_copies = evaluator.multiplied, evaluator.copies
    evaluator.multiplied = (*outer, multiplier)
    evaluator.copies = outer_copies * (count if alike else 1)
    inputs = tuple(given)
    before = len(evaluator.instances)
    for copy in range(count):
        evaluator.count_steps(EXPANSION_STEPS, span)
        place = scope.below(f"{prefix}{copy}")
        value = body(copy, place)
        module = None if isinstance(value, Unknown) else evaluator.module(value, span)
        result = UNKNOWN if module is None else apply(evaluator, module, inputs, place, span, inside_copy=True)
        if isinstance(result, Unknown):
            evaluator.multiplied, evaluator.copies = outer, outer_copies
            return UNKNOWN
        inputs = (result,)
        if copy == 0:
            each = len(evaluator.instances) - before
            if before + each * evaluator.copies > LIMITS.nodes:
                raise LimitReached(
                    "S2S412",
                    f"this makes at least {before + each * evaluator.copies:,} nodes, the most is {LIMITS.nodes:,}",
                    span,
                    notes=evaluator.multiplication(),
                )
            evaluator.copies = 1  # those to come have been counted
    evaluator.multiplied, evaluator.copies = outer, outer_copies
    return inputs[0]


def _compute(
    evaluator: State,
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
            value.name_span = statement.name_span
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


def table_module(evaluator: State, table: syntax.Table, environment: Environment, place: Scope) -> Value:
    """The module that a table stands for."""
    block_value = evaluator.evaluate(table.block, environment, place)
    if isinstance(block_value, Unknown):
        return UNKNOWN
    if not isinstance(block_value, BlockValue):
        evaluator.findings.error(
            "S2S301",
            f"a table is made of a block, `{table.block.span.text}` is {describe(block_value)}",
            table.block.span,
        )
        return UNKNOWN
    block = block_value.block
    names = [parameter.name for parameter in block.parameters if not is_tensor(parameter)]
    if not _check_columns(evaluator, table, block, names):
        return UNKNOWN

    def row_maker(number: int) -> Callable[[], Row | None]:
        return lambda: _row(evaluator, table, number, block_value, environment, place)

    rows = tuple(row_maker(number) for number in range(len(table.rows)))
    return TableModule(table.name_span, f"table {table.name}", name=table.name, rows=rows)


def _check_columns(evaluator: State, table: syntax.Table, block: syntax.Block, names: Sequence[str]) -> bool:
    """Report columns that the block does not know, has twice or lacks."""
    findings = evaluator.findings
    sound = True
    replaced: set[str] = set()
    for index, column in enumerate(table.columns):
        if column.name != "repeat" and column.name not in names:
            synonym = evaluator.catalogue.synonym(column.name)
            match = synonym if synonym in names else closest(column.name, [*names, "repeat"])
            helps: tuple[str, ...] = (f"did you mean `{match}`?",) if match else (_parameters(block),)
            fixes = said(synonym, column.span) if synonym in names else meant(column.name, column.span, names)
            message = f"{block.name} has no parameter `{column.name}`"
            if any(parameter.name == column.name for parameter in block.parameters):
                message = f"`{column.name}` of {block.name} is a tensor, a column holds static values"
                helps, fixes = (), ()
            findings.error("S2S202", message, column.span, at="unknown column", helps=helps, fixes=fixes)
            replaced.add(match or "")
            sound = False
        first = next(other for other in table.columns if other.name == column.name)
        if first is not table.columns[index]:
            findings.error(
                "S2S204",
                f"the column `{column.name}` stands twice",
                column.span,
                labels=(Label(first.span, "first here"),),
            )
            sound = False
    given = {column.name for column in table.columns} | replaced
    for parameter in block.parameters:
        if is_tensor(parameter) or parameter.default is not None or parameter.name in given:
            continue
        findings.error(
            "S2S305",
            f"the table `{table.name}` has no column `{parameter.name}`, which {block.name} needs",
            table.name_span,
            labels=(Label(parameter.span, "declared here without a default"),),
            helps=(f"add the column `{parameter.name}`",),
        )
        sound = False
    if sound and not table.rows:
        findings.error("S2S305", f"the table `{table.name}` has no rows", table.name_span)
    return sound and bool(table.rows)


def _row(
    evaluator: State,
    table: syntax.Table,
    number: int,
    block: BlockValue,
    environment: Environment,
    place: Scope,
) -> Row | None:
    """A row's cells bound; None after errors, all of which are reported."""
    count: int | None = 1
    arguments: dict[str, tuple[Value, Span, Span]] = {}
    for column, cell in zip(table.columns, table.rows[number], strict=True):
        value = evaluator.evaluate(cell, environment, place)
        if column.name == "repeat":
            count = repeat_count(evaluator, value, cell.span, table.name)
        else:
            arguments[column.name] = (value, cell.span, column.span)
    module = call_block(evaluator, block, (), arguments, table.row_spans[number], None)
    return Row(count, module, table.row_spans[number]) if count and isinstance(module, BlockModule) else None


def repeat_count(evaluator: State, value: Value, span: Span, what: str = "repeat") -> int | None:
    """How often something is repeated; None after an error."""
    if isinstance(value, Unknown):
        return None
    findings = evaluator.findings
    if not isinstance(value, Static) or not isinstance(value.value, int) or isinstance(value.value, bool):
        labels = origin_labels(value, beside=span) if isinstance(value, Static) else ()
        if isinstance(value, Static) and value.operation == "/" and isinstance(value.value, float):
            a, b = (operand.value for operand in value.operands)
            message = f"`repeat` wants a whole number, and {a} / {b} is {value.value:g}"
            helps = (f"use {a} // {b}, which rounds down",)
            findings.error("S2S304", message, span, labels=labels, helps=helps, fixes=rounded_down(span))
        else:
            findings.error("S2S301", f"`repeat` wants a whole number, got {describe(value)}", span, labels=labels)
        return None
    labels = origin_labels(value, beside=span)
    if value.value < 1:
        findings.error("S2S303", f"`repeat` wants at least 1, got {value.value}", span, labels=labels)
        return None
    if value.value > LIMITS.repeat_copies:
        message = f"`repeat` makes at most {LIMITS.repeat_copies:,} copies, this asks for {value.value:,}"
        notes = evaluator.multiplication((what, value.value))
        findings.error("S2S412", message, span, labels=labels, notes=notes)
        return None
    return value.value


def _fits(evaluator: State, parameter: syntax.Parameter, value: Value, block: syntax.Block, span: Span) -> bool:
    if isinstance(value, TensorValue | tuple):
        evaluator.findings.error(
            "S2S301",
            f"{possessive(block.name)} `{parameter.name}` is a static value, got {describe(value)}",
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
        "S2S301",
        f"{possessive(block.name)} `{parameter.name}` wants {_KIND_WORDS[parameter.type.kind]}, got {got}",
        span,
        labels=(Label(parameter.span, "declared here"),),
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
