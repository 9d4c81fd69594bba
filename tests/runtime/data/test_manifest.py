"""Every line of a manifest becomes an example or a problem with its line and reason."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from s2sc.runtime.data.alphabet import AlphabetCodec
from s2sc.runtime.data.bad_audio import BadAudio
from s2sc.runtime.data.json_line import LINE_BYTES
from s2sc.runtime.data.manifest import BadManifest, Manifest, read_manifest
from s2sc.runtime.data.root import Root

GOOD = b'{"audio": "a.wav", "text": "one two", "duration": 1.5, "speaker": "ann", "extra": [1, {"b": null}]}'
CODEC = AlphabetCodec("abcdefghijklmnopqrstuvwxyz' ")


def read(folder: Path, content: bytes) -> Manifest:
    (folder / "m.jsonl").write_bytes(content)
    return read_manifest(Root(folder), "m.jsonl", CODEC.encode)


BAD_LINES = {
    "not_json": [
        b"{",
        b"audio: a.wav",
        b'{"audio": "a.wav", "text": "x", "duration": NaN}',
        b'{"audio": "a.wav", "text": "x", "duration": -Infinity}',
        b'{"audio": "a.wav", "text": "x", "duration": 1e999}',
        b'{"audio": "a.wav", "text": "x", "n": ' + b"9" * 5000 + b"}",
        b"[" * 60000,
        b'{"audio": "a.wav", "text": "x"} {}',
        b'{"audio": "a.wav", "text": "a\x00b"}',
    ],
    "not_an_object": [b"[]", b'"a.wav"', b"3", b"null"],
    "duplicate_key": [
        b'{"audio": "a.wav", "audio": "b.wav", "text": "x"}',
        b'{"audio": "a", "text": "x", "n": {"k": 1, "k": 2}}',
    ],
    "not_utf8": [b'{"audio": "a.wav", "text": "caf\xe9"}', b'{"audio": "\\ud800.wav", "text": "x"}'],
    "missing_field": [
        b'{"text": "x"}',
        b'{"audio": "a.wav"}',
        b'{"audio_filepath": "a.wav", "text": "x"}',
        b'{"audio": "", "text": "x"}',
    ],
    "wrong_type": [
        b'{"audio": 3, "text": "x"}',
        b'{"audio": "a.wav", "text": ["x"]}',
        b'{"audio": "a.wav", "text": null}',
        b'{"audio": "a.wav", "text": "x", "duration": "1.0"}',
        b'{"audio": "a.wav", "text": "x", "duration": true}',
        b'{"audio": "a.wav", "text": "x", "id": 4}',
        b'{"audio": "a.wav", "text": "x", "speaker": {}}',
    ],
    "wrong_duration": [
        b'{"audio": "a.wav", "text": "x", "duration": 0}',
        b'{"audio": "a.wav", "text": "x", "duration": -1}',
    ],
    "empty_text": [b'{"audio": "a.wav", "text": ""}', b'{"audio": "a.wav", "text": " \\t "}'],
    "not_in_alphabet": [b'{"audio": "a.wav", "text": "one 2"}', '{"audio": "a.wav", "text": "naïve"}'.encode()],
    "outside_root": [
        b'{"audio": "../a.wav", "text": "x"}',
        b'{"audio": "b/../../a.wav", "text": "x"}',
        b'{"audio": "/etc/passwd", "text": "x"}',
        b'{"audio": "C:\\\\a.wav", "text": "x"}',
        b'{"audio": "..\\\\a.wav", "text": "x"}',
        b'{"audio": "~/a.wav", "text": "x"}',
    ],
    "unreadable": [b'{"audio": "a\\u0000.wav", "text": "x"}', b'{"audio": "' + b"a" * 300 + b'", "text": "x"}'],
    "unsupported": [b'{"audio": "a.wav", "text": "x", "offset": 2.5, "duration": 1}'],
    "line_too_long": [b'{"audio": "a.wav", "text": "' + b"x" * LINE_BYTES + b'"}', b" " * (3 * LINE_BYTES) + b"x"],
}


@pytest.mark.parametrize("reason", BAD_LINES)
def test_a_bad_line_is_named_and_its_neighbours_are_read(tmp_path: Path, reason: str) -> None:
    for line in BAD_LINES[reason]:
        after = GOOD.replace(b"a.wav", b"z.wav")
        manifest = read(tmp_path, GOOD + b"\n" + line + b"\n" + after + b"\n")
        assert [example.line for example in manifest.examples] == [1, 3], line[:80]
        (problem,) = manifest.problems
        assert (problem.reason, problem.manifest, problem.line) == (reason, "m.jsonl", 2), line[:80]
        assert str(problem).isprintable()


def test_a_good_line_becomes_an_example(tmp_path: Path) -> None:
    (example,) = read(tmp_path, b"\xef\xbb\xbf" + GOOD.replace(b"one two", b" One   TWO ") + b"\r\n\r\n").examples
    assert (example.identity, example.audio, example.text) == ("a.wav", "a.wav", "one two")
    assert (example.seconds, example.speaker, CODEC.decode(example.tokens)) == (1.5, "ann", "one two")


def test_an_identity_stands_once(tmp_path: Path) -> None:
    manifest = read(tmp_path, GOOD + b"\n" + GOOD)
    assert [(problem.reason, problem.line) for problem in manifest.problems] == [("duplicate_id", 2)]
    named = [json.dumps({"id": name, "audio": "a.wav", "text": "x"}).encode() for name in ("p", "q")]
    assert len(read(tmp_path, b"\n".join(named)).examples) == 2


def test_a_hint_names_the_field_of_other_toolkits(tmp_path: Path) -> None:
    (problem,) = read(tmp_path, b'{"audio_filepath": "a.wav", "text": "x"}').problems
    assert "`audio_filepath`" in problem.message


def test_what_is_no_manifest_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    for path in ("absent.jsonl", "folder.jsonl", "pipe.jsonl", "../m.jsonl", "/etc/hostname"):
        with pytest.raises(BadManifest):
            read_manifest(Root(tmp_path), path, CODEC.encode)


def test_a_root_opens_nothing_outside_of_it(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "inner").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret.wav").write_bytes(b"secret")
    (root / "inner" / "clip.wav").write_bytes(b"clip")
    (root / "link.wav").symlink_to(root / "inner" / "clip.wav")
    (root / "out.wav").symlink_to(outside / "secret.wav")
    (root / "away").symlink_to(outside)
    (root / "loop").symlink_to(root / "loop")
    assert (
        Root(root).read("inner/clip.wav")
        == Root(root).read("link.wav")
        == Root(root).read("./inner//clip.wav")
        == b"clip"
    )
    for path in (
        "out.wav",
        "away/secret.wav",
        "../outside/secret.wav",
        str(outside / "secret.wav"),
        "inner/../../outside/secret.wav",
    ):
        with pytest.raises(BadAudio) as caught:
            Root(root).read(path)
        assert caught.value.reason == "outside_root", path
    for path in ("loop", "inner", "inner/clip.wav/x", ""):
        with pytest.raises(BadAudio):
            Root(root).read(path)
