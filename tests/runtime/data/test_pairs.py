"""What is wrong in files of pairs is named with its file and line, and never moves the lines behind it."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from pathlib import Path

import pytest
from s2sc.runtime.data import pairs as pairs_module
from s2sc.runtime.data.example import Problem
from s2sc.runtime.data.json_line import LINE_BYTES
from s2sc.runtime.data.pairs import Files, Pair, read_pairs
from s2sc.runtime.data.root import Root
from s2sc.runtime.data.text_lines import BadTextFile, TextLimits

GOOD = ["one", "two", "three"]
LONG = b"a" * (LINE_BYTES + 1)


def read(folder: Path, files: Files, **settings: object) -> list[Pair | Problem]:
    return list(read_pairs(Root(folder), files, **settings))  # type: ignore[arg-type]  # limits or keys, as a test says


def found(folder: Path, files: Files, **settings: object) -> tuple[list[tuple[str, str, int]], list[str]]:
    """The pairs with their lines, and the problems as they are shown."""
    items = read(folder, files, **settings)
    pairs = [(one.source, one.target, one.line) for one in items if isinstance(one, Pair)]
    return pairs, [str(one) for one in items if isinstance(one, Problem)]


def two(folder: Path, source: bytes, target: bytes) -> tuple[str, str]:
    (folder / "a.en").write_bytes(source)
    (folder / "a.de").write_bytes(target)
    return "a.en", "a.de"


def lines(*rows: bytes) -> bytes:
    return b"".join(row + b"\n" for row in rows)


@pytest.mark.parametrize("zipped", [False, True])
def test_two_files_are_read_line_by_line(tmp_path: Path, zipped: bool) -> None:
    pack = gzip.compress if zipped else bytes
    # what the name says does not matter
    files = two(tmp_path, pack(lines(b"one", b"two")), pack("eins\nzwei ö".encode()))
    assert found(tmp_path, files) == ([("one", "eins", 1), ("two", "zwei ö", 2)], [])


def test_columns_and_json_lines_hold_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_bytes(lines(b"one\teins", b"two\tzwei"))
    rows = [{"source": "one", "target": "eins", "id": 7}, {"target": "zwei", "source": "two"}]
    (tmp_path / "a.jsonl").write_bytes(lines(*(json.dumps(row).encode() for row in rows)))
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(b'{"en": "one", "de": "eins"}'))
    expected: tuple[list[tuple[str, str, int]], list[str]] = ([("one", "eins", 1), ("two", "zwei", 2)], [])
    assert found(tmp_path, "a.tsv") == expected
    assert found(tmp_path, "a.jsonl") == expected
    assert found(tmp_path, "b.jsonl.gz", keys=("en", "de")) == ([("one", "eins", 1)], [])


def test_text_is_composed_and_ends_of_lines_are_no_text(tmp_path: Path) -> None:
    files = two(tmp_path, b"\xef\xbb\xbfcafe\xcc\x81 \r\nb\r\n", b"  x\ty\nb")
    assert found(tmp_path, files) == ([("caf\u00e9", "x\ty", 1), ("b", "b", 2)], [])


BAD_LINES = {
    "empty": (b"", "empty_text: an empty line"),
    "only spaces": (b" \t ", "empty_text: an empty line"),
    "only a no-break space": (b"\xc2\xa0", "empty_text: an empty line"),
    "latin-1": (b"gr\xfcn", "not_utf8: byte 3 of the line is not UTF-8"),
    "overlong utf-8": (b"a\xc0\xaf", "not_utf8: byte 2 of the line is not UTF-8"),
    "cut utf-8": (b"a\xe2\x82", "not_utf8: byte 2 of the line is not UTF-8"),
    "surrogate": (b"\xed\xa0\x80", "not_utf8: byte 1 of the line is not UTF-8"),
    "nul": (b"a\x00b", "control_character: U+0000 at character 2"),
    "escape": (b"\x1b[31mred", "control_character: U+001B at character 1"),
    "carriage return": (b"one\rtwo", "control_character: U+000D at character 4"),
    "vertical tab": (b"one\x0btwo", "control_character: U+000B at character 4"),
    "form feed": (b"one\x0c", "control_character: U+000C at character 4"),
    "file separator": (b"one\x1ctwo", "control_character: U+001C at character 4"),
    "next line": ("one\u0085two".encode(), "control_character: U+0085 at character 4"),
    "line separator": ("one\u2028two".encode(), "control_character: U+2028 at character 4"),
    "paragraph separator": ("one\u2029two".encode(), "control_character: U+2029 at character 4"),
    "delete": (b"a\x7f", "control_character: U+007F at character 2"),
    "too long": (LONG, "line_too_long: longer than 64 KiB"),
    "far too long": (LONG * 3, "line_too_long: longer than 64 KiB"),
}


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("name", BAD_LINES)
def test_a_bad_line_of_two_files_is_named_and_the_others_stay_in_step(tmp_path: Path, name: str, side: int) -> None:
    raw, words = BAD_LINES[name]
    rows = [[b"one", b"two", b"three"], [b"eins", b"zwei", b"drei"]]
    rows[side][1] = raw
    files = two(tmp_path, lines(*rows[0]), lines(*rows[1]))
    assert found(tmp_path, files) == ([("one", "eins", 1), ("three", "drei", 3)], [f"{files[side]}:2: {words}"])


def test_a_line_that_is_bad_on_both_sides_is_one_problem(tmp_path: Path) -> None:
    files = two(tmp_path, lines(b"one", b""), lines(b"eins", b"\xff"))
    assert found(tmp_path, files)[1] == ["a.en:2: empty_text: an empty line"]


BAD_COLUMNS = {
    "no tab": (b"two zwei", "wrong_columns: no tab where one divides source and target"),
    "three": (b"two\tzwei\tdeux", "wrong_columns: 2 tabs where one divides source and target"),
    "no source": (b"\tzwei", "empty_text: an empty line"),
    "no target": (b"two\t", "empty_text: an empty line"),
    "blank": (b"", "empty_text: an empty line"),
    "latin-1": (b"two\tgr\xfcn", "not_utf8: byte 3 of the line is not UTF-8"),
    "too long": (b"two\t" + LONG, "line_too_long: longer than 64 KiB"),
    "control": (b"two\tzw\x00ei", "control_character: U+0000 at character 3"),
}
BAD_JSON = {
    "blank": (b"", "empty_text: an empty line"),
    "no json": (b"two\tzwei", "not_json: expecting value (column 1)"),
    "no object": (b'["two", "zwei"]', "not_an_object: a JSON list instead of an object"),
    "no target": (b'{"source": "two"}', "missing_field: no field `target`"),
    "a number": (b'{"source": 2, "target": "zwei"}', "wrong_type: `source` is a number, not a string"),
    "twice": (b'{"source": "a", "source": "b", "target": "c"}', "duplicate_key: the key 'source' stands there twice"),
    "empty": (b'{"source": "two", "target": " "}', "empty_text: `target`: an empty line"),
    "surrogate": (
        b'{"source": "\\ud800", "target": "zwei"}',
        "not_utf8: `source`: half of a surrogate pair, U+D800 at character 1",
    ),
    "line feed": (
        b'{"source": "two\\nlines", "target": "zwei"}',
        "control_character: `source`: U+000A at character 4",
    ),
    "deep": (b"[" * 60000, "not_json: nested too deeply"),
    "latin-1": (b'{"source": "gr\xfcn"}', "not_utf8: byte 15 of the line is not UTF-8"),
}


@pytest.mark.parametrize("name", BAD_COLUMNS)
def test_a_bad_row_of_columns_is_named(tmp_path: Path, name: str) -> None:
    raw, words = BAD_COLUMNS[name]
    (tmp_path / "a.tsv").write_bytes(lines(b"one\teins", raw, b"three\tdrei"))
    assert found(tmp_path, "a.tsv") == ([("one", "eins", 1), ("three", "drei", 3)], [f"a.tsv:2: {words}"])


@pytest.mark.parametrize("name", BAD_JSON)
def test_a_bad_json_line_is_named(tmp_path: Path, name: str) -> None:
    raw, words = BAD_JSON[name]
    good = b'{"source": "one", "target": "eins"}'
    (tmp_path / "a.jsonl").write_bytes(lines(good, raw, good))
    pairs, problems = found(tmp_path, "a.jsonl")
    assert pairs == [("one", "eins", 1), ("one", "eins", 3)]
    assert problems == [f"a.jsonl:2: {words}"]


@pytest.mark.parametrize(
    ("source", "target", "counts"),
    [
        (b"a\nb\nc\n", b"a\nb\n", "a.en has 3 lines and a.de has 2"),
        (b"a\n", b"a\nb\nc\nd\ne", "a.en has 1 lines and a.de has 5"),
        (b"", b"a\n", "a.en has 0 lines and a.de has 1"),
        (b"a\nb\n\n", b"a\nb\n", "a.en has 3 lines and a.de has 2"),
    ],
)
def test_files_of_different_lengths_are_refused_with_both(
    tmp_path: Path, source: bytes, target: bytes, counts: str
) -> None:
    with pytest.raises(BadTextFile, match=counts):
        read(tmp_path, two(tmp_path, source, target))


UNREADABLE = {
    "utf-16": ("one\n".encode("utf-16"), "is UTF-16; save it as UTF-8"),
    "xz": (lzma.compress(b"one\n"), "is compressed by xz; plain text and gzip are read"),
    "bzip2": (bz2.compress(b"one\n"), "is compressed by bzip2; plain text and gzip are read"),
    "zip": (b"PK\x03\x04rest", "is a zip file; plain text and gzip are read"),
    "cut gzip": (gzip.compress(b"one\n" * 1000)[:-12], "the gzip file is damaged"),
    "broken gzip": (gzip.compress(b"one\n" * 9)[:12] + b"\xff" * 30, "the gzip file is damaged"),
    "wrong check sum": (gzip.compress(b"one\n")[:-8] + b"\x00" * 8, "the gzip file is damaged"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, name: str) -> None:
    content, words = UNREADABLE[name]
    (tmp_path / "a.tsv").write_bytes(content)
    with pytest.raises(BadTextFile, match=r"a\.tsv") as caught:
        read(tmp_path, "a.tsv")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("none.tsv", "there is no such file"),
        ("folder", "not a regular file"),
        ("../secret.tsv", "leads out of the data's root"),
        ("/etc/passwd", "leads out of the data's root"),
        ("link.tsv", "leads out of the data's root"),
    ],
)
def test_no_path_leads_out_of_the_root(tmp_path: Path, path: str, words: str) -> None:
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    (tmp_path / "secret.tsv").write_bytes(b"a\tb\n")
    (root / "link.tsv").symlink_to(tmp_path / "secret.tsv")
    with pytest.raises(BadTextFile, match=words):
        read(root, path)


def test_what_a_small_file_unpacks_to_is_limited(tmp_path: Path) -> None:
    (tmp_path / "one_line.tsv").write_bytes(gzip.compress(b"a" * 2**22))
    (tmp_path / "many_lines.tsv").write_bytes(gzip.compress(b"a\tb\n" * 2**18))
    with pytest.raises(BadTextFile, match=r"one_line\.tsv: larger than"):
        read(tmp_path, "one_line.tsv", limits=TextLimits(file_bytes=2**20))
    with pytest.raises(BadTextFile, match=r"many_lines\.tsv: larger than"):
        read(tmp_path, "many_lines.tsv", limits=TextLimits(file_bytes=2**19))
    with pytest.raises(BadTextFile, match="more than 1,000 lines"):
        read(tmp_path, "many_lines.tsv", limits=TextLimits(lines=1000))


def test_a_file_of_nothing_but_bad_lines_ends_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs_module, "MOST_PROBLEMS", 10)
    (tmp_path / "a.tsv").write_bytes(b"\n" * 1000)
    with pytest.raises(BadTextFile, match="more than 10 bad lines"):
        read(tmp_path, "a.tsv")
