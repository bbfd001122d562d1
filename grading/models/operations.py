"""What running the site leaves behind: counts for Prometheus, and when something last happened. No record about a
person, and so in no backup."""

from __future__ import annotations

from django.db import models


class Tally(models.Model):
    """One counter of all processes together. They count in memory and add to the row every few seconds."""

    name = models.CharField(max_length=60)
    labels = models.CharField(max_length=300, blank=True)  # JSON with sorted keys: one spelling for one series
    value = models.FloatField(default=0)

    class Meta:
        ordering = ["name", "labels"]
        constraints = [models.UniqueConstraint(fields=["name", "labels"], name="one_row_per_series")]

    def __str__(self) -> str:
        return f"{self.name}{self.labels}"


class LastTime(models.Model):
    """When something last happened that the health page asks for: a backup, a mail sent, a mail that failed."""

    name = models.CharField(max_length=30, unique=True)
    at = models.DateTimeField()
    detail = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return self.name
