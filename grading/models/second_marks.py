from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from grading.models.grades import Grade
from grading.querysets import SecondMarkQuerySet


class SecondMarkState(models.TextChoices):
    GIVEN = "given", _("given")
    SETTLED = "settled", _("settled")


class SecondMark(models.Model):
    """What a second person gave to a paper without seeing the first mark.

    GIVEN → SETTLED. Whether the two lie apart is read from the grade's points and these, so that it stays right when
    the first mark is changed; a settled one stands as long as the grade has the points that were settled on.
    `criteria` are points in the order of the grade's criteria.
    """

    TRANSITIONS = {SecondMarkState.GIVEN: frozenset({SecondMarkState.SETTLED})}

    grade = models.OneToOneField(Grade, models.CASCADE, related_name="second_mark")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    points = models.DecimalField(max_digits=6, decimal_places=2)
    criteria = models.JSONField(default=list)
    note = models.TextField(_("note"), blank=True)
    state = models.CharField(max_length=10, choices=SecondMarkState.choices, default=SecondMarkState.GIVEN)
    settled_points = models.DecimalField(max_digits=6, decimal_places=2, null=True)
    settled_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    settled_at = models.DateTimeField(null=True, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    objects = SecondMarkQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = _("second marks")
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(state=SecondMarkState.SETTLED) | models.Q(settled_points__isnull=False),
                name="what_is_settled_has_points",
            )
        ]

    def __str__(self) -> str:
        return f"{self.grade_id} · {self.get_state_display()}"
