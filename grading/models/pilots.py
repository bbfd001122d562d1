from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from courses.models import Assignment, Submission
from grading.models.versions import ModelVersion
from grading.querysets import PilotQuerySet


class PilotState(models.TextChoices):
    QUEUED = "queued", _("waiting")
    RUNNING = "running", _("being marked")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")


class Pilot(models.Model):
    """A try of the rubric: a few papers marked as the assignment stands now. Nothing is written to their grades, and
    no student, queue, figure or training ever sees it.

    QUEUED → RUNNING → DONE | FAILED; RUNNING → QUEUED when the worker is lost.
    `snapshot` is the assignment as it was tried; `attempt` is the fencing token, as with a grading job.
    """

    TRANSITIONS = {
        PilotState.QUEUED: frozenset({PilotState.RUNNING}),
        PilotState.RUNNING: frozenset({PilotState.DONE, PilotState.FAILED, PilotState.QUEUED}),
    }

    assignment = models.ForeignKey(Assignment, models.CASCADE, related_name="pilots")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    version = models.ForeignKey(ModelVersion, models.SET_NULL, null=True, related_name="+")
    snapshot = models.JSONField()
    state = models.CharField(max_length=10, choices=PilotState.choices, default=PilotState.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PilotQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["assignment"],
                condition=models.Q(state__in=[PilotState.QUEUED, PilotState.RUNNING]),
                name="one_active_pilot",
            )
        ]
        indexes = [models.Index(fields=["state", "id"], name="pilot_queue")]

    def __str__(self) -> str:
        return f"{self.assignment} · {self.get_state_display()}"


class PilotPaper(models.Model):
    """One paper of a pilot with what the model proposed. `criteria` are points in the order of the snapshot's;
    `low` and `high` the interval, where there are marks by the same rubric to make one of."""

    pilot = models.ForeignKey(Pilot, models.CASCADE, related_name="papers")
    submission = models.ForeignKey(Submission, models.CASCADE, related_name="+")
    points = models.DecimalField(max_digits=6, decimal_places=2, null=True)
    low = models.DecimalField(max_digits=6, decimal_places=2, null=True)
    high = models.DecimalField(max_digits=6, decimal_places=2, null=True)
    criteria = models.JSONField(default=list)
    feedback = models.TextField(blank=True)

    class Meta:
        ordering = ["submission_id"]
        verbose_name_plural = _("papers of pilots")
        constraints = [models.UniqueConstraint(fields=["pilot", "submission"], name="a_paper_once_a_pilot")]

    def __str__(self) -> str:
        return f"{self.pilot_id} · {self.submission_id}"
