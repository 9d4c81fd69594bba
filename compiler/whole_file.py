"""Files that are there whole or not at all, and the one way to write JSON into them."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from pathlib import Path

from ..dsl.project_root import inside, project_root


def canonical(content: object) -> bytes:
    """Sorted keys, one way to write each number, ASCII, one line end."""
    text = json.dumps(content, sort_keys=True, indent=1, ensure_ascii=True, allow_nan=False)
    return (text + "\n").encode("ascii")


def write_whole(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write beside it, sync, rename, sync the folder.

    What is there and is no file, such as a pipe or /dev/null, is written to and never replaced.
    """
    if path.exists() and not path.is_file():
        _write_to(path, data)
        return
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _write_to(path: Path, data: bytes) -> None:
    # unbuffered, so that a failure is found here
    with open(path, "wb", buffering=0) as stream:
        rest = memoryview(data)
        while rest:
            rest = rest[stream.write(rest) :]


def rewrite(path: Path, text: str) -> None:
    """Replace a file as it was written: with its mark at the start, its line ends and its rights; a link stays one.

    Raises OSError, also for a link that leads out of the project of the folder in which it stands.
    """
    real = Path(os.path.realpath(path))
    if not inside(str(real), project_root(os.path.realpath(path.parent))):
        raise OSError("it leads out of the project")
    before = real.read_bytes()
    content = text.encode()
    if before.count(b"\r\n") * 2 > before.count(b"\n"):
        content = content.replace(b"\n", b"\r\n")
    if before.startswith(b"\xef\xbb\xbf"):
        content = b"\xef\xbb\xbf" + content
    write_whole(real, content, mode=stat.S_IMODE(real.stat().st_mode))
