"""Tables: columns as wide as their widest cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .shape import Bracket, Part, Statement, first, last, width
from .words import Word

# a cell wider than this sticks out, instead of widening its column in all rows
WIDEST = 40


@dataclass(slots=True)
class Cell:
    """An expression and the `|` behind it; `width` with the blank before it."""

    parts: list[Part]
    bar: Word
    width: int


def cells_of(row: Statement) -> list[Cell] | None:
    """The cells of a row that can be lined up with others; None where a comment stands in the row."""
    if any(_holds_comment(part) for part in row.parts[1:-1]) or first(row.parts[-1]).before or last(row.parts[0]).after:
        return None
    cells: list[Cell] = []
    parts: list[Part] = []
    for part in row.parts[1:]:
        if isinstance(part, Word) and part.type == "VBAR":
            cells.append(Cell(parts, part, sum(map(width, parts))))
            parts = []
        else:
            parts.append(part)
    return cells


def column_widths(rows: Sequence[Sequence[Cell]]) -> list[int]:
    """How wide each column is."""
    columns = zip(*rows, strict=True)
    return [max((cell.width for cell in cells if cell.width <= WIDEST), default=0) for cells in columns]


def padding(cells: Sequence[Cell], widths: Sequence[int]) -> list[int]:
    """The blanks between each cell and its `|`, besides the one that always stands there."""
    return [max(0, wanted - cell.width) for cell, wanted in zip(cells, widths, strict=True)]


def _holds_comment(part: Part) -> bool:
    if first(part).before or last(part).after:
        return True
    if not isinstance(part, Bracket):
        return False
    if part.open.after or part.close.before:
        return True
    return any(
        (item.comma is not None and bool(item.comma.before or item.comma.after)) or any(map(_holds_comment, item.parts))
        for item in part.items
    )
