from __future__ import annotations

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from courses.models import AppendOnly, Course
from grading.querysets import ModelVersionQuerySet


class VersionState(models.TextChoices):
    CANDIDATE = "candidate", _("candidate")
    PROMOTED = "promoted", _("in use")
    RETIRED = "retired", _("retired")
    REJECTED = "rejected", _("rejected")


class ModelVersion(models.Model):
    """A base model (named with its revision), one adapter directory, and what was measured of them.

    CANDIDATE → PROMOTED | REJECTED; PROMOTED ↔ RETIRED. At most one is PROMOTED for the site, and one for each course
    that has versions of its own: those mark that course alone.

    While `shadow_since` is set, a candidate also marks what the version in use marks, unseen by those who review.
    """

    TRANSITIONS = {
        VersionState.CANDIDATE: frozenset({VersionState.PROMOTED, VersionState.REJECTED}),
        VersionState.PROMOTED: frozenset({VersionState.RETIRED}),
        VersionState.RETIRED: frozenset({VersionState.PROMOTED}),
    }

    name = models.CharField(_("name"), max_length=120, unique=True)
    state = models.CharField(max_length=12, choices=VersionState.choices, default=VersionState.CANDIDATE)
    course = models.ForeignKey(
        Course,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="model_versions",
        help_text=_("the only course that it may mark; empty: the whole site"),
    )
    directory = models.CharField(
        max_length=400, help_text=_("the adapter directory, below the versions directory unless absolute")
    )
    base_name = models.CharField(max_length=200)
    base_revision = models.CharField(max_length=100)
    quantisation = models.CharField(max_length=12)
    manifest = models.JSONField(default=dict)
    evaluation = models.JSONField(default=dict, blank=True)
    shadow_since = models.DateTimeField(null=True, blank=True)
    files_deleted_at = models.DateTimeField(
        null=True, blank=True, help_text=_("its grades still name it, but it can never mark again")
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["state"],
                condition=models.Q(state=VersionState.PROMOTED, course=None),
                name="one_promoted_version",
            ),
            models.UniqueConstraint(
                fields=["course"],
                condition=models.Q(state=VersionState.PROMOTED),
                name="one_promoted_version_of_a_course",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("grading:version", args=[self.pk])


class VersionEvent(AppendOnly):
    """One line of a version's history; appended, never changed."""

    version = models.ForeignKey(ModelVersion, models.CASCADE, related_name="events")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    action = models.CharField(max_length=30)
    before = models.CharField(max_length=12, blank=True)
    after = models.CharField(max_length=12)
    note = models.TextField(blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.version} · {self.action}"
