"""Geometry of the dashboard's charts: numbers in, coordinates of an SVG out. Pure; the templates draw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from courses.names import person_name
from courses.templatetags.courses_tags import points as words
from grading.curves import Tick, nice_step
from grading.models import Grade

WIDTH, HEIGHT, SIDE = 420, 220, 320
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 12, 40
MOST_BARS = 21  # with more steps than that, points are counted in ten parts of the maximum
MOST_DOTS = 300
_GOLDEN = math.pi * (3 - math.sqrt(5))


@dataclass(frozen=True)
class Bar:
    """How many grades have points of `text`, and where that is drawn."""

    text: str
    count: int
    x: float
    y: float
    wide: float
    high: float
    middle: float
    labelled: bool


@dataclass(frozen=True)
class Bars:
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]

    width, height = WIDTH, HEIGHT
    left, right, top, bottom = LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM


@dataclass(frozen=True)
class Dot:
    """One paper: what was proposed to the right, what was given upwards."""

    submission_id: int
    name: str
    proposed: str
    given: str
    x: float
    y: float


@dataclass(frozen=True)
class Scatter:
    dots: tuple[Dot, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    papers: int  # of which the dots are those that differ most

    width, height = SIDE, SIDE
    left, right, top, bottom = LEFT, SIDE - RIGHT, TOP, SIDE - BOTTOM


def distribution(values: Sequence[float], most: float, step: float) -> Bars:
    """A bar for each step of points, or for each tenth of the maximum where there are too many steps."""
    whole = round(most / step)
    parts = whole if whole < MOST_BARS else 10
    counts = [0] * (parts + 1)
    for value in values:
        counts[min(parts, max(0, math.floor(value / most * parts + 0.5)))] += 1
    top = max(1, *counts)
    slot = (WIDTH - LEFT - RIGHT) / len(counts)
    every = math.ceil(len(counts) / 11)
    bars = []
    for index, count in enumerate(counts):
        high = count / top * (HEIGHT - TOP - BOTTOM)
        x = LEFT + index * slot
        text = words(index * most / parts)
        place = (round(x + slot * 0.12, 1), round(HEIGHT - BOTTOM - high, 1), round(slot * 0.76, 1), round(high, 1))
        bars.append(Bar(text, count, *place, middle=round(x + slot / 2, 1), labelled=index % every == 0))
    unit = max(1, round(nice_step(top, 4)))
    ticks = [Tick(_up(value / top, HEIGHT), str(value)) for value in range(0, top + 1, unit)]
    return Bars(tuple(bars), tuple(ticks))


def scatter(grades: Sequence[Grade], most: float) -> Scatter:
    """A dot for each paper, by share of its maximum. Papers on one spot lie in a spiral around it, so that each is
    seen and can be opened. Of more papers than anybody can look at those are shown that differ most."""
    papers = len(grades)
    if papers > MOST_DOTS:
        grades = sorted(grades, key=_apart, reverse=True)[:MOST_DOTS]
    before: dict[tuple[float, float], int] = {}
    dots = []
    for grade in grades:
        spot = (float((grade.proposed_points or 0) / grade.max_points), float((grade.points or 0) / grade.max_points))
        number = before[spot] = before.get(spot, -1) + 1
        away, angle = min(15.0, 5.5 * math.sqrt(number)), number * _GOLDEN
        x, y = _right(spot[0]) + away * math.cos(angle), _up(spot[1], SIDE) + away * math.sin(angle)
        name = person_name(grade.submission.student)
        figures = words(grade.proposed_points), words(grade.points)
        dots.append(Dot(grade.submission_id, name, *figures, round(x, 1), round(y, 1)))
    unit = nice_step(most, 5)
    marks = [index * unit for index in range(math.floor(most / unit + 1e-9) + 1)]
    return Scatter(
        tuple(dots),
        tuple(Tick(_right(value / most), words(value)) for value in marks),
        tuple(Tick(_up(value / most, SIDE), words(value)) for value in marks),
        papers,
    )


def _apart(grade: Grade) -> float:
    return abs(float(grade.points or 0) - float(grade.proposed_points or 0))


def _right(share: float) -> float:
    return round(LEFT + share * (SIDE - LEFT - RIGHT), 1)


def _up(share: float, height: int) -> float:
    return round(height - BOTTOM - share * (height - TOP - BOTTOM), 1)
