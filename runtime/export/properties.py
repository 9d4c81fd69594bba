"""Facts in an ONNX file's metadata: names and texts, written in order and read strictly."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

FORMAT = 1
PREFIX = "s2sc."
MOST_CHARACTERS = 1 << 20


class BadModelFile(Exception):
    """A file that cannot be used as a model: what is wrong with it."""


def to_properties(values: Mapping[str, Any]) -> dict[str, str]:
    """Values as ONNX's metadata_props holds them, with the format and the version that writes them."""
    written = {"format": FORMAT, "version": _version(), **values}
    return {PREFIX + key: _text(value) for key, value in sorted(written.items())}


class Properties:
    """Texts of unknown origin, read strictly."""

    def __init__(self, properties: Mapping[str, str]) -> None:
        self.properties = properties

    def text(self, key: str, *, most: int = MOST_CHARACTERS) -> str:
        text = self.properties.get(PREFIX + key)
        if text is None or len(text) > most:
            raise self.bad(key)
        return text

    def value(self, key: str) -> Any:
        try:
            return json.loads(self.text(key))
        except (ValueError, RecursionError):
            raise self.bad(key) from None

    def whole(self, key: str, least: int, most: int = 1 << 31) -> int:
        value = self.value(key)
        if type(value) is not int or not least <= value <= most:
            raise self.bad(key)
        return value

    def numbers(self, key: str) -> tuple[float, float]:
        """Two positive numbers, the first not above the second."""
        value = self.value(key)
        if not isinstance(value, list) or len(value) != 2 or not all(type(end) in (int, float) for end in value):
            raise self.bad(key)
        if not 0 < value[0] <= value[1] or not math.isfinite(value[1]):
            raise self.bad(key)
        return value[0], value[1]

    def bad(self, key: str) -> BadModelFile:
        shown = self.properties.get(PREFIX + key)
        return BadModelFile(f"its {key} is {'missing' if shown is None else f'not understood: {shown[:60]!a}'}")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=True, allow_nan=False)


def _version() -> str:
    """The version of the installed distribution."""
    try:
        return version("s2sc")
    except PackageNotFoundError:
        return "unknown"
