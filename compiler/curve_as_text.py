"""A learning rate's curve for a terminal: dots of Braille, figures at the axes and the steps that matter."""

from __future__ import annotations

from .schedule_curve import Curve

_WIDTH, _HEIGHT = 64, 10
# the bits of a Braille character, by row and column of its dots
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_BLANK = 0x2800


def curve_as_text(curve: Curve) -> str:
    """The picture, then a table of key steps."""
    top = max(curve.rate(step) for step in curve.samples(2000))
    rows = _rows(curve, top)
    figures = {0: f"{top:.3g}", _HEIGHT // 2: f"{top * (1 - (_HEIGHT // 2) / _HEIGHT):.3g}"}
    margin = max(len(figure) for figure in figures.values())
    length = f"{curve.length.steps:,} steps" if curve.unit == "steps" else f"{curve.place(curve.length.steps)} epochs"
    lines = [f"learning rate of {curve.schedule.name}, lr = {curve.lr:g}, over {length}", ""]
    for number, row in enumerate(rows):
        lines.append(f"{figures.get(number, ''):>{margin}} {'┤' if number in figures else '│'}{row}".rstrip())
    lines.append(f"{'0':>{margin}} ┼{'─' * _WIDTH}")
    middle, end = (curve.place(round((curve.length.steps - 1) * share)) for share in (0.5, 1))
    axis = f"0{middle:^{_WIDTH - 2}}"
    lines.append(f"{'':>{margin}}  {axis[: _WIDTH - len(end)]}{end}")
    return "\n".join([*lines, "", *_table(curve)]) + "\n"


def _rows(curve: Curve, top: float) -> list[str]:
    """Each column of dots spans the rates of its steps, and reaches to the column before it."""
    columns, height = 2 * _WIDTH, 4 * _HEIGHT
    cells = [[_BLANK] * _WIDTH for _ in range(_HEIGHT)]
    last, before = curve.length.steps - 1, None
    for column in range(columns):
        first, end = last * column // columns, last * (column + 1) // columns
        steps = {first + (end - first) * part // 8 for part in range(9)}
        levels = [round((1 - (curve.rate(step) / top if top else 0)) * (height - 1)) for step in sorted(steps)]
        low, high = min(levels), max(levels)
        if before is not None:
            # the stroke begins beside where the last one ended
            low, high = min(low, before + 1) if low > before else low, max(high, before - 1) if high < before else high
        for level in range(low, high + 1):
            cells[level // 4][column // 2] |= _DOTS[level % 4][column % 2]
        before = levels[-1]
    return ["".join(" " if cell == _BLANK else chr(cell) for cell in row) for row in cells]


def _table(curve: Curve) -> list[str]:
    rows = [(curve.place(step), f"{curve.rate(step):.4g}", what) for step, what in curve.key_steps()]
    head = (curve.unit.removesuffix("s"), "rate", "")
    widths = [max(len(row[column]) for row in (head, *rows)) for column in (0, 1)]
    return [f"{one:>{widths[0]}}   {rate:<{widths[1]}}   {what}".rstrip() for one, rate, what in (head, *rows)]
