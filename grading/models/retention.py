from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from courses.models import Course


class RetentionState(models.TextChoices):
    WARNED = "warned", _("announced")
    DONE = "done", _("deleted")
    CALLED_OFF = "called_off", _("called off")


class RetentionSweep(models.Model):
    """One end of a course's retention period: announced to the admins first, done when its day comes.

    WARNED → DONE | CALLED_OFF; it is called off where the course's period or its last release changed meanwhile, and
    announced anew. `counts` is all that stays of what was deleted: numbers by assignment, of nobody.
    """

    TRANSITIONS = {RetentionState.WARNED: frozenset({RetentionState.DONE, RetentionState.CALLED_OFF})}

    course = models.ForeignKey(Course, models.CASCADE, related_name="retention_sweeps")
    state = models.CharField(max_length=10, choices=RetentionState.choices, default=RetentionState.WARNED)
    due_on = models.DateField()
    warned_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    counts = models.JSONField(default=dict)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["course"], condition=models.Q(state=RetentionState.WARNED), name="one_announced_sweep"
            )
        ]

    def __str__(self) -> str:
        return f"{self.course} · {self.due_on}"
