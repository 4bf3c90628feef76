"""Three kinds of plots as SVG text, for a page that needs nothing else. Pure.

Colours are classes (``c0`` ... ``c6``), so the page's style decides them, also in the dark. Every text is escaped.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 460  # near its width on the page, so that texts keep their size
LEFT, RIGHT, TOP = 168, 52, 10
BAR, GAP, GROUP_GAP = 13, 3, 13
PLOT_HEIGHT = 190
COLOURS = 7
# A row has its colour in every plot; what is none of these takes one that is free.
FIXED = {"mirrored": 0, "nbd": 1, "broken": 2, "qemu": 3, "rebuild": 4, "limit": 5, "raw": 6}


@dataclass(frozen=True)
class Value:
    """A figure with its interval, in the unit of the axis."""

    middle: float
    low: float
    high: float
    label: str = ""


def _colour(name: str, series: Sequence[str]) -> int:
    if name in FIXED:
        return FIXED[name]
    taken = {FIXED[other] for other in series if other in FIXED}
    free = [colour for colour in range(COLOURS) if colour not in taken]
    others = [other for other in series if other not in FIXED]
    return free[others.index(name) % len(free)]


def _text(x: float, y: float, text: str, anchor: str = "start", kind: str = "") -> str:
    css = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{css}>{escape(text)}</text>'


def _frame(title: str, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}">'
        + "".join(parts)
        + "</svg>"
    )


def ticks(highest: float) -> list[float]:
    """Round steps from 0 to at least the highest value, five or so."""
    if highest <= 0:
        return [0.0, 1.0]
    ten = 10.0 ** math.floor(math.log10(highest))
    step = next(ten * part for part in (0.1, 0.2, 0.5, 1.0, 2.0) if highest <= 6 * ten * part)
    return [round(step * n, 6) for n in range(math.ceil(highest / step - 1e-9) + 1)]


def number(value: float) -> str:
    """Short: 12k, 120, 1.5, 0.25."""
    if value >= 10_000:
        return f"{value / 1000:.0f}k"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def bars(title: str, groups: Mapping[str, Mapping[str, Value]], mark: float | None = None) -> str:
    """Horizontal bars in groups, each with its interval; ``mark`` draws a line across, at a figure to be reached."""
    series = list(dict.fromkeys(name for group in groups.values() for name in group))
    values = [value for group in groups.values() for value in group.values()]
    axis = ticks(max([*(value.high for value in values), mark or 0]))
    scale = (WIDTH - LEFT - RIGHT) / axis[-1]
    parts: list[str] = []
    y = float(TOP)
    for label, group in groups.items():
        height = len(group) * (BAR + GAP)
        parts.append(_text(LEFT - 8, y + height / 2 + 3, label, "end"))
        for name, value in group.items():
            colour, right = _colour(name, series), LEFT + value.middle * scale
            middle = y + BAR / 2
            low, high = LEFT + value.low * scale, LEFT + value.high * scale
            parts.append(
                f'<rect class="c{colour}" x="{LEFT}" y="{y:.1f}" width="{right - LEFT:.1f}" height="{BAR}">'
                f"<title>{escape(f'{label}, {name}: {value.label}')}</title></rect>"
                f'<path class="whisker" d="M{low:.1f} {middle:.1f}H{high:.1f}"/>'
            )
            parts.append(_text(max(right, high) + 4, y + BAR - 3, number(value.middle), "start", "figure"))
            y += BAR + GAP
        y += GROUP_GAP
    bottom = y - GROUP_GAP + 4
    grid = [f'<path class="grid" d="M{LEFT + at * scale:.1f} {TOP}V{bottom:.1f}"/>' for at in axis]
    grid += [_text(LEFT + at * scale, bottom + 14, number(at), "middle", "tick") for at in axis]
    if mark is not None:
        grid.append(f'<path class="mark" d="M{LEFT + mark * scale:.1f} {TOP}V{bottom:.1f}"/>')
    return _frame(title, bottom + 22, [*grid, *parts]) + legend(series)


def lines(
    title: str, places: Sequence[str], series: Mapping[str, Mapping[str, Value]], mark: float | None = None
) -> str:
    """Lines over named places of the x axis; the interval of each point as a vertical stroke."""
    values = [value for points in series.values() for value in points.values()]
    axis = ticks(max([*(value.high for value in values), mark or 0]))
    left, bottom = 52, TOP + PLOT_HEIGHT
    step = (WIDTH - left - RIGHT) / max(len(places) - 1, 1)
    scale = PLOT_HEIGHT / axis[-1]
    at_x = {place: left + 14 + step * n for n, place in enumerate(places)}
    parts = [f'<path class="grid" d="M{left} {bottom - at * scale:.1f}H{WIDTH - 20}"/>' for at in axis]
    parts += [_text(left - 6, bottom - at * scale + 4, number(at), "end", "tick") for at in axis]
    parts += [_text(x, bottom + 16, place, "middle", "tick") for place, x in at_x.items()]
    if mark is not None:
        parts.append(f'<path class="mark" d="M{left} {bottom - mark * scale:.1f}H{WIDTH - 20}"/>')
    for name, points in series.items():
        colour = _colour(name, list(series))
        found = [(at_x[place], points[place]) for place in places if place in points]
        path = "L".join(f"{x:.1f} {bottom - value.middle * scale:.1f}" for x, value in found)
        parts.append(f'<path class="line l{colour}" d="M{path}"/>')
        for x, value in found:
            low, y, high = (bottom - part * scale for part in (value.low, value.middle, value.high))
            parts.append(
                f'<path class="whisker" d="M{x:.1f} {low:.1f}V{high:.1f}"/>'
                f'<circle class="c{colour}" cx="{x:.1f}" cy="{y:.1f}" r="4">'
                f"<title>{escape(f'{name}: {value.label}')}</title></circle>"
            )
    return _frame(title, bottom + 24, parts) + legend(list(series))


def stacked(title: str, rows: Mapping[str, Mapping[str, float]], unit: str) -> str:
    """One bar a row, made of its parts in their order."""
    series = list(dict.fromkeys(name for parts in rows.values() for name in parts))
    axis = ticks(max(sum(parts.values()) for parts in rows.values()))
    scale = (WIDTH - LEFT - RIGHT) / axis[-1]
    height = TOP + len(rows) * 34
    drawn = [f'<path class="grid" d="M{LEFT + at * scale:.1f} {TOP}V{height}"/>' for at in axis]
    drawn += [_text(LEFT + at * scale, height + 14, f"{number(at)} {unit}", "middle", "tick") for at in axis]
    for n, (label, parts) in enumerate(rows.items()):
        x, y = float(LEFT), TOP + n * 34
        drawn.append(_text(LEFT - 8, y + 17, label, "end"))
        for name, value in parts.items():
            colour = _colour(name, series)
            drawn.append(
                f'<rect class="c{colour}" x="{x:.1f}" y="{y}" width="{value * scale:.1f}" height="24">'
                f"<title>{escape(f'{name}: {value:.2f} {unit}')}</title></rect>"
            )
            x += value * scale
        drawn.append(_text(x + 4, y + 17, f"{number(sum(parts.values()))} {unit}", "start", "figure"))
    return _frame(title, height + 22, drawn) + legend(series)


def legend(series: Sequence[str]) -> str:
    """Names beside their colours."""
    items = "".join(
        f'<span class="key"><i class="b{_colour(name, series)}"></i>{escape(name)}</span>' for name in series
    )
    return f'<p class="legend">{items}</p>'
