"""What a verb reads from and writes to a terminal, a pipe or nothing at all."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import Any


def as_json(value: object, indent: int | None = 2) -> str:
    """JSON in letters that the output's encoding has."""
    import json

    # an escape of JSON's own where the output's encoding would lack a letter
    readable = sys.stdout.encoding.lower().replace("-", "") == "utf8"
    return json.dumps(value, indent=indent, ensure_ascii=not readable, allow_nan=False)


def write(text: str) -> None:
    """Text on stdout, ended by one newline."""
    sys.stdout.write(text.rstrip("\n") + "\n")


def note(text: str) -> None:
    """Lines on stderr, with everything that is no letter made visible."""
    from ..dsl.escapes import visible

    try:
        print("\n".join(visible(line) for line in text.split("\n")), file=sys.stderr)
    except OSError:
        # there is nobody left to tell
        drop(sys.stderr)


def say(message: str, code: int) -> int:
    """Say why a verb ends; gives its exit code."""
    note(f"s2sc: {message}")
    return code


def colour(stream: Any) -> bool:
    """Whether what reads a stream shows colours and wants them."""
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def counter(what: str) -> Callable[[int, int], None]:
    """Progress on one line of a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        return lambda done, of: None

    def show(done: int, of: int) -> None:
        sys.stderr.write(f"\r{what} {done} of {of}" + ("\n" if done == of else ""))
        sys.stderr.flush()

    return show


def make_streams_usable() -> None:
    """Let output take any text and be there, even where a shell closed it or its encoding knows few letters."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(descriptor, "r" if name == "stdin" else "w", encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def drop(stream: Any) -> None:
    """Let what could not be written to a stream go nowhere, or the interpreter tries again when it ends."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
