"""Optional dependencies: which extra of the package holds what a task needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class MissingExtra(Exception):
    """Something was asked for whose libraries are not installed.

    extra  the extra of the distribution ("speech", "train", "export", "synthesis")
    what   what was asked for, as the start of a sentence ("reading audio")
    """

    def __init__(self, extra: str, what: str, module: str = "") -> None:
        self.extra = extra
        self.what = what
        self.module = module
        self.command = f'pip install "s2sc[{extra}]"'
        lacking = f" ({module} is not installed)" if module else ""
        super().__init__(f'{what} needs the extra "{extra}"{lacking}: {self.command}')


@contextmanager
def extra(name: str, what: str) -> Iterator[None]:
    """Turn a failed import of a third-party module inside the block into MissingExtra.

    with extra("speech", "reading audio"):
        import soundfile

    A module of ours that lacks a smaller extra inside the block counts too: what was asked for is the outer task.
    """
    try:
        yield
    except MissingExtra as inner:
        raise MissingExtra(name, what, inner.module) from inner
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module == "s2sc":
            raise
        raise MissingExtra(name, what, module) from error
