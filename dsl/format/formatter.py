"""Format a spec: the same words and comments, in the same order, as the house writes them."""

from __future__ import annotations

from collections.abc import Sequence

from ..diagnostics import Findings
from ..parser import parse_words
from ..source import Source
from ..syntax import Comment
from ..tokens import Token
from .comments import line_up_comments
from .shape import shape
from .statements import StatementWriter
from .words import written_words


def format_source(source: Source, findings: Findings) -> str | None:
    """The text of a spec in its format, ended by one newline; None where it does not parse, which is reported.

    Formatting twice changes nothing more, and no word or comment is lost: that is checked here, every time.
    """
    problems = Findings()
    document, tokens = parse_words(source, problems)
    for problem in problems:
        findings.add(problem)
    if problems.has_errors or tokens is None:
        return None
    text = _written(source, tokens, document.comments)
    _check_same(source, tokens, [comment.text for comment in document.comments], text)
    return text


def _written(source: Source, tokens: list[Token], comments: Sequence[Comment]) -> str:
    writer = StatementWriter()
    writer.file(shape(written_words(source, tokens, comments)))
    return "".join(f"{line}\n" for line in line_up_comments(writer.lines))


def _check_same(source: Source, tokens: list[Token], comments: list[str], text: str) -> None:
    """Whatever goes wrong here, what was written is not thrown away."""
    problems = Findings()
    result = Source(source.name, text)
    document, formatted = parse_words(result, problems)
    assert formatted is not None, f"{source.name}: what was formatted does not parse"
    assert not problems.has_errors, f"{source.name}: what was formatted does not parse"
    assert [_meaning(token) for token in formatted] == [_meaning(token) for token in tokens], (
        f"{source.name}: formatting would change the words of this spec"
    )
    assert [comment.text.rstrip() for comment in document.comments] == [comment.rstrip() for comment in comments], (
        f"{source.name}: formatting would change the comments of this spec"
    )
    assert _written(result, formatted, document.comments) == text, f"{source.name}: the format has a format of its own"


def _meaning(token: Token) -> tuple[object, ...]:
    """What counts of a word: an END is a line end or a `;`, a quantity's number and unit may stand apart."""
    if token.type in ("END", "QUANTITY"):
        return token.type, token.value, token.unit
    return token.type, token.text
