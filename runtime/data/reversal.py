"""The corpus of reversals: strings of digits and the same backwards, made on first use."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from ..storage import Storage
from .corpus import CorpusError

# Another number for every change that alters a byte of a corpus: an older one is then made again.
VERSION = 1
SPLITS = ("train", "valid", "test")
SOURCE, TARGET = "source", "target"

_DESCRIPTION = "corpus.json"
_MOST_DRAWS = 1000

OnProgress = Callable[[int, int], None]


def make_corpus(
    folder: Path,
    *,
    seed: int = 0,
    examples: int = 10_000,
    longest: int = 12,
    on_progress: OnProgress | None = None,
) -> Path:
    """Make the corpus in `folder`, unless it is there already; returns `folder`.

    seed         the same seed gives the same bytes
    examples     pairs to train on; valid and test have a twentieth each, in which no string stands that train has
    longest      digits of the longest string; one digit is the shortest, and all lengths are as frequent
    on_progress  called with (done, total) after each split; not called when nothing is to be made

    The folder holds train.source, train.target and so on, and `corpus.json`. It appears when it is complete.
    Raises CorpusError where the folder holds something else.
    """
    sizes = {"train": examples, "valid": max(1, examples // 20), "test": max(1, examples // 20)}
    description = {"corpus": "reversal", "version": VERSION, "seed": seed, "longest": longest, "pairs": sizes}
    found = _description(folder)
    if found is not None and all(found.get(name) == value for name, value in description.items()):
        return folder
    if folder.exists() and (found is None or found.get("corpus") != "reversal") and any(folder.iterdir()):
        raise CorpusError(f"{folder} exists and is not a corpus of reversals; name another folder or remove it")
    folder.parent.mkdir(parents=True, exist_ok=True)
    storage = Storage()
    # a name of its own: of two processes that make the same, the later one finds it made
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for done, split in enumerate(SPLITS, start=1):
            lines = _lines(split, sizes[split], longest, seed)
            storage.write(partial / f"{split}.{SOURCE}", "".join(f"{line}\n" for line in lines).encode())
            storage.write(partial / f"{split}.{TARGET}", "".join(f"{line[::-1]}\n" for line in lines).encode())
            if on_progress is not None:
                on_progress(done, len(SPLITS))
        storage.write(partial / _DESCRIPTION, json.dumps(description, indent=2).encode() + b"\n")
        partial.chmod(0o755)
        storage.sync_folder(partial)
        _publish(partial, folder)
        storage.sync_folder(folder.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def split_of(line: str) -> str:
    """Tell the one split in which a string of digits may occur: 8 of 10 are for train."""
    tenth = hashlib.sha256(line.encode()).digest()[0] % 10
    return {0: "valid", 1: "test"}.get(tenth, "train")


def _lines(split: str, count: int, longest: int, seed: int) -> list[str]:
    # random.Random draws the same numbers in every version of Python from a text
    drawn = random.Random(f"{seed} {split}")
    lines: list[str] = []
    while len(lines) < count:
        length = 1 + int(drawn.random() * longest)
        for _ in range(_MOST_DRAWS):
            line = " ".join(str(int(drawn.random() * 10)) for _ in range(length))
            if split_of(line) == split:
                lines.append(line)
                break
            # of the ten strings of one digit a split may have none
            length = 1 + length % longest
    return lines


def _description(folder: Path) -> dict[str, object] | None:
    try:
        found = json.loads((folder / _DESCRIPTION).read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _publish(partial: Path, folder: Path) -> None:
    """Give a complete corpus its name, in place of an older one; another process may have been first."""
    if folder.exists():
        older = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        os.replace(folder, older)
        shutil.rmtree(older, ignore_errors=True)
    try:
        partial.rename(folder)
    except OSError:
        if _description(folder) is None:
            raise
