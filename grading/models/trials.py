from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from grading.models.versions import ModelVersion
from grading.querysets import AdminOnlyQuerySet


class TrialState(models.TextChoices):
    QUEUED = "queued", _("waiting")
    RUNNING = "running", _("being marked")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")


class Trial(models.Model):
    """An answer that an admin typed, marked by a version and by the one in use beside it. It belongs to no student, and
    is deleted after a day.

    QUEUED → RUNNING → DONE | FAILED; RUNNING → QUEUED when the worker is lost.
    `results` are {version name: {"score", "feedback", "notes"}}; `attempt` is the fencing token.
    """

    TRANSITIONS = {
        TrialState.QUEUED: frozenset({TrialState.RUNNING}),
        TrialState.RUNNING: frozenset({TrialState.DONE, TrialState.FAILED, TrialState.QUEUED}),
    }

    version = models.ForeignKey(ModelVersion, models.CASCADE, related_name="trials")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    question = models.TextField(_("question"))
    reference_answer = models.TextField(_("reference answer"), blank=True)
    answer = models.TextField(_("answer"))
    max_points = models.DecimalField(_("points"), max_digits=6, decimal_places=2, default=1)
    state = models.CharField(max_length=10, choices=TrialState.choices, default=TrialState.QUEUED)
    results = models.JSONField(default=dict)
    attempt = models.PositiveSmallIntegerField(default=0)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AdminOnlyQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.version} · {self.pk}"
