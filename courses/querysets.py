"""Who sees which rows. Every page starts from `visible_to(user)` (what a member may read) or `managed_by(user)`
(what course staff may change); a site admin (Django's is_staff) sees and manages all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.contrib.auth.models import AnonymousUser, User
from django.db import models

if TYPE_CHECKING:
    from courses.models import Assignment, Course, CourseEvent, Membership, Submission  # noqa: F401

AnyUser = User | AnonymousUser
STAFF_ROLES = ("teacher", "assistant")
ALL_ROLES = (*STAFF_ROLES, "student")


def is_admin(user: Any) -> bool:
    return bool(user.is_active and user.is_staff)


def in_courses_of(user: Any, roles: tuple[str, ...], path: str = "course") -> models.Q:
    """The condition "`path` is a course in which `user` has one of `roles`"; always true for a site admin."""
    if is_admin(user):
        return models.Q(pk__isnull=False)
    if not (user.is_authenticated and user.is_active):
        return models.Q(pk__in=[])
    return models.Q(**{f"{path}__in": user.memberships.filter(role__in=roles).values("course")})


class CourseQuerySet(models.QuerySet["Course"]):
    def visible_to(self, user: AnyUser) -> Self:
        return self.filter(in_courses_of(user, ALL_ROLES, "pk"))

    def managed_by(self, user: AnyUser) -> Self:
        return self.filter(in_courses_of(user, STAFF_ROLES, "pk"))

    def owned_by(self, user: AnyUser) -> Self:
        """Courses that `user` may reshape (members, settings): teachers, not assistants."""
        return self.filter(in_courses_of(user, ("teacher",), "pk"))


class CourseEventQuerySet(models.QuerySet["CourseEvent"]):
    def visible_to(self, user: AnyUser) -> Self:
        """A course's history is its teachers'."""
        return self.filter(in_courses_of(user, ("teacher",)))


class MembershipQuerySet(models.QuerySet["Membership"]):
    def students(self) -> Self:
        return self.filter(role="student")


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def visible_to(self, user: AnyUser) -> Self:
        published = in_courses_of(user, ALL_ROLES) & models.Q(published=True)
        return self.filter(in_courses_of(user, STAFF_ROLES) | published)

    def managed_by(self, user: AnyUser) -> Self:
        return self.filter(in_courses_of(user, STAFF_ROLES))


class SubmissionQuerySet(models.QuerySet["Submission"]):
    def current(self) -> Self:
        return self.exclude(state="superseded")

    def ready(self) -> Self:
        return self.filter(state="ready")

    def managed_by(self, user: AnyUser) -> Self:
        return self.filter(in_courses_of(user, STAFF_ROLES, "assignment__course"))

    def visible_to(self, user: AnyUser) -> Self:
        """Submissions of the courses that `user` marks, and `user`'s own."""
        own = in_courses_of(user, ALL_ROLES, "assignment__course") & models.Q(student_id=user.pk)
        return self.filter(in_courses_of(user, STAFF_ROLES, "assignment__course") | own)
