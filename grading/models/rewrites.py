from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from grading.models.grades import Grade


class RewriteState(models.TextChoices):
    QUEUED = "queued", _("waiting")
    RUNNING = "running", _("being written again")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")
    CLOSED = "closed", _("taken or discarded")


class Rewrite(models.Model):
    """Feedback that a teacher asked to be written again, for the points that they gave. It is offered beside the
    teacher's text and never put in its place; once closed (taken or discarded) it is not offered again.

    QUEUED → RUNNING → DONE | FAILED; RUNNING → QUEUED when the worker is lost; any but CLOSED → CLOSED.
    `attempt` is the fencing token, as with a grading job.
    """

    TRANSITIONS = {
        RewriteState.QUEUED: frozenset({RewriteState.RUNNING, RewriteState.CLOSED}),
        RewriteState.RUNNING: frozenset(
            {RewriteState.DONE, RewriteState.FAILED, RewriteState.QUEUED, RewriteState.CLOSED}
        ),
        RewriteState.DONE: frozenset({RewriteState.CLOSED}),
        RewriteState.FAILED: frozenset({RewriteState.CLOSED}),
    }

    grade = models.ForeignKey(Grade, models.CASCADE, related_name="rewrites")
    points = models.DecimalField(max_digits=6, decimal_places=2)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    state = models.CharField(max_length=10, choices=RewriteState.choices, default=RewriteState.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    text = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["grade"], condition=~models.Q(state=RewriteState.CLOSED), name="one_open_rewrite"
            )
        ]
        indexes = [models.Index(fields=["state", "id"], name="rewrite_queue")]

    def __str__(self) -> str:
        return f"{self.grade_id} · {self.get_state_display()}"
