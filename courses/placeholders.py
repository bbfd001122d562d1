"""Students of imported answers. Where a row names nobody, a stand-in holds its place: no address, no login, no mail."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User

from courses.errors import IsCourseStaff
from courses.models import Assignment, Course, Membership, Role
from courses.services.people import account_for


class Placeholders:
    """The stand-ins of one course, “Imported 001” and so on; the same ones serve all its assignments."""

    def __init__(self, course: Course) -> None:
        self._course = course

    def free_for(self, assignment: Assignment) -> Iterator[User]:
        """Stand-ins without an answer to this assignment, made as they are needed."""
        busy = set(assignment.submissions.current().values_list("student_id", flat=True))
        number = 0
        while True:
            number += 1
            user = self._get(number)
            if user.pk not in busy:
                yield user

    def _get(self, number: int) -> User:
        label = f"{number:03d}"
        user, created = User.objects.get_or_create(
            username=f"imported-{label}-course-{self._course.pk}@invalid",
            defaults={
                "first_name": "Imported",
                "last_name": label,
                "is_active": False,
                "password": make_password(None),
            },
        )
        if created:
            Membership.objects.create(course=self._course, user=user, role=Role.STUDENT)
        return user


def student_for(course: Course, email: str) -> User:
    """The person whom a row names, as a student of the course; an account and a membership are made where needed.

    Raises:
        InvalidEmail, IsCourseStaff
    """
    user, _created = account_for(email=email)
    membership, _created = Membership.objects.get_or_create(course=course, user=user, defaults={"role": Role.STUDENT})
    if membership.role != Role.STUDENT:
        raise IsCourseStaff(email=email)
    return user
