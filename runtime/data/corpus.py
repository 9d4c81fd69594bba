"""Corpora that are made on first use, and the cache folder that they are kept in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path

from ...compiler.part import Part
from ...dsl.values import Quantity, Range
from ..storage import StorageError

OnProgress = Callable[[str, int, int], None]


class CorpusError(Exception):
    """A corpus cannot be made here."""


def made(corpus: Part, *, environment: Mapping[str, str], on_progress: OnProgress | None = None) -> Path:
    """The folder of a corpus; it is made when it is not there yet.

    on_progress  called with (what, done, total)

    The folder's name holds a hash of the corpus's settings, so that specs with other settings do not meet.
    Raises CorpusError, MissingExtra, StorageError.
    """
    settings = {name: _plain(value) for name, value in corpus.values().items()}
    text = json.dumps([corpus.name, settings], sort_keys=True)
    folder = cache_folder(environment) / f"{corpus.name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    report = None if on_progress is None else lambda done, total: on_progress(f"making {corpus.name}", done, total)
    # the name comes from the catalogue, never from a spec's text
    module = import_module(f".{corpus.name}", __package__)
    try:
        module.make_corpus(folder, on_progress=report, **settings)
    except OSError as error:
        raise StorageError(f"cannot make {folder} ($S2SC_CACHE may name another place)", error) from error
    return folder


def cache_folder(environment: Mapping[str, str]) -> Path:
    """$S2SC_CACHE, else s2sc below the user's cache folder."""
    if environment.get("S2SC_CACHE"):
        return Path(environment["S2SC_CACHE"])
    if environment.get("XDG_CACHE_HOME"):
        return Path(environment["XDG_CACHE_HOME"]) / "s2sc"
    home = environment.get("HOME")
    return (Path(home) if home else Path.home()) / ".cache" / "s2sc"


def _plain(value: object) -> object:
    if isinstance(value, Range):
        return (_plain(value.low), _plain(value.high))
    return value.amount if isinstance(value, Quantity) else value
