"""Papers accepted unread with a promise, and the sample that checks it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from courses.models import Assignment
from grading.models.desk import ReviewAct
from grading.models.grades import Grade
from grading.querysets import AcceptanceQuerySet, AcceptanceSampleQuerySet


class AcceptanceState(models.TextChoices):
    CHECKING = "checking", _("being checked")
    KEPT = "kept", _("kept")
    BROKEN = "broken", _("broken")


class Acceptance(models.Model):
    """One bulk of papers that were accepted unread: at most a share `risk` was promised to be off by more than
    `tolerance` points, from so many `marks` of which `wrong` were.

    CHECKING → KEPT | BROKEN once the sample is marked blind. A broken one takes back what is not released.
    """

    TRANSITIONS = {AcceptanceState.CHECKING: frozenset({AcceptanceState.KEPT, AcceptanceState.BROKEN})}

    assignment = models.ForeignKey(Assignment, models.CASCADE, related_name="acceptances")
    act = models.OneToOneField(ReviewAct, models.CASCADE, related_name="acceptance")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    state = models.CharField(max_length=10, choices=AcceptanceState.choices, default=AcceptanceState.CHECKING)
    tolerance = models.FloatField()
    risk = models.FloatField()
    bound = models.FloatField()
    marks = models.PositiveIntegerField()
    wrong = models.PositiveIntegerField()
    at = models.DateTimeField(auto_now_add=True)

    objects = AcceptanceQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.assignment} · {self.get_state_display()}"


class AcceptanceSample(models.Model):
    """A paper that would have been accepted and is marked blind instead: `accepted` and what the teacher `given`."""

    acceptance = models.ForeignKey(Acceptance, models.CASCADE, related_name="samples")
    grade = models.ForeignKey(Grade, models.CASCADE, related_name="+")
    accepted = models.DecimalField(max_digits=6, decimal_places=2)
    given = models.DecimalField(max_digits=6, decimal_places=2, null=True)

    objects = AcceptanceSampleQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["acceptance", "grade"], name="a_grade_once_a_sample")]

    def __str__(self) -> str:
        return f"{self.acceptance_id} · {self.grade_id}"
