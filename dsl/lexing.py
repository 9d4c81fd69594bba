"""From text to tokens: every character ends in a token, a comment or a finding."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache

from .diagnostics import Findings, Fix
from .escapes import code_point, visible
from .fixes import instead
from .grammar import grammar, word_pattern
from .letters import BLANKS, INVISIBLE, SYMBOLS, to_ascii
from .limits import LIMITS
from .source import Source, Span
from .syntax import Comment
from .tokens import Token
from .units import UNITS


def lex(source: Source, problems: Findings) -> tuple[list[Token], list[Comment]]:
    """Cut a text into tokens and comments; the newlines after a token are one token of type NEWLINE.

    What is wrong with a word is reported here, and the word repaired as far as one can guess what was meant.
    """
    return _Lexer(source, problems).run()


# "Trojan source" characters: they change how a line looks, in strings and comments too
_HIDDEN = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ufeff\ud800-\udfff]"
)
_UNIT = re.compile(r"%|[^\W\d]\w*+")
_SPACED_UNIT = re.compile(r"[ \t]+(%|[A-Za-z]+)(?!\w)")
_ESCAPE = re.compile(r"\\(?:u\{([0-9A-Fa-f]{1,6})\}|u\{?|([^\n])|$)")
_OTHER = re.compile(r"\w+|(.)\1*+", re.DOTALL)
_PYTHON_CONSTANTS = {"True": "true", "False": "false", "None": "none"}
_ESCAPES = {'"': '"', "\\": "\\", "n": "\n", "t": "\t"}
_FOREIGN_OPERATORS = {"**": "^", "&&": "and"}


@dataclass(frozen=True)
class _Patterns:
    master: re.Pattern[str]
    words: dict[str, str]


@cache
def _patterns() -> _Patterns:
    """One expression for all tokens; no part of it backtracks further than it has read."""
    written = grammar()
    quotes = "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2018\u2019\u201a\uff02"
    master = "|".join(
        (
            r"(?P<blank>[ \t]++|\r(?=\n))",
            r"(?P<newline>\n)",
            rf"(?P<comment>{written.comment})",
            rf"(?P<number>{written.number})",
            r"(?P<word>[^\W\d]\w*+)",
            rf"(?P<string>{written.string})",
            r'(?P<open_string>"[^\n]*+)',
            rf"(?P<quoted>'[^'\n]*+'|[{quotes}][^{quotes}\"\n]*+[{quotes}\"])",
            rf"(?P<foreign>\*\*|&&)|(?P<symbol>{word_pattern(written.words)}|;)",
        )
    )
    return _Patterns(re.compile(master), written.words)


class _Lexer:
    def __init__(self, source: Source, problems: Findings) -> None:
        self.source = source
        self.text = source.text
        self.problems = problems
        self.tokens: list[Token] = []
        self.comments: list[Comment] = []
        self.words = _patterns().words

    def run(self) -> tuple[list[Token], list[Comment]]:
        match = _patterns().master.match
        position = 0
        while position < len(self.text):
            found = match(self.text, position)
            if found is None:
                position = self._other(position)
            elif found.lastgroup in ("blank", "newline"):
                if found.lastgroup == "newline" and (not self.tokens or self.tokens[-1].type != "NEWLINE"):
                    self._add("NEWLINE", position, position + 1)
                position = found.end()
            else:
                position = getattr(self, f"_{found.lastgroup}")(position, found.end())
        return self.tokens, self.comments

    # ------------------------------------------------------------ one method a kind of word; each returns where it ends

    def _comment(self, start: int, end: int) -> int:
        self._refuse_hidden(start, end)
        if self.text[end - 1] == "\r":
            end -= 1
        self.comments.append(Comment(self.text[start:end], self._span(start, end)))
        return end

    def _word(self, start: int, end: int) -> int:
        text = self.text[start:end]
        faulty = False
        if not text.isascii():
            text, faulty = self._foreign_word(start, end), True
        elif len(text) > LIMITS.name_characters:
            self._limit(f"a name has at most {LIMITS.name_characters} characters, this one has {len(text)}", start, end)
            faulty = True
        self._add(self.words.get(text, "NAME") if text.isalpha() else "NAME", start, end, text=text, faulty=faulty)
        return end

    def _symbol(self, start: int, end: int) -> int:
        text = self.text[start:end]
        self._add("SEMICOLON" if text == ";" else self.words[text], start, end)
        return end

    def _foreign(self, start: int, end: int) -> int:
        written = self.text[start:end]
        meant = _FOREIGN_OPERATORS[written]
        self.problems.error(
            "S2S109",
            f"`{written}` is written `{meant}` here",
            self._span(start, end),
            helps=(f"write `{meant}`",),
            fixes=instead(self._span(start, end), meant),
        )
        self._add(self.words[meant], start, end, text=meant, faulty=True)
        return end

    def _number(self, start: int, end: int) -> int:
        value, faulty = self._number_value(start, end)
        touching = _UNIT.match(self.text, end)
        spaced = None if touching else _SPACED_UNIT.match(self.text, end)
        if spaced and spaced[1] in UNITS:
            end = spaced.end()
            self._add("QUANTITY", start, end, value=value, unit=spaced[1], faulty=faulty)
        elif touching and touching[0] in UNITS:
            end = touching.end()
            self._add("QUANTITY", start, end, value=value, unit=touching[0], faulty=faulty)
        elif touching:
            self._unknown_unit(start, end, touching)
            end = touching.end()
            self._add("NUMBER", start, end, value=value, faulty=True)
        else:
            self._add("NUMBER", start, end, value=value, faulty=faulty)
        return end

    def _string(self, start: int, end: int) -> int:
        self._add_string(start, end, start + 1, end - 1)
        return end

    def _open_string(self, start: int, end: int) -> int:
        if self.text[end - 1] == "\r":
            end -= 1
        self.problems.error(
            "S2S105",
            "this string has no closing quote",
            self._span(start, end),
            at="starts here and goes on to the end of the line",
            helps=('close it with `"`; a string stays on its line, `\\n` stands for a line end',),
        )
        self._add("STRING", start, end, value=self.text[start + 1 : end], faulty=True)
        return end

    def _quoted(self, start: int, end: int) -> int:
        inside = self.text[start + 1 : end - 1]
        quote = self.text[start]
        what = "single quotes" if quote == "'" else f"the quotation mark {code_point(quote)}"
        suggestion = f'write "{visible(inside[:60])}"' if '"' not in inside else 'write " around it'
        span = self._span(start, end)
        fixes = () if '"' in inside or "\\" in inside else instead(span, f'"{inside}"')
        self.problems.error("S2S106", f'strings stand in ", not in {what}', span, helps=(suggestion,), fixes=fixes)
        self._add("STRING", start, end, value=inside, faulty=True)
        return end

    def _other(self, start: int) -> int:
        """A character that starts no word of the language, with its repetitions."""
        found = _OTHER.match(self.text, start)
        assert found is not None
        end = found.end()
        character = self.text[start]
        if found[1] is None:
            # digits of another script, or a run of letters and digits that starts with one
            text = self._foreign_word(start, end)
            if text.isdecimal() and text.isascii():
                self._add("NUMBER", start, end, value=int(text[:15]), faulty=True)
            else:
                self._add("NAME", start, end, text=text, faulty=True)
            return end
        meant = SYMBOLS.get(character)
        if character in BLANKS:
            blank = "" if character in INVISIBLE else " "
            fixes = instead(self._span(start, end), blank)
            self._refuse(start, end, "use an ordinary blank" if blank else "remove it", fixes)
        elif character == "\r":
            self._refuse(start, end, "end lines with a line feed, with or without a carriage return before it")
        elif character == "%":
            self._refuse(start, end, "`%` is a unit (10%); there is no modulo operator")
            self._add("UNKNOWN", start, end, faulty=True)
        elif meant is not None:
            self._refuse(start, end, f"write `{meant}`", instead(self._span(start, end), meant))
            self._add(self.words.get(meant, "UNKNOWN"), start, end, text=meant, faulty=True)
        else:
            self._refuse(start, end, "")
            self._add("UNKNOWN", start, end, faulty=True)
        return end

    # ------------------------------------------------------------ numbers

    def _number_value(self, start: int, end: int) -> tuple[int | float, bool]:
        """The value, and whether something is wrong with it."""
        text = self.text[start:end].replace("_", "")
        if text.isdigit():
            if len(text) > LIMITS.integer_digits:
                self._limit(
                    f"an integer has at most {LIMITS.integer_digits} digits, this one has {len(text)}", start, end
                )
                return 1, True
            if int(text) > LIMITS.integer_magnitude:
                self._limit(f"an integer is at most {LIMITS.integer_magnitude} (2^53 - 1)", start, end)
                return 1, True
            return int(text), False
        if end - start > LIMITS.float_characters:
            self._limit(f"a number is written in at most {LIMITS.float_characters} characters", start, end)
            return 1.0, True
        value = float(text)
        if math.isinf(value):
            self._limit("this number is too large for a 64 bit float", start, end)
            return 1.0, True
        return value, False

    def _unknown_unit(self, start: int, end: int, unit: re.Match[str]) -> None:
        written = visible(unit[0][: LIMITS.name_characters])
        span = self._span(end, unit.end())
        if unit[0].startswith("_"):
            self.problems.error("S2S101", "`_` stands between two digits of a number, nowhere else", span)
        elif self.text[start:end] == "0" and unit[0][0] in "xXbBoO" and unit[0][1:2].isalnum():
            self.problems.error("S2S101", "numbers are written in decimal", span, helps=("2^n gives powers of two",))
        else:
            near = get_close_matches(unit[0][:20], UNITS, 1, 0.5)
            helps = (f"did you mean `{self.text[start:end][:40]}{near[0]}`",) if near else ()
            units = "units: " + " ".join(UNITS)
            alike = [one for one in UNITS if one.lower() == unit[0].lower()]
            fixes = instead(span, alike[0]) if len(alike) == 1 else ()
            self.problems.error("S2S302", f"`{written}` is no unit", span, notes=(units,), helps=helps, fixes=fixes)

    # ------------------------------------------------------------ strings

    def _add_string(self, start: int, end: int, inner_start: int, inner_end: int) -> None:
        text = self.text[inner_start:inner_end]
        faulty = self._refuse_hidden(inner_start, inner_end)
        value = text
        if "\\" in text:
            value, bad_escape = self._unescaped(text, inner_start)
            faulty = faulty or bad_escape
        # a lone surrogate is refused above and has no bytes
        size = len(value.encode("utf-8", "replace"))
        if size > LIMITS.string_bytes:
            self._limit(f"a string has at most {LIMITS.string_bytes} bytes, this one has {size}", start, end)
            faulty = True
        self._add("STRING", start, end, value=value, faulty=faulty)

    def _unescaped(self, text: str, offset: int) -> tuple[str, bool]:
        pieces: list[str] = []
        position = 0
        faulty = False
        for escape in _ESCAPE.finditer(text):
            pieces.append(text[position : escape.start()])
            position = escape.end()
            code = int(escape[1], 16) if escape[1] else -1
            if escape[2] in _ESCAPES:
                pieces.append(_ESCAPES[escape[2]])
            elif 0 <= code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF:
                pieces.append(chr(code))
            else:
                faulty = True
                self._bad_escape(escape, self._span(offset + escape.start(), offset + escape.end()))
        pieces.append(text[position:])
        return "".join(pieces), faulty

    def _bad_escape(self, escape: re.Match[str], span: Span) -> None:
        known = 'escapes: \\" \\\\ \\n \\t \\u{1F600}'
        if escape[1]:
            message = f"there is no character U+{escape[1].upper()}"
        elif escape[0].startswith("\\u"):
            message = "`\\u` is followed by one to six hexadecimal digits in braces"
        else:
            message = f"unknown escape `{visible(escape[0])}`"
        helps = () if escape[1] else (f"write `\\{visible(escape[0])}` for the backslash itself",)
        self.problems.error("S2S105", message, span, notes=(known,), helps=helps)

    # ------------------------------------------------------------ characters

    def _foreign_word(self, start: int, end: int) -> str:
        """Report a word with letters outside ASCII; returns what was probably meant, or the word itself."""
        text = self.text[start:end]
        offset = next(index for index, character in enumerate(text) if not character.isascii())
        meant = to_ascii(text)
        at = start + offset
        if len(text) <= LIMITS.name_characters and re.fullmatch(r"\w+", meant, re.ASCII):
            message = f"this letter looks like `{to_ascii(text[offset])}` but is {code_point(text[offset])}"
            helps: tuple[str, ...] = (f"write `{meant}`",)
            fixes = instead(self._span(start, end), meant)
        else:
            message = f"{code_point(text[offset])} cannot stand in a name"
            helps = ("names are made of a-z, A-Z, 0-9 and _",)
            meant, fixes = text, ()
        self.problems.error("S2S106", message, self._span(at, at + 1), helps=helps, fixes=fixes)
        return meant

    def _refuse_hidden(self, start: int, end: int) -> bool:
        """Report control and bidirectional characters in a string or comment."""
        found = None
        for found in _HIDDEN.finditer(self.text, start, end):
            if found[0] == "\r" and self.text[found.end() : found.end() + 1] == "\n":
                continue
            escape = f"\\u{{{ord(found[0]):X}}}" if self.text[start - 1 : start] == '"' else ""
            fixes = instead(self._span(found.start(), found.end()), escape)
            self._refuse(found.start(), found.end(), f"write {escape}" if escape else "remove it", fixes)
        return found is not None

    def _refuse(self, start: int, end: int, help_: str, fixes: tuple[Fix, ...] = ()) -> None:
        character = self.text[start]
        name = code_point(character) if not character.isascii() or not character.isprintable() else f"`{character}`"
        helps = (help_,) if help_ else ()
        self.problems.error("S2S106", f"{name} is not allowed here", self._span(start, end), helps=helps, fixes=fixes)

    # ------------------------------------------------------------ small things

    def _limit(self, message: str, start: int, end: int) -> None:
        self.problems.error("S2S110", message, self._span(start, end))

    def _span(self, start: int, end: int) -> Span:
        return Span(self.source, start, end)

    def _add(
        self,
        type_: str,
        start: int,
        end: int,
        *,
        text: str | None = None,
        value: int | float | str = "",
        unit: str = "",
        faulty: bool = False,
    ) -> None:
        written = self.text[start:end] if text is None else text
        self.tokens.append(Token(type_, written, Span(self.source, start, end), value, unit, faulty))


def settle_keywords(tokens: list[Token], problems: Findings) -> None:
    """Turn keywords into names where their neighbours say so: before `=`, after `.`, `repeat` as a column."""
    words = [token for token in tokens if token.type != "NEWLINE"]
    for index, token in enumerate(words):
        before = words[index - 1].type if index else ""
        after = words[index + 1].type if index + 1 < len(words) else ""
        if token.type == "NAME":
            if token.text in _PYTHON_CONSTANTS and after != "EQUAL" and before != "DOT":
                meant = _PYTHON_CONSTANTS[token.text]
                problems.error(
                    "S2S109",
                    f"`{token.text}` is written `{meant}` here",
                    token.span,
                    helps=(f"write `{meant}`",),
                    fixes=instead(token.span, meant),
                )
                token.type, token.text, token.faulty = meant.upper(), meant, True
        elif token.type in KEYWORDS and (
            after == "EQUAL"
            or before == "DOT"
            or (after == "DOT" and token.type in STATEMENT_WORDS)
            or (token.type == "REPEAT" and (before not in BEFORE_OPERAND or after in ("VBAR", "COMMA", "RPAR")))
        ):
            token.type = "NAME"


STATEMENT_WORDS = frozenset({"EDITION", "IMPORT", "USE", "LET", "BLOCK", "MODULE", "TABLE", "SHARED"})
KEYWORDS = STATEMENT_WORDS | {"OF", "AS", "IF", "THEN", "ELSE", "AND", "OR", "NOT", "TRUE", "FALSE", "NONE", "REPEAT"}
OPERATORS = frozenset(
    {"ARROW", "UPTO", "OR", "AND", "NOT", "COMPARISON", "PLUS", "MINUS", "STAR", "SLASH", "FLOOR_DIVIDE", "CIRCUMFLEX"}
    | {"EQUAL", "GIVES", "IF", "THEN", "ELSE"}
)
BEFORE_OPERAND = OPERATORS | {"LPAR", "LSQB", "COMMA", "VBAR", "LBRACE", "REPEAT"}
