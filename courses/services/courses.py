from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from courses.models import Course, Language, Membership, Role
from courses.services.saving import save_checked, set_fields

FIELDS = ("name", "term", "language", "may_train")


@transaction.atomic
def course_create(
    *, by: User, name: str, term: str = "", language: str = Language.ENGLISH, may_train: bool = True
) -> Course:
    """A new course with `by` as its teacher.

    Raises:
        InvalidFields
    """
    course = save_checked(Course(name=name, term=term, language=language, may_train=may_train))
    Membership.objects.create(course=course, user=by, role=Role.TEACHER)
    return course


def course_update(*, course: Course, by: User, **fields: Any) -> Course:
    """
    Raises:
        InvalidFields
    """
    set_fields(course, fields, FIELDS)
    return save_checked(course)
