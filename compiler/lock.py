"""SPEC.lock: what a spec was made of when it was locked, and what is another thing now."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..dsl.escapes import clipped
from ..dsl.loading import FileLoader
from ..dsl.project_root import inside
from ..dsl.source import Source
from ..dsl.values import Quantity
from .data_files import contents, data_files
from .graph import Graph
from .locked import FORMAT, VERSION, BatchFacts, Changed, Content, Lock, Locked
from .strict_json import BadJson, parse_strictly

SUFFIX = ".lock"
_MOST_BYTES = 1024 * 1024
_MOST_DEPTH = 8
_MOST_ENTRIES = 10_000
_MOST_CHARACTERS = 4096
_HASH = re.compile(r"[0-9a-f]{64}")


class LockError(ValueError):
    """A lock that cannot be read: what is wrong with it."""


def lock_path(spec: Path) -> Path:
    """Where a spec's lock stands."""
    return spec.with_name(spec.name + SUFFIX)


def lock_of(graph: Graph, architecture: str, loader: FileLoader, spec: Path, *, tool: str, hashed: bool = True) -> Lock:
    """What a spec is made of now; without `hashed`, data files have their sizes only."""
    texts: dict[str, dict[str, str]] = {"imports": {}, "library": {}, "signatures": {}}
    for source, path, from_library in loader.places:
        kind = "library" if from_library else "imports" if path.endswith(".s2s") else "signatures"
        texts[kind][path] = text_hash(source)
    folder = os.path.realpath(spec.parent)
    found = contents(graph, folder, loader.root, hashed=hashed)
    return Lock(
        tool=tool,
        edition=graph.edition,
        architecture=architecture,
        spec=text_hash(loader.sources[0]),
        batch=batch_facts(graph),
        data={file.path: content for file, content in found.items() if content is not None},
        **texts,
    )


def text_hash(source: Source) -> str:
    """The hash of a text as it was read: a byte order mark is gone and line ends are LF."""
    return hashlib.sha256(source.text.encode("utf-8", "surrogatepass")).hexdigest()


def batch_facts(graph: Graph) -> BatchFacts:
    """Batch and learning rate of a graph."""
    settings = graph.hyperparameters.values()
    batch: Quantity = settings["batch"]
    lr = settings["optimizer"].values().get("lr")
    return BatchFacts(float(batch.amount), batch.family, None if lr is None else float(lr))


def held_against(spec: Path, graph: Graph, architecture: str, loader: FileLoader, *, tool: str, hashed: bool) -> Locked:
    """A spec's lock, if there is one, with all that is another thing now. Never raises.

    architecture  the graph's hash; without it, architectures are not compared
    hashed        compare what is in data files too, not their sizes only, and find those that are not there
    """
    path = lock_path(spec)
    folder = os.path.realpath(spec.parent)
    settings = {file.path: file.setting for file in data_files(graph, folder, loader.root)}
    now = lock_of(graph, architecture, loader, spec, tool=tool, hashed=hashed)
    missing = tuple(
        Changed("data", file, f"{clipped(file, 200)} is not there", setting)
        for file, setting in settings.items()
        if hashed and file not in now.data
    )
    if not os.path.lexists(path):
        return Locked(missing=missing)
    if not inside(os.path.realpath(path), loader.root):
        return Locked(str(path), missing=missing, problem=f"{path} leads out of the project")
    try:
        lock = read_lock(path)
    except LockError as problem:
        return Locked(str(path), missing=missing, problem=str(problem))
    if not architecture:
        now = replace(now, architecture=lock.architecture)
    return Locked(str(path), lock, tuple(changes(lock, now, settings)), missing)


def read_lock(path: Path) -> Lock:
    """Read a lock; raises LockError for what is none, or is larger than one is."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as problem:
        raise LockError(f"{path} cannot be read: {getattr(problem, 'strerror', None) or problem}") from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise LockError(f"{path} is no file")
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as problem:
        raise LockError(f"{path} cannot be read: {problem.strerror}") from None
    finally:
        os.close(descriptor)
    return lock_from_json(data, name=str(path))


def lock_from_json(data: bytes, *, name: str = "SPEC.lock") -> Lock:
    """The lock that some bytes hold. Raises LockError."""
    try:
        content = parse_strictly(data, name, most_bytes=_MOST_BYTES, most_depth=_MOST_DEPTH)
    except BadJson as problem:
        raise LockError(str(problem)) from None
    try:
        return _lock(content)
    except _Fault as fault:
        raise LockError(f"{name} is no lock of s2sc: {fault}") from None


def changes(locked: Lock, now: Lock, settings: Mapping[str, str] | None = None) -> Iterator[Changed]:
    """What is not as it was; `settings` says where the spec names its data files."""
    if locked.tool != now.tool:
        yield Changed("tool", "", f"locked by s2sc {clipped(locked.tool, 40)}, this is {now.tool}")
    if locked.edition != now.edition:
        yield Changed("edition", "", f"edition {locked.edition} is edition {now.edition} now")
    if locked.architecture != now.architecture:
        was, is_now = locked.architecture[:8], now.architecture[:8]
        yield Changed("architecture", "", f"the architecture is another one: {was}… is {is_now}… now")
    if locked.spec != now.spec:
        yield Changed("spec", "", "the spec's text was changed")
    for kind, before, after in (
        ("imports", locked.imports, now.imports),
        ("library", locked.library, now.library),
        ("signatures", locked.signatures, now.signatures),
    ):
        yield from _texts(kind, before, after)
    yield from _data(locked.data, now.data, settings or {})
    if locked.batch != now.batch:
        yield Changed("batch", "", f"{_batch(locked.batch)} is {_batch(now.batch)} now")


def _texts(kind: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Changed]:
    shown = "lib/" if kind == "library" else ""
    for path in sorted(before.keys() | after.keys()):
        name = f"{shown}{clipped(path, 200)}"
        if path not in after:
            yield Changed(kind, path, f"{name} is no longer imported")
        elif path not in before:
            yield Changed(kind, path, f"{name} is imported and not locked")
        elif before[path] != after[path]:
            yield Changed(kind, path, f"{name} was changed")


def _data(
    before: Mapping[str, Content], after: Mapping[str, Content], settings: Mapping[str, str]
) -> Iterator[Changed]:
    for path in sorted(before.keys() | after.keys()):
        name, setting = clipped(path, 200), settings.get(path, "")
        if path not in after:
            what = "is not here, so it was not compared" if setting else "is no longer named"
            yield Changed("data", path, f"{name} {what}", setting, absent=bool(setting))
        elif path not in before:
            yield Changed("data", path, f"{name} is there and not locked", setting)
        elif before[path].bytes != after[path].bytes:
            sizes = f"{before[path].bytes} bytes are {after[path].bytes} now"
            yield Changed("data", path, f"{name} was changed: {sizes}", setting)
        elif after[path].sha256 and before[path].sha256 != after[path].sha256:
            yield Changed("data", path, f"{name} was changed: the same size, other content", setting)


def _batch(facts: BatchFacts) -> str:
    lr = "" if facts.lr is None else f" at a learning rate of {facts.lr:g}"
    unit = {"time": "s"}.get(facts.unit, f" {facts.unit}")
    return f"a batch of {facts.amount:g}{unit}{lr}"


# ---------------------------------------------------------------- reading


class _Fault(Exception):
    pass


def _lock(content: Any) -> Lock:
    names = ("format", "version", "tool", "edition", "architecture", "spec", "imports", "library", "signatures")
    fields = _object(content, "it", (*names, "data", "batch"))
    if fields["format"] != FORMAT:
        raise _Fault(f"its format is not {FORMAT}")
    if _whole(fields["version"], "version") != VERSION:
        raise _Fault(f"its version is not {VERSION}, make it anew with s2sc lock")
    batch = _object(fields["batch"], "batch", ("amount", "unit", "lr"))
    return Lock(
        tool=_text(fields["tool"], "tool"),
        edition=_whole(fields["edition"], "edition"),
        architecture=_hash(fields["architecture"], "architecture"),
        spec=_hash(fields["spec"], "spec"),
        batch=BatchFacts(
            _number(batch["amount"], "batch.amount"),
            _text(batch["unit"], "batch.unit"),
            None if batch["lr"] is None else _number(batch["lr"], "batch.lr"),
        ),
        imports=_entries(fields["imports"], "imports", _hash),
        library=_entries(fields["library"], "library", _hash),
        signatures=_entries(fields["signatures"], "signatures", _hash),
        data=_entries(fields["data"], "data", _content),
    )


def _object(value: Any, where: str, keys: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Fault(f"{where} is no object")
    for key in keys:
        if key not in value:
            raise _Fault(f"{where} has no `{key}`")
    extra = next((key for key in value if key not in keys), None)
    if extra is not None:
        raise _Fault(f"{where} has the unknown key `{clipped(extra, 80)}`")
    return value


def _entries(value: Any, where: str, read: Callable[[Any, str], Any]) -> dict[str, Any]:
    if not isinstance(value, dict) or len(value) > _MOST_ENTRIES:
        raise _Fault(f"{where} is no object of at most {_MOST_ENTRIES} files")
    for path in value:
        pieces = path.split("/")
        if not path or len(path) > _MOST_CHARACTERS or "\\" in path or ":" in pieces[0] or {"", ".", ".."} & {*pieces}:
            raise _Fault(f"{where} names {clipped(path, 80)!r}, which is no path below the project")
    return {path: read(one, f"{where}.{clipped(path, 80)}") for path, one in value.items()}


def _content(value: Any, where: str) -> Content:
    fields = _object(value, where, ("bytes", "sha256"))
    return Content(_whole(fields["bytes"], f"{where}.bytes"), _hash(fields["sha256"], f"{where}.sha256"))


def _hash(value: Any, where: str) -> str:
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise _Fault(f"{where} is no SHA-256")
    return value


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or len(value) > 200:
        raise _Fault(f"{where} is no short text")
    return value


def _whole(value: Any, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise _Fault(f"{where} is no whole number")
    return value


def _number(value: Any, where: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise _Fault(f"{where} is no number")
    return float(value)
