"""Statements and the bodies they have, one below the other."""

from __future__ import annotations

from collections.abc import Sequence

from .page import Line, Page
from .runs import Entry, pads
from .sequences import STEP, is_single, write_statement
from .shape import Body, Part, Statement, first, last, width
from .tables import cells_of, column_widths, padding
from .widths import LINE
from .words import Word


class StatementWriter:
    """Writes a file; `lines` is what it has written."""

    def __init__(self) -> None:
        self.page = Page()

    @property
    def lines(self) -> list[Line]:
        self.page.finish()
        return self.page.lines

    def file(self, body: Body) -> None:
        """Write the statements of a file."""
        self._statements(body, 0)

    def _statements(self, body: Body, indent: int) -> None:
        pads = _pads(body.statements, indent)
        for number, (statement, pad) in enumerate(zip(body.statements, pads, strict=True)):
            self._begin(statement.first, indent, is_first=number == 0)
            self._statement(statement, indent, pad)
        self.page.own_lines(body.close.before, indent, tight=not body.statements)
        body.close.before = []

    def _begin(self, word: Word, indent: int, *, is_first: bool) -> None:
        self.page.own_lines(word.before, indent, tight=is_first)
        self.page.begin(indent, apart=word.apart and not (is_first and not word.before))
        word.before = []

    def _statement(self, statement: Statement, indent: int, pad: int) -> None:
        head, value = _divided(statement)
        for part in head[:-1] if value else ():
            self.page.put_flat(part, indent + STEP)
        if value:
            sign = head[-1]
            assert isinstance(sign, Word)
            self.page.put(sign, indent + STEP, pad=pad)
            if first(value[0]).before or sign.after:
                self.page.begin(indent + STEP)
                write_statement(self.page, value, indent + STEP, 0)
            else:
                write_statement(self.page, value, indent, 0)
            return
        if statement.body is None:
            write_statement(self.page, head, indent, 0)
            return
        if _width_in_one_line(statement, statement.body, indent) is not None:
            self._joined(statement, statement.body, indent, pad)
            return
        write_statement(self.page, head, indent, 2)
        self._body(statement, statement.body, indent)

    def _joined(self, statement: Statement, body: Body, indent: int, pad: int) -> None:
        """`check   { examples = 16; max_abs_diff = 2e-2 }`, all in one line."""
        for part in statement.parts:
            self.page.put_flat(part, indent)
        self.page.put(body.open, indent, pad=pad)
        for number, inner in enumerate(body.statements):
            if number:
                self.page.put(_SEMICOLON, indent)
            inner.first.spaced = True
            if inner.body is None:
                for part in inner.parts:
                    self.page.put_flat(part, indent)
            else:
                self._joined(inner, inner.body, indent, 0)
        body.close.spaced = bool(body.statements)
        self.page.put(body.close, indent)

    def _body(self, statement: Statement, body: Body, indent: int) -> None:
        self.page.put(body.open, indent)
        if body.statements or body.close.before or body.open.after:
            if statement.first.type == "TABLE":
                self._rows(body, indent + STEP)
            else:
                self._statements(body, indent + STEP)
            self.page.begin(indent)
        self.page.put(body.close, indent)

    def _rows(self, body: Body, indent: int) -> None:
        rows = [cells_of(row) for row in body.statements]
        widths = column_widths([row for row in rows if row is not None])
        for number, (row, cells) in enumerate(zip(body.statements, rows, strict=True)):
            self._begin(row.first, indent, is_first=number == 0)
            if cells is None:
                write_statement(self.page, row.parts, indent, 0)
                continue
            pads = padding(cells, widths)
            bar = row.parts[0]
            self.page.put_flat(bar, indent)
            for cell, pad in zip(cells, pads, strict=True):
                for part in cell.parts:
                    self.page.put_flat(part, indent)
                self.page.put(cell.bar, indent, pad=pad)
        self.page.own_lines(body.close.before, indent, tight=not body.statements)
        body.close.before = []


def _divided(statement: Statement) -> tuple[list[Part], list[Part]]:
    """What stands up to the `=` of a statement, and its value; all and nothing where it has none."""
    if statement.body is None:
        for place, part in enumerate(statement.parts):
            if isinstance(part, Word) and part.type == "EQUAL":
                return statement.parts[: place + 1], statement.parts[place + 1 :]
    return statement.parts, []


def _pads(statements: Sequence[Statement], indent: int) -> list[int]:
    return pads([_entry(statement, indent) for statement in statements])


def _entry(statement: Statement, indent: int) -> Entry:
    """A statement as lining up sees it."""
    apart = statement.first.apart or bool(statement.first.before)
    if statement.body is not None:
        whole = _width_in_one_line(statement, statement.body, indent)
        if whole is None or statement.first.type in ("BLOCK", "TABLE"):
            return Entry("")
        name = indent + sum(map(width, statement.parts))
        return Entry("section", name - indent, name, whole - name, apart=apart)
    head, value = _divided(statement)
    if not value:
        return Entry("")
    kind = statement.first.type if statement.first.type in ("LET", "SHARED") else "assign"
    letters = sum(map(width, head[1:-1] if kind != "assign" else head[:-1]))
    name = indent + sum(map(width, head[:-1]))
    rest = width(head[-1]) + sum(map(width, value))
    return Entry(kind, letters, name, rest, single=is_single(statement.parts, indent, 0), apart=apart)


def _width_in_one_line(statement: Statement, body: Body, indent: int) -> int | None:
    """Where a statement with a body ends that is to stand in one line; None where it cannot."""
    if not body.joined or statement.first.type == "TABLE" or not is_single(statement.parts, indent, 0):
        return None
    if body.open.before or body.open.after or body.close.before:
        return None
    column = indent + sum(map(width, statement.parts)) + len(" {")
    for number, inner in enumerate(body.statements):
        column += len(";") if number else 0
        if inner.first.before:
            return None
        if inner.body is not None:
            end = _width_in_one_line(inner, inner.body, column + 1)
            if end is None or inner.body.close.after:
                return None
            column = end
        elif last(inner.parts[-1]).after or not is_single(inner.parts, column + 1, 0):
            return None
        else:
            column += 1 + sum(map(width, inner.parts))
    column += len(" }") if body.statements else len("}")
    return column if column <= LINE else None


_SEMICOLON = Word("SEMICOLON", ";", 1, spaced=False, line=0)
