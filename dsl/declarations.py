"""What a spec declares, checked before anything is computed: names that hide others, results that nobody makes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from . import syntax
from .diagnostics import Label
from .evaluator import Evaluator
from .functions import SPLITS
from .modules import Environment
from .source import Span
from .suggest import did_you_mean


def check_declarations(evaluator: Evaluator, statements: Sequence[syntax.Statement], environment: Environment) -> None:
    """Report names that are declared twice or hide others, in blocks whether they are used or not."""
    for statement in statements:
        if isinstance(statement, syntax.Let):
            evaluator.check_built_in(statement.name, statement.name_span)
            if statement.name in SPLITS:
                evaluator.findings.warning(
                    "S2S209",
                    f"`{statement.name}` is the name of a split, which settings see first",
                    statement.name_span,
                    at="a built-in name",
                    helps=("choose another name",),
                )
        elif isinstance(statement, syntax.Import | syntax.Use):
            evaluator.check_built_in(statement.alias, statement.alias_span)
        elif isinstance(statement, syntax.Block):
            evaluator.check_built_in(statement.name, statement.name_span)
            _check_block(evaluator, statement, environment)
        elif isinstance(statement, syntax.Section) and statement.kind in ("encoder", "decoder"):
            _check_body(evaluator, statement.body)


def _check_block(evaluator: Evaluator, block: syntax.Block, environment: Environment) -> None:
    _once(evaluator, ((parameter.name, parameter.span) for parameter in block.parameters))
    _once(evaluator, ((result.name, result.span) for result in block.results))
    for parameter in block.parameters:
        evaluator.check_shadowing(parameter.name, parameter.span, environment)
    _check_body(evaluator, block.body)
    made = [one.name for one in block.body if isinstance(one, syntax.Assign | syntax.Let | syntax.Table)]
    made += [parameter.name for parameter in block.parameters]
    for result in block.results:
        if result.name not in made:
            evaluator.findings.error(
                "S2S203",
                f"block `{block.name}` never defines its result `{result.name}`",
                result.span,
                helps=did_you_mean(result.name, made) or (f"add {result.name} = … to the block",),
            )


def _check_body(evaluator: Evaluator, body: Sequence[syntax.Statement]) -> None:
    for statement in body:
        if isinstance(statement, syntax.Let | syntax.Assign | syntax.Table):
            evaluator.check_built_in(statement.name, statement.name_span)


def _once(evaluator: Evaluator, names: Iterable[tuple[str, Span]]) -> None:
    first: dict[str, Span] = {}
    for name, span in names:
        if name in first:
            evaluator.findings.error(
                "S2S204", f"`{name}` is declared twice", span, labels=(Label(first[name], "first here"),)
            )
        first.setdefault(name, span)
