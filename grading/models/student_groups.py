from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class StudentGroup(models.Model):
    """To which group of a field the school chose (first language, say) a student belongs: only to see whether a
    version marks groups alike. It never enters a prompt, a training or a page of a course."""

    field = models.CharField(_("field"), max_length=60)
    value = models.CharField(_("group"), max_length=60)
    student = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="student_groups")

    class Meta:
        ordering = ["field", "value", "pk"]
        constraints = [models.UniqueConstraint(fields=["field", "student"], name="one_group_per_field")]

    def __str__(self) -> str:
        return f"{self.field}: {self.value}"
