"""A curve out of any number of points, in bounded memory: the lowest and the highest of each stretch stay."""

from __future__ import annotations

from collections.abc import Iterator

KEPT = 1_000


class Series:
    """Points in the order in which they were measured.

    What is drawn is no wider than some hundred pixels, so of each stretch of steps the first, the lowest and the
    highest point say all. Thinning twice keeps what thinning once kept of them.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._points: list[tuple[float, float]] = []
        self.count = 0

    def add(self, x: float, y: float) -> None:
        """Add a point."""
        self.count += 1
        self._points.append((x, y))
        if len(self._points) > 8 * self._kept:
            self._points = thinned(self._points, self._kept)

    @property
    def points(self) -> list[tuple[float, float]]:
        """At most `kept` of them, in their order."""
        return thinned(self._points, self._kept)

    def __iter__(self) -> Iterator[tuple[float, float]]:
        return iter(self.points)


def thinned(points: list[tuple[float, float]], most: int) -> list[tuple[float, float]]:
    """At most `most` points: the first and the last, and of each stretch the lowest and the highest."""
    if len(points) <= most:
        return points
    stretches = max((most - 2) // 2, 1)
    kept = {0, len(points) - 1}
    for stretch in range(stretches):
        places = range(len(points) * stretch // stretches, len(points) * (stretch + 1) // stretches)
        kept.add(min(places, key=lambda place: points[place][1]))
        kept.add(max(places, key=lambda place: points[place][1]))
    return [points[place] for place in sorted(kept)]
