"""Joining a course by being sent from elsewhere: adds, and never changes a role that somebody has."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from courses.models import Course, CourseEvent, Membership
from courses.services.history import member_event


@transaction.atomic
def member_join(*, course: Course, user: User, role: str, by: User | None) -> Membership:
    """The membership, made with `role` where there was none."""
    membership, added = Membership.objects.get_or_create(course=course, user=user, defaults={"role": role})
    if added:
        member_event(membership=membership, by=by, action="member_added", after=role)
    return membership


def was_taken_out(course: Course, user: User) -> bool:
    """Whether the last that happened to this person's membership was a teacher's taking them out."""
    came_or_went = CourseEvent.objects.filter(course=course, person=user, action__in=("member_added", "member_removed"))
    last = came_or_went.order_by("-pk").first()
    return last is not None and last.action == "member_removed"
