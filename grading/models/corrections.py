from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from grading.models.grades import Grade


class CorrectionBasis(models.TextChoices):
    QUESTION = "question", _("from this assignment")
    COURSE = "course", _("from the course")
    NONE = "not_enough_marks", _("not enough marks yet")


class Correction(models.Model):
    """What the teacher's marks so far say about one proposal. Beside the grade and never in it: what the model
    proposed stays as it was, and a correction is made anew whenever there are more marks.

    `points` are empty where the marks gave no reason to change the proposal, `low` and `high` where there are not
    enough marks for an interval. `marks` counts the marks of this assignment that it was learned from, `basis_marks`
    those that the interval was made of. Once the grade is decided its correction is left as it was shown.
    """

    grade = models.OneToOneField(Grade, models.CASCADE, related_name="correction")
    score = models.FloatField()
    points = models.DecimalField(max_digits=6, decimal_places=2, null=True)
    marks = models.PositiveIntegerField()
    low = models.DecimalField(max_digits=6, decimal_places=2, null=True)
    high = models.DecimalField(max_digits=6, decimal_places=2, null=True)
    basis = models.CharField(max_length=16, choices=CorrectionBasis.choices, default=CorrectionBasis.NONE)
    basis_marks = models.PositiveIntegerField(default=0)
    made_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.grade_id} · {self.score:.3f}"
