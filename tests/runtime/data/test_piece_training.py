"""SentencePiece models trained in a process of their own."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
from s2sc.runtime.data.piece_training import TrainingFailed, train_pieces

LIBRARY = Path(sentencepiece.__file__).parent.parent
SETTINGS: dict[str, Any] = {"vocab_size": 24, "model_type": "bpe", "minloglevel": 2}


def test_a_model_is_the_same_as_the_library_makes_in_this_process() -> None:
    texts, model = ["a small dog runs", "the cats run"], io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(texts), model_writer=model, **SETTINGS)
    assert train_pieces(LIBRARY, texts, **SETTINGS) == model.getvalue()


def test_ctrl_c_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Recorded(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **more: Any) -> None:
            super().__init__(*arguments, **more)
            started.append(self)

    def texts() -> Iterator[str]:
        yield "a small dog runs"
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    with pytest.raises(KeyboardInterrupt):
        train_pieces(LIBRARY, texts(), **SETTINGS)
    assert started[0].returncode == -9


def test_a_process_that_ends_without_an_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(TrainingFailed, match="its process ended with 1"):
        train_pieces(LIBRARY, ["a small dog runs"] * 100_000, **SETTINGS)


def test_what_the_library_finds_wrong_is_told() -> None:
    with pytest.raises(TrainingFailed, match="value <= "):
        train_pieces(LIBRARY, ["a small dog runs"], **{**SETTINGS, "vocab_size": 2400})
