from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from grading.models.grades import CriterionScore, Grade


class AnchoredComment(models.Model):
    """A comment on some words of the answer, about one criterion or none. `start` and `end` count characters of the
    submission's text, which never changes; the student sees it in place once the grade is released."""

    grade = models.ForeignKey(Grade, models.CASCADE, related_name="anchors")
    score = models.ForeignKey(CriterionScore, models.SET_NULL, null=True, blank=True, related_name="+")
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    text = models.TextField(_("comment"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["start", "end", "pk"]
        constraints = [models.CheckConstraint(condition=models.Q(end__gt=models.F("start")), name="some_words")]

    def __str__(self) -> str:
        return self.text[:60]
