from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from courses.querysets import STAFF_ROLES, AnyUser, in_courses_of
from gradingsite.lti.models.links import ResourceLink


class ScoreState(models.TextChoices):
    QUEUED = "queued", _("to be sent")
    SENDING = "sending", _("being sent")
    SENT = "sent", _("sent")
    WAITING = "waiting", _("waits for the person")
    FAILED = "failed", _("failed")


class ScoreQuerySet(models.QuerySet["Score"]):
    def managed_by(self, user: AnyUser) -> ScoreQuerySet:
        return self.filter(in_courses_of(user, STAFF_ROLES, "link__assignment__course"))

    def due(self, now: datetime) -> ScoreQuerySet:
        rows = self.filter(state=ScoreState.QUEUED, next_at__lte=now)
        return rows.filter(link__context__platform__enabled=True, link__assignment__isnull=False)


class Score(models.Model):
    """What a platform's gradebook has to say of one student at one link. The row says *that* something is to be sent;
    what is sent is read when it is sent, so that the newest release wins whatever the order of messages.

    QUEUED → SENDING → SENT | QUEUED (again later) | FAILED | WAITING (no such person on the platform yet);
    SENT | FAILED | WAITING → QUEUED; SENDING → QUEUED where a worker was lost.

    `wanted` goes up with every change of the grade: who sends writes SENT only for what was wanted when it was read.
    """

    TRANSITIONS = {
        ScoreState.QUEUED: frozenset({ScoreState.SENDING}),
        ScoreState.SENDING: frozenset({ScoreState.SENT, ScoreState.QUEUED, ScoreState.FAILED, ScoreState.WAITING}),
        ScoreState.SENT: frozenset({ScoreState.QUEUED}),
        ScoreState.FAILED: frozenset({ScoreState.QUEUED}),
        ScoreState.WAITING: frozenset({ScoreState.QUEUED}),
    }

    link = models.ForeignKey(ResourceLink, models.CASCADE, related_name="scores")
    student = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="platform_scores")
    state = models.CharField(max_length=8, choices=ScoreState.choices, default=ScoreState.QUEUED)
    wanted = models.PositiveIntegerField(default=1)
    tries = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    sent_points = models.DecimalField(max_digits=6, decimal_places=2, null=True)
    trouble = models.CharField(max_length=30, blank=True)
    status = models.PositiveSmallIntegerField(null=True)

    objects = ScoreQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["link", "student"], name="one_score_per_link_and_student")]
        indexes = [models.Index(fields=["state", "next_at"], name="score_due")]
        verbose_name_plural = _("points sent to learning platforms")

    def __str__(self) -> str:
        return f"{self.link_id} · {self.student_id} · {self.state}"
