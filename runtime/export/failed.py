"""Why an export is refused."""

from __future__ import annotations


class ExportFailed(Exception):
    """An export that would not do what the trained model does; nothing is left under the file's final name.

    node  the path in the spec that is at fault, if one is
    """

    def __init__(self, message: str, *, node: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.node = node
