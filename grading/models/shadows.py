from __future__ import annotations

from django.db import models

from courses.models import Submission
from grading.models.versions import ModelVersion


class ShadowMark(models.Model):
    """What a candidate would have proposed for an answer that the version in use marked. Nobody who reviews sees it.

    `score` is empty where the candidate failed at the answer.
    """

    version = models.ForeignKey(ModelVersion, models.CASCADE, related_name="shadow_marks")
    submission = models.ForeignKey(Submission, models.CASCADE, related_name="shadow_marks")
    score = models.FloatField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "submission"], name="one_shadow_mark")]

    def __str__(self) -> str:
        return f"{self.version_id} · {self.submission_id}"
