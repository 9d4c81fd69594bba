"""A learning rate's curve as a picture in SVG: one file without styles, scripts or fonts from elsewhere."""

from __future__ import annotations

from html import escape

from .schedule_curve import Curve

_WIDTH, _HEIGHT = 640, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 36, 44


def curve_as_svg(curve: Curve) -> str:
    """A whole SVG file."""
    steps = curve.samples(500)
    last, top = max(curve.length.steps - 1, 1), max(max(curve.rate(step) for step in steps), 1e-300)

    def x(step: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * step / last

    def y(rate: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * rate / top

    points = " ".join(f"{x(step):.2f},{y(curve.rate(step)):.2f}" for step in steps)
    title = escape(f"learning rate of {curve.schedule.name}, lr = {curve.lr:g}")
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif"'
        f' font-size="12" role="img" aria-label="{title}">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="20">{title}</text>',
    ]
    for share in (0, 0.25, 0.5, 0.75, 1):
        rate, step = top * share, round(last * share)
        lines += [
            f'<path d="M{_LEFT} {y(rate):.2f}H{_WIDTH - _RIGHT}" stroke="#ddd"/>',
            f'<text x="{_LEFT - 6}" y="{y(rate) + 4:.2f}" text-anchor="end">{rate:.3g}</text>',
            f'<text x="{x(step):.2f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{curve.place(step)}</text>',
        ]
    lines.append(f'<text x="{_WIDTH / 2}" y="{_HEIGHT - 8}" text-anchor="middle">{curve.unit}</text>')
    lines.append(f'<polyline points="{points}" fill="none" stroke="#1f5fa8" stroke-width="2"/>')
    for step, what in curve.key_steps():
        told = escape(f"{curve.place(step)}: {curve.rate(step):.4g}, {what}")
        lines.append(
            f'<circle cx="{x(step):.2f}" cy="{y(curve.rate(step)):.2f}" r="4" fill="#c0392b">'
            f"<title>{told}</title></circle>"
        )
    return "\n".join([*lines, "</svg>", ""])
