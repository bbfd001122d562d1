from __future__ import annotations

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from courses.models.course import Course, Language
from courses.querysets import AssignmentQuerySet


class PointStep(models.TextChoices):
    QUARTER = "0.25", "0.25"
    HALF = "0.5", "0.5"
    WHOLE = "1", "1"


class Assignment(models.Model):
    """One question with a reference answer, a maximum of points and a rubric."""

    course = models.ForeignKey(Course, models.CASCADE, related_name="assignments")
    title = models.CharField(_("title"), max_length=200)
    question = models.TextField(_("question"))
    reference_answer = models.TextField(_("reference answer"), blank=True)
    max_points = models.DecimalField(
        _("maximum of points"), max_digits=6, decimal_places=2, validators=[MinValueValidator(Decimal("0.25"))]
    )
    step = models.CharField(_("step of points"), max_length=5, choices=PointStep.choices, default=PointStep.HALF)
    language = models.CharField(_("language"), max_length=8, choices=Language.choices, default=Language.ENGLISH)
    marking_instructions = models.TextField(_("marking instructions"), blank=True)
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    published = models.BooleanField(_("students can see it"), default=True)
    blind_marking = models.BooleanField(_("names hidden while marking"), default=False)
    regrade_days = models.PositiveSmallIntegerField(
        _("days for regrade requests"), default=14, validators=[MaxValueValidator(365)]
    )
    second_share = models.PositiveSmallIntegerField(
        _("papers marked twice, in %"), default=0, validators=[MaxValueValidator(100)]
    )
    second_spread = models.DecimalField(
        _("difference of two marks that is let stand"),
        max_digits=5,
        decimal_places=2,
        default=Decimal("0.5"),
        validators=[MinValueValidator(Decimal(0))],
    )
    external_id = models.CharField(max_length=200, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=models.Q(max_points__gt=0), name="assignment_has_points"),
            models.UniqueConstraint(
                fields=["course", "external_id"],
                condition=~models.Q(external_id=""),
                name="one_assignment_per_external_id",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        if self.max_points is not None and self.step in PointStep.values and self.max_points % self.step_points:
            raise ValidationError({"max_points": _("The maximum must be a multiple of the step of points.")})

    @property
    def step_points(self) -> Decimal:
        return Decimal(self.step)
