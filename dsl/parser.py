"""From text to the syntax tree, with all problems of a file in one run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

from .automaton import UnexpectedToken
from .diagnostics import Diagnostic, Edit, Findings, Fix, Label
from .editions import EDITIONS, newest
from .expectations import expected_words, found_words
from .fixes import instead
from .grammar import grammar
from .layout import SECTION_WORDS, lay_out
from .lexing import KEYWORDS, lex, settle_keywords
from .limits import LIMITS
from .source import Source, Span
from .syntax import (
    Argument,
    Assign,
    Block,
    Comment,
    Document,
    Edition,
    Expression,
    ListLiteral,
    Parameter,
    Result,
    Statement,
    TypeExpression,
)
from .tokens import Token


def parse(source: Source, findings: Findings) -> Document:
    """Parse a whole file. What could not be understood is reported and left out of the tree."""
    return parse_words(source, findings)[0]


def parse_words(source: Source, findings: Findings) -> tuple[Document, list[Token] | None]:
    """Parse a whole file and give its words too: each with the type as which it was taken, line ends settled."""
    problems = Findings()
    tokens, comments = _tokens(source, problems)
    statements: tuple[Statement, ...] = ()
    if tokens is not None:
        statements = _Driver(tokens, source, problems).run()
        statements = _check_size(statements, tokens, problems)
        _check_edition(statements, tokens, source, problems)
    _hand_on(problems, findings)
    return Document(source, statements, tuple(comments)), tokens


def parse_expression(source: Source, findings: Findings) -> Expression | None:
    """Parse a single expression (`--set`); None after an error."""
    problems = Findings()
    tokens, _ = _tokens(source, problems)
    value = None
    if tokens:
        start = Span(source, 0, 0)
        head = [Token("NAME", "value", start), Token("EQUAL", "=", start)]
        statements = _Driver([*head, *tokens], source, problems).run()
        statements = _check_size(statements, tokens, problems)
        if len(statements) == 1 and isinstance(statements[0], Assign):
            value = statements[0].value
    elif tokens is not None:
        problems.error("S2S101", "expected an expression, found nothing", Span(source, 0, len(source.text)))
    if value is None and not len(problems):
        problems.error("S2S101", "expected one expression", Span(source, 0, len(source.text)))
    _hand_on(problems, findings)
    return None if problems.has_errors else value


@cache
def parse_signature(text: str) -> tuple[tuple[Parameter, ...], tuple[Result, ...]]:
    """Parse a component's signature: `(x: seq[B,T,D]) => (y: seq[B,T,size])`. Raises ValueError."""
    source = Source("<signature>", text)
    problems = Findings()
    tokens, _ = _tokens(source, problems)
    start, end = Span(source, 0, 0), Span(source, len(text), len(text))
    head = [Token("BLOCK", "block", start), Token("NAME", "signature", start)]
    tail = [Token("LBRACE", "{", end), Token("RBRACE", "}", end), Token("END", "", end)]
    body = (tokens or [])[:-1]
    statements = _Driver([*head, *body, *tail], source, problems).run()
    if len(problems) or len(statements) != 1 or not isinstance(statements[0], Block):
        reasons = "; ".join(problem.message for problem in problems)
        raise ValueError(f"not a signature: {text}: {reasons}")
    return statements[0].parameters, statements[0].results


def _tokens(source: Source, problems: Findings) -> tuple[list[Token] | None, list[Comment]]:
    """Tokens with line ends settled; None when a limit was passed."""
    raw, comments = lex(source, problems)
    words = sum(token.type != "NEWLINE" for token in raw)
    if words > LIMITS.tokens:
        problems.error("S2S110", f"a spec has at most {LIMITS.tokens} words, this one has {words}", raw[-1].span)
        return None, comments
    settle_keywords(raw, problems)
    return lay_out(raw, source, problems), comments


# ---------------------------------------------------------------- driving the parser


@dataclass
class _Body:
    """The braces that the parser is in: of statements, or of a table that wants its header first."""

    closer: int
    table: bool = False
    columns: int | None = None
    header: Span | None = None


class _Driver:
    """Feeds tokens to the parser; after an error it goes back to where the statement began and on to the next one."""

    def __init__(self, tokens: list[Token], source: Source, problems: Findings) -> None:
        self.tokens = [*tokens, Token("$END", "", Span(source, len(source.text), len(source.text)))]
        self.source = source
        self.problems = problems
        self.parser = grammar().start()
        self.closers = _closers(self.tokens)
        self.bodies: list[_Body] = []
        self.first = 0  # the token with which the statement began
        self.begun = False
        self.saved: tuple[list[int], list[Any]] = ([], [])
        self.equal_added = -1

    def run(self) -> tuple[Statement, ...]:
        index = 0
        result: tuple[Statement, ...] = ()
        while index < len(self.tokens):
            token = self.tokens[index]
            if not self.begun:
                self.first = index
            elif token.type == "END" and self._is_uneven_row(index):
                self._forget_statement()
                index += 1
                continue
            try:
                fed = self._feed(token)
            except UnexpectedToken:
                index = self._recover(index)
                continue
            if token.type == "$END":
                result = fed
            self._follow(index, token)
            index += 1
        return result

    def _feed(self, token: Token) -> Any:
        if token.type in KEYWORDS and not self.parser.has_choice(token.type) and self.parser.has_choice("NAME"):
            token.type = "NAME"
        return self.parser.feed(token)

    def _follow(self, index: int, token: Token) -> None:
        """Keep track of statements and bodies after a token was taken."""
        if not self.begun and token.type != "$END":
            # finishing the statement before this one is part of taking its first token
            self.saved = (self.parser.states[:-1], self.parser.values[:-1])
            self.begun = True
        if token.type == "END":
            self.begun = False
            if self.bodies and self.bodies[-1].table and self.bodies[-1].columns is None:
                self.bodies[-1].columns = self._num_cells(index)
                self.bodies[-1].header = self.tokens[self.first].span.to(self.tokens[index - 1].span)
        elif token.type == "LBRACE" and not token.inline:
            self.bodies.append(_Body(self.closers[index], table=self.tokens[self.first].type == "TABLE"))
            self.begun = False
        elif token.type == "RBRACE" and not token.inline:
            body = self.bodies.pop()
            if body.table and body.columns is None and not token.faulty:
                helps = ("the first row names the columns: | channels | kernel |",)
                self.problems.error("S2S107", "this table has no header", token.span, helps=helps)

    def _num_cells(self, end: int) -> int:
        return sum(token.type == "VBAR" for token in self.tokens[self.first : end]) - 1

    def _is_uneven_row(self, end: int) -> bool:
        """Report a row that has not as many cells as its table has columns."""
        body = self.bodies[-1] if self.bodies else None
        if (
            body is None
            or not body.table
            or body.columns is None
            or body.header is None
            or self.tokens[end - 1].type != "VBAR"
        ):
            return False
        cells = self._num_cells(end)
        if cells == body.columns:
            return False
        row = self.tokens[self.first].span.to(self.tokens[end - 1].span)
        columns = f"{body.columns} column{'s' if body.columns != 1 else ''}"
        message = f"this row has {cells} cell{'s' if cells != 1 else ''}, the table {columns}"
        self.problems.error("S2S107", message, row, labels=(Label(body.header, columns),))
        return True

    # ------------------------------------------------------------ after an error

    def _recover(self, index: int) -> int:
        """Report what is wrong at a token and bring parser and tokens together again; returns the next token.

        That is a later one, except once in a statement, where an `=` was put before it.
        """
        accepted = self.parser.accepts()
        token = self.tokens[index]
        if self._wants_equal(index, accepted):
            self._report_missing_equal(index)
            self.parser.feed(Token("EQUAL", "=", token.span))
            self.equal_added = index
            # a `:` stood in its place
            return index + 1 if token.type == "COLON" else index
        if self._is_value_after_name(index, accepted):
            return self._put_equal_between(index)
        if not self._is_consequence(index):
            self._report(index, accepted)
        if token.type == "$END":
            return index + 1
        if token.type == "END" and "LBRACE" in accepted and self._brace_on_next_line(index):
            return index + 1
        if self.begun and "END" in accepted:
            # what stands before this place is whole
            self.parser.feed(Token("END", "", token.span))
        elif self.begun:
            self._forget_statement()
        self.begun = False
        return self._skip(index)

    def _forget_statement(self) -> None:
        """Bring the parser back to where it was before the statement."""
        self.parser.states[:], self.parser.values[:] = self.saved
        self.begun = False

    def _brace_on_next_line(self, end: int) -> bool:
        """Whether the head of a section was ended by a newline before its `{`."""
        in_expression = any(token.type in ("EQUAL", "REPEAT") for token in self.tokens[self.first : end])
        return self.tokens[end + 1].type == "LBRACE" and not in_expression

    def _skip(self, index: int) -> int:
        """The token after the statement; or, if it opens a body, feed a head for it and go on inside."""
        if self.bodies and self.bodies[-1].table and self.bodies[-1].columns is None:
            # without a header, its rows mean nothing
            self.bodies[-1].columns = 0
            return self.bodies[-1].closer
        while True:
            token = self.tokens[index]
            if token.type == "END":
                return index + 1
            if token.type == "$END":
                return index
            if token.type == "LBRACE" and not token.inline and not (self.bodies and self.bodies[-1].table):
                return self._enter_headless(index)
            if token.type in ("LPAR", "LSQB", "LBRACE"):
                index = self.closers[index]
            index += 1

    def _enter_headless(self, index: int) -> int:
        """Read the body of a statement with a broken head, for the sake of the errors in it."""
        span = self.tokens[index].span
        if self.tokens[self.first].type == "TABLE":
            head = [("TABLE", "table"), ("NAME", "_"), ("OF", "of"), ("NAME", "_")]
        else:
            head = [("NAME", "_")]
        for type_, text in head:
            self.parser.feed(Token(type_, text, span, faulty=True))
        self.begun = True
        self.parser.feed(self.tokens[index])
        self._follow(index, self.tokens[index])
        return index + 1

    def _is_consequence(self, index: int) -> bool:
        """Whether the statement holds a word that was reported already."""
        if any(token.faulty for token in self.tokens[self.first : index + 1]):
            return True
        for token in self.tokens[index:]:
            if token.type in ("END", "$END"):
                return False
            if token.faulty:
                return True
        return False

    # ------------------------------------------------------------ messages

    def _wants_equal(self, index: int, accepted: set[str]) -> bool:
        """Whether a name is followed by its value without an `=` between them."""
        if "EQUAL" not in accepted or not self.begun or self.equal_added >= self.first:
            return False
        if self.bodies and self.tokens[self.first].text in ("edition", "import", "use", "block", "module"):
            return False
        before, token = self.tokens[index - 1], self.tokens[index]
        if (
            before.type != "NAME"
            or before.faulty
            or token.faulty
            or any(t.inline for t in self.tokens[self.first : index])
        ):
            return False
        if token.type == "STRING":
            return self.tokens[index + 1].type != "LBRACE"
        return token.type in ("COLON", "NUMBER", "QUANTITY", "LSQB", "TRUE", "FALSE", "NONE", "IF", "REPEAT")

    def _is_value_after_name(self, index: int, accepted: set[str]) -> bool:
        """Whether what looks like the head of a section is `precision fp16` or `precision mixed(fp16)`."""
        names = self.tokens[self.first : index]
        if accepted != {"LBRACE"} or [name.type for name in names] != ["NAME", "NAME"] or self.tokens[index].faulty:
            return False
        if any(name.faulty for name in names) or names[0].text in SECTION_WORDS | {"def", "class"}:
            return False
        return self.tokens[index].type not in ("END", "$END") or self.tokens[index + 1].type != "LBRACE"

    def _put_equal_between(self, index: int) -> int:
        self._report_missing_equal(index - 1)
        self._forget_statement()
        name = self.tokens[self.first]
        for token in (name, Token("EQUAL", "=", name.span), self.tokens[index - 1]):
            self.parser.feed(token)
        self.begun = True
        # what comes next is taken, or is an error of its own: never this one again
        return index

    def _report_missing_equal(self, index: int) -> None:
        name, token = self.tokens[index - 1], self.tokens[index]
        if token.type == "COLON":
            message = f"`=`, not `:`, stands between `{name.text}` and its value"
        else:
            message = f"`=` is missing between `{name.text}` and its value"
        line = name.span.source.line(name.span.line)
        value = line.partition(name.text)[2].strip().removeprefix(":").partition("#")[0].strip().rstrip(",;")
        shown = value if value.isprintable() and 0 < len(value) <= 40 and "`" not in value else "…"
        start, end = name.span.end, token.span.end if token.type == "COLON" else token.span.start
        between = token.span.source.text[start:end]
        after = "" if token.span.source.text[end : end + 1] == " " else " "
        fixes = instead(Span(token.span.source, start, end), f" ={after}") if between.strip(" \t") in ("", ":") else ()
        self.problems.error("S2S104", message, token.span, helps=(f"write `{name.text} = {shown}`",), fixes=fixes)

    def _report(self, index: int, accepted: set[str]) -> None:
        token = self.tokens[index]
        first = self.tokens[self.first]
        found = found_words(token)
        wanted = expected_words(accepted)
        message = f"expected {wanted}, found {found}"
        code, helps = "S2S101", self._helps(index, accepted)
        if first.type == "EDITION" and self.begun:
            code, message, helps = "S2S108", f"expected the number of an edition, found {found}", ("write `edition 1`",)
        elif token.text == "elif":
            code, message, helps = "S2S109", "`elif` is written `else if` here", ("write `else if`",)
        elif first.text in ("edition", "import", "use", "block", "module") and self.bodies:
            message, helps = f"`{first.text}` stands at the top of a file, not inside braces", ()
        elif not self.begun and self.bodies and self.bodies[-1].table:
            message, helps = f"expected a row of the table, found {found}", ("a row is | cell | cell |",)
        elif token.type == "VBAR" and self.tokens[index - 1].type == "VBAR" and self.begun:
            message, helps = "this cell is empty", ("a cell holds an expression",)
        elif first.text in ("def", "class") and self.begun:
            code, helps = "S2S109", ("blocks are written `block name(x: seq) => y { … }`",)
            message = f"there is no `{first.text}` here"
        fixes = instead(token.span, "else if") if token.text == "elif" else ()
        self.problems.error(code, message, token.span, helps=helps, fixes=fixes)

    def _helps(self, index: int, accepted: set[str]) -> tuple[str, ...]:
        token = self.tokens[index]
        before = self.tokens[index - 1] if index else token
        if not self.begun:
            return _FIRST_WORD_HELPS.get(token.type, ())
        if token.type == "STRING" and before.type == "NAME" and before.span.end == token.span.start:
            return (f'texts have no prefix `{before.text}`; path("folder", "file") joins pieces',)
        if token.type == "COLON" and "EQUAL" in accepted:
            return (f"write `{before.text} = …`",)
        if token.type == "COMPARISON":
            return ("comparisons do not chain: write `a < b and b < c`",)
        if token.type == "UPTO":
            return ("a range has two ends",)
        if token.type == "END" and "LBRACE" in accepted and before.type == "NAME":
            first = self.tokens[self.first]
            if first.text in SECTION_WORDS or first.type in ("BLOCK", "MODULE", "TABLE"):
                return ("`{` stands on the same line",)
            return (f"a value is given with `=`: `{before.text} = …`", "a section with braces: `name { … }`")
        if token.type == "LPAR" and index == self.first + 1:
            return (f"a value needs a name: `out = {before.text}(…)`",)
        if token.type == "LBRACE" and "GIVES" in accepted:
            return ("a block says what it gives: `block f(x: seq) => y { … }`",)
        if token.type == "DOT" and self.tokens[index + 1].type in ("NUMBER", "QUANTITY"):
            return ("write a zero before the point: 0.5",)
        if token.type == "SEMICOLON":
            return ("inside brackets, items are separated by `,`",)
        if token.type == "STRING" and "LBRACE" in accepted:
            return (f"a label is a bare name: `{before.text} name {{ … }}`",)
        if before.type == "QUANTITY" and before.unit == "%":
            return ("`%` is a unit (10%); there is no modulo operator",)
        if "END" in accepted and (token.type == "NAME" or token.type in KEYWORDS):
            return ("each statement stands on its own line, or ends with `;`",)
        return ()


_FIRST_WORD_HELPS = {
    "VBAR": ("rows stand inside `table name of block { … }`",),
    "FLOOR_DIVIDE": ("comments start with `#`",),
    "ARROW": ("a leading `->` goes on with the line before it, which must be an expression",),
    "LBRACE": ("braces follow the kind of a section: `encoder { … }`",),
}


def _closers(tokens: list[Token]) -> dict[int, int]:
    """Where each opening bracket is closed; layout has made them match."""
    closers: dict[int, int] = {}
    open_: list[int] = []
    for index, token in enumerate(tokens):
        if token.type in ("LPAR", "LSQB", "LBRACE"):
            open_.append(index)
        elif token.type in ("RPAR", "RSQB", "RBRACE"):
            closers[open_.pop()] = index
    return closers


# ---------------------------------------------------------------- checks on the whole


def _check_size(
    statements: tuple[Statement, ...], tokens: Sequence[Token], problems: Findings
) -> tuple[Statement, ...]:
    """Refuse expressions that are nested too deeply and lists that are too long: all of the tree, or nothing."""
    if len(tokens) <= LIMITS.expression_depth:
        return statements
    stack: list[tuple[Any, int]] = [(statement, 0) for statement in statements]
    while stack:
        node, depth = stack.pop()
        if isinstance(node, ListLiteral) and len(node.items) > LIMITS.list_items:
            problems.error("S2S110", f"a list has at most {LIMITS.list_items} items", node.span)
            return ()
        if depth > LIMITS.expression_depth:
            at = Span(node.span.source, node.span.start, node.span.start)
            problems.error("S2S110", f"an expression nests at most {LIMITS.expression_depth} operations", at)
            return ()
        for child in vars(node).values():
            if isinstance(child, tuple):
                stack += [(item, depth + 1) for item in _nodes(child)]
            elif isinstance(child, _NODES):
                stack.append((child, depth + 1))
    return statements


_NODES = (*get_args(Expression), *get_args(Statement), Argument, Parameter, Result, TypeExpression)


def _nodes(values: tuple[Any, ...]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, tuple):
            yield from _nodes(value)
        elif isinstance(value, _NODES):
            yield value


def _check_edition(statements: tuple[Statement, ...], tokens: list[Token], source: Source, problems: Findings) -> None:
    """The first statement says for which edition of the language the file is written."""
    editions = [statement for statement in statements if isinstance(statement, Edition)]
    if not editions:
        if not any(token.type == "EDITION" for token in tokens):
            start = tokens[0].span.start if tokens else 0
            place = Span(source, start, start)
            line = f"edition {newest()}"
            problems.add(
                Diagnostic(
                    "S2S108",
                    "error",
                    "the file does not say for which edition of the language it is written",
                    place,
                    helps=(f"write `{line}` as the first statement",),
                    fixes=(Fix(f"write `{line}`", (Edit(place, f"{line}\n\n"),), safe=True),),
                )
            )
        return
    first, *others = editions
    if first.number != newest():
        _report_edition(first, problems)
    elif tokens[0].type != "EDITION":
        problems.error("S2S108", "`edition` is the first statement of a file", first.span)
    for other in others:
        problems.error("S2S108", "a file has one edition", other.span, labels=(Label(first.span, "the first one"),))


def _report_edition(statement: Edition, problems: Findings) -> None:
    """Say what is the matter with an edition that is not read."""
    number = statement.number
    known = ", ".join(map(str, EDITIONS))
    if number in EDITIONS:
        message = f"edition {number} is older than this s2sc, which reads edition {newest()}"
        helps = (f"s2sc migrate {statement.span.source.name} rewrites the file",)
    elif number > newest():
        message = f"edition {number} is newer than this s2sc, which reads edition {newest()}"
        helps = (f"install a newer s2sc, or write `edition {newest()}`",)
    else:
        message, helps = f"there is no edition {number}", (f"write `edition {newest()}`",)
    problems.error("S2S108", message, statement.span, notes=(f"known editions: {known}",), helps=helps)


def _hand_on(problems: Findings, findings: Findings) -> None:
    """Add what was found, the first ones only if there is no end to them."""
    found = list(problems)
    for problem in found[: LIMITS.syntax_errors]:
        findings.add(problem)
    more = len(found) - LIMITS.syntax_errors
    if more > 0:
        last = found[LIMITS.syntax_errors].span
        findings.error("S2S110", f"there are {more} more syntax errors, not shown", last)
