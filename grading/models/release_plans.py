from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from courses.models import Assignment
from grading.querysets import ReleasePlanQuerySet


class ReleasePlanState(models.TextChoices):
    PLANNED = "planned", _("planned")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("called off")


class ReleasePlan(models.Model):
    """A release that is to happen by itself at a time that a teacher set.

    PLANNED → DONE | FAILED | CANCELLED. What is approved when the time comes is released in that teacher's name; a plan
    whose teacher may no longer release, or with nothing approved, fails and says why (`error_code`).
    """

    TRANSITIONS = {
        ReleasePlanState.PLANNED: frozenset(
            {ReleasePlanState.DONE, ReleasePlanState.FAILED, ReleasePlanState.CANCELLED}
        )
    }

    assignment = models.ForeignKey(Assignment, models.CASCADE, related_name="release_plans")
    at = models.DateTimeField(_("time of release"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    state = models.CharField(max_length=10, choices=ReleasePlanState.choices, default=ReleasePlanState.PLANNED)
    released = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = ReleasePlanQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["assignment"], condition=models.Q(state=ReleasePlanState.PLANNED), name="one_planned_release"
            )
        ]
        indexes = [models.Index(fields=["state", "at"], name="release_plan_due")]

    def __str__(self) -> str:
        return f"{self.assignment} · {self.get_state_display()}"
