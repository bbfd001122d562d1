"""The row that this user asked for, or 404 (not theirs to see), or 403 (theirs to see, not to change)."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import Http404

from courses.access import managed_course, owned_course
from courses.models import Course
from gradingsite.lti.models import Context, ResourceLink


def owned_context(user: User, pk: int) -> tuple[Context, Course]:
    """A linked course of a platform, and the course here, which `user` may reshape."""
    row = Context.objects.visible_to(user).filter(pk=pk).select_related("platform", "course").first()
    if row is None or row.course is None:
        raise Http404
    return row, owned_course(user, row.course.pk)


def managed_link(user: User, pk: int) -> tuple[ResourceLink, Course]:
    """A link of a platform, and the course here that it belongs to, which `user` marks."""
    contexts = Context.objects.visible_to(user)
    rows = ResourceLink.objects.filter(context__in=contexts).select_related("context__course", "context__platform")
    row = rows.filter(pk=pk).first()
    if row is None or row.context.course is None:
        raise Http404
    return row, managed_course(user, row.context.course.pk)
