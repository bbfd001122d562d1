"""What belongs to the desk and not to a grade: the log of acts, who is there, flags, saved comments."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from courses.models import Assignment, Course, Submission
from grading.models.grades import Grade
from grading.querysets import SavedCommentQuerySet


class ActKind(models.TextChoices):
    CHANGED = "changed", _("the change")
    APPROVED = "approved", _("the approval")
    REJECTED = "rejected", _("the rejection")
    BULK_APPROVED = "bulk_approved", _("the approval of many")
    UNDONE = "undone", _("the undoing")


class ReviewAct(models.Model):
    """One act of one person at the desk, for as long as it may be undone and after. Appended, never changed: undoing
    is an act of its own, and the unique `undoes` makes sure that nothing is undone twice."""

    assignment = models.ForeignKey(Assignment, models.CASCADE, related_name="review_acts")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="review_acts")
    kind = models.CharField(max_length=20, choices=ActKind.choices)
    undoes = models.OneToOneField("self", models.CASCADE, null=True, blank=True, related_name="undone_by")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["assignment", "actor", "id"], name="act_last")]

    def __str__(self) -> str:
        return f"{self.kind} · {self.pk}"


class ActedGrade(models.Model):
    """A grade that an act touched: how it was before, and the edition that the act left it in. Undoing puts `before`
    back only where the grade is still in that edition."""

    act = models.ForeignKey(ReviewAct, models.CASCADE, related_name="grades")
    grade = models.ForeignKey(Grade, models.CASCADE, related_name="acts")
    before = models.JSONField()
    edition = models.PositiveIntegerField()

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["act", "grade"], name="a_grade_once_an_act")]

    def __str__(self) -> str:
        return f"{self.act_id} · {self.grade_id}"


class Presence(models.Model):
    """Somebody has this submission open. A lease: it counts only while `seen_at` is fresh."""

    submission = models.ForeignKey(Submission, models.CASCADE, related_name="presences")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["submission", "user"], name="one_presence_each")]

    def __str__(self) -> str:
        return f"{self.user} · {self.submission}"


class SubmissionFlag(models.Model):
    """Somebody wants this submission looked at again. One flag a submission; students never see it."""

    submission = models.OneToOneField(Submission, models.CASCADE, related_name="flag")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return str(self.submission)


class SavedComment(models.Model):
    """A piece of feedback that the teachers of a course use again and again."""

    course = models.ForeignKey(Course, models.CASCADE, related_name="saved_comments")
    text = models.TextField(_("comment"), max_length=4000)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    changed_at = models.DateTimeField(auto_now=True)

    objects = SavedCommentQuerySet.as_manager()

    class Meta:
        ordering = ["text", "pk"]
        constraints = [models.UniqueConstraint(fields=["course", "text"], name="a_comment_once_a_course")]

    def __str__(self) -> str:
        return self.text[:60]
