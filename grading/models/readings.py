from __future__ import annotations

from django.db import models

from courses.models import Submission
from grading.models.versions import ModelVersion


class AnswerReading(models.Model):
    """What a model version made of one answer, kept for what is worked out later without the model: corrections from
    the teacher's marks, and groups of similar answers. Written again when the same version reads the answer again.

    `embedding` is float16, little-endian (`mlcore.embedding`); only those of one version can be compared.
    """

    submission = models.ForeignKey(Submission, models.CASCADE, related_name="readings")
    version = models.ForeignKey(ModelVersion, models.CASCADE, related_name="readings")
    score = models.FloatField()
    embedding = models.BinaryField()

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["submission", "version"], name="one_reading_a_version")]

    def __str__(self) -> str:
        return f"{self.submission} · {self.version}"
