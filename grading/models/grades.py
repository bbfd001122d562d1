from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from courses.models import AppendOnly, Criterion, Submission
from grading.models.jobs import GradingJob
from grading.models.versions import ModelVersion
from grading.querysets import GradeQuerySet


class GradeState(models.TextChoices):
    PROPOSED = "proposed", _("to review")
    APPROVED = "approved", _("approved")
    RELEASED = "released", _("released")
    WITHDRAWN = "withdrawn", _("withdrawn")
    REJECTED = "rejected", _("rejected")
    SUPERSEDED = "superseded", _("replaced")


OPEN_GRADE_STATES = (GradeState.PROPOSED, GradeState.APPROVED)


class GradeSource(models.TextChoices):
    MODEL = "model", _("proposed by the model")
    RULE = "rule", _("proposed without the model")
    TEACHER = "teacher", _("given by a teacher")
    IMPORT = "import", _("imported")


class Grade(models.Model):
    """The points proposed for one submission, per criterion and in all, with the teacher's own beside them.

    PROPOSED ↔ APPROVED → RELEASED → SUPERSEDED | WITHDRAWN; PROPOSED | APPROVED → REJECTED;
    REJECTED → PROPOSED | APPROVED when the rejection is undone;
    PROPOSED → SUPERSEDED when a newer proposal takes its place; WITHDRAWN → RELEASED | SUPERSEDED.
    A submission has at most one open grade (proposed or approved) and at most one released one: a regrade is a new
    row beside the released one and takes its place when it is released itself.

    `points` and `feedback.text` are the teacher's. The text starts as a copy of the proposal, so that a teacher can
    also leave it empty; points stay empty until somebody sets or approves them.

    `edition` goes up with every change a person makes, so that two people on one page cannot overwrite each other.
    """

    TRANSITIONS = {
        GradeState.PROPOSED: frozenset({GradeState.APPROVED, GradeState.REJECTED, GradeState.SUPERSEDED}),
        GradeState.APPROVED: frozenset({GradeState.PROPOSED, GradeState.RELEASED, GradeState.REJECTED}),
        GradeState.REJECTED: frozenset({GradeState.PROPOSED, GradeState.APPROVED}),
        GradeState.RELEASED: frozenset({GradeState.WITHDRAWN, GradeState.SUPERSEDED}),
        GradeState.WITHDRAWN: frozenset({GradeState.RELEASED, GradeState.SUPERSEDED}),
    }

    submission = models.ForeignKey(Submission, models.CASCADE, related_name="grades")
    job = models.OneToOneField(GradingJob, models.SET_NULL, null=True, blank=True, related_name="grade")
    version = models.ForeignKey(ModelVersion, models.PROTECT, null=True, blank=True, related_name="grades")
    source = models.CharField(max_length=8, choices=GradeSource.choices)
    state = models.CharField(max_length=12, choices=GradeState.choices, default=GradeState.PROPOSED)
    edition = models.PositiveIntegerField(default=1)

    proposed_score = models.FloatField(null=True, blank=True)
    proposed_points = models.DecimalField(max_digits=6, decimal_places=2, null=True, blank=True)
    points = models.DecimalField(max_digits=6, decimal_places=2, null=True, blank=True)
    max_points = models.DecimalField(max_digits=6, decimal_places=2)
    rubric_snapshot = models.JSONField(default=dict)
    notes = models.JSONField(default=list, blank=True)
    unread_characters = models.PositiveIntegerField(default=0)
    internal_note = models.TextField(_("internal note"), blank=True)

    created_at = models.DateTimeField(auto_now_add=True)
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    released_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    released_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(
        null=True, blank=True, help_text=_("when the student was told by e-mail; empty: still to be told")
    )

    objects = GradeQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["submission"], condition=models.Q(state__in=OPEN_GRADE_STATES), name="one_open_grade"
            ),
            models.UniqueConstraint(
                fields=["submission"], condition=models.Q(state=GradeState.RELEASED), name="one_released_grade"
            ),
            models.CheckConstraint(
                condition=models.Q(points__isnull=True) | models.Q(points__gte=0, points__lte=models.F("max_points")),
                name="points_within_maximum",
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=[GradeState.APPROVED, GradeState.RELEASED])
                | models.Q(points__isnull=False),
                name="a_decided_grade_has_points",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "id"], name="grade_state"),
            # Released, and its student not told yet: few rows of many.
            models.Index(
                fields=["released_at"], name="grade_untold", condition=models.Q(state="released", told_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.submission} · {self.get_state_display()}"


class CriterionScore(models.Model):
    """Points for one criterion: the proposal and the teacher's own. Title and maximum are kept as they were."""

    grade = models.ForeignKey(Grade, models.CASCADE, related_name="criterion_scores")
    criterion = models.ForeignKey(Criterion, models.SET_NULL, null=True, related_name="+")
    position = models.PositiveSmallIntegerField(default=0)
    title = models.CharField(max_length=200)
    max_points = models.DecimalField(max_digits=6, decimal_places=2)
    proposed_points = models.DecimalField(max_digits=6, decimal_places=2, null=True)
    points = models.DecimalField(max_digits=6, decimal_places=2, null=True)

    class Meta:
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.title


class Feedback(models.Model):
    """The text for the student: what the model wrote, never overwritten, and what the teacher made of it."""

    grade = models.OneToOneField(Grade, models.CASCADE, related_name="feedback")
    proposed_text = models.TextField(blank=True)
    text = models.TextField(_("feedback"), blank=True)

    def __str__(self) -> str:
        return self.text[:60]


class GradeEvent(AppendOnly):
    """One line of a grade's history: who, when, what, before and after. Appended, never changed.

    `actor` is empty where the model or the program acted.
    """

    grade = models.ForeignKey(Grade, models.CASCADE, related_name="events")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    action = models.CharField(max_length=30)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    note = models.TextField(blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.action} · {self.grade_id}"
