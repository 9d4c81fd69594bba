"""HTML and SVG out of nested calls: every text is made inert, and only what is written as markup here is any."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from ...dsl.escapes import visible

_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*")
_EMPTY = ("meta", "br")
_EMPTY_SVG = ("path", "circle", "polyline")
_LONGEST = 20_000


class Html(str):
    """Markup. A plain string is text, whatever it looks like."""

    __slots__ = ()


Child = str | None | Iterable["Child"]


def tag(element: str, /, *children: Child, **attributes: str | float | None) -> Html:
    """An element; `class_` and `stroke_width` are written class and stroke-width, None leaves one out."""
    assert _NAME.fullmatch(element)
    words = [element]
    for key, value in attributes.items():
        if value is None:
            continue
        key = key.rstrip("_").replace("_", "-")
        assert _NAME.fullmatch(key)
        assert not key.startswith(("on", "href", "src", "style")), f"a report has no {key}"
        words.append(f'{key}="{text(str(value))}"')
    if element in _EMPTY_SVG:
        return Html(f"<{' '.join(words)}/>")
    start = f"<{' '.join(words)}>"
    return Html(start if element in _EMPTY else f"{start}{join(*children)}</{element}>")


def join(*children: Child) -> Html:
    """Children one after the other; nested ones are laid flat."""
    parts: list[str] = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, Html):
            parts.append(child)
        elif isinstance(child, str):
            parts.append(text(child))
        else:
            parts.append(join(*child))
    return Html("".join(parts))


def text(what: str, most: int = _LONGEST) -> Html:
    """Text as text: lines stay lines, and what a reader would not see is shown by its code point."""
    if len(what) > most:
        what = f"{what[:most]}… ({len(what) - most:,} characters more)"
    return Html(html.escape("\n".join(visible(line) for line in what.split("\n"))))


def table(head: Iterable[Child], rows: Iterable[Iterable[Child]], *, class_: str | None = None) -> Html:
    """A table with a head; one that is wider than the page is scrolled alone."""
    body = [tag("tr", [tag("td", cell) for cell in row]) for row in rows]
    made = tag("table", tag("thead", tag("tr", [tag("th", cell) for cell in head])), tag("tbody", body), class_=class_)
    return tag("div", made, class_="wide")


def facts(rows: Iterable[tuple[str, Child]]) -> Html:
    """Names and what they are; those that are None are left out."""
    body = [tag("tr", tag("th", name, scope="row"), tag("td", value)) for name, value in rows if value is not None]
    return tag("div", tag("table", tag("tbody", body), class_="facts"), class_="wide")
