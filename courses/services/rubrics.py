"""Saving a rubric as a whole: criteria keep their rows where their ids come back, and its revision counts changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction

from courses.errors import InvalidFields, LevelOutOfRange, PointsOffStep, RubricDoesNotAddUp, UnknownCriterion
from courses.models import Assignment, Criterion, Level, Rubric
from courses.services.history import settings_event


@dataclass(frozen=True)
class LevelData:
    points: Decimal
    description: str


@dataclass(frozen=True)
class CriterionData:
    """One criterion as the form sends it; `id` is that of the row it changes, None for a new one."""

    title: str
    description: str
    points: Decimal
    levels: list[LevelData] = field(default_factory=list)
    id: int | None = None


@transaction.atomic
def rubric_save(*, assignment: Assignment, by: User, criteria: Sequence[CriterionData]) -> Rubric:
    """Make the rubric say exactly this; nothing is written, and the revision stays, where it already does.

    An empty list takes all criteria away.

    Raises:
        RubricDoesNotAddUp, PointsOffStep, LevelOutOfRange, UnknownCriterion, InvalidFields
    """
    _check(assignment, criteria)
    rubric, created = Rubric.objects.get_or_create(assignment=assignment)
    rubric = Rubric.objects.select_for_update().get(pk=rubric.pk)
    rows = {row.pk: row for row in rubric.criteria.prefetch_related("levels")}
    if not {data.id for data in criteria if data.id is not None} <= rows.keys():
        raise UnknownCriterion
    if [_as_data(row) for row in rows.values()] == [_plain(data) for data in criteria]:
        return rubric
    before = {} if created else _told(rubric, rows.values())
    kept = [_save_criterion(rubric, position, data, rows) for position, data in enumerate(criteria)]
    rubric.criteria.exclude(pk__in=kept).delete()
    if not created:
        rubric.revision += 1
    rubric.save()
    after = _told(rubric, Criterion.objects.filter(rubric=rubric))
    settings_event(
        course=assignment.course, assignment=assignment, by=by, action="rubric_changed", before=before, after=after
    )
    return rubric


def _told(rubric: Rubric, criteria: Iterable[Criterion]) -> dict[str, Any]:
    """A rubric in a line of the history; what a grade was given by is in that grade's own snapshot."""
    lines = (f"{row.title}: {row.points.normalize():f}" for row in criteria)
    return {"rubric": "; ".join(lines), "revision": rubric.revision}


def _check(assignment: Assignment, criteria: Sequence[CriterionData]) -> None:
    step = assignment.step_points
    for data in criteria:
        _check_step(data.points, data.title, step)
        for level in data.levels:
            _check_step(level.points, data.title, step)
            if not 0 <= level.points <= data.points:
                raise LevelOutOfRange(title=data.title, points=level.points, maximum=data.points)
    total = sum((data.points for data in criteria), Decimal(0))
    if criteria and total != assignment.max_points:
        raise RubricDoesNotAddUp(total=total, maximum=assignment.max_points)


def _check_step(points: Decimal, where: str, step: Decimal) -> None:
    if points % step:
        raise PointsOffStep(points=points, where=where, step=step)


def _save_criterion(rubric: Rubric, position: int, data: CriterionData, rows: dict[int, Criterion]) -> int:
    row = rows[data.id] if data.id is not None else Criterion(rubric=rubric)
    row.position, row.title, row.description, row.points = position, data.title, data.description, data.points
    levels = [Level(criterion=row, points=level.points, description=level.description) for level in data.levels]
    try:
        row.full_clean()
        for level in levels:
            level.full_clean(exclude=["criterion"])
    except ValidationError as error:
        raise InvalidFields(error) from error
    row.save()
    row.levels.all().delete()
    Level.objects.bulk_create(levels)
    return row.pk


# What makes two rubrics the same: everything but the numbers of the rows.
Plain = tuple[str, str, Decimal, list[tuple[Decimal, str]]]


def _plain(data: CriterionData) -> Plain:
    levels = sorted((level.points, level.description) for level in data.levels)
    return data.title, data.description, data.points, levels


def _as_data(row: Criterion) -> Plain:
    levels = sorted((level.points, level.description) for level in row.levels.all())
    return row.title, row.description, row.points, levels
