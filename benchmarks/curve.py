"""A line chart as SVG, written without any package."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 56, 150, 36, 44
COLOURS = ("#0b6e99", "#c4551d", "#3b7d3a", "#7a4fa3", "#8a6d00")

Points = Sequence[tuple[float, float]]


def line_chart(lines: Mapping[str, Points], *, title: str, x: str, y: str) -> str:
    """Draw named lines over common axes that begin at 0; points that are not finite are left out."""
    drawn = {name: [point for point in points if all(map(math.isfinite, point))] for name, points in lines.items()}
    most_x = _round_up(max((px for points in drawn.values() for px, _ in points), default=1.0))
    most_y = _round_up(max((py for points in drawn.values() for _, py in points), default=1.0))

    def at(px: float, py: float) -> tuple[float, float]:
        return (
            LEFT + (WIDTH - LEFT - RIGHT) * px / most_x,
            HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * py / most_y,
        )

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">',
        f"<title>{html.escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(LEFT, 20, title, size=14),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, x, anchor="middle"),
        _text(LEFT - 8, TOP - 6, y, anchor="end"),
    ]
    for tick in range(6):
        value_x, value_y = most_x * tick / 5, most_y * tick / 5
        (left, height), (right, _) = at(0, value_y), at(most_x, value_y)
        parts.append(f'<path d="M{left:.1f} {height:.1f}H{right:.1f}" stroke="#ddd"/>')
        parts.append(_text(left - 8, height + 4, f"{value_y:g}", anchor="end"))
        parts.append(_text(at(value_x, 0)[0], HEIGHT - BOTTOM + 18, f"{value_x:g}", anchor="middle"))
    for place, (name, points) in enumerate(drawn.items()):
        colour = COLOURS[place % len(COLOURS)]
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in (at(*point) for point in points))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        height = TOP + 18 * place + 8
        parts.append(f'<path d="M{WIDTH - RIGHT + 12} {height}h18" stroke="{colour}" stroke-width="1.8"/>')
        parts.append(_text(WIDTH - RIGHT + 36, height + 4, name))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _round_up(value: float) -> float:
    """The next number that divides into five round steps."""
    if value <= 0:
        return 1.0
    size = 10.0 ** math.floor(math.log10(value))
    return next(step * size for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * size >= value * (1 - 1e-9))


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{html.escape(text)}</text>'
