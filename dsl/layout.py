"""Brackets and line ends: which newline ends a statement, and where a bracket that was never closed ends.

A file whose brackets match is taken as it is. In one where they do not, a known section word at the start of a line
closes everything before it, a `}` that is indented like an outer opener closes it, and a `(` that is never closed ends
where its line does.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .diagnostics import Findings, Fix, Label
from .fixes import inserted, instead
from .lexing import OPERATORS, STATEMENT_WORDS
from .limits import LIMITS
from .source import Source, Span
from .tokens import Token

CLOSER_OF = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
OPENER_OF = {closer: opener for opener, closer in CLOSER_OF.items()}
SECTION_WORDS = frozenset(
    {"edition", "import", "use", "let", "block", "module"}
    | {"data", "encoder", "decoder", "loss", "hyperparameters", "export", "profile"}
)


def lay_out(tokens: list[Token], source: Source, problems: Findings) -> list[Token] | None:
    """Replace newlines by END where a statement ends, and add the closers that are missing.

    In the result all brackets match, each statement is followed by one END, and there is no END inside ( ), [ ] and the
    braces of an expression (`inline` on their tokens). None if brackets nest too deeply.
    """
    brackets = _match(tokens)
    if brackets.faulty:
        brackets = _match_with_care(tokens, problems)
    if brackets.too_deep is not None:
        problems.error("S2S110", f"brackets nest at most {LIMITS.nesting} deep", tokens[brackets.too_deep].span)
        return None
    return _Layout(tokens, source, brackets, problems).run()


# ---------------------------------------------------------------- brackets


@dataclass
class _Brackets:
    """Where openers without a closer end (`missing`: token index -> openers), and closers without an opener."""

    faulty: bool = False
    too_deep: int | None = None
    missing: dict[int, list[int]] = field(default_factory=dict)
    unclosed: set[int] = field(default_factory=set)
    stray: set[int] = field(default_factory=set)


def _match(tokens: list[Token]) -> _Brackets:
    brackets = _Brackets()
    open_: list[str] = []
    for index, token in enumerate(tokens):
        if token.type in CLOSER_OF:
            open_.append(token.type)
            if len(open_) > LIMITS.nesting:
                brackets.too_deep = index
                return brackets
        elif token.type in OPENER_OF and (not open_ or open_.pop() != OPENER_OF[token.type]):
            brackets.faulty = True
            return brackets
    brackets.faulty = bool(open_)
    return brackets


def _match_with_care(tokens: list[Token], problems: Findings) -> _Brackets:
    brackets = _Brackets(faulty=True)
    open_: list[int] = []

    def close_from(depth: int, end: int, why: str) -> None:
        """All brackets from `depth` on are never closed; they end before token `end`."""
        for opener in open_[depth:]:
            brackets.unclosed.add(opener)
            brackets.missing.setdefault(end, []).append(opener)
            token = tokens[opener]
            labels = (Label(tokens[end].span, why),) if why and end < len(tokens) else ()
            closer = {"LBRACE": "}", "LPAR": ")", "LSQB": "]"}[token.type]
            # of several, which one ends where is a guess
            fixes = _with_closer(tokens, end, closer) if len(open_) == depth + 1 else ()
            problems.error(
                "S2S102",
                f"`{token.text}` is never closed",
                token.span,
                at=f"no `{closer}` belongs to it",
                labels=labels,
                helps=(f"add `{closer}`",),
                fixes=fixes,
            )
        del open_[depth:]

    for index, token in enumerate(tokens):
        if open_ and _starts_section(tokens, index):
            close_from(0, index, f"`{token.text}` starts something new here")
        if token.type in CLOSER_OF:
            open_.append(index)
            if len(open_) > LIMITS.nesting:
                brackets.too_deep = index
                return brackets
        elif token.type in OPENER_OF:
            depth = _opener_for(tokens, open_, index)
            if depth is None:
                brackets.stray.add(index)
                message = f"`{token.text}` closes nothing"
                problems.error("S2S103", message, token.span, helps=("remove it",), fixes=_without_closer(token))
            else:
                close_from(depth + 1, index, f"this `{token.text}` belongs to an outer bracket")
                open_.pop()
    close_from(0, len(tokens), "")
    return brackets


def _with_closer(tokens: list[Token], end: int, closer: str) -> tuple[Fix, ...]:
    """Write a closer where the bracket ends: a brace on a line of its own."""
    before = next(token for token in reversed(tokens[:end]) if token.type != "NEWLINE")
    return inserted(before.span.source, before.span.end, f"\n{closer}" if closer == "}" else closer)


def _without_closer(token: Token) -> tuple[Fix, ...]:
    text, span = token.span.source.text, token.span
    line = Span(span.source, text.rfind("\n", 0, span.start) + 1, span.end)
    following = text[span.end : span.end + 1]
    whole = not line.text[:-1].strip() and following in ("\n", "")
    return instead(Span(span.source, line.start, span.end + len(following)) if whole else span, "")


def _opener_for(tokens: list[Token], open_: list[int], closer: int) -> int | None:
    """Which open bracket (its place in `open_`) a closer closes; None: a stray one."""
    kind = OPENER_OF[tokens[closer].type]
    if kind != "LBRACE":
        for depth in range(len(open_) - 1, -1, -1):
            if tokens[open_[depth]].type == kind:
                return depth
            if tokens[open_[depth]].type == "LBRACE":
                return None
        return None
    braces = [depth for depth, opener in enumerate(open_) if tokens[opener].type == "LBRACE"]
    if not braces:
        return None
    indent = _indent_if_first(tokens[closer].span)
    if indent is not None and _indent(tokens[open_[braces[-1]]].span) > indent:
        for depth in reversed(braces):
            if _indent(tokens[open_[depth]].span) == indent:
                return depth
    return braces[-1]


def _starts_section(tokens: list[Token], index: int) -> bool:
    token = tokens[index]
    start = token.span.start
    if token.text not in SECTION_WORDS or (start and token.span.source.text[start - 1] != "\n"):
        return False
    after = tokens[index + 1].type if index + 1 < len(tokens) else ""
    return after in ("NAME", "LBRACE", "EQUAL", "NUMBER", "STRING")


def _indent(span: Span) -> int:
    line = span.source.line(span.line)
    return len(line) - len(line.lstrip(" \t"))


def _indent_if_first(span: Span) -> int | None:
    """The indentation of a word that is the first of its line."""
    indent = _indent(span)
    return indent if indent == span.column - 1 else None


# ---------------------------------------------------------------- line ends


class _Layout:
    def __init__(self, tokens: list[Token], source: Source, brackets: _Brackets, problems: Findings) -> None:
        self.tokens = tokens
        self.source = source
        self.brackets = brackets
        self.problems = problems
        self.result: list[Token] = []
        self.open: list[int] = []
        self.inline = 0
        self.repeats: list[int] = []
        self.ended_early: set[int] = set()

    def run(self) -> list[Token]:
        for index, token in enumerate(self.tokens):
            self._close_missing(index)
            if index in self.brackets.stray:
                self._mark_faulty()
            elif token.type == "NEWLINE":
                self._newline(index)
            elif token.type == "SEMICOLON" and not self.inline:
                self._end(token)
            elif token.type == "COLON" and not self.inline and self._ends_line(index):
                helps = ("a body stands in braces: encoder { … }",)
                fixes = instead(token.span, "")
                self.problems.error("S2S109", "no `:` at the end of a line", token.span, helps=helps, fixes=fixes)
                self._mark_faulty()
            elif token.type in CLOSER_OF:
                self._open_bracket(index, token)
            elif token.type in OPENER_OF:
                self._close_bracket(token)
            else:
                if token.type == "REPEAT":
                    self.repeats.append(len(self.open))
                self.result.append(token)
        self._close_missing(len(self.tokens))
        self._end(None)
        return self.result

    def _open_bracket(self, index: int, token: Token) -> None:
        if token.type == "LBRACE":
            of_repeat = bool(self.repeats) and self.repeats[-1] == len(self.open)
            if of_repeat:
                self.repeats.pop()
            token.inline = of_repeat or self.inline > 0
        else:
            token.inline = True
        self.open.append(index)
        self.inline += token.inline
        self.result.append(token)

    def _close_bracket(self, token: Token) -> None:
        opener = self.tokens[self.open.pop()]
        token.inline = opener.inline
        if opener.inline:
            self.inline -= 1
        else:
            self._end(token)
        self.repeats = [depth for depth in self.repeats if depth <= len(self.open)]
        self.result.append(token)

    def _close_missing(self, index: int) -> None:
        """Close the brackets that end before this token without having been closed."""
        for opener in reversed(self.brackets.missing.get(index, [])):
            if opener not in self.ended_early:
                self._close_virtually()

    def _close_virtually(self) -> None:
        opener = self.tokens[self.open[-1]]
        at = self._end_of_last()
        closer = CLOSER_OF[opener.type]
        self._close_bracket(Token(closer, {"RPAR": ")", "RSQB": "]"}.get(closer, "}"), at, faulty=True))

    def _newline(self, index: int) -> None:
        after = self._next(index)
        if self.inline:
            while self.open and self.open[-1] in self.brackets.unclosed and self.inline and self._line_is_whole(after):
                self.ended_early.add(self.open[-1])
                self._close_virtually()
            if self.inline:
                return
        last = self.result[-1].type if self.result else "END"
        follower = self.tokens[after].type if after is not None else ""
        if follower in ("ARROW", "THEN", "ELSE"):
            return
        if last in OPERATORS and not self._starts_statement(after):
            return
        self._end(self.tokens[index])

    def _line_is_whole(self, after: int | None) -> bool:
        """Whether an unclosed bracket may end with this line: nothing announces more."""
        last = self.result[-1].type
        if last == "COMMA" or last in CLOSER_OF:
            return False
        if last in OPERATORS:
            return self._starts_statement(after)
        return after is None or self.tokens[after].type not in (OPERATORS | {"COMMA"} | OPENER_OF.keys())

    def _starts_statement(self, index: int | None) -> bool:
        if index is None or index + 1 >= len(self.tokens):
            return False
        token, after = self.tokens[index].type, self.tokens[index + 1].type
        if token == "NAME":
            return after == "EQUAL"
        return token in STATEMENT_WORDS and after in ("NAME", "STRING", "NUMBER")

    def _end(self, token: Token | None) -> None:
        """End the statement, unless there is none to end."""
        if not self.result or self.result[-1].type == "END":
            return
        if self.result[-1].type == "LBRACE" and not self.result[-1].inline:
            return
        if token is None:
            text = "the end of the file"
        else:
            text = "the end of the line" if token.type == "NEWLINE" else f"`{token.text}`"
        self.result.append(Token("END", text, self._end_of_last() if token is None else _place(token)))
        self.repeats.clear()

    def _end_of_last(self) -> Span:
        end = self.result[-1].span.end if self.result else 0
        return Span(self.source, end, end)

    def _mark_faulty(self) -> None:
        """What goes wrong around a word that was left out is a consequence of that."""
        if self.result:
            self.result[-1].faulty = True

    def _next(self, index: int) -> int | None:
        """The token after a newline; there are never two newlines in a row."""
        return index + 1 if index + 1 < len(self.tokens) else None

    def _ends_line(self, index: int) -> bool:
        return index + 1 == len(self.tokens) or self.tokens[index + 1].type == "NEWLINE"


def _place(token: Token) -> Span:
    return Span(token.span.source, token.span.start, token.span.start) if token.type == "NEWLINE" else token.span
