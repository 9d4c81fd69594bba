"""Tokenizers made from texts: the same each time, known by their hash, read back with mistrust."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from s2sc.compiler.parts.data.parallel_text import ParallelText
from s2sc.compiler.parts.text.characters import Characters
from s2sc.compiler.parts.text.sentencepiece import SentencePiece
from s2sc.compiler.parts.text.words import Words
from s2sc.compiler.trained_tokenizer import TrainedTokenizer
from s2sc.runtime.data.codec import NO_TOKEN
from s2sc.runtime.data.codecs import BadTokens, Codecs, codecs_from_files, open_codecs
from s2sc.runtime.data.tally import BadData
from s2sc.runtime.data.token_training import trained_codecs

SOURCES = ["a small dog runs", "two small cats sleep", "a dog sleeps", "the cats run", "Émile's café — done!"] * 4
TARGETS = ["ein kleiner Hund rennt", "zwei kleine Katzen schlafen", "ein Hund schläft", "die Katzen rennen", "ja"] * 4
KINDS: dict[str, TrainedTokenizer] = {
    "words": Words(size=12),
    "words in lower case": Words(size=20, lower=True),
    "characters": Characters(size=30),
    "unigram": SentencePiece(size=45),
    "bpe": SentencePiece(size=60, kind="bpe"),
}


def settings(tokens: TrainedTokenizer | None = None, **sides: TrainedTokenizer) -> ParallelText:
    return ParallelText(tokens=tokens, train=(), **sides)


def trained(parts: ParallelText, cache: Path, **more: Any) -> Codecs:
    return trained_codecs(parts, SOURCES, TARGETS, environment={"S2SC_CACHE": str(cache)}, **more)


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_begin_behind_the_marks_and_give_the_text_back(tmp_path: Path, kind: str) -> None:
    tokenizer = KINDS[kind]
    codecs = trained(settings(tokenizer), tmp_path)
    assert codecs.joint
    assert codecs.source.num_tokens == tokenizer.size
    for text in (*SOURCES[:5], *TARGETS[:5]):
        normalised, numbers = codecs.source.encode(text)
        assert all(number == 0 or 3 <= number < tokenizer.size for number in numbers)
        assert codecs.source.encode_all([text]) == [list(numbers)]
        if 0 not in numbers:
            assert codecs.target.decode(numbers) == normalised
            assert codecs.target.decode([1, *numbers, 2]) == normalised


@pytest.mark.parametrize("kind", KINDS)
def test_what_training_never_saw_is_unknown(tmp_path: Path, kind: str) -> None:
    codec = trained(settings(KINDS[kind]), tmp_path).source
    _, numbers = codec.encode("\u4e2d\u6587")
    assert 0 in numbers
    assert NO_TOKEN in codec.decode(numbers)
    assert codec.decode([]) == ""
    assert codec.decode([1, 2]) == ""
    assert codec.encode("") == ("", ())


def test_text_is_composed_with_one_space_between_words(tmp_path: Path) -> None:
    for kind in ("words", "characters", "unigram"):
        codec = trained(settings(KINDS[kind]), tmp_path).source
        assert codec.encode("  a\u00a0 small\tdog ")[0] == "a small dog"
        assert codec.encode("cafe\u0301")[0] == "caf\u00e9"
    assert trained(settings(KINDS["words in lower case"]), tmp_path).source.encode("A DOG")[0] == "a dog"


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_texts_give_the_same_files_in_another_process(tmp_path: Path, kind: str) -> None:
    codecs = trained(settings(KINDS[kind]), tmp_path / "here")
    code = (
        "import sys; from pathlib import Path; from s2sc.tests.runtime.data import test_codecs as t;"
        "t.trained(t.settings(t.KINDS[sys.argv[1]]), Path(sys.argv[2]))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "3"}
    subprocess.run([sys.executable, "-c", code, kind, str(tmp_path / "there")], check=True, env=environment)
    (here,), (there,) = (list((tmp_path / place).iterdir()) for place in ("here", "there"))
    assert here.name == there.name
    assert {file.name: file.read_bytes() for file in there.iterdir()} == codecs.to_files()
    assert {file.name: file.read_bytes() for file in here.iterdir()} == codecs.to_files()


def test_the_most_frequent_words_have_the_first_numbers(tmp_path: Path) -> None:
    codec = trained_codecs(
        settings(source=Words(size=5), target=Words(size=6)),
        ["b a b", "c a b d"],
        ["x x y"],
        environment={"S2SC_CACHE": str(tmp_path)},
    )
    assert codec.source.encode("b a c d")[1] == (3, 4, 0, 0)
    assert codec.target.encode("x y")[1] == (3, 4)
    assert not codec.joint


def test_one_tokenizer_may_be_trained_for_each_side(tmp_path: Path) -> None:
    apart = trained(settings(Words(size=12, joint=False)), tmp_path)
    joint = trained(settings(Words(size=12)), tmp_path)
    assert not apart.joint
    assert 0 in apart.source.encode("Hund")[1]
    assert 0 not in joint.source.encode("Hund")[1]


@pytest.mark.parametrize(
    ("tokenizer", "words"),
    [
        (SentencePiece(size=5000), r"tokens: the training texts give \d+ pieces at most, not 5000; write size = \d+"),
        (SentencePiece(size=5000, kind="bpe"), r"the training texts give \d+ pieces at most, not 5000"),
        (SentencePiece(size=10), r"\d+ different characters, which size = 10 has no room for; write size = \d+"),
    ],
)
def test_a_size_that_the_texts_do_not_allow_names_one_that_they_do(
    tmp_path: Path, tokenizer: SentencePiece, words: str
) -> None:
    with pytest.raises(BadData, match=words) as caught:
        trained(settings(tokenizer), tmp_path)
    size = int(str(caught.value).partition("size = " if tokenizer.size > 10 else "write size = ")[2].split()[0])
    assert trained(settings(tokenizer.changed(size=size)), tmp_path).source.num_tokens == size


def test_a_table_that_is_far_from_full_gets_a_warning(tmp_path: Path) -> None:
    said: list[str] = []
    assert trained(settings(Words(size=500)), tmp_path, warn=said.append).source.num_tokens == 500
    (line,) = said
    assert "size = 500 is more than the training texts fill" in line
    trained(settings(Words(size=500)), tmp_path, warn=said.append)
    assert len(said) == 1, "the second time they come from the cache"


def test_the_cache_is_used_and_what_is_broken_in_it_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = settings(KINDS["unigram"])
    first = trained(parts, tmp_path).to_files()
    (folder,) = tmp_path.iterdir()
    from s2sc.runtime.data import token_training

    def fail(*arguments: object) -> None:
        raise AssertionError("trained again")

    with monkeypatch.context() as patched:
        patched.setattr(token_training, "_train", fail)
        assert trained(parts, tmp_path).to_files() == first
    # other texts, other settings: another folder
    trained(settings(SentencePiece(size=44)), tmp_path)
    trained_codecs(parts, SOURCES[:-1], TARGETS, environment={"S2SC_CACHE": str(tmp_path)})
    trained_codecs(parts, [*SOURCES, TARGETS[0]], TARGETS[1:], environment={"S2SC_CACHE": str(tmp_path)})
    assert len(list(tmp_path.iterdir())) == 4
    (folder / "joint.model").write_bytes(b"cut")
    said: list[str] = []
    assert trained(parts, tmp_path, warn=said.append).to_files() == first
    assert "made again" in said[0]
    (folder / "tokens.json").unlink()
    assert trained(parts, tmp_path).to_files() == first
    assert (folder / "tokens.json").exists()


def test_a_cache_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said: list[str] = []
    assert trained(settings(KINDS["words"]), tmp_path / "file", warn=said.append).joint
    assert "S2SC_CACHE" in said[0]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_saved_is_read_back(tmp_path: Path, kind: str) -> None:
    parts = settings(KINDS[kind])
    codecs = trained(parts, tmp_path / "cache")
    codecs.save(tmp_path / "run" / "tokens")
    for again in (
        open_codecs(tmp_path / "run" / "tokens", parts),
        codecs_from_files(codecs.to_files()),
        pickle.loads(pickle.dumps(codecs)),
    ):
        for text in SOURCES:
            assert again.source.encode(text) == codecs.source.encode(text)
            assert again.target.encode(text) == codecs.target.encode(text)
        assert again.source.num_tokens == codecs.source.num_tokens


def changed(key: str, value: object) -> Callable[[dict[str, Any]], Any]:
    def change(content: dict[str, Any]) -> Any:
        content["joint"][key] = value
        return content

    return change


HOSTILE: dict[str, tuple[str, Callable[[dict[str, Any]], Any], str]] = {
    "a list": ("words", lambda content: [content], "holds no tokenizers of s2sc"),
    "another format": ("words", lambda content: content | {"format": "x"}, "holds no tokenizers of s2sc"),
    "another version": ("words", lambda content: content | {"version": 99}, "this s2sc reads 1"),
    "no side": ("words", lambda content: {"format": content["format"], "version": 1}, "neither one tokenizer nor"),
    "three sides": ("words", lambda content: content | {"source": {}, "target": {}}, "neither one tokenizer nor"),
    "no object": ("words", lambda content: content | {"joint": 3}, "a tokenizer is no object"),
    "no kind": ("words", changed("kind", None), "there is no tokenizer"),
    "a module's name": ("words", changed("kind", "os.system"), "there is no tokenizer"),
    "a huge size": ("words", changed("size", 10**12), "is no number of tokens"),
    "a small size": ("words", changed("size", 3), "is no number of tokens"),
    "a size that is true": ("words", changed("size", True), "is no number of tokens"),
    "too many pieces": ("words", changed("pieces", [str(number) for number in range(50)]), "no list of at most 9"),
    "no pieces": ("words", changed("pieces", []), "no list of at most 9"),
    "numbers": ("words", changed("pieces", [1, 2]), "a piece is no text"),
    "an empty piece": ("words", changed("pieces", [""]), "a piece is no text"),
    "a piece twice": ("words", changed("pieces", ["a", "a"]), "a piece stands there twice"),
    "half a surrogate pair": ("words", changed("pieces", ["\ud800"]), "a control character"),
    "a terminal's command": ("words", changed("pieces", ["\x1b[2J"]), "a control character"),
    "lower is text": ("words", changed("lower", "no"), "neither true nor false"),
    "long characters": ("characters", changed("pieces", ["ab"]), "a character has several"),
    "another file": ("unigram", changed("file", "../../etc/passwd"), "is no name of a model"),
    "a number as file": ("unigram", changed("file", 7), "is no name of a model"),
    "a missing file": ("unigram", changed("file", "target.model"), "cannot be read"),
    "another hash": ("unigram", changed("sha256", "0" * 64), "is not the file that"),
    "no hash": ("unigram", changed("sha256", None), "is not the file that"),
    "another size": ("unigram", changed("size", 46), "has 45 tokens, not 46"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_not_what_was_written_is_refused(tmp_path: Path, name: str) -> None:
    kind, change, words = HOSTILE[name]
    trained(settings(KINDS[kind]), tmp_path / "cache").save(tmp_path)
    content = json.loads((tmp_path / "tokens.json").read_bytes())
    (tmp_path / "tokens.json").write_text(json.dumps(change(content)))
    with pytest.raises(BadTokens) as caught:
        open_codecs(tmp_path)
    assert words in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\xff", b"[" * 100_000, b'{"format": NaN}', b"null"])
def test_an_index_that_is_no_json_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "tokens.json").write_bytes(content)
    with pytest.raises(BadTokens):
        open_codecs(tmp_path)


@pytest.mark.parametrize("model", [b"", b"garbage" * 20, b"\x0a\xff\xff\xff\xff\x0f", b"cut"])
def test_a_model_that_is_none_is_refused_though_its_hash_fits(tmp_path: Path, model: bytes) -> None:
    trained(settings(KINDS["bpe"]), tmp_path / "cache").save(tmp_path)
    if model == b"cut":
        model = (tmp_path / "joint.model").read_bytes()[:200]
    content = json.loads((tmp_path / "tokens.json").read_bytes())
    content["joint"]["sha256"] = hashlib.sha256(model).hexdigest()
    (tmp_path / "tokens.json").write_text(json.dumps(content))
    (tmp_path / "joint.model").write_bytes(model)
    with pytest.raises(BadTokens, match=r"joint\.model"):
        open_codecs(tmp_path)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (settings(Words(size=13)), "words of 12 tokens, the spec says words of 13"),
        (settings(Characters(size=12)), "the spec says characters of 12"),
        (settings(Words(size=12, lower=True)), "`lower`"),
        (settings(Words(size=12, joint=False)), "a vocabulary each"),
        (settings(source=Words(size=12), target=Words(size=12)), "a vocabulary each"),
    ],
)
def test_tokenizers_of_another_spec_are_refused(tmp_path: Path, parts: ParallelText, words: str) -> None:
    trained(settings(KINDS["words"]), tmp_path / "cache").save(tmp_path)
    with pytest.raises(BadTokens, match=words):
        open_codecs(tmp_path, parts)


def test_words_need_no_library_for_pieces(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['sentencepiece'] = None; from pathlib import Path;"
        "from s2sc.tests.runtime.data import test_codecs as t;"
        "t.trained(t.settings(t.KINDS['words']), Path(sys.argv[1]));"
        "t.trained(t.settings(t.KINDS['bpe']), Path(sys.argv[1]))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert 'pip install "s2sc[text]"' in done.stderr.splitlines()[-1]
    assert len(list(tmp_path.iterdir())) == 1
