"""What a model found beside what was wanted, with the differences marked."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from .html import Html, join, tag, text

_MOST_CHARACTERS = 600
_MOST_PARTS = 400


def compared(wanted: str, found: str) -> tuple[Html, Html]:
    """Both texts: what is only wanted is marked as missing, what is only found as wrong.

    Word by word, or letter by letter where there is but one word.
    """
    wanted, found = wanted[:_MOST_CHARACTERS], found[:_MOST_CHARACTERS]
    left, right = _parts(wanted, found)
    # an exact comparison: the shortcut for common parts would call every space of a long text noise
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    wanted_parts: list[Html] = []
    found_parts: list[Html] = []
    for kind, a, b, c, d in matcher.get_opcodes():
        was, now = "".join(left[a:b]), "".join(right[c:d])
        if was:
            wanted_parts.append(text(was) if kind == "equal" else tag("del", was))
        if now:
            found_parts.append(text(now) if kind == "equal" else tag("ins", now))
    return join(wanted_parts), join(found_parts) if found_parts else tag("i", "nothing")


def _parts(wanted: str, found: str) -> tuple[list[str], list[str]]:
    words = [re.findall(r"\s+|\S+", one)[:_MOST_PARTS] for one in (wanted, found)]
    if max(map(len, words)) > 1:
        return words[0], words[1]
    return list(wanted)[:_MOST_PARTS], list(found)[:_MOST_PARTS]
