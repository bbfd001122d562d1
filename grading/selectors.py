"""What the pages of grading show, read in a few queries each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery, TextField, Value, When
from django.db.models.functions import Coalesce

from courses.models import Assignment, Submission
from courses.querysets import AnyUser
from grading.models import Grade, GradeSource, GradeState, GradingJob, TrainingRun
from grading.models.grades import OPEN_GRADE_STATES

FILTERS = ("all", "to_review", "approved", "released", "ungraded", "failed", "unreadable", "changed", "blank", "cut")
ORDERS = ("student", "waiting", "points", "-points", "submitted", "state")
_WITHOUT_GRADE = ("ungraded", "failed", "unreadable")
_RANK = {GradeState.PROPOSED: 0, GradeState.APPROVED: 0, GradeState.RELEASED: 1, GradeState.WITHDRAWN: 2}


def by_person() -> QuerySet[Grade]:
    """Open grades that a person worked on: a run over everything leaves them alone."""
    touched = Q(edition__gt=1) | Q(source=GradeSource.TEACHER) | Q(points__isnull=False)
    return Grade.objects.open().filter(touched)


def graded() -> QuerySet[Grade]:
    """Grades that count as one: a rejected or replaced one leaves its submission ungraded."""
    return Grade.objects.filter(state__in=list(_RANK))


def shown_first(grades: QuerySet[Grade]) -> QuerySet[Grade]:
    """Grades with the one that a teacher looks at first: the open one, the released one, then the latest."""
    rank = Case(
        *(When(state=state, then=Value(rank)) for state, rank in _RANK.items()),
        default=Value(3),
        output_field=IntegerField(),
    )
    return grades.order_by(rank, "-pk")


def current_grade(submission: Submission) -> Grade | None:
    """The grade that a submission's review page shows."""
    return shown_first(submission.grades.select_related("version", "approved_by", "feedback", "correction")).first()


def review_queue(assignment: Assignment, *, show: str = "all", order: str = "student") -> QuerySet[Submission]:
    """The current submissions of an assignment, each with `grade_id`, `grade_state`, `grade_source`, `grade_points`,
    `grade_proposed` (the proposal), `grade_corrected` (by the marks so far), `grade_unread` (characters beyond the
    window) and `job_state`, `job_error`, None
    where there is none.

    `show` is one of FILTERS and `order` one of ORDERS; anything else is the first of them.
    """
    grade = shown_first(Grade.objects.filter(submission=OuterRef("pk")))
    job = GradingJob.objects.filter(submission=OuterRef("pk")).order_by("-pk")
    rows = (
        Submission.objects.current()
        .filter(assignment=assignment)
        .select_related("student")
        .annotate(
            grade_id=Subquery(grade.values("pk")[:1]),
            grade_state=Subquery(grade.values("state")[:1]),
            grade_source=Subquery(grade.values("source")[:1]),
            grade_points=Subquery(grade.values("points")[:1]),
            grade_proposed=Subquery(grade.values("proposed_points")[:1]),
            grade_corrected=Subquery(grade.values("correction__points")[:1]),
            grade_unread=Subquery(grade.values("unread_characters")[:1]),
            job_state=Subquery(job.values("state")[:1]),
            job_error=Subquery(job.values("error_code")[:1]),
        )
    )
    return _ordered(_filtered(rows, show), order)


def _filtered(rows: QuerySet[Submission], show: str) -> QuerySet[Submission]:
    undecided = Q(grade_state__isnull=True) | Q(grade_state__in=[GradeState.REJECTED, GradeState.SUPERSEDED])
    conditions = {
        "to_review": Q(grade_state=GradeState.PROPOSED),
        "approved": Q(grade_state=GradeState.APPROVED),
        "released": Q(grade_state=GradeState.RELEASED),
        "ungraded": undecided & Q(state="ready"),
        "failed": undecided & Q(job_state="failed"),
        "unreadable": undecided & Q(state="unreadable"),
        "changed": Q(grade_points__isnull=False) & ~Q(grade_points=F("grade_proposed")),
        "blank": Q(grade_source=GradeSource.RULE),
        "cut": Q(grade_unread__gt=0),
    }
    return rows.filter(conditions[show]) if show in conditions else rows


def _ordered(rows: QuerySet[Submission], order: str) -> QuerySet[Submission]:
    points = Coalesce(F("grade_points"), F("grade_proposed"))
    names = ("student__last_name", "student__first_name", "student__username", "pk")
    if order == "waiting":
        waiting = When(grade_state=GradeState.PROPOSED, then=Value(0))
        return rows.order_by(Case(waiting, default=Value(1), output_field=IntegerField()), *names)
    if order == "points":
        return rows.order_by(points.asc(nulls_last=True), *names)
    if order == "-points":
        return rows.order_by(points.desc(nulls_last=True), *names)
    if order == "submitted":
        return rows.order_by("submitted_at", "pk")
    if order == "state":
        return rows.order_by(Coalesce(F("grade_state"), Value(""), output_field=TextField()), *names)
    return rows.order_by(*names)


@dataclass(frozen=True)
class Neighbours:
    """Where a submission stands in a review queue; `position` counts from 1 and is 0 where it is not in the queue."""

    previous: int | None
    next: int | None
    position: int
    total: int


def review_neighbours(
    submission: Submission, *, show: str = "all", order: str = "student", after: int | None = None
) -> Neighbours:
    """The submissions before and after this one. One that has left the queue (it was just approved, say) keeps its
    place: the next is the one that followed it when nothing is filtered out."""
    assignment = submission.assignment
    keys = list(review_queue(assignment, show=show, order=order).values_list("pk", flat=True))
    if submission.pk in keys:
        place = keys.index(submission.pk)
        around = keys[max(0, place - 1) : place], keys[place + 1 : place + 2]
        return Neighbours(next(iter(around[0]), None), next(iter(around[1]), None), place + 1, len(keys))
    all_keys = list(review_queue(assignment, order=order).values_list("pk", flat=True))
    if submission.pk not in all_keys:
        return Neighbours(None, next(iter(keys), None), 0, len(keys))
    place, inside = all_keys.index(submission.pk), set(keys)
    before = next((key for key in reversed(all_keys[:place]) if key in inside), None)
    behind = next((key for key in all_keys[place + 1 :] if key in inside), None)
    return Neighbours(before, behind, 0, len(keys))


def next_to_review(submission: Submission, *, show: str = "all", order: str = "student") -> int | None:
    """The submission to go on with after this one was decided: the next of those shown that still waits, and from the
    end of the queue back to what was skipped at its beginning; None where nothing waits."""
    assignment = submission.assignment
    rows = review_queue(assignment, show="all" if show in ("approved", "released") else show, order=order)
    if show not in _WITHOUT_GRADE:
        rows = rows.filter(Q(grade_state=GradeState.PROPOSED))
    waiting = set(rows.values_list("pk", flat=True))
    # In these orders a decided paper has just moved away from its place.
    steady = "student" if order in ("waiting", "state") else order
    keys = list(review_queue(assignment, order=steady).values_list("pk", flat=True))
    place = keys.index(submission.pk) if submission.pk in keys else -1
    return next((key for key in keys[place + 1 :] + keys[: max(place, 0)] if key in waiting), None)


@dataclass(frozen=True)
class AssignmentCounts:
    """What waits in one assignment. A submission is counted once, by the grade that its review page shows."""

    submissions: int = 0
    unreadable: int = 0
    ungraded: int = 0
    to_review: int = 0
    approved: int = 0
    released: int = 0
    being_marked: int = 0
    unmatched: int = 0


def assignment_counts(assignments: Iterable[Assignment]) -> dict[int, AssignmentCounts]:
    """Counts of each assignment by its id, in three queries for all of them together."""
    keys = [assignment.pk for assignment in assignments]
    grade = shown_first(Grade.objects.filter(submission=OuterRef("pk")))
    current = Submission.objects.current().filter(assignment__in=keys)
    rows = current.annotate(shown=Subquery(grade.values("state")[:1])).values_list("assignment", "state", "shown")
    counts: dict[int, dict[str, int]] = {key: {} for key in keys}
    for key, state, shown, number in rows.annotate(number=Count("pk")).order_by():
        for name in ("submissions", _column(state, shown)):
            if name:
                counts[key][name] = counts[key].get(name, 0) + number
    busy = GradingJob.objects.active().filter(submission__assignment__in=keys).values_list("submission__assignment")
    for key, number in busy.annotate(number=Count("pk")).order_by():
        counts[key]["being_marked"] = number
    waiting = Assignment.objects.filter(pk__in=keys, unmatched_files__isnull=False).values_list("pk")
    for key, number in waiting.annotate(number=Count("unmatched_files")).order_by():
        counts[key]["unmatched"] = number
    return {key: AssignmentCounts(**numbers) for key, numbers in counts.items()}


def _column(state: str, shown: str | None) -> str:
    if shown in OPEN_GRADE_STATES or shown == GradeState.RELEASED:
        return {GradeState.PROPOSED: "to_review"}.get(GradeState(shown), str(shown))
    if state == "unreadable":
        return "unreadable"
    return "" if shown == GradeState.WITHDRAWN else "ungraded"


def work_waiting(user: AnyUser) -> list[tuple[Assignment, AssignmentCounts]]:
    """A teacher's dashboard: the assignments of their courses in which something waits for them."""
    assignments = list(Assignment.objects.managed_by(user).select_related("course").order_by("course", "pk"))
    counts = assignment_counts(assignments)
    pairs = [(assignment, counts[assignment.pk]) for assignment in assignments]
    return [(a, c) for a, c in pairs if c.ungraded or c.to_review or c.approved or c.unreadable or c.unmatched]


def released_grades(user: AnyUser, assignments: Iterable[Assignment]) -> dict[int, Grade]:
    """A student's own released grade of each assignment, by the assignment's id."""
    rows = Grade.objects.visible_to(user).released().filter(submission__student_id=user.pk)
    rows = rows.filter(submission__assignment__in=[assignment.pk for assignment in assignments])
    return {row.submission.assignment_id: row for row in rows.select_related("submission").order_by("pk")}


def loss_curve(run: TrainingRun) -> dict[str, dict[str, list[Any]]]:
    """A run's points by stage, as lists of the same length: step, train_loss, validation_loss, seconds."""
    curves: dict[str, dict[str, list[Any]]] = {}
    names = ("step", "train_loss", "validation_loss", "seconds")
    for stage, *values in run.points.values_list("stage", *names):
        curve = curves.setdefault(stage, {name: [] for name in names})
        for name, value in zip(names, values, strict=True):
            curve[name].append(value)
    return curves
