"""S2S907: calls of a block in a row that would be shorter as a table.

What it does: counts calls of one block that follow each other, by arrows or statement by statement, and differ in
nothing but the values they are given. It is looked for where it is asked for: --select S2S907.

Why it is bad: in a table the numbers stand below each other, so one sees how the sizes grow and which row differs. An
error in it points to the one number.

Bad:

    block layer(x: seq, channels, kernel) => y {
      y = x -> conv1d(channels, kernel = kernel) -> relu
    }

    encoder {
      out = data.audio
        -> layer(16, kernel = 3)          # info[S2S907]
        -> layer(24, kernel = 5)
        -> layer(32, kernel = 7)
        -> layer(40, kernel = 9)
    }

Good:

    block layer(x: seq, channels, kernel) => y {
      y = x -> conv1d(channels, kernel = kernel) -> relu
    }

    encoder {
      table layers of layer {
        | channels | kernel |
        | 16       | 3      |
        | 24       | 5      |
        | 32       | 7      |
        | 40       | 9      |
      }
      out = data.audio -> layers
    }
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from ...dsl.diagnostics import Diagnostic
from ...dsl.syntax import Assign, Attribute, Block, Call, Document, Expression, Import, Name, Pipe, Section, Statement
from ...dsl.tree_walk import walk

CODE = "S2S907"
DEFAULT = False

_MANY = 4


def check(document: Document) -> Iterator[Diagnostic]:
    """Find rows of calls of the same block."""
    blocks = {one.name for one in document.statements if isinstance(one, Block)}
    files = {one.alias for one in document.statements if isinstance(one, Import)}
    for statement in document.statements:
        body = statement.body if isinstance(statement, Section | Block) else (statement,)
        for chain in _chains(body):
            for shape, run in groupby(chain, key=lambda step: _shape(step, blocks, files)):
                calls = list(run)
                if shape is not None and len(calls) >= _MANY:
                    yield _found(calls, shape[0])


def _found(calls: list[Expression], block: str) -> Diagnostic:
    alike = len({call.span.text for call in calls}) == 1
    form = f"repeat {len(calls)} {{ {calls[0].span.text} }}" if alike else f"table … of {block} {{ … }}"
    return Diagnostic(
        CODE,
        "info",
        f"{len(calls)} calls of `{block}` in a row {'are the same' if alike else 'differ in values only'}",
        calls[0].span,
        at="the first of them",
        helps=(f"write {form}",),
    )


def _chains(body: tuple[Statement, ...]) -> Iterator[list[Expression]]:
    """What a tensor goes through one after the other; statements belong together if one alone reads the last."""
    read = Counter(node.name for node in walk(body) if isinstance(node, Name))
    chain: list[Expression] = []
    last = ""
    for statement in body:
        steps: list[Expression] = []
        value = statement.value if isinstance(statement, Assign) else None
        while isinstance(value, Pipe):
            steps.append(value.right)
            value = value.left
        if not (isinstance(value, Name) and value.name == last and read[last] == 1):
            yield chain
            chain = []
        chain += reversed(steps)
        last = statement.name if isinstance(statement, Assign) else ""
    yield chain


def _shape(step: Expression, blocks: set[str], files: set[str]) -> tuple[str, tuple[str | None, ...]] | None:
    """Which block is called and which of its parameters are given; None for what could stand in no table."""
    if not isinstance(step, Call):
        return None
    called = step.function
    own = isinstance(called, Name) and called.name in blocks
    imported = isinstance(called, Attribute) and isinstance(called.value, Name) and called.value.name in files
    if not own and not imported:
        return None
    return called.span.text, tuple(argument.name for argument in step.arguments)
