"""Lines through a translator that turns words around, and says what it was asked."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from s2sc.runtime.data.json_line import LINE_BYTES
from s2sc.runtime.data.manifest import BadText
from s2sc.runtime.export.pair_metadata import TextLimits
from s2sc.runtime.grouping import group_by_length
from s2sc.runtime.line_reader import LineReader, LinesOfFiles, TextLine
from s2sc.runtime.no_answer import NoAnswer
from s2sc.runtime.translation import Answer, Scored, Translator, translate


class Reverser(Translator):
    """Writes the words of a line in reverse; a number as its token."""

    limits = TextLimits(least_batch=1, most_batch=8, least_source=1, most_source=21)
    most_texts = 4
    n_best = 1

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    def encode(self, text: str) -> tuple[int, ...]:
        if "?" in text:
            raise BadText("not_in_alphabet", "'?' not in the alphabet")
        return tuple(int(word) for word in text.split())

    def search(self, sentences: Sequence[Sequence[int]], *, n_best: int) -> list[list[Scored] | NoAnswer]:
        self.batches.append([len(sentence) for sentence in sentences])
        return [self._texts(sentence, n_best) for sentence in sentences]

    def _texts(self, sentence: Sequence[int], n_best: int) -> list[Scored] | NoAnswer:
        if 13 in sentence:
            return NoAnswer("the model gave numbers that are NaN after 0 tokens")
        text = " ".join(str(token) for token in reversed(sentence))
        return [Scored(f"{text}{'!' * place}", -float(place)) for place in range(n_best)]


def answers(texts: list[str], *, n_best: int = 1) -> list[Answer]:
    return list(Reverser().translate(texts, n_best=n_best))


@given(st.lists(st.lists(st.integers(14, 99), max_size=20), max_size=200))
def test_there_is_one_answer_for_each_line_in_order(lines: list[list[int]]) -> None:
    found = answers([" ".join(map(str, line)) for line in lines])
    assert [answer.line.number for answer in found] == list(range(1, len(lines) + 1))
    assert [answer.text for answer in found] == [" ".join(map(str, reversed(line))) for line in lines]


def test_a_line_that_cannot_be_translated_is_named_and_stops_no_other() -> None:
    content = b"1 2\n\xff3\n\n  \n4 ?\n" + b"5 " * 21 + b"\n7 13\n" + b"x" * (LINE_BYTES + 1) + b"\n8 9"
    found = list(translate(LineReader("in.txt", io.BytesIO(content)), Reverser()))
    assert [(answer.text, answer.reason) for answer in found] == [
        ("2 1", ""),
        (None, "not_utf8"),
        ("", ""),
        ("", ""),
        (None, "not_in_alphabet"),
        (None, "too_long"),
        (None, "no_answer"),
        (None, "line_too_long"),
        ("9 8", ""),
    ]
    assert found[1].line.place == "in.txt:2"
    assert found[1].message == "not UTF-8: byte 1 is 0xff"
    assert found[5].message == "21 tokens, the model takes up to 20"
    assert found[5].source is not None


def test_as_many_texts_are_given_as_are_asked_for() -> None:
    (answer,) = answers(["1 2"], n_best=3)
    assert answer.found == (Scored("2 1", 0.0), Scored("2 1!", -1.0), Scored("2 1!!", -2.0))


def test_an_answer_is_one_line_whatever_the_model_writes() -> None:
    class Poet(Reverser):
        def search(self, sentences: Sequence[Sequence[int]], *, n_best: int) -> list[list[Scored] | NoAnswer]:
            return [[Scored("roses\nare\r\nred", 0.0)] for _ in sentences]

    assert [answer.text for answer in Poet().translate(["1"])] == ["roses are red"]


def test_batches_hold_lines_of_like_length_within_the_limits() -> None:
    translator = Reverser()
    list(translator.translate("1 " * (1 + number % 20) for number in range(300)))
    assert max(map(len, translator.batches)) == Reverser.limits.most_batch
    padded = sum(max(batch) * len(batch) for batch in translator.batches)
    assert sum(map(sum, translator.batches)) / padded > 0.9


def test_groups_stay_below_their_budget() -> None:
    lengths = dict(enumerate([5, 900, 40, 41, 3, 3, 3]))
    groups = list(group_by_length(lengths, budget=100, most=3))
    assert groups == [[1], [3, 2], [0, 4, 5], [6]]


def test_what_is_there_is_answered_before_more_is_waited_for() -> None:
    reading, writing = os.pipe()
    with open(reading, "rb") as stream:
        reader = LineReader("", stream)
        found = translate(reader, Reverser(), ready=reader.ready)
        os.write(writing, b"1 2\n3 4\n5")
        assert [next(found).text, next(found).text] == ["2 1", "4 3"]
        os.write(writing, b" 6\n")
        assert next(found).text == "6 5"
        os.close(writing)
        assert next(found, None) is None


@given(st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line), max_size=20), st.integers(1, 40))
def test_lines_are_the_same_however_they_arrive(lines: list[bytes], chunk: int) -> None:
    class Slow(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            return self.read(chunk)

    content = b"".join(line + b"\n" for line in lines)
    whole = [line.removesuffix(b"\r") for line in lines]
    if whole:
        whole[0] = whole[0].removeprefix(b"\xef\xbb\xbf")
    assert [line.content for line in LineReader("", Slow(content))] == whole


def test_lines_end_as_on_any_system() -> None:
    reader = LineReader("", io.BytesIO(b"\xef\xbb\xbfone\r\ntwo\xc2\x85still two\n\nlast"))
    assert [line.content for line in reader] == [b"one", b"two\xc2\x85still two", b"", b"last"]


def test_a_line_over_the_limit_is_passed_over_and_the_next_is_sound() -> None:
    content = b"a" * LINE_BYTES + b"\n" + b"b" * (5 * LINE_BYTES) + b"\nc"
    reader = LineReader("f", io.BytesIO(content))
    assert [line.content for line in reader] == [b"a" * LINE_BYTES, None, b"c"]


def test_files_follow_each_other() -> None:
    streams = [("a", io.BytesIO(b"1\n2")), ("b", io.BytesIO(b"")), ("", io.BytesIO(b"3\n"))]
    lines = list(LinesOfFiles(streams))
    assert lines == [TextLine("a", 1, b"1"), TextLine("a", 2, b"2"), TextLine("", 1, b"3")]
    assert [line.place for line in lines] == ["a:1", "a:2", "line 1"]


def test_a_text_that_is_no_unicode_is_a_problem_of_its_own() -> None:
    first, second = answers(["1 \ud800", "2 3"])
    assert (first.reason, second.text) == ("not_utf8", "3 2")


def test_answers_come_before_all_is_read() -> None:
    def endless() -> Iterator[TextLine]:
        number = 0
        while True:
            number += 1
            yield TextLine("", number, b"1 2")

    stream = translate(endless(), Reverser())
    assert [next(stream).line.number for _ in range(2000)] == list(range(1, 2001))


@pytest.mark.parametrize("content", [b"", b"\n", b"\n\n"])
def test_nothing_becomes_nothing(content: bytes) -> None:
    found = list(translate(LineReader("", io.BytesIO(content)), Reverser()))
    assert [answer.text for answer in found] == [""] * content.count(b"\n")
