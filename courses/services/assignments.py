from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from courses.models import Assignment, Course
from courses.services.history import settings_event, settings_of
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


@transaction.atomic
def assignment_create(*, course: Course, by: User, external_id: str = "", **fields: Any) -> Assignment:
    """A new assignment; its language is the course's where none is given.

    Raises:
        InvalidFields
    """
    assignment = Assignment(course=course, language=course.language, external_id=external_id)
    set_fields(assignment, fields, FIELDS)
    save_checked(assignment)
    after = settings_of(assignment, FIELDS)
    settings_event(course=course, assignment=assignment, by=by, action="assignment_made", before={}, after=after)
    return assignment


@transaction.atomic
def assignment_update(*, assignment: Assignment, by: User, **fields: Any) -> Assignment:
    """
    Raises:
        InvalidFields
    """
    before = settings_of(Assignment.objects.select_for_update().get(pk=assignment.pk), FIELDS)
    set_fields(assignment, fields, FIELDS)
    save_checked(assignment)
    settings_event(
        course=assignment.course,
        assignment=assignment,
        by=by,
        action="assignment_changed",
        before=before,
        after=settings_of(assignment, FIELDS),
    )
    return assignment
