"""Where the signature file of a user's module is: in the project, or in the files of an installed distribution.

Nothing is imported: an installed package is found through the list of its files that its installer wrote.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from .imports import ImportRefused
from .reading import Unreadable, read_source
from .source import Source
from .suggest import did_you_mean

SUFFIX = ".s2s-sig"


def signature_path(module: str) -> str:
    """`acme_layers.rotary` -> `acme_layers/rotary.s2s-sig`, with / on every system."""
    return module.replace(".", "/") + SUFFIX


def signature_of(module: str, root: str, read: Callable[[str, str], Source]) -> Source:
    """The signature file of a user's package.

    root  the project's folder, links resolved
    read  reads a file of the project: its place without links, and how it is written

    Raises ImportRefused.
    """
    check_allowed(module, root)
    path = signature_path(module)
    try:
        real = os.path.realpath(os.path.join(root, path))
        if not os.path.lexists(os.path.join(root, path)):
            found = _installed(path)
        elif real.startswith(root.rstrip(os.sep) + os.sep):
            found = read(real, path)
        else:
            raise ImportRefused("S2S213", f"`{path}` leads out of the project")
    except Unreadable as error:
        raise ImportRefused("S2S110" if error.too_large else "S2S213", error.message) from None
    except (OSError, ValueError) as error:
        raise ImportRefused("S2S213", f"`{path}` cannot be found: {str(error).lower()}") from None
    if found is None:
        raise ImportRefused(
            "S2S213",
            f"there is no signature file `{path}`",
            "write it in the project, or install the package that brings it",
        )
    return found


def check_allowed(module: str, root: str) -> None:
    """Say no to a package that the project's allow-list does not name. Raises ImportRefused."""
    # of a project's settings, only `use` needs this one
    from .project_file import project_of

    allowed = project_of(Path(root)).plugins
    package = module.partition(".")[0]
    if package not in allowed:
        line = ", ".join(f'"{name}"' for name in (*allowed, package))
        raise ImportRefused(
            "S2S213",
            f"the package `{package}` is not in the project's allow-list",
            *did_you_mean(package, allowed),
            f"write into s2sc.toml, if you trust it: [plugins] allow = [{line}]",
        )


def no_project(module: str) -> ImportRefused:
    """The complaint about a text that is in no project."""
    return ImportRefused(
        "S2S213",
        f"`{module}` cannot be used by a text that stands in no project",
        "save the spec as a file, in a folder with s2sc.toml",
    )


def _installed(wanted: str) -> Source | None:
    """The signature file that an installed distribution brings; None where none does. Raises Unreadable."""
    for place in _places(wanted):
        if os.path.isfile(place):
            return read_source(Path(place), name=wanted)
    return None


def _places(wanted: str) -> Iterator[str]:
    """Where a file of that path is, by the lists of the distributions; the one that is called so is asked first."""
    # it takes a fifth of the time that a lint has; only a `use` of an installed package needs it
    from importlib import metadata

    package = wanted.partition("/")[0]
    try:
        first = [metadata.distribution(package)]
    except metadata.PackageNotFoundError:
        first = []
    for distribution in (*first, *metadata.distributions()):
        for file in distribution.files or ():
            if file.as_posix() == wanted:
                yield str(file.locate())
