"""Pairs of sentences as numbers of tokens: Multi30k where it is at hand, else made up with lengths like its own."""

from __future__ import annotations

import gzip
import io
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

UNKNOWN, BEGIN, END = range(3)
NUM_MARKS = 3
LONGEST = 80

Tokens = tuple[int, ...]


@dataclass(frozen=True)
class Sentences:
    """Sentence pairs for one joint vocabulary.

    sources, targets  numbers of tokens without marks; 0, 1 and 2 are unknown, begin and end
    vocabulary        how many numbers there are, marks included
    origin            where they come from, for the report
    """

    sources: tuple[Tokens, ...]
    targets: tuple[Tokens, ...]
    vocabulary: int
    origin: str

    @property
    def target_tokens(self) -> int:
        """What a pass over all of them predicts: every token and every end mark."""
        return sum(len(target) + 1 for target in self.targets)

    def write(self, folder: Path) -> None:
        """`train.en` and `train.de`, a line each, tokens as words: cut already, so that all toolkits see the same."""
        folder.mkdir(parents=True, exist_ok=True)
        for language, sentences in (("en", self.sources), ("de", self.targets)):
            lines = (" ".join(map(word, sentence)) + "\n" for sentence in sentences)
            (folder / f"train.{language}").write_text("".join(lines), encoding="utf-8")


def word(number: int) -> str:
    """How the token of this number is written."""
    return f"w{number}"


def choose_sentences(count: int, *, vocabulary: int, seed: int = 0) -> Sentences:
    """So many pairs, drawn from Multi30k's training split in `S2SC_DATA`, or made up where there is none."""
    root = os.environ.get("S2SC_DATA", "")
    folder = Path(root, "multi30k")
    if root and (folder / "train.en.gz").exists():
        return _multi30k(folder, count, vocabulary=vocabulary, seed=seed)
    return _made_up(count, vocabulary=vocabulary, seed=seed)


def _multi30k(folder: Path, count: int, *, vocabulary: int, seed: int) -> Sentences:
    """Cut by a byte-pair model that is trained on both languages of the whole split."""
    import sentencepiece

    sides = [gzip.decompress((folder / f"train.{language}.gz").read_bytes()).decode() for language in ("en", "de")]
    lines = [side.rstrip("\n").split("\n") for side in sides]
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([*lines[0], *lines[1]]),
        model_writer=model,
        vocab_size=vocabulary,
        model_type="bpe",
        character_coverage=1.0,
        minloglevel=2,
    )
    # its marks have the numbers that are used here: unknown 0, begin 1, end 2
    codec = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    pairs = zip(codec.encode(lines[0]), codec.encode(lines[1]), strict=True)
    kept = [pair for pair in pairs if all(0 < len(tokens) <= LONGEST for tokens in pair)]
    chosen = random.Random(seed).sample(kept, min(count, len(kept)))
    sources, targets = (tuple(tuple(pair[side]) for pair in chosen) for side in (0, 1))
    return Sentences(sources, targets, vocabulary, f"{len(chosen):,} pairs of Multi30k en–de")


def _made_up(count: int, *, vocabulary: int, seed: int) -> Sentences:
    """Lengths of Multi30k (a skewed bell around 14 and 15 tokens) and words as rare as words are."""
    chance = random.Random(seed)
    numbers = range(NUM_MARKS, vocabulary)
    weights = [1 / (10 + rank) for rank in range(len(numbers))]

    def sentence(length: float) -> Tokens:
        return tuple(chance.choices(numbers, weights, k=max(3, min(LONGEST, round(length)))))

    lengths = [chance.lognormvariate(2.6, 0.3) for _ in range(count)]
    sources = tuple(map(sentence, lengths))
    targets = tuple(sentence(length * chance.lognormvariate(0.05, 0.18)) for length in lengths)
    return Sentences(sources, targets, vocabulary, f"{count:,} made-up pairs")


def padded(sentences: Sequence[Sequence[int]], fill: int) -> list[list[int]]:
    """Rows of one length."""
    width = max(map(len, sentences))
    return [[*sentence, *[fill] * (width - len(sentence))] for sentence in sentences]
