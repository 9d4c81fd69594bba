"""SentencePiece models trained in a process of their own, which Ctrl-C ends at once.

The library works for minutes without giving Python a turn. This file is also the program of that process; that is why
it imports the standard library only, until it is told where the library is.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_MADE, _FAILED = b"+", b"-"


class TrainingFailed(Exception):
    """What SentencePiece found wrong."""


def train_pieces(library: Path, texts: Iterable[str], **settings: object) -> bytes:
    """The content of a .model file; TrainingFailed.

    library   the folder that the package sentencepiece is in
    texts     without line feeds
    settings  as SentencePieceTrainer.train takes them
    """
    # -I: nothing of the user's environment is imported
    process = subprocess.Popen(
        [sys.executable, "-I", __file__, str(library)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        # one that ended early says why
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(settings).encode() + b"\n")
            process.stdin.writelines(text.encode() + b"\n" for text in texts)
            process.stdin.close()
        answer = process.stdout.read()
        process.wait()
    finally:
        # whatever interrupted this ends it
        process.kill()
        process.wait()
        process.stdout.close()
        with suppress(BrokenPipeError):
            process.stdin.close()
    if not answer.startswith((_MADE, _FAILED)):
        raise TrainingFailed(f"its process ended with {process.returncode}")
    if answer.startswith(_FAILED):
        raise TrainingFailed(answer.removeprefix(_FAILED).decode(errors="replace"))
    return answer.removeprefix(_MADE)


def _serve(library: str) -> None:
    """Train with the settings and texts of stdin; the model or what is wrong goes to stdout."""
    sys.path.insert(0, library)
    from sentencepiece import SentencePieceTrainer

    settings = json.loads(sys.stdin.buffer.readline())
    texts = (line.decode().removesuffix("\n") for line in sys.stdin.buffer)
    model = io.BytesIO()
    try:
        SentencePieceTrainer.train(sentence_iterator=texts, model_writer=model, **settings)
        answer = _MADE + model.getvalue()
    except RuntimeError as error:
        answer = _FAILED + str(error).encode()
    sys.stdout.buffer.write(answer)


if __name__ == "__main__":
    _serve(sys.argv[1])
