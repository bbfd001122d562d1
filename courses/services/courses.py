from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from courses.models import Course, Language, Membership, Role
from courses.services.history import member_event, settings_event, settings_of
from courses.services.saving import save_checked, set_fields

FIELDS = ("name", "term", "language", "may_train", "ends_on", "retention_months")


@transaction.atomic
def course_create(
    *, by: User, name: str, term: str = "", language: str = Language.ENGLISH, may_train: bool = True
) -> Course:
    """A new course with `by` as its teacher.

    Raises:
        InvalidFields
    """
    course = save_checked(Course(name=name, term=term, language=language, may_train=may_train))
    membership = Membership.objects.create(course=course, user=by, role=Role.TEACHER)
    member_event(membership=membership, by=by, action="member_added", after=Role.TEACHER)
    return course


@transaction.atomic
def course_update(*, course: Course, by: User, **fields: Any) -> Course:
    """
    Raises:
        InvalidFields
    """
    before = settings_of(Course.objects.select_for_update().get(pk=course.pk), FIELDS)
    set_fields(course, fields, FIELDS)
    save_checked(course)
    settings_event(course=course, by=by, action="course_changed", before=before, after=settings_of(course, FIELDS))
    return course
