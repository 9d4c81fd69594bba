"""Numbers of weights of the full sizes, counted by hand from the papers' layers; docs/sizes.md explains them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import s2sc
from s2sc.compiler.plan import plan

VOCAB = 32768


def transformer(d: int, inner: int) -> int:
    norm = 2 * d
    attention = 4 * d * d + norm
    feed_forward = d * inner + inner + inner * d + d + norm
    encoder = 6 * (attention + feed_forward) + norm
    decoder = 6 * (2 * attention + feed_forward) + norm
    return VOCAB * d + encoder + decoder


def gnmt(d: int = 1024) -> int:
    def lstm(reads: int) -> int:
        return 4 * d * (reads + d) + 4 * d

    embeddings_and_logits = 3 * VOCAB * d
    encoder = 2 * lstm(d) + lstm(2 * d) + 5 * lstm(d)
    attention = 2 * d * d + d + 1 + d  # query, memory, score vector and its length, bias of the normalised score
    decoder = lstm(2 * d) + attention + 7 * lstm(2 * d)
    return embeddings_and_logits + encoder + decoder


def convs2s(d: int = 512) -> int:
    def normed(inputs: int, outputs: int, kernel: int = 1) -> int:
        return inputs * outputs * kernel + outputs + outputs  # directions, lengths, biases

    layers = [(512, 3)] * 9 + [(1024, 3)] * 4 + [(2048, 1)] * 2
    total = VOCAB * d + 128 * d  # tokens of both sides and the logits; places of the source
    total += normed(2048, d)  # the encoder's end
    total += normed(2048, d) + VOCAB  # the decoder's, and the logits' bias
    for decoder in (False, True):
        reads = d
        for channels, kernel in layers:
            total += normed(reads, 2 * channels, kernel)
            total += normed(reads, channels) if reads != channels else 0
            total += normed(channels, d) + normed(d, channels) if decoder else 0
            reads = channels
    return total


@pytest.mark.parametrize(
    ("name", "by_hand", "weights"),
    [
        ("transformer_base", lambda: transformer(512, 2048), 60_880_896),
        ("transformer_big", lambda: transformer(1024, 4096), 209_842_176),
        ("gnmt", gnmt, 274_794_497),
        ("convs2s", convs2s, 134_998_016),
    ],
)
@pytest.mark.parametrize("profile", [None, "generated"])
def test_a_full_size_has_the_weights_of_its_paper(
    root: Path, name: str, by_hand: Callable[[], int], weights: int, profile: str | None
) -> None:
    planned = plan(s2sc.compile(root / "specs" / "translation" / f"{name}.s2s", profile=profile))
    assert planned.parameters == by_hand() == weights
