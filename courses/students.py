from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import QuerySet

from courses.models import Course, Role


def students_of_course(course: Course) -> QuerySet[User]:
    """Those to whom an answer can be assigned by hand: the stand-ins that imports make have no say in that."""
    users = User.objects.filter(memberships__course=course, memberships__role=Role.STUDENT, is_active=True)
    return users.order_by("last_name", "first_name", "username")
