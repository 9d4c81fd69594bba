"""Error rates by hand, scores of corpora as sacrebleu has them, and perplexity."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import sacrebleu
from hypothesis import given
from hypothesis import strategies as st
from s2sc.compiler.parts.metrics.bleu import Bleu
from s2sc.compiler.parts.metrics.cer import Cer
from s2sc.compiler.parts.metrics.chrf import Chrf
from s2sc.compiler.parts.metrics.perplexity import Perplexity
from s2sc.compiler.parts.metrics.wer import Wer
from s2sc.runtime.metrics import bleu, cer, chrf, perplexity, wer
from s2sc.runtime.metrics.corpus_score import CorpusScore
from s2sc.runtime.metrics.error_rate import ErrorRate
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

PAIRS = [("one two three", "one two three"), ("one two", "one"), ("four", "for"), ("five six", "")]
texts = st.text(alphabet="ab ", max_size=12)
sentences = st.lists(st.sampled_from(["a", "b", "ab", "ba", "c."]), max_size=8).map(" ".join)


def distance(left: Sequence[str], right: Sequence[str]) -> int:
    """Levenshtein's distance by its definition."""
    row = list(range(len(right) + 1))
    for number, item in enumerate(left, start=1):
        before, row[0] = row[0], number
        for place, other in enumerate(right, start=1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (item != other))
    return row[-1]


@pytest.mark.parametrize(
    ("reference", "hypothesis", "words", "letters"),
    [
        ("the cat sat", "the cat sat", 0 / 3, 0 / 11),
        ("the cat sat", "the cat", 1 / 3, 4 / 11),  # dropped
        ("the cat", "the fat cat", 1 / 2, 4 / 7),  # added
        ("the cat", "the bat", 1 / 2, 1 / 7),  # replaced
        ("the cat", "", 2 / 2, 7 / 7),
        ("a", "b c d", 3 / 1, 5 / 1),  # more errors than words
        ("  the   cat ", "the cat", 0 / 2, 0 / 7),  # spaces are no words
    ],
)
def test_rates_by_hand(reference: str, hypothesis: str, words: float, letters: float) -> None:
    for metric, expected in ((wer.build(Wer()), words), (cer.build(Cer()), letters)):
        metric.update(reference, hypothesis)
        assert metric.value == expected


def test_errors_are_pooled_over_texts() -> None:
    """Not the mean of rates: a long text counts for more."""
    metric = wer.build(Wer())
    for reference, hypothesis in PAIRS:
        metric.update(reference, hypothesis)
    assert metric.value == (0 + 1 + 1 + 2) / (3 + 2 + 1 + 2)


@given(st.lists(texts, min_size=1))
def test_what_is_heard_perfectly_is_best(said: list[str]) -> None:
    for metric in (wer.build(Wer()), cer.build(Cer())):
        for text in said:
            metric.update(text, text)
        assert metric.value in (0, None)


@given(st.lists(st.tuples(texts, texts)), st.integers(0, 10))
def test_shards_together_are_the_whole(pairs: list[tuple[str, str]], cut: int) -> None:
    for build in (lambda: wer.build(Wer()), lambda: cer.build(Cer())):
        whole, left, right = build(), build(), build()
        for number, (reference, hypothesis) in enumerate(pairs):
            whole.update(reference, hypothesis)
            (left if number < cut else right).update(reference, hypothesis)
        left.merge(right.counts)
        assert (left.errors, left.units, left.value) == (whole.errors, whole.units, whole.value)


@given(st.lists(st.tuples(sentences, sentences), min_size=1), st.integers(0, 4))
def test_scores_of_shards_together_are_sacrebleus_of_the_whole(pairs: list[tuple[str, str]], cut: int) -> None:
    for metric in (BLEU(force=True), CHRF()):
        whole, left, right = CorpusScore(metric), CorpusScore(metric), CorpusScore(metric)
        for number, (reference, hypothesis) in enumerate(pairs):
            (left if number < cut else right).update(reference, hypothesis)
        whole.merge(left.counts)
        whole.merge(right.counts)
        references, hypotheses = zip(*pairs, strict=True)
        scorer = type(metric)()
        expected = scorer.corpus_score(hypotheses, [references])
        assert whole.value == expected.score
        assert whole.signature == str(scorer.get_signature())


@given(texts, texts)
def test_errors_are_levenshteins_distance(reference: str, hypothesis: str) -> None:
    metric = wer.build(Wer())
    metric.update(reference, hypothesis)
    assert metric.errors == distance(reference.split(), hypothesis.split())


def test_nothing_to_hear_has_no_rate() -> None:
    assert ErrorRate().value is None
    metric = wer.build(Wer())
    metric.update("", "a b")
    assert (metric.errors, metric.value) == (2, None)


SPOKEN = ["The cat sat on the mat .", "Nobody knows it, does she?", "one two three four five"]
TRANSLATED = ["The cat sat on a mat .", "nobody knows it, does he?", "one two three five four"]


@pytest.mark.parametrize("tokenize", ["13a", "intl", "char", "none", "zh"])
@pytest.mark.parametrize("lowercase", [False, True])
def test_bleu_is_sacrebleus(tokenize: str, lowercase: bool) -> None:
    metric = bleu.build(Bleu(tokenize=tokenize, lowercase=lowercase))
    for reference, hypothesis in zip(SPOKEN, TRANSLATED, strict=True):
        metric.update(reference, hypothesis)
    expected = sacrebleu.corpus_bleu(TRANSLATED, [SPOKEN], tokenize=tokenize, lowercase=lowercase, force=True)
    assert metric.value == expected.score
    assert f"tok:{tokenize}" in metric.signature
    assert ("case:lc" in metric.signature) == lowercase


@pytest.mark.parametrize("words", [0, 2])
def test_chrf_is_sacrebleus(words: int) -> None:
    metric = chrf.build(Chrf(words=words))
    for reference, hypothesis in zip(SPOKEN, TRANSLATED, strict=True):
        metric.update(reference, hypothesis)
    assert metric.value == sacrebleu.corpus_chrf(TRANSLATED, [SPOKEN], word_order=words).score
    assert f"nw:{words}" in metric.signature


def test_perplexity_is_the_number_of_equally_likely_tokens() -> None:
    metric = perplexity.build(Perplexity())
    metric.update_likelihood(3 * math.log(50), 3)
    metric.update_likelihood(5 * math.log(50), 5)
    assert metric.value == pytest.approx(50)


def test_a_perplexity_beyond_all_numbers_is_infinite() -> None:
    metric = perplexity.build(Perplexity())
    metric.update_likelihood(1e6, 1)
    assert metric.value == math.inf
