from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.utils.translation import gettext_lazy as _

from courses.models.assignment import Assignment


class Rubric(models.Model):
    """The criteria of one assignment; `revision` counts its changes, so that a grade can name what it was given by."""

    assignment = models.OneToOneField(Assignment, models.CASCADE, related_name="rubric")
    revision = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.assignment} · {self.revision}"

    @property
    def total(self) -> Decimal:
        return sum((criterion.points for criterion in self.criteria.all()), Decimal(0))


class Criterion(models.Model):
    rubric = models.ForeignKey(Rubric, models.CASCADE, related_name="criteria")
    position = models.PositiveSmallIntegerField(default=0)
    title = models.CharField(_("title"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    points = models.DecimalField(_("points"), max_digits=6, decimal_places=2)

    class Meta:
        ordering = ["position", "pk"]
        verbose_name_plural = "criteria"
        constraints = [models.CheckConstraint(condition=models.Q(points__gt=0), name="criterion_has_points")]

    def __str__(self) -> str:
        return self.title


class Level(models.Model):
    criterion = models.ForeignKey(Criterion, models.CASCADE, related_name="levels")
    points = models.DecimalField(_("points"), max_digits=6, decimal_places=2)
    description = models.CharField(_("description"), max_length=500)

    class Meta:
        ordering = ["points", "pk"]
        constraints = [models.CheckConstraint(condition=models.Q(points__gte=0), name="level_points_not_negative")]

    def __str__(self) -> str:
        return f"{self.points}: {self.description}"
