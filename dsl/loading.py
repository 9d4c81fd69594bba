"""Where imported files are: `lib/…` in the library shipped with s2sc, all others in the project of the spec."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path, PureWindowsPath

from .imports import ImportRefused, Parsed, parsed
from .project_root import PROJECT_FILE, inside, project_root
from .reading import Unreadable, read_source
from .signature_files import no_project, signature_of, signature_path
from .source import Source
from .suggest import did_you_mean, listing

LIBRARY = Path(__file__).parent.parent / "specs" / "lib"
_LIBRARY_PREFIX = "lib/"
# how many files of a project are looked at for the names of one that has several
_MOST_NAMES = 10_000


class Files:
    """What the specs of one process read: every file once, whatever way leads to it, and parsed once.

    A file that changes meanwhile is read again. What is put in the place of a file's text is taken for it.
    """

    def __init__(self) -> None:
        self._sources: dict[tuple[object, str], Source] = {}
        self._parsed: dict[Source, Parsed] = {}
        self._replaced: dict[str, str] = {}

    def replace(self, path: Path, text: str | None) -> None:
        """From now on, a file has this text; None: the one that it has on the disk."""
        real = os.path.realpath(path)
        self._replaced.pop(real, None)
        if text is not None:
            self._replaced[real] = text

    def read(self, path: Path, name: str, *, within: str | None = None) -> Source:
        """The text of a file under the name that messages show; `within` as in `read_source`. Raises Unreadable."""
        real = os.path.realpath(path)
        if real in self._replaced:
            key: tuple[object, str] = (self._replaced[real], name)
            return self._sources.setdefault(key, Source(name, self._replaced[real]))
        key = (identity(real), name)
        if key[0] is None or key not in self._sources:
            self._sources[key] = read_source(Path(real) if within else path, name=name, within=within)
        return self._sources[key]

    def parse(self, source: Source) -> Parsed:
        """A source's tree and the mistakes in it."""
        if source not in self._parsed:
            self._parsed[source] = parsed(source)
        return self._parsed[source]


class FileLoader:
    """Reads what a spec imports; nothing outside the library and the project is ever opened.

    spec   the spec that imports
    path   where it stands; without it (a text from elsewhere) it can import from the library only
    files  what other specs read already
    """

    def __init__(self, spec: Source, path: Path | None = None, files: Files | None = None) -> None:
        self._spec = spec
        self._files = files or Files()
        self._library = os.path.realpath(LIBRARY)
        self._project = ""
        self._sources: dict[object, Source] = {}
        self._folders: dict[Source, str] = {}
        self._signatures: dict[str, Source] = {}
        self._reals: dict[Source, str] = {}
        if path is not None:
            folder = os.path.realpath(path.parent)
            self._folders[spec] = folder
            self._sources[_key(os.path.realpath(path))] = spec

    @property
    def sources(self) -> tuple[Source, ...]:
        """All that was read, the spec first."""
        imported = (source for source in self._sources.values() if source is not self._spec)
        return (self._spec, *imported, *self._signatures.values())

    @property
    def places(self) -> Iterator[tuple[Source, str, bool]]:
        """What was imported: the path below the library or the project's root, and whether it is the library's."""
        for source, real in self._reals.items():
            from_library = inside(real, self._library)
            root = self._library if from_library else self.root
            yield source, os.path.relpath(real, root).replace(os.sep, "/"), from_library
        for module, source in self._signatures.items():
            yield source, signature_path(module), False

    def parse(self, source: Source) -> Parsed:
        """A file that it found, parsed."""
        return self._files.parse(source)

    def load(self, path: str, importer: Source) -> Source:
        """The file that `importer` names so. Raises ImportRefused."""
        check_written(path)
        from_library = path.startswith(_LIBRARY_PREFIX)
        if from_library:
            folder, wanted = self._library, path.removeprefix(_LIBRARY_PREFIX)
        elif importer in self._folders:
            folder, wanted = self._folders[importer], path
        else:
            raise ImportRefused(
                "S2S206",
                f"`{path}` cannot be found from a text that stands in no file",
                "save the spec as a file, or import from the library: lib/…",
            )
        root = self._library if from_library or inside(folder, self._library) else self.root
        try:
            real = os.path.realpath(os.path.join(folder, wanted))
        except (OSError, ValueError) as error:
            raise ImportRefused("S2S206", f"`{path}` cannot be found: {str(error).lower()}") from None
        if not inside(real, root):
            raise ImportRefused("S2S206", *outside(path, from_library=root == self._library))
        if not real.endswith(".s2s"):
            raise ImportRefused("S2S206", f"`{path}` leads to a file that is no .s2s file")
        key = _key(real)
        if key not in self._sources:
            self._sources[key] = self._read(real, path, root)
            self._folders.setdefault(self._sources[key], os.path.dirname(real))
            self._reals.setdefault(self._sources[key], real)
        return self._sources[key]

    def load_signature(self, module: str, importer: Source) -> Source:
        """The signature file of a user's package: of the project, else of an installed distribution.

        Raises ImportRefused.
        """
        if importer not in self._folders or inside(self._folders[importer], self._library):
            raise no_project(module)
        if module not in self._signatures:
            self._signatures[module] = signature_of(module, self.root, self._read_signature)
        return self._signatures[module]

    def _read_signature(self, real: str, path: str) -> Source:
        if _has_names_elsewhere(real, self.root):
            raise ImportRefused("S2S213", f"`{path}` is a file that has another name outside of the project")
        name = self._name(os.path.join(self.root, path), self.root)
        return self._files.read(Path(real), name, within=self.root)

    @property
    def root(self) -> str:
        """The project's folder, links resolved.

        That is the nearest folder above the spec that holds s2sc.toml, else the spec's own folder.
        """
        if not self._project:
            self._project = project_root(self._folders[self._spec])
        return self._project

    def _read(self, real: str, path: str, root: str) -> Source:
        if not os.path.exists(real):
            known = _specs_in(os.path.dirname(real)) if inside(os.path.dirname(real), root) else []
            helps = did_you_mean(os.path.basename(real), known)
            if root == self._library:
                helps = helps or (f"the library has {listing(known)}",)
                message = f"the library of s2sc has no `{path.removeprefix(_LIBRARY_PREFIX)}`"
                raise ImportRefused("S2S206", message, *helps)
            raise ImportRefused("S2S206", f"there is no file `{path}`", *helps)
        spelt = _other_spelling(real, root)
        if spelt:
            raise ImportRefused("S2S206", f"`{path}` is spelt `{spelt}` on the disk", f"write `{spelt}`")
        if root != self._library and _has_names_elsewhere(real, root):
            # installers link the library's own files to their cache
            raise ImportRefused(
                "S2S206",
                f"`{path}` is a file that has another name outside of the project",
                "import a copy of the file instead of a hard link to it",
            )
        try:
            return self._files.read(Path(real), self._name(real, root), within=root)
        except Unreadable as error:
            raise ImportRefused("S2S110" if error.too_large else "S2S206", error.message) from None

    def _name(self, real: str, root: str) -> str:
        """How messages call a file: as it is reached from where the spec's own name is."""
        if root == self._library:
            return _LIBRARY_PREFIX + os.path.relpath(real, root).replace(os.sep, "/")
        beside = os.path.relpath(real, self._folders[self._spec])
        return os.path.normpath(os.path.join(os.path.dirname(self._spec.name), beside)).replace(os.sep, "/")


def identity(real: str) -> tuple[int, ...] | None:
    """What tells a file's content from others without opening it; None where nothing can be said."""
    try:
        status = os.lstat(real)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def check_written(path: str) -> None:
    """Say no to what names no file of the library or the project whatever there is on the disk."""
    if not path:
        raise ImportRefused("S2S206", "an import names a file", 'such as import "lib/transformer.s2s" as transformer')
    if "://" in path:
        raise ImportRefused("S2S206", f"`{path}` is an address, an import names a file of the project")
    if path.startswith(("/", "~")) or PureWindowsPath(path).drive:
        raise ImportRefused(
            "S2S206", f"`{path}` is an absolute path", "write it relative to this file, without a leading / or ~"
        )
    if "\\" in path:
        raise ImportRefused("S2S206", f"`{path}` has a backslash", "write / between folders, on every system")
    if not path.endswith(".s2s"):
        raise ImportRefused("S2S206", f"`{path}` is no .s2s file")


def outside(path: str, *, from_library: bool) -> tuple[str, ...]:
    """The words of a refused way out of the library or the project, and a way to do it."""
    if from_library:
        return f"`{path}` leads out of the library", "a file of the project is imported without lib/"
    return (
        f"`{path}` leads out of the project",
        f"the project is the nearest folder above the spec that has a {PROJECT_FILE}, else the spec's own folder",
    )


def _specs_in(folder: str) -> list[str]:
    try:
        found: Iterable[str] = os.listdir(folder)
    except OSError:
        return []
    return sorted(name for name in found if name.endswith(".s2s"))


def _key(real: str) -> object:
    """The same for all names of a file in one folder; of files in different folders, other imports are beside them."""
    known = identity(real)
    return real if known is None else (known, os.path.dirname(real))


def _other_spelling(real: str, root: str) -> str:
    """The name that a file has where the disk takes small letters for capital ones; empty if it is the written one."""
    folder, name = os.path.split(real)
    while inside(folder, root):
        try:
            same = os.path.samefile(os.path.join(folder, name.swapcase()), os.path.join(folder, name))
            names = os.listdir(folder) if same and name.swapcase() != name else [name]
        except OSError:
            names = [name]
        if name not in names:
            return next((one for one in names if one.lower() == name.lower()), "")
        folder, name = os.path.split(folder)
    return ""


def _has_names_elsewhere(real: str, root: str) -> bool:
    """Whether a file is also linked from outside of a folder, or may be: then its text may be another project's."""
    status = os.lstat(real)
    missing = status.st_nlink - 1
    if missing <= 0 or not stat.S_ISREG(status.st_mode):
        return False
    looked_at = 0
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            looked_at += 1
            if path != real and os.path.samestat(os.lstat(path), status):
                missing -= 1
                if not missing:
                    return False
        if looked_at > _MOST_NAMES:
            break
    return True
