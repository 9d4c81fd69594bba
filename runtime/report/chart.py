"""Line charts as SVG inside a page: colours are the page's, so that they fit its light, its dark and paper."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from .html import Html, join, tag

WIDTH, HEIGHT = 640, 260
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 12, 30
NUM_COLOURS = 6
_FEW_POINTS = 24
_MOST = 1e300

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Line:
    """A named line; `compared` ones are another run's and are dashed, `colour` is 0 .. NUM_COLOURS - 1."""

    name: str
    points: Points
    colour: int = 0
    compared: bool = False


@dataclass(frozen=True)
class _Axis:
    """Values to places between `start` and `end`; on a logarithmic one equal factors are equal distances."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        low, high, value = (
            (math.log(one) for one in (self.low, self.high, value))
            if self.logarithmic
            else (
                self.low,
                self.high,
                value,
            )
        )
        return self.start + (self.end - self.start) * (value - low) / (high - low)


def line_chart(
    title: str,
    lines: Sequence[Line],
    *,
    marks: Points = (),
    mark_name: str = "",
    logarithmic: bool = False,
    base: int = 10,
    shown: Callable[[float], str] | None = None,
) -> Html:
    """Lines over steps with their names above; a figure of nothing where no line has a point.

    marks        steps, and how much of something happened there: ticks at the foot
    logarithmic  draw the values by their logarithm if they are all positive, with grid lines at powers of `base`
    shown        how a value is written at the axis
    """
    drawn = [
        replace(line, points=[(_drawable(x), _drawable(y)) for x, y in line.points]) for line in lines if line.points
    ]
    if not drawn:
        return join()
    marks = [(_drawable(x), number) for x, number in marks]
    xs = [x for line in drawn for x, _ in line.points] + [x for x, _ in marks]
    ys = [y for line in drawn for _, y in line.points]
    logarithmic = logarithmic and min(ys) > 0
    across = _Axis(*_apart(min(xs), max(xs)), LEFT, WIDTH - RIGHT)
    low, high = _power_range(min(ys), max(ys), base) if logarithmic else _linear_range(min(ys), max(ys))
    up = _Axis(low, high, HEIGHT - BOTTOM, TOP, logarithmic)
    ticks = _powers(low, high, base) if logarithmic else _ticks(low, high)
    parts = [tag("title", title)]
    for value in ticks:
        height = round(up.at(value), 1)
        parts.append(tag("path", d=f"M{LEFT} {height}H{WIDTH - RIGHT}", class_="grid"))
        parts.append(tag("text", (shown or _written)(value), x=LEFT - 7, y=height + 4, text_anchor="end"))
    for value in _ticks(across.low, across.high):
        place = round(across.at(value), 1)
        parts.append(tag("text", f"{value:,.10g}", x=place, y=HEIGHT - BOTTOM + 17, text_anchor="middle"))
    parts.append(tag("path", d=f"M{LEFT} {HEIGHT - BOTTOM}H{WIDTH - RIGHT}", class_="axis"))
    parts.append(tag("text", "step", x=WIDTH - RIGHT, y=HEIGHT - 1, text_anchor="end", class_="unit"))
    if marks:
        ticks_d = "".join(f"M{across.at(x):.1f} {HEIGHT - BOTTOM}v-9" for x, _ in marks)
        parts.append(tag("path", d=ticks_d, class_="mark"))
    for line in sorted(drawn, key=lambda line: not line.compared):
        parts.append(_curve(line, across, up))
    picture = tag("svg", parts, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", xmlns="http://www.w3.org/2000/svg")
    legend = [_legend(line, shown or _written) for line in drawn]
    if marks:
        count = sum(number for _, number in marks)
        legend.append(tag("span", tag("b", class_="swatch marked"), f"{mark_name} ({count:,.10g})"))
    return tag("figure", tag("figcaption", tag("strong", title), legend), picture)


def _curve(line: Line, across: _Axis, up: _Axis) -> Html:
    places = [(round(across.at(x), 1), round(up.at(y), 1)) for x, y in line.points]
    named = f"c{line.colour % NUM_COLOURS}{' compared' if line.compared else ''}"
    drawn = tag("polyline", points=" ".join(f"{x},{y}" for x, y in places), class_=f"line {named}")
    if len(places) > _FEW_POINTS or (line.compared and len(places) > 1):
        return drawn
    dots = [tag("circle", cx=x, cy=y, r=2.2, class_=f"dot {named}") for x, y in places]
    return join(drawn, dots)


def _legend(line: Line, shown: Callable[[float], str]) -> Html:
    kind = f"swatch c{line.colour % NUM_COLOURS}{' compared' if line.compared else ''}"
    return tag("span", tag("b", class_=kind), f"{line.name} {shown(line.points[-1][1])}")


def _drawable(value: float) -> float:
    """Differences of two of them are numbers too."""
    return min(max(value, -_MOST), _MOST)


def _apart(low: float, high: float) -> tuple[float, float]:
    spread = 1e-9 * max(abs(low), abs(high))
    return (low, high) if high - low > spread else (low - 0.5 - spread, high + 0.5 + spread)


def _linear_range(low: float, high: float) -> tuple[float, float]:
    """From 0 where that costs less than half of the height; round numbers at both ends."""
    if 0 < low <= high * 0.75:
        low = 0.0
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        spread = abs(low) * 0.1 or 1.0
        low, high = low - spread, high + spread
    step = _step(low, high)
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step


def _power_range(low: float, high: float, base: int) -> tuple[float, float]:
    start = math.floor(math.log(low, base) + 1e-9)
    end = math.ceil(math.log(high, base) - 1e-9)
    return float(base) ** start, float(base) ** max(end, start + 1)


def _powers(low: float, high: float, base: int) -> list[float]:
    start, end = round(math.log(low, base)), round(math.log(high, base))
    every = max(1, math.ceil((end - start) / 6))
    return [float(base) ** power for power in range(start, end + 1, every)]


def _step(low: float, high: float) -> float:
    size = 10.0 ** math.floor(math.log10((high - low) / 5))
    return next(step * size for step in (1, 2, 2.5, 5, 10) if step * size * 5 >= (high - low) * (1 - 1e-9))


def _ticks(low: float, high: float) -> list[float]:
    step = _step(low, high)
    first = math.ceil(low / step - 1e-9)
    return [place * step for place in range(first, first + 12) if place * step <= high + step * 1e-9]


def _written(value: float) -> str:
    return f"{value:.4g}"


COLOURS: Mapping[str, tuple[str, ...]] = {
    "light": ("#0b6e99", "#c4551d", "#3b7d3a", "#7a4fa3", "#8a6d00", "#a8325e"),
    "dark": ("#5cb8e0", "#f0915c", "#7cc47a", "#b893dd", "#d0b13c", "#ec7fa8"),
}
