"""Specs as they were at a revision of git: the text of a file and of all that it imports."""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..dsl.imports import ImportRefused, Parsed, parsed
from ..dsl.limits import LIMITS
from ..dsl.loading import FileLoader, check_written, outside
from ..dsl.project_root import PROJECT_FILE, inside
from ..dsl.reading import Unreadable, source_of
from ..dsl.signature_files import check_allowed, signature_path
from ..dsl.source import Source
from ..dsl.suggest import did_you_mean

_MOST_LISTING_BYTES = 64 * 1024 * 1024
_MOST_SECONDS = 30
_MOST_CHARACTERS = 200
_FILE_MODES = ("100644", "100755")
_LINK_MODE = "120000"


class NoRevision(Exception):
    """A revision that cannot be read: there is no git, no repository, no such revision."""


@dataclass(frozen=True)
class _Entry:
    mode: str
    hash: str


@dataclass(frozen=True)
class Revision:
    """A commit of the repository around a file.

    name    as it was asked for: "HEAD~3", "v1.2", "51ab0f3"
    commit  its full hash
    root    the repository's folder on this machine, links resolved
    """

    name: str
    commit: str
    root: str
    _git: str

    def path_of(self, path: Path) -> str:
        """A file's path in the repository. Raises NoRevision for one that is not in it."""
        # the folder's links are resolved, the file's own are not: what it is now says nothing of what it was
        real = os.path.join(os.path.realpath(path.parent), path.name)
        if not inside(real, self.root):
            raise NoRevision(f"{path} is not in the repository {self.root}")
        return os.path.relpath(real, self.root).replace(os.sep, "/")

    @cached_property
    def entries(self) -> Mapping[str, _Entry]:
        """All files of the commit by their paths in the repository."""
        words = ("ls-tree", "-r", "-z", "--full-tree", self.commit)
        listing = _run(self._git, self.root, *words, most_bytes=_MOST_LISTING_BYTES)
        found: dict[str, _Entry] = {}
        for line in listing.decode(errors="surrogateescape").split("\0"):
            about, tab, path = line.partition("\t")
            if tab:
                mode, _, name = about.split(" ")
                found[path] = _Entry(mode, name)
        return found

    def read(self, path: str, name: str) -> Source:
        """A spec of the commit by its path in the repository; `name` is what messages call it. Raises Unreadable."""
        entry = self.entries.get(path)
        if entry is None:
            raise Unreadable(f"{name}: there is no such file at {self.name}", 2)
        if entry.mode not in _FILE_MODES:
            what = "a link" if entry.mode == _LINK_MODE else "not a file"
            raise Unreadable(f"{name}: is {what} at {self.name}", 2)
        words = ("cat-file", "blob", entry.hash)
        return source_of(_run(self._git, self.root, *words, most_bytes=LIMITS.file_bytes + 1, cut=True), name)


def revision_of(path: Path, name: str) -> Revision:
    """A revision of the repository that `path` (a file or a folder) is in. Raises NoRevision."""
    if not name or name.startswith("-") or len(name) > _MOST_CHARACTERS or not re.fullmatch(r"[!-9;-~]+", name):
        raise NoRevision(
            f"{name[:_MOST_CHARACTERS]!r} is no revision: give a branch, a tag or a commit, such as HEAD~3"
        )
    git = shutil.which("git")
    if git is None or not os.path.isabs(git):
        raise NoRevision("git is not installed, and a revision is read with it")
    folder = os.path.realpath(path)
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    try:
        root = _run(git, folder, "rev-parse", "--show-toplevel").decode(errors="surrogateescape").rstrip("\n")
    except NoRevision as problem:
        raise NoRevision(f"{path} is in no repository of git: {problem}") from None
    if not root:
        raise NoRevision(f"{path} is in no working tree of git")
    try:
        commit = _run(git, folder, "rev-parse", "--verify", "--quiet", name + "^{commit}").decode().strip()
    except NoRevision:
        raise NoRevision(f"the repository {root} has no revision `{name}`") from None
    if not re.fullmatch(r"[0-9a-f]{40}([0-9a-f]{24})?", commit):
        raise NoRevision(f"the repository {root} has no revision `{name}`")
    return Revision(name, commit, os.path.realpath(root), git)


class RevisionLoader:
    """Reads a spec and what it imports as of a revision; what is imported from the library is today's.

    Messages call every file as they would call it today. Raises NoRevision and Unreadable.
    """

    def __init__(self, revision: Revision, path: Path) -> None:
        own = revision.path_of(path)
        self.revision = revision
        self.spec = revision.read(own, str(path))
        self._library = FileLoader(self.spec)
        self._today = FileLoader(self.spec, path)
        self._folders: dict[Source, str] = {self.spec: posixpath.dirname(own)}
        self._sources: dict[str, Source] = {own: self.spec}

    @property
    def sources(self) -> tuple[Source, ...]:
        """All that was read, the spec first."""
        return (*self._sources.values(), *self._library.sources[1:])

    def load(self, path: str, importer: Source) -> Source:
        """The file that `importer` names so. Raises ImportRefused."""
        check_written(path)
        if path.startswith("lib/") or importer not in self._folders:
            return self._library.load(path, importer)
        wanted = posixpath.normpath(posixpath.join(self._folders[importer], path))
        root = self._root
        if wanted.startswith("../") or not (root == "" or wanted.startswith(root + "/")):
            raise ImportRefused("S2S206", *outside(path, from_library=False))
        if wanted not in self._sources:
            if wanted not in self.revision.entries:
                beside = posixpath.dirname(wanted)
                known = [posixpath.basename(one) for one in self.revision.entries if posixpath.dirname(one) == beside]
                helps = did_you_mean(posixpath.basename(wanted), sorted(one for one in known if one.endswith(".s2s")))
                raise ImportRefused("S2S206", f"there is no file `{path}` at {self.revision.name}", *helps)
            try:
                source = self.revision.read(wanted, self._name(wanted))
            except Unreadable as error:
                raise ImportRefused("S2S110" if error.too_large else "S2S206", error.message) from None
            self._sources[wanted] = source
            self._folders[source] = posixpath.dirname(wanted)
        return self._sources[wanted]

    def load_signature(self, module: str, importer: Source) -> Source:
        """The signature file of a user's module: of the revision, else today's (an installed one).

        Whether its package is trusted is today's question. Raises ImportRefused.
        """
        path = signature_path(module)
        wanted = posixpath.join(self._root, path)
        if importer not in self._folders or wanted not in self.revision.entries:
            return self._today.load_signature(module, self.spec)
        if wanted not in self._sources:
            check_allowed(module, self._today.root)
            try:
                self._sources[wanted] = self.revision.read(wanted, self._name(wanted))
            except Unreadable as error:
                raise ImportRefused("S2S110" if error.too_large else "S2S213", error.message) from None
        return self._sources[wanted]

    def parse(self, source: Source) -> Parsed:
        """A file that it found, parsed."""
        return parsed(source)

    @cached_property
    def _root(self) -> str:
        """The project's folder in the repository: "" is all of it."""
        folder = own = self._folders[self.spec]
        while True:
            if posixpath.join(folder, PROJECT_FILE) in self.revision.entries:
                return folder
            if not folder:
                break
            folder = posixpath.dirname(folder)
        above = Path(self.revision.root).parent
        around = any((one / PROJECT_FILE).is_file() for one in (above, *above.parents))
        return "" if around else own

    def _name(self, path: str) -> str:
        beside = posixpath.relpath(path, self._folders[self.spec] or ".")
        return posixpath.normpath(posixpath.join(os.path.dirname(self.spec.name).replace(os.sep, "/"), beside))


def _run(git: str, folder: str, *words: str, most_bytes: int = 65_536, cut: bool = False) -> bytes:
    """What git prints. It gets no shell, no hook, no pager, no network and none of our variables that steer git.

    cut  whether what is longer than `most_bytes` is cut there; otherwise it is refused
    """
    command = [git, "--no-pager", "--no-optional-locks", "-c", "core.hooksPath=" + os.devnull]
    # a repository with holes would fetch what is missing, which runs what its settings name
    command += ["-c", "core.fsmonitor=false", "-c", "protocol.allow=never", "-C", folder, *words]
    kept = ("PATH", "HOME", "XDG_CONFIG_HOME", "SYSTEMROOT", "USERPROFILE")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= {"GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
    try:
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, env=environment
            )
            late = threading.Timer(_MOST_SECONDS, process.kill)
            late.start()
            with process:
                assert process.stdout is not None
                given = process.stdout.read(most_bytes)
                whole = not process.stdout.read(1)
                if not whole:
                    process.kill()
            late.cancel()
            errors.seek(0)
            said = errors.read(most_bytes).decode(errors="replace").strip().splitlines()
    except (OSError, ValueError) as problem:
        raise NoRevision(f"git cannot be run: {getattr(problem, 'strerror', None) or problem}") from None
    if whole and process.returncode:
        raise NoRevision(said[0].removeprefix("fatal: ") if said else f"git {words[0]} failed or took too long")
    if not whole and not cut:
        raise NoRevision(f"git {words[0]} gave more than {most_bytes // 2**20} MiB")
    return given
