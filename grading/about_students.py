"""Which rows are about a student: one table for the export and for the preview of a deletion.

A model that hangs on a student, a submission or a grade needs a line here; a test says so where one is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.db.models import Model, QuerySet

from courses.models import CourseEvent, Membership, Submission
from grading import models as own
from gradingsite.lti.models import PlatformPerson, Score
from gradingsite.signin.models import AccountEvent, ApiToken


@dataclass(frozen=True)
class Entry:
    """Rows of `model` whose `path` is the student. The student's own copy has the fields in `shown` of the rows that
    fit `released`: what is not released is not theirs to see yet, in no way."""

    model: type[Model]
    path: str
    shown: tuple[str, ...] = ()
    released: Mapping[str, Any] = field(default_factory=dict)

    def rows(self, student: User) -> QuerySet[Any]:
        return self.model._base_manager.filter(**{self.path: student.pk}).order_by("pk")  # noqa: SLF001


_OF_GRADE = "grade__submission__student"
_RELEASED = {"grade__state": "released"}
ENTRIES = (
    Entry(User, "pk", ("username", "email", "first_name", "last_name", "date_joined", "last_login")),
    Entry(Membership, "user", ("course", "role", "created_at", "research_consent")),
    Entry(CourseEvent, "person", ("course", "action", "before", "after", "at")),
    Entry(AccountEvent, "user", ("kind", "how", "network", "at")),
    Entry(ApiToken, "user", ("name", "scope", "hint", "made_at", "expires_at", "last_used_at")),
    Entry(Authenticator, "user", ("type", "created_at", "last_used_at")),
    Entry(SocialAccount, "user", ("provider", "uid", "date_joined", "last_login")),
    Entry(PlatformPerson, "user", ("platform", "sub", "made_at")),
    Entry(Score, "student", ("link", "state", "sent_points", "sent_at")),
    Entry(
        Submission,
        "student",
        ("assignment", "state", "source", "text", "original", "original_name", "submitted_at", "unreadable_reason"),
    ),
    Entry(
        own.Grade,
        "submission__student",
        ("submission", "points", "max_points", "rubric_snapshot", "released_at"),
        {"state": "released"},
    ),
    Entry(own.CriterionScore, _OF_GRADE, ("grade", "title", "points", "max_points"), _RELEASED),
    Entry(own.Feedback, _OF_GRADE, ("grade", "text"), _RELEASED),
    Entry(own.AnchoredComment, _OF_GRADE, ("grade", "start", "end", "text"), _RELEASED),
    Entry(own.GradeEvent, _OF_GRADE),
    Entry(own.SecondMark, _OF_GRADE),
    Entry(own.RegradeRequest, _OF_GRADE, ("grade", "state", "reason", "created_at", "answer", "answered_at")),
    Entry(own.Correction, _OF_GRADE),
    Entry(own.Rewrite, _OF_GRADE),
    Entry(own.ActedGrade, _OF_GRADE),
    Entry(own.AcceptanceSample, _OF_GRADE),
    Entry(own.PilotPaper, "submission__student"),
    Entry(own.GradingJob, "submission__student"),
    Entry(own.AnswerReading, "submission__student"),
    Entry(own.ShadowMark, "submission__student"),
    Entry(own.StudentGroup, "student", ("field", "value")),
    Entry(own.GroupedAnswer, "submission__student"),
    Entry(own.SubmissionFlag, "submission__student"),
    Entry(own.Presence, "submission__student"),
    Entry(own.TrainingExample, _OF_GRADE, ("question_key", "row", "state"), {"state": "accepted"}),
    Entry(own.TrainingRunExample, "example__grade__submission__student", ("run", "split")),
)
# Rows that name a person for what they did as staff: about the work, and not about a student.
ABOUT_STAFF = {
    "account.EmailAddress": "of django-allauth; nothing is ever written into it here",
    "admin.LogEntry": "acts of site admins",
    "courses.UnmatchedFile": "who uploaded a file that belongs to nobody yet",
    "grading.Acceptance": "who accepted papers unread",
    "grading.AnswerGroup": "who confirmed a group",
    "grading.GradingRun": "who asked for a run",
    "grading.Pilot": "who tried a rubric",
    "grading.ReleasePlan": "who planned a release",
    "grading.ReviewAct": "acts at the desk",
    "grading.SavedComment": "who saved a comment",
    "grading.Trial": "who tried a version with an answer of their own",
    "grading.TrainingRun": "who asked for a training",
    "grading.TrainingSet": "who uploaded a set",
    "grading.VersionEvent": "who put a version in use",
    "lti.Context": "who linked a course of a platform",
    "lti.PlatformEvent": "who registered or changed a platform",
    "lti.ResourceLink": "who linked an assignment",
    "socialaccount.SocialToken": "of django-allauth; tokens are not kept here",
}
