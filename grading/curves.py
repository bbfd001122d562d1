"""Geometry of a loss curve: numbers in, coordinates of an SVG out. Pure; the template draws what it is given."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 420, 220
LEFT, RIGHT, TOP, BOTTOM = 40, 10, 10, 24
MOST_POINTS = 120  # more than a screen can show; a long training has thousands
MOST_ROWS = 40

Point = tuple[float, float]


@dataclass(frozen=True)
class Tick:
    """A line of the grid: where it lies, and what is written beside it."""

    at: float
    text: str


@dataclass(frozen=True)
class Curve:
    """One stage's losses. `train` and `validation` are lists of "x,y" for a polyline; `dots` are measurements."""

    stage: str
    train: str
    validation: str
    dots: tuple[Point, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    rows: tuple[tuple[int, float | None, float | None, float], ...]
    first: float
    last: float
    lowest: float | None
    lowest_step: int | None

    width, height = WIDTH, HEIGHT
    left, right, top, bottom = LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM


def curves(points: Mapping[str, Mapping[str, Sequence[Any]]]) -> list[Curve]:
    """One curve per stage that has a loss, from `selectors.loss_curve`."""
    drawn = (_curve(stage, columns) for stage, columns in points.items())
    return [curve for curve in drawn if curve is not None]


def _curve(stage: str, columns: Mapping[str, Sequence[Any]]) -> Curve | None:
    steps = columns["step"]
    train = _series(steps, columns["train_loss"])
    # A measurement is told again with each step until the next one: only the first of them is the measurement.
    validation = _changes(_series(steps, columns["validation_loss"]))
    if not train and not validation:
        return None
    train_shown = thinned(train)
    values = [y for _, y in (*train_shown, *validation)]
    low, high = _span(values)
    first = min(steps)
    last = max(first + 1, *steps)

    def place(point: Point) -> Point:
        x = LEFT + (point[0] - first) / (last - first) * (WIDTH - LEFT - RIGHT)
        y = TOP + (high - point[1]) / (high - low) * (HEIGHT - TOP - BOTTOM)
        return round(x, 1), round(y, 1)

    best = min(validation, key=lambda point: point[1]) if validation else None
    return Curve(
        stage=stage,
        train=_line(map(place, train_shown)),
        validation=_line(map(place, validation)),
        dots=tuple(map(place, validation)),
        x_ticks=tuple(Tick(place((value, low))[0], text) for value, text in _ticks(first, last, whole=True)),
        y_ticks=tuple(Tick(place((first, value))[1], text) for value, text in _ticks(low, high)),
        rows=_rows(columns),
        first=values[0],
        last=(train_shown or validation)[-1][1],
        lowest=best[1] if best else None,
        lowest_step=int(best[0]) if best else None,
    )


def thinned(points: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """At most `most` points: each the mean of its neighbours, so that a single wild step does not draw the eye."""
    size = math.ceil(len(points) / most)
    groups = [points[start : start + size] for start in range(0, len(points), size)] if size > 1 else []
    means = [(sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group)) for group in groups]
    return means or list(points)


def nice_step(span: float, parts: int) -> float:
    """A step of 1, 2 or 5 times a power of ten that divides a span into about so many parts."""
    rough = span / parts
    power = 10.0 ** math.floor(math.log10(rough))
    return float(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999))


def _ticks(low: float, high: float, *, whole: bool = False) -> list[tuple[float, str]]:
    step = nice_step(high - low, 5)
    step = max(step, 1.0) if whole else step
    digits = max(0, -math.floor(math.log10(step)))
    start = math.ceil(low / step - 1e-9)
    values = [index * step for index in range(start, math.floor(high / step + 1e-9) + 1)]
    return [(value, f"{value:.{digits}f}") for value in values]


def _span(values: Sequence[float]) -> tuple[float, float]:
    """The range of the losses with a little room; a flat line gets some, too."""
    low, high = min(values), max(values)
    room = 0.05 * (high - low) or max(0.1 * abs(high), 0.01)
    return max(0.0, low - room) if low >= 0 else low - room, high + room


def _series(steps: Sequence[int], values: Sequence[float | None]) -> list[Point]:
    pairs = zip(steps, values, strict=True)
    return [(float(step), value) for step, value in pairs if value is not None and math.isfinite(value)]


def _changes(points: Sequence[Point]) -> list[Point]:
    return [point for index, point in enumerate(points) if not index or point[1] != points[index - 1][1]]


def _line(points: Any) -> str:
    return " ".join(f"{x},{y}" for x, y in points)


def _rows(columns: Mapping[str, Sequence[Any]]) -> tuple[tuple[int, float | None, float | None, float], ...]:
    """The same as a table: evenly chosen points, the last always among them."""
    names = ("step", "train_loss", "validation_loss", "seconds")
    rows = list(zip(*(columns[name] for name in names), strict=True))
    size = max(1, math.ceil(len(rows) / MOST_ROWS))
    return tuple(rows[len(rows) - 1 :: -size][::-1])
