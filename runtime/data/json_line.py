"""One line of a file as a strict JSON object."""

from __future__ import annotations

import json
import math
from typing import Any

LINE_BYTES = 64 * 2**10


class BadRecord(Exception):
    """A line that cannot be used: a reason code, and what was found."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def parse_object(raw: bytes) -> dict[str, Any]:
    """One line as a JSON object, without what standard JSON readers let through."""
    if len(raw) > LINE_BYTES:
        raise BadRecord("line_too_long", f"longer than {LINE_BYTES // 2**10} KiB")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRecord("not_utf8", f"byte {error.start + 1} of the line is not UTF-8") from None
    try:
        record = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise BadRecord("not_json", f"{error.msg.lower()} (column {error.colno})") from None
    except (RecursionError, ValueError) as error:
        message = "nested too deeply" if isinstance(error, RecursionError) else "a number with too many digits"
        raise BadRecord("not_json", message) from None
    if not isinstance(record, dict):
        raise BadRecord("not_an_object", f"a JSON {kind_of(record)} instead of an object")
    return record


def kind_of(value: object) -> str:
    """What JSON calls the type of a value."""
    names = {bool: "boolean", int: "number", float: "number", str: "string", list: "list", dict: "object"}
    return names.get(type(value), "null")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadRecord("duplicate_key", f"the key {twice!a} stands there twice")
    return record


def _constant(name: str) -> Any:
    raise BadRecord("not_json", f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise BadRecord("not_json", f"the number {text[:40]} is too large")
    return value
