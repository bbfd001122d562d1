"""Who sees which rows of grading. Students see their own released grades and nothing else; course staff see what
belongs to their courses; model versions and training are the site admins'."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models

from courses.querysets import STAFF_ROLES, AnyUser, in_courses_of, is_admin

if TYPE_CHECKING:
    from courses.models import Course
    from grading.models import (  # noqa: F401
        Acceptance,
        AcceptanceSample,
        AnswerGroup,
        Grade,
        GradingJob,
        GradingRun,
        ModelVersion,
        Pilot,
        RegradeRequest,
        ReleasePlan,
        SavedComment,
        SecondMark,
        TrainingExample,
        TrainingRun,
        Worker,
    )


class GradingRunQuerySet(models.QuerySet["GradingRun"]):
    def managed_by(self, user: AnyUser) -> Self:
        return self.filter(in_courses_of(user, STAFF_ROLES, "assignment__course"))

    def out_of_reach(self, dtypes: Collection[str]) -> Self:
        """Runs with answers that wait, and that were begun in a dtype which is not among these."""
        waiting = self.filter(jobs__state="queued").exclude(compute_dtype__in=["", *dtypes])
        return waiting.order_by("pk").distinct()


class GradingJobQuerySet(models.QuerySet["GradingJob"]):
    def active(self) -> Self:
        return self.filter(state__in=["queued", "running"])

    def stale(self, before: datetime) -> Self:
        """Running jobs whose worker was last heard of before `before`."""
        return self.filter(state="running", heartbeat_at__lt=before)


class GradeQuerySet(models.QuerySet["Grade"]):
    def managed_by(self, user: AnyUser) -> Self:
        return self.filter(in_courses_of(user, STAFF_ROLES, "submission__assignment__course"))

    def visible_to(self, user: AnyUser) -> Self:
        """Grades of the courses that `user` marks, and `user`'s own once they are released."""
        roles = (*STAFF_ROLES, "student")
        own = in_courses_of(user, roles, "submission__assignment__course")
        own &= models.Q(submission__student_id=user.pk, state="released")
        return self.filter(in_courses_of(user, STAFF_ROLES, "submission__assignment__course") | own)

    def open(self) -> Self:
        return self.filter(state__in=["proposed", "approved"])

    def released(self) -> Self:
        return self.filter(state="released")


class SavedCommentQuerySet(models.QuerySet["SavedComment"]):
    def managed_by(self, user: AnyUser) -> Self:
        return self.filter(in_courses_of(user, STAFF_ROLES))


class AnswerGroupQuerySet(models.QuerySet["AnswerGroup"]):
    def visible_to(self, user: AnyUser) -> Self:
        return self.filter(in_courses_of(user, STAFF_ROLES, "assignment__course"))


class AcceptanceQuerySet(models.QuerySet["Acceptance"]):
    def visible_to(self, user: AnyUser) -> Self:
        return self.filter(in_courses_of(user, STAFF_ROLES, "assignment__course"))


class RegradeRequestQuerySet(models.QuerySet["RegradeRequest"]):
    def managed_by(self, user: AnyUser) -> Self:
        return self.filter(in_courses_of(user, STAFF_ROLES, "grade__submission__assignment__course"))

    def visible_to(self, user: AnyUser) -> Self:
        """Requests of the courses that `user` marks, and `user`'s own."""
        roles = (*STAFF_ROLES, "student")
        own = in_courses_of(user, roles, "grade__submission__assignment__course")
        own &= models.Q(grade__submission__student_id=user.pk)
        return self.filter(in_courses_of(user, STAFF_ROLES, "grade__submission__assignment__course") | own)

    def open(self) -> Self:
        return self.filter(state="open")


class SecondMarkQuerySet(models.QuerySet["SecondMark"]):
    def visible_to(self, user: AnyUser) -> Self:
        return self.filter(in_courses_of(user, STAFF_ROLES, "grade__submission__assignment__course"))


class PilotQuerySet(models.QuerySet["Pilot"]):
    def visible_to(self, user: AnyUser) -> Self:
        return self.filter(in_courses_of(user, STAFF_ROLES, "assignment__course"))


class ReleasePlanQuerySet(models.QuerySet["ReleasePlan"]):
    def visible_to(self, user: AnyUser) -> Self:
        return self.filter(in_courses_of(user, STAFF_ROLES, "assignment__course"))


class AcceptanceSampleQuerySet(models.QuerySet["AcceptanceSample"]):
    def unmarked(self) -> Self:
        """Papers that are to be marked blind. What was undone or is decided has no blind marking to come."""
        return self.filter(given=None, acceptance__state="checking", acceptance__act__undone_by=None)


class AdminOnlyQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: AnyUser) -> Self:
        return self if is_admin(user) else self.none()


class ModelVersionQuerySet(AdminOnlyQuerySet):
    def promoted(self) -> Self:
        return self.filter(state="promoted")

    def in_use(self, course: Course | int | None = None) -> ModelVersion | None:
        """What marks a course: its own promoted version, otherwise the site's. Without a course, the site's."""
        if course is None:
            found: ModelVersion | None = self.promoted().filter(course=None).first()
            return found
        own = self.promoted().filter(models.Q(course=course) | models.Q(course=None))
        return own.order_by(models.F("course").asc(nulls_last=True)).first()

    def of_scope(self, course: Course | int | None) -> Self:
        """The versions that take turns: the site's, or those of one course."""
        return self.filter(course=course) if course else self.filter(course=None)


class TrainingExampleQuerySet(AdminOnlyQuerySet):
    def usable(self) -> Self:
        """What may be trained on: accepted, and not of a course that wants none of its grades trained on."""
        return self.filter(state="accepted").exclude(course__may_train=False)


class TrainingRunQuerySet(AdminOnlyQuerySet):
    def active(self) -> Self:
        return self.filter(state__in=["queued", "preparing", "training", "evaluating"])


class WorkerQuerySet(AdminOnlyQuerySet):
    def listening(self, since: datetime) -> Self:
        return self.filter(seen_at__gte=since)
