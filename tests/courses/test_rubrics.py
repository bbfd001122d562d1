"""A rubric is saved as a whole, counts its changes, and adds up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from courses.errors import (
    InvalidFields,
    LevelOutOfRange,
    PointsOffStep,
    RubricDoesNotAddUp,
    UnknownCriterion,
    UserError,
)
from courses.models import Assignment, Course, Criterion
from courses.services import CriterionData, LevelData, assignment_create, assignment_update, rubric_save


def criterion(title: str = "Idea", points: str = "4", levels: tuple[str, ...] = (), **more: Any) -> CriterionData:
    rungs = [LevelData(Decimal(points), f"worth {points}") for points in levels]
    return CriterionData(title, "", Decimal(points), rungs, **more)


def test_a_rubric_keeps_its_criteria_and_counts_its_changes(assignment: Assignment, teacher: User) -> None:
    first = rubric_save(assignment=assignment, by=teacher, criteria=[criterion(levels=("0", "4"))])
    row = first.criteria.get()
    same = criterion(levels=("4", "0"), id=row.pk)
    assert rubric_save(assignment=assignment, by=teacher, criteria=[same]).revision == 1
    changed = [criterion("Language", "1"), criterion("Idea", "3", id=row.pk)]
    assert rubric_save(assignment=assignment, by=teacher, criteria=changed).revision == 2
    rows = list(Criterion.objects.filter(rubric=first))
    assert [(entry.title, entry.levels.count()) for entry in rows] == [("Language", 0), ("Idea", 0)]
    assert rows[1].pk == row.pk
    assert rubric_save(assignment=assignment, by=teacher, criteria=[]).criteria.count() == 0


@pytest.mark.parametrize(
    ("criteria", "error"),
    [
        ([criterion(points="3")], RubricDoesNotAddUp),
        ([criterion(points="3.75"), criterion(points="0.25")], PointsOffStep),
        ([criterion(levels=("5",))], LevelOutOfRange),
        ([criterion(id=99)], UnknownCriterion),
        ([criterion(title="")], InvalidFields),
        ([criterion(points="4"), criterion(points="0")], InvalidFields),
    ],
)
def test_it_refuses_a_rubric_that_does_not_fit(
    assignment: Assignment, teacher: User, criteria: list[CriterionData], error: type[UserError]
) -> None:
    rubric_save(assignment=assignment, by=teacher, criteria=[criterion("Before")])
    with pytest.raises(error) as caught:
        rubric_save(assignment=assignment, by=teacher, criteria=criteria)
    assert caught.value.message
    assert [row.title for row in Criterion.objects.all()] == ["Before"]


def test_an_assignment_has_points_that_fit_its_step(course: Course, teacher: User, assignment: Assignment) -> None:
    fields = {"title": "T", "question": "Q", "step": "0.5"}
    with pytest.raises(InvalidFields) as caught:
        assignment_create(course=course, by=teacher, max_points=Decimal("2.25"), **fields)
    assert list(caught.value.fields) == ["max_points"]
    with pytest.raises(InvalidFields):
        assignment_update(assignment=assignment, by=teacher, max_points=Decimal(0))
    with pytest.raises(TypeError):
        assignment_update(assignment=assignment, by=teacher, course=course)
