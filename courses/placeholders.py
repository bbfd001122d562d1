"""Students of imported answers. Where a row names nobody, a stand-in holds its place: no address, no login, no mail."""

from __future__ import annotations

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.db.models import QuerySet

from courses.errors import IsCourseStaff
from courses.models import Assignment, Course, Membership, Role
from courses.services.history import member_event
from courses.services.people import account_for


def placeholders_for(assignment: Assignment, count: int) -> list[User]:
    """`count` stand-ins without an answer to this assignment, “Imported 001” and so on; they are made where they are
    missing, and the same ones serve all assignments of a course."""
    course = assignment.course
    busy = set(assignment.submissions.current().values_list("student_id", flat=True))
    free = [user for user in _all(course).filter(memberships__course=course) if user.pk not in busy]
    # By number and not by how many there are: somebody may have taken one out of the course.
    last = max((int(user.last_name) for user in _all(course)), default=0) if len(free) < count else 0
    free += _make(course, last + 1, count - len(free))
    return free[:count]


def _all(course: Course) -> QuerySet[User]:
    return User.objects.filter(username__startswith="imported-", username__endswith=_ending(course)).order_by("pk")


def _ending(course: Course) -> str:
    # No such domain can exist, so that nobody can ever own the address.
    return f"-course-{course.pk}@invalid"


def _make(course: Course, first: int, count: int) -> list[User]:
    labels = [f"{number:03d}" for number in range(first, first + max(0, count))]
    users = [
        User(
            username=f"imported-{label}{_ending(course)}",
            first_name="Imported",
            last_name=label,
            is_active=False,
            password=make_password(None),
        )
        for label in labels
    ]
    users = User.objects.bulk_create(users)
    Membership.objects.bulk_create(Membership(course=course, user=user, role=Role.STUDENT) for user in users)
    return users


def student_for(course: Course, email: str, by: User) -> User:
    """The person whom a row names, as a student of the course; an account and a membership are made where needed.

    Raises:
        InvalidEmail, IsCourseStaff
    """
    user, _created = account_for(email=email)
    membership, added = Membership.objects.get_or_create(course=course, user=user, defaults={"role": Role.STUDENT})
    if added:
        member_event(membership=membership, by=by, action="member_added", after=membership.role)
    if membership.role != Role.STUDENT:
        raise IsCourseStaff(email=email)
    return user
