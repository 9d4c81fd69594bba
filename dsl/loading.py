"""Where imported files are: `lib/…` in the library shipped with s2sc, all others in the project of the spec."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PureWindowsPath

from .imports import ImportRefused
from .reading import Unreadable, read_source
from .signature_files import no_project, signature_of, signature_path
from .source import Source
from .suggest import did_you_mean, listing

LIBRARY = Path(__file__).parent.parent / "specs" / "lib"
PROJECT_FILE = "s2sc.toml"
_LIBRARY_PREFIX = "lib/"


class FileLoader:
    """Reads what a spec imports; nothing outside the library and the project is ever opened.

    spec  the spec that imports
    path  where it stands; without it (a text from elsewhere) it can import from the library only
    texts what some files are taken to hold, by their paths with links resolved
    """

    def __init__(self, spec: Source, path: Path | None = None, texts: Mapping[str, str] | None = None) -> None:
        self._texts = texts or {}
        self._spec = spec
        self._library = os.path.realpath(LIBRARY)
        self._project = ""
        self._sources: dict[str, Source] = {}
        self._folders: dict[Source, str] = {}
        self._signatures: dict[str, Source] = {}
        if path is not None:
            folder = os.path.realpath(path.parent)
            self._folders[spec] = folder
            self._sources[os.path.realpath(path)] = spec

    @property
    def sources(self) -> tuple[Source, ...]:
        """All that was read, the spec first."""
        imported = (source for source in self._sources.values() if source is not self._spec)
        return (self._spec, *imported, *self._signatures.values())

    @property
    def places(self) -> Iterator[tuple[Source, str, bool]]:
        """What was imported: the path below the library or the project's root, and whether it is the library's."""
        for real, source in self._sources.items():
            if source is self._spec:
                continue
            from_library = inside(real, self._library)
            root = self._library if from_library else self.root
            yield source, os.path.relpath(real, root).replace(os.sep, "/"), from_library
        for module, source in self._signatures.items():
            yield source, signature_path(module), False

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
        if real not in self._sources:
            self._sources[real] = self._read(real, path, root)
            self._folders.setdefault(self._sources[real], os.path.dirname(real))
        return self._sources[real]

    def load_signature(self, module: str, importer: Source) -> Source:
        """The signature file of a user's package: of the project, else of an installed distribution.

        Raises ImportRefused.
        """
        if importer not in self._folders or inside(self._folders[importer], self._library):
            raise no_project(module)
        if module not in self._signatures:
            name = self._name(os.path.join(self.root, signature_path(module)), self.root)
            self._signatures[module] = signature_of(module, self.root, name=name)
        return self._signatures[module]

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
        if real in self._texts:
            return Source(self._name(real, root), self._texts[real])
        try:
            return read_source(Path(real), name=self._name(real, root))
        except Unreadable as error:
            raise ImportRefused("S2S110" if error.too_large else "S2S206", error.message) from None

    def _name(self, real: str, root: str) -> str:
        """How messages call a file: as it is reached from where the spec's own name is."""
        if root == self._library:
            return _LIBRARY_PREFIX + os.path.relpath(real, root).replace(os.sep, "/")
        beside = os.path.relpath(real, self._folders[self._spec])
        return os.path.normpath(os.path.join(os.path.dirname(self._spec.name), beside)).replace(os.sep, "/")


def project_root(folder: str) -> str:
    """The nearest folder that holds s2sc.toml, from this one upwards, else this one."""
    own = Path(folder)
    return str(next((above for above in (own, *own.parents) if (above / PROJECT_FILE).is_file()), own))


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


def inside(path: str, root: str) -> bool:
    """Whether a path without links is a folder or below it."""
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


def _specs_in(folder: str) -> list[str]:
    try:
        found: Iterable[str] = os.listdir(folder)
    except OSError:
        return []
    return sorted(name for name in found if name.endswith(".s2s"))
