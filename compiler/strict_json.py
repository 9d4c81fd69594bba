"""JSON from strangers: no key twice, no NaN, bounded size and depth."""

from __future__ import annotations

import json
import math
from typing import Any


class BadJson(ValueError):
    """Bytes that are no JSON, or more of it than is taken."""


def parse_strictly(data: bytes, name: str, *, most_bytes: int, most_depth: int) -> Any:
    """The value of a JSON text; `name` is what messages call it. Raises BadJson."""
    if len(data) > most_bytes:
        size = f"{most_bytes // 1024**2} MiB" if most_bytes >= 1024**2 else f"{most_bytes // 1024} KiB"
        raise BadJson(f"{name} is larger than {size}")
    if _depth(data) > most_depth:
        raise BadJson(f"{name} is nested deeper than {most_depth}")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen:
                    raise BadJson(f"{name} has the key {key[:80]!r} twice in one object")
                seen.add(key)
        return found

    def refuse(text: str) -> Any:
        raise BadJson(f"{name} holds {text}, which is no finite number")

    def finite(text: str) -> float:
        return number if math.isfinite(number := float(text)) else refuse(text)

    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=unique, parse_constant=refuse, parse_float=finite)
    except UnicodeDecodeError as problem:
        raise BadJson(f"{name} is not UTF-8") from problem
    except json.JSONDecodeError as problem:
        raise BadJson(f"{name} is not JSON: {problem.msg} at line {problem.lineno}") from problem
    except (ValueError, RecursionError) as problem:
        if isinstance(problem, BadJson):
            raise
        raise BadJson(f"{name} is not JSON: {problem}") from problem


def _depth(data: bytes) -> int:
    """The deepest nesting, counted without parsing; brackets in strings count too, which errs on the safe side."""
    deepest = depth = 0
    in_string = escaped = False
    for byte in data:
        if in_string:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_string = False
        elif byte == 0x22:
            in_string = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest
