from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from grading.models.grades import CriterionScore, Grade
from grading.querysets import RegradeRequestQuerySet


class RegradeState(models.TextChoices):
    OPEN = "open", _("open")
    ANSWERED = "answered", _("answered")
    WITHDRAWN = "withdrawn", _("taken back")


class RegradeRequest(models.Model):
    """A student's request to look at a released grade once more, and the answer to it.

    OPEN → ANSWERED | WITHDRAWN. A grade has one request that was not taken back; a grade that came of a request is a
    new row, and may be asked about in its turn. `new_grade` is empty where the grade stayed as it was.
    """

    TRANSITIONS = {RegradeState.OPEN: frozenset({RegradeState.ANSWERED, RegradeState.WITHDRAWN})}

    grade = models.ForeignKey(Grade, models.CASCADE, related_name="regrade_requests")
    state = models.CharField(max_length=10, choices=RegradeState.choices, default=RegradeState.OPEN)
    reason = models.TextField(_("reason"), max_length=2000)
    criteria = models.ManyToManyField(CriterionScore, blank=True, related_name="+")
    answer = models.TextField(_("answer"), blank=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)
    new_grade = models.ForeignKey(Grade, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    # When teachers and student were told by e-mail; empty: still to be told.
    teachers_told_at = models.DateTimeField(null=True, blank=True)
    student_told_at = models.DateTimeField(null=True, blank=True)

    objects = RegradeRequestQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = _("regrade requests")
        constraints = [
            models.UniqueConstraint(
                fields=["grade"], condition=~models.Q(state=RegradeState.WITHDRAWN), name="one_regrade_request"
            ),
            models.CheckConstraint(
                condition=~models.Q(state=RegradeState.ANSWERED) | models.Q(answered_at__isnull=False),
                name="an_answer_has_a_time",
            ),
        ]
        indexes = [models.Index(fields=["state", "id"], name="regrade_state")]

    def __str__(self) -> str:
        return f"{self.grade} · {self.get_state_display()}"
