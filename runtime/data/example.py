"""One example of a speech corpus, and what is wrong with a record that did not become one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """A recording and what is said in it.

    identity  what decides order, splits and randomness: the record's `id`, else its audio path
    audio     path below the data's root, or of a member of its archive
    seconds   duration by the manifest or by the file's header; None while neither was read
    declared  the duration comes from the manifest
    tokens    the normalised text as token numbers
    """

    identity: str
    audio: str
    text: str
    tokens: tuple[int, ...]
    manifest: str
    line: int
    seconds: float | None = None
    declared: bool = False
    speaker: str = ""

    def problem(self, reason: str, message: str) -> Problem:
        """What was found to be wrong with this example."""
        return Problem(reason, f"{self.audio}: {message}", self.manifest, self.line, self.identity)


@dataclass(frozen=True)
class Problem:
    """A record that cannot be used: a reason code, what was found, and where it stands."""

    reason: str
    message: str
    manifest: str
    line: int
    identity: str = ""

    def __str__(self) -> str:
        return f"{self.manifest}:{self.line}: {self.reason}: {_printable(self.message)}"


def digest(*parts: object) -> int:
    """A 128-bit number that depends on nothing but the parts: the same in every process and on every machine."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16], "little")


def _printable(text: str) -> str:
    """The text without characters that could steer a terminal or a log reader."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
