"""Many lines of text through a translator: read, held to limits, grouped by length, answered in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from .data.json_line import LINE_BYTES
from .data.manifest import BadText
from .export.pair_metadata import TextLimits
from .grouping import group_by_length
from .line_reader import TextLine, line_of_text
from .no_answer import NoAnswer

# Few at first, so that the first answers come soon; then enough to find lines of like length.
_FIRST_READ_AHEAD = 64
_READ_AHEAD = 1024
# What a batch holds: source tokens with padding, and lines, each of which has a beam of hypotheses.
_BATCH_TOKENS = 2048
_BATCH_LINES = 64


@dataclass(frozen=True)
class Scored:
    """A text that was found for a line, and its score; the best has the largest."""

    text: str
    score: float


@dataclass(frozen=True)
class Answer:
    """What a line became, or why nothing could be made of it.

    source   the line as text; None where it is none
    found    the best first; empty where there is a problem. An empty line becomes an empty text
    reason   "not_utf8", "line_too_long", "too_short", "too_long", "no_answer", or what the tokenizer says; "" without
             a problem
    message  what was found, for people
    """

    line: TextLine
    source: str | None
    found: tuple[Scored, ...] = ()
    reason: str = ""
    message: str = ""

    @property
    def text(self) -> str | None:
        """The best text; None where there is a problem."""
        return self.found[0].text if self.found else None


class Translator(Protocol):
    """What turns lines into other lines: a trained run or an exported encoder and step."""

    @property
    def limits(self) -> TextLimits:
        """Batches and lines that it takes; the end mark of a line is counted."""

    @property
    def most_texts(self) -> int:
        """How many texts its search can find for a line."""

    @property
    def n_best(self) -> int:
        """How many texts of a line the spec asks for."""

    def encode(self, text: str) -> tuple[int, ...]:
        """The token numbers of a line without marks; raises BadText."""

    def search(self, sentences: Sequence[Sequence[int]], *, n_best: int) -> list[list[Scored] | NoAnswer]:
        """The best texts of one batch within the limits, from token numbers without marks."""

    def translate(
        self, lines: Iterable[str | TextLine], *, n_best: int = 1, ready: Callable[[], bool] = lambda: True
    ) -> Iterator[Answer]:
        """Translate lines in order; one that cannot be read or is too long is reported and stops no other."""
        numbered = enumerate(lines, 1)
        read = (line if isinstance(line, TextLine) else line_of_text(line, number) for number, line in numbered)
        return translate(read, self, n_best=n_best, ready=ready)


def translate(
    lines: Iterable[TextLine],
    translator: Translator,
    *,
    n_best: int = 1,
    ready: Callable[[], bool] = lambda: True,
) -> Iterator[Answer]:
    """Translate lines; answers come in the order of the lines, one for each, with texts or a problem.

    ready  whether the next line can be had without waiting: what is there is answered before more is waited for

    Lines of like length share a batch, so little is padded; a line's answer does not depend on its neighbours.
    """
    waiting = iter(lines)
    most = _FIRST_READ_AHEAD
    while group := _read_ahead(waiting, translator, most, ready):
        yield from _answers(group, translator, n_best)
        most = min(2 * most, _READ_AHEAD)


_Read = tuple[Answer, Sequence[int]]


def _read_ahead(
    waiting: Iterator[TextLine], translator: Translator, most: int, ready: Callable[[], bool]
) -> list[_Read]:
    group: list[_Read] = []
    for line in waiting:
        group.append(_read(line, translator))
        if len(group) == most or not ready():
            break
    return group


def _read(line: TextLine, translator: Translator) -> _Read:
    """The tokens of a line; none where it is answered already."""
    if line.content is None:
        message = f"longer than {LINE_BYTES // 2**10} KiB"
        return Answer(line, None, reason="line_too_long", message=message), ()
    try:
        source = line.content.decode()
    except UnicodeDecodeError as error:
        message = f"not UTF-8: byte {error.start + 1} is 0x{line.content[error.start]:02x}"
        return Answer(line, None, reason="not_utf8", message=message), ()
    if not source.strip():
        return Answer(line, source, (Scored("", 0.0),)), ()
    try:
        tokens = translator.encode(source)
    except BadText as bad:
        return Answer(line, source, reason=bad.reason, message=bad.message), ()
    if not tokens:
        return Answer(line, source, (Scored("", 0.0),)), ()
    # the end mark is none of the user's tokens
    least, most = translator.limits.least_source - 1, translator.limits.most_source - 1
    if len(tokens) < least:
        message = f"{len(tokens)} tokens, the model takes {least} or more"
        return Answer(line, source, reason="too_short", message=message), ()
    if len(tokens) > most:
        message = f"{len(tokens)} tokens, the model takes up to {most}"
        return Answer(line, source, reason="too_long", message=message), ()
    return Answer(line, source), tokens


def _answers(group: list[_Read], translator: Translator, n_best: int) -> Iterator[Answer]:
    """The answers of a group in its order, each as soon as those before it are known."""
    answers = [answer for answer, _ in group]
    lengths = {place: len(tokens) for place, (_, tokens) in enumerate(group) if tokens}
    open_places = set(lengths)
    given = 0
    for places in group_by_length(lengths, budget=_BATCH_TOKENS, most=min(translator.limits.most_batch, _BATCH_LINES)):
        texts = translator.search([group[place][1] for place in places], n_best=n_best)
        for place, found in zip(places, texts, strict=True):
            answers[place] = _answer(answers[place], found)
        open_places.difference_update(places)
        while given < len(answers) and given not in open_places:
            yield answers[given]
            given += 1
    yield from answers[given:]


def _answer(waiting: Answer, found: list[Scored] | NoAnswer) -> Answer:
    if isinstance(found, NoAnswer):
        return Answer(waiting.line, waiting.source, reason="no_answer", message=str(found))
    # an answer is one line, whatever the model wrote
    texts = tuple(Scored(" ".join(one.text.splitlines()), one.score) for one in found)
    return Answer(waiting.line, waiting.source, texts)
