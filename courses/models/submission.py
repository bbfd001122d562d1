from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from courses.errors import reason_for
from courses.models.assignment import Assignment
from courses.querysets import SubmissionQuerySet


class SubmissionState(models.TextChoices):
    RECEIVED = "received", _("received")
    READY = "ready", _("ready")
    UNREADABLE = "unreadable", _("unreadable")
    SUPERSEDED = "superseded", _("replaced by a newer one")


class SubmissionSource(models.TextChoices):
    TYPED = "typed", _("typed in the browser")
    UPLOAD = "upload", _("uploaded by the student")
    FILES = "files", _("uploaded by a teacher")
    TABLE = "table", _("row of a table")
    IMPORT = "import", _("imported with a grade")


def original_path(row: models.Model, name: str) -> str:
    """Where an original is kept: a name of our own, so that nothing in the student's file name reaches the disk."""
    return f"originals/{uuid.uuid4().hex}"


class Submission(models.Model):
    """One student's answer to one assignment.

    RECEIVED → READY | UNREADABLE; each of the three → SUPERSEDED when the student hands in again.
    """

    TRANSITIONS = {
        SubmissionState.RECEIVED: frozenset(
            {SubmissionState.READY, SubmissionState.UNREADABLE, SubmissionState.SUPERSEDED}
        ),
        SubmissionState.READY: frozenset({SubmissionState.SUPERSEDED}),
        SubmissionState.UNREADABLE: frozenset({SubmissionState.SUPERSEDED}),
    }

    assignment = models.ForeignKey(Assignment, models.CASCADE, related_name="submissions")
    student = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="submissions")
    state = models.CharField(max_length=12, choices=SubmissionState.choices, default=SubmissionState.RECEIVED)
    source = models.CharField(max_length=8, choices=SubmissionSource.choices)
    text = models.TextField(blank=True)
    unreadable_reason = models.CharField(max_length=60, blank=True)
    original = models.FileField(upload_to=original_path, blank=True, max_length=200)
    original_name = models.CharField(max_length=255, blank=True)
    submitted_at = models.DateTimeField()
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    # What the row was called where it was imported from, so that importing it again doubles nothing.
    external_id = models.CharField(max_length=200, blank=True, editable=False)

    objects = SubmissionQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["assignment", "student"],
                condition=~models.Q(state=SubmissionState.SUPERSEDED),
                name="one_current_submission_per_student",
            ),
            models.UniqueConstraint(
                fields=["assignment", "external_id"],
                condition=~models.Q(state=SubmissionState.SUPERSEDED) & ~models.Q(external_id=""),
                name="one_current_submission_per_external_id",
            ),
        ]
        indexes = [models.Index(fields=["assignment", "state", "id"], name="submission_list")]

    def __str__(self) -> str:
        return f"{self.student} · {self.assignment}"

    @property
    def is_late(self) -> bool:
        due = self.assignment.due_at
        return due is not None and self.submitted_at > due

    @property
    def is_blank(self) -> bool:
        """Handed in without a word: never sent to the model."""
        return self.state == SubmissionState.READY and not self.text.strip()

    @property
    def reason(self) -> str:
        """Why the file could not be read, in words; empty where it could."""
        return reason_for(self.unreadable_reason) if self.unreadable_reason else ""


class UnmatchedFile(models.Model):
    """A file of a teacher's upload that no student's name fitted: kept until a teacher assigns or discards it."""

    assignment = models.ForeignKey(Assignment, models.CASCADE, related_name="unmatched_files")
    original = models.FileField(upload_to=original_path, max_length=200)
    original_name = models.CharField(max_length=255)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    uploaded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["original_name", "pk"]

    def __str__(self) -> str:
        return self.original_name
