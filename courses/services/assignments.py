from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from courses.models import Assignment, Course
from courses.services.saving import save_checked, set_fields

FIELDS = (
    "title",
    "question",
    "reference_answer",
    "max_points",
    "step",
    "language",
    "marking_instructions",
    "due_at",
    "published",
    "regrade_days",
    "blind_marking",
    "second_share",
    "second_spread",
)


def assignment_create(*, course: Course, by: User, external_id: str = "", **fields: Any) -> Assignment:
    """A new assignment; its language is the course's where none is given.

    Raises:
        InvalidFields
    """
    assignment = Assignment(course=course, language=course.language, external_id=external_id)
    set_fields(assignment, fields, FIELDS)
    return save_checked(assignment)


def assignment_update(*, assignment: Assignment, by: User, **fields: Any) -> Assignment:
    """
    Raises:
        InvalidFields
    """
    set_fields(assignment, fields, FIELDS)
    return save_checked(assignment)
