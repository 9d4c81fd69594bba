"""What a lock holds, and what was found when it was held against the spec and its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FORMAT = "s2sc.lock"
VERSION = 1


@dataclass(frozen=True)
class Content:
    """How large a file is, and the hash of what is in it (empty if it was not asked for)."""

    bytes: int
    sha256: str = ""


@dataclass(frozen=True)
class BatchFacts:
    """What one step of training learns from, and how fast: "64 examples" at a learning rate."""

    amount: float
    unit: str
    lr: float | None

    def to_json(self) -> dict[str, Any]:
        """As the lock holds it."""
        return {"amount": self.amount, "unit": self.unit, "lr": self.lr}


@dataclass(frozen=True)
class Lock:
    """The content of a lock. Paths are below the project's root (`library`: below the library), and never opened.

    spec        the hash of its text, line ends as LF; so are those of the texts that it imports
    signatures  of user modules
    data        files that the data section names and that were there
    """

    tool: str
    edition: int
    architecture: str
    spec: str
    batch: BatchFacts
    imports: Mapping[str, str] = field(default_factory=dict)
    library: Mapping[str, str] = field(default_factory=dict)
    signatures: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, Content] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """What SPEC.lock holds."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "tool": self.tool,
            "edition": self.edition,
            "architecture": self.architecture,
            "spec": self.spec,
            "imports": dict(self.imports),
            "library": dict(self.library),
            "signatures": dict(self.signatures),
            "data": {path: {"bytes": one.bytes, "sha256": one.sha256} for path, one in self.data.items()},
            "batch": self.batch.to_json(),
        }


@dataclass(frozen=True)
class Changed:
    """One thing that is not what the lock says.

    kind     "tool", "edition", "architecture", "spec", "imports", "library", "signatures", "data", "batch"
    name     the path of a file, or empty
    message  in words: "data/train.jsonl has other content"
    setting  where the spec names a file: "data.train", or empty
    absent   a locked file that is not here, so nothing can be said about it
    """

    kind: str
    name: str
    message: str
    setting: str = ""
    absent: bool = False

    @property
    def counts(self) -> bool:
        """Whether it makes the lock wrong; another tool, or data that is elsewhere, does not."""
        return not self.absent and self.kind != "tool"


@dataclass(frozen=True)
class Locked:
    """A spec's lock held against what is there.

    path     of the lock, empty where there is none
    changed  what is another thing now
    missing  data files that the spec names and that are not there, with or without a lock
    problem  why the lock cannot be read
    """

    path: str = ""
    lock: Lock | None = None
    changed: tuple[Changed, ...] = ()
    missing: tuple[Changed, ...] = ()
    problem: str = ""
