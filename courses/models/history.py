"""What happened to a course, its members and its settings: appended, never changed."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from courses.models.assignment import Assignment
from courses.models.course import Course
from courses.querysets import CourseEventQuerySet


class AppendOnly(models.Model):
    """Rows that the database itself refuses to change or delete (courses.guards), save when personal data go."""

    class Meta:
        abstract = True


class HistoryUnlock(models.Model):
    """While a transaction holds a row here, it may take rows out of histories. Never committed: see
    `courses.guards.history_unlocked`."""

    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return str(self.at)


class EventKind(models.TextChoices):
    MEMBERS = "members", _("members")
    SETTINGS = "settings", _("settings")
    DATA = "data", _("data")


class CourseEvent(AppendOnly):
    """One line of a course's history: who did what to whom, before and after. `person` is whom it is about.

    No names or texts of students in `before` and `after`: the line may stay when a student's data are deleted.
    """

    course = models.ForeignKey(Course, models.CASCADE, related_name="events")
    assignment = models.ForeignKey(Assignment, models.CASCADE, null=True, related_name="events")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=8, choices=EventKind.choices)
    action = models.CharField(max_length=30)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)

    objects = CourseEventQuerySet.as_manager()

    class Meta:
        ordering = ["at", "pk"]
        verbose_name_plural = _("lines in histories of courses")
        indexes = [models.Index(fields=["course", "at"], name="course_history")]

    def __str__(self) -> str:
        return f"{self.action} · {self.course_id}"
