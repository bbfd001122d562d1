"""Groups of similar answers, which a teacher confirms and marks once."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from courses.models import Assignment, Submission
from grading.querysets import AnswerGroupQuerySet


class GroupKind(models.TextChoices):
    SAME = "same", _("nearly the same")
    SIMILAR = "similar", _("similar")
    BLANK = "blank", _("blank")
    OFF_TOPIC = "off_topic", _("off topic?")
    SINGLE = "single", _("like no other")


class AnswerGroup(models.Model):
    """Answers of one assignment that belong together. The program proposes a group; a person's confirming, splitting
    or merging makes it theirs, and it is left alone when answers are grouped again."""

    assignment = models.ForeignKey(Assignment, models.CASCADE, related_name="answer_groups")
    kind = models.CharField(max_length=10, choices=GroupKind.choices)
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True, blank=True)

    objects = AnswerGroupQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.pk}"


class GroupedAnswer(models.Model):
    """A submission's place in its group: 0 is the most typical member."""

    group = models.ForeignKey(AnswerGroup, models.CASCADE, related_name="members")
    submission = models.OneToOneField(Submission, models.CASCADE, related_name="grouped")
    place = models.PositiveIntegerField()

    class Meta:
        ordering = ["group", "place", "pk"]

    def __str__(self) -> str:
        return f"{self.group_id} · {self.submission_id}"
