"""S2S906: a number is written three times or more.

What it does: counts how often each number stands in the blocks, the encoder, the decoder and the loss, outside of
tables and `let`. Whole numbers below ten are left out: kernels and counts of layers are often alike by chance. It is
looked for where it is asked for: --select S2S906.

Why it is bad: whoever changes the size of the model has to find all places, and to guess which of them mean the same.
A name says so.

Bad:

    encoder {
      out = data.audio
        -> conv1d(24, kernel = 5, stride = 2) -> relu    # info[S2S906]
        -> conv1d(24, kernel = 5) -> relu
        -> conv1d(24, kernel = 5) -> relu
    }

Good:

    let width = 24

    encoder {
      out = data.audio
        -> conv1d(width, kernel = 5, stride = 2) -> relu
        -> conv1d(width, kernel = 5) -> relu
        -> conv1d(width, kernel = 5) -> relu
    }
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ...dsl.diagnostics import Diagnostic, Edit, Fix, Label
from ...dsl.source import Span
from ...dsl.syntax import Assign, Block, Document, Edition, Import, Number, Section, Statement, Use
from ...dsl.tree_walk import walk

CODE = "S2S906"
DEFAULT = False

_OFTEN = 3
_MOST_LABELS = 4
_ALIKE_BY_CHANCE = 10
_PARTS = ("encoder", "decoder", "loss")


def check(document: Document) -> Iterator[Diagnostic]:
    """Find numbers that want a name."""
    places: dict[int | float, list[Span]] = defaultdict(list)
    for statement in document.statements:
        for number in _numbers(statement):
            places[number.value].append(number.span)
    for spans in places.values():
        if len(spans) >= _OFTEN:
            first, *others = sorted(spans, key=lambda span: span.start)
            yield Diagnostic(
                CODE,
                "info",
                f"{first.text} is written {len(spans)} times",
                first,
                labels=tuple(Label(span, "again") for span in others[:_MOST_LABELS]),
                helps=(f"name it: let … = {first.text}",),
                fixes=_named(document, [first, *others]),
            )


def _numbers(statement: Statement) -> Iterator[Number]:
    """Those of the model that could be a choice; those of tables and lets have a name already."""
    body: tuple[Statement, ...] = ()
    if isinstance(statement, Block) or (isinstance(statement, Section) and statement.kind in _PARTS):
        body = statement.body
    elif isinstance(statement, Assign) and statement.name in _PARTS:
        body = (statement,)
    for node in walk(one.value for one in body if isinstance(one, Assign)):
        if isinstance(node, Number) and (isinstance(node.value, float) or node.value >= _ALIKE_BY_CHANCE):
            yield node


def _named(document: Document, spans: list[Span]) -> tuple[Fix, ...]:
    """A let before the first statement that may need it; what it is called is to be chosen again."""
    name = "value_" + "".join(character if character.isalnum() else "_" for character in spans[0].text)
    if name in document.source.text:
        return ()
    last = max((one for one in document.statements if isinstance(one, Edition | Import | Use)), key=_end, default=None)
    if last is None:
        return ()
    end = Span(document.source, last.span.end, last.span.end)
    edits = (Edit(end, f"\n\nlet {name} = {spans[0].text}"), *(Edit(span, name) for span in spans))
    return (Fix(f"write let {name} = {spans[0].text}", edits, safe=False),)


def _end(statement: Edition | Import | Use) -> int:
    return statement.span.end
