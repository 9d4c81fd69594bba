"""What ends a verb: exit codes, and which errors are a user's."""

from __future__ import annotations

from typing import Any

from .. import __version__
from .terminal import say

OK, FINDINGS, USAGE, INTERNAL, STORAGE, STOPPED, DIVERGED, REFUSED = 0, 1, 2, 70, 74, 75, 76, 77
INTERRUPTED = 130


class Refused(Exception):
    """A request that cannot be met, with its exit code."""

    def __init__(self, message: str, code: int = USAGE) -> None:
        super().__init__(message)
        self.code = code


def known(error: Exception) -> int | None:
    """The exit code of an error that a user can do something about, by the name of its class (no import needed)."""
    for kind in type(error).__mro__:
        if kind.__module__.startswith("s2sc.") and kind.__name__ in _CODES:
            return _CODES[kind.__name__]
    return STORAGE if isinstance(error, OSError) else None


_CODES = {
    "MissingExtra": USAGE,
    "RunError": USAGE,
    "BadDevice": USAGE,
    "BadModelFile": FINDINGS,
    "BadManifest": FINDINGS,
    "BadArchive": FINDINGS,
    "BadAudio": FINDINGS,
    "BadData": FINDINGS,
    "CorpusError": FINDINGS,
    "GraphFileError": FINDINGS,
    "CheckpointError": FINDINGS,
    "ExportFailed": FINDINGS,
    "TooLong": FINDINGS,
    "WorkerFailed": FINDINGS,
    "PluginError": FINDINGS,
    "StorageError": STORAGE,
    "NotDeterministic": FINDINGS,
    "Diverged": DIVERGED,
    "PeerLost": INTERNAL,
    "PluginRefused": REFUSED,
}


def internal(error: Exception) -> int:
    """Show what only we can do something about, and how to report it."""
    import traceback

    traceback.print_exception(error)
    return say(
        f"internal error, which is a bug of s2sc {__version__}: please report it with the lines above and the spec",
        INTERNAL,
    )


def extra(what: str, name: str = "train") -> Any:
    """Around imports that an extra of the package brings: without it, it is named."""
    from ..runtime.extras import extra as needed

    return needed(name, what)
