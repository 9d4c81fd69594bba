"""A report as one HTML file: no scripts, nothing from elsewhere, for a light or dark screen and for paper."""

from __future__ import annotations

from .chart import COLOURS
from .html import Html, tag
from .material import Material
from .sections import sections

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(made: Material, other: Material | None = None, *, version: str = "") -> str:
    """The whole file.

    other    the run or spec that it is compared with
    version  of s2sc, for the foot
    """
    found = list(sections(made, other))
    # a name of a section is ours; it is its own anchor
    parts = [tag("section", tag("h2", title), content) for title, content in found]
    notes = tag("ul", [tag("li", note) for note in made.notes], class_="notes") if made.notes else None
    body = tag(
        "main",
        tag("h1", made.name),
        notes,
        parts,
        tag("footer", f"s2sc {version}".rstrip()),
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{made.name}: {made.record.state}"),
        tag("style", Html(_style())),
    )
    return f"<!doctype html>\n{tag('html', head, tag('body', body), lang='en')}\n"


def _style() -> str:
    light, dark = (
        " ".join(f"--c{place}: {colour};" for place, colour in enumerate(COLOURS[name])) for name in ("light", "dark")
    )
    curves = "\n".join(
        f".line.c{place} {{ stroke: var(--c{place}) }} .dot.c{place} {{ fill: var(--c{place}) }} "
        f".swatch.c{place} {{ border-color: var(--c{place}) }}"
        for place in range(len(COLOURS["light"]))
    )
    return _STYLE.replace("LIGHT", light).replace("DARK", dark) + curves


_STYLE = """
:root { --text: #1b1f24; --faint: #667; --ground: #fff; --rule: #dde; --wrong: #b3261e; --right: #22663a; LIGHT }
@media screen and (prefers-color-scheme: dark) {
  :root { --text: #e6e6e6; --faint: #9aa; --ground: #16181c; --rule: #333842; --wrong: #ff8a80; --right: #8ad6a0; DARK }
}
body { margin: 0; color: var(--text); background: var(--ground); font: 15px/1.45 system-ui, sans-serif }
main { max-width: 1360px; margin: 0 auto; padding: 1rem 1.5rem 3rem }
h1 { font-size: 1.5rem; overflow-wrap: anywhere } h2 { font-size: 1.15rem; margin: 2rem 0 .6rem } h3 { font-size: 1rem }
.wide { overflow-x: auto } table { border-collapse: collapse; margin: .5rem 0; font-variant-numeric: tabular-nums }
th, td { text-align: left; vertical-align: top; padding: .22rem 1.1rem .22rem 0; border-bottom: 1px solid var(--rule) }
th { color: var(--faint); font-weight: 500 } td { overflow-wrap: anywhere }
pre { overflow-x: auto; font-size: .85rem; border: 1px solid var(--rule); padding: .7rem; white-space: pre-wrap }
code { overflow-wrap: anywhere }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 1rem 2rem }
figure { margin: 0; break-inside: avoid } figcaption span { margin-left: 1rem; white-space: nowrap }
svg { width: 100%; height: auto; display: block } svg text { fill: var(--faint); font-size: 11px }
.grid { stroke: var(--rule); fill: none } .axis { stroke: var(--faint); fill: none }
.line { fill: none; stroke-width: 1.7; stroke-linejoin: round } .line.compared { stroke-dasharray: 5 4; opacity: .6 }
.mark { stroke: var(--wrong); stroke-width: 1.2; fill: none }
.swatch { display: inline-block; width: 1.3em; border-top: 3px solid; margin: 0 .4em .25em 0 }
.swatch.compared { border-top-style: dashed; opacity: .6 } .swatch.marked { border-color: var(--wrong) }
.state.finished { color: var(--right) } .state.diverged, .state.broken { color: var(--wrong) }
.notes { color: var(--wrong) } del { color: var(--wrong); text-decoration: line-through }
ins { color: var(--wrong); text-decoration: underline } .added { color: var(--right) } .removed { color: var(--wrong) }
.place { color: var(--faint) } footer { margin-top: 3rem; color: var(--faint) }
@media print { main { max-width: none; padding: 0 } details { display: block } pre { border: 0; padding: 0 } }
"""
