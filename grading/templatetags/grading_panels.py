"""What pages of courses show of grading: courses imports nothing of it, its templates load these tags."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template
from django.db.models import QuerySet
from django.template.context import RequestContext

from courses.models import Assignment, Submission
from grading import selectors
from grading.blind import without_blind_proposals
from grading.models import Grade, GradeState, ModelVersion, ReleasePlan, ReleasePlanState, RunScope, Trial, WorkerKind
from grading.rubric_changes import stale_grades
from grading.services import worker_listening
from grading.trials import shown_trial

register = template.Library()


@register.inclusion_tag("grading/_assignment_panel.html", takes_context=True)
def assignment_panel(context: RequestContext, assignment: Assignment) -> dict[str, Any]:
    """Counts, the active run, and what may be done next."""
    runs = assignment.grading_runs.select_related("version")
    return {
        "assignment": assignment,
        "counts": selectors.assignment_counts([assignment])[assignment.pk],
        "active_run": runs.filter(jobs__state__in=["queued", "running"]).first(),
        "runs": runs[:5],
        "stale": stale_grades(assignment),
        "plan": ReleasePlan.objects.filter(assignment=assignment, state=ReleasePlanState.PLANNED)
        .select_related("by")
        .first(),
        "scopes": RunScope.choices,
        "model": ModelVersion.objects.in_use(assignment.course_id),
        "listening": worker_listening(WorkerKind.MARKING),
        "csrf_token": context.get("csrf_token"),
    }


@register.inclusion_tag("grading/_submission_panel.html", takes_context=True)
def submission_panel(context: RequestContext, submission: Submission) -> dict[str, Any]:
    grade = selectors.current_grade(submission)
    return {
        "submission": submission,
        "grade": without_blind_proposals([grade])[0] if grade else None,
        "csrf_token": context.get("csrf_token"),
    }


@register.inclusion_tag("grading/_my_grade_panel.html")
def my_grade_panel(submission: Submission) -> dict[str, Any]:
    return {"submission": submission, "grade": submission.grades.released().first()}


@register.simple_tag
def grades_for(submissions: Iterable[Submission]) -> dict[int, Grade]:
    """The grade that each submission's review page shows, by the submission's id, in two queries."""
    closed = [GradeState.REJECTED, GradeState.SUPERSEDED]
    rows: QuerySet[Grade] = Grade.objects.filter(submission__in=[row.pk for row in submissions]).exclude(
        state__in=closed
    )
    found: dict[int, Grade] = {}
    for grade in without_blind_proposals(selectors.shown_first(rows)):
        found.setdefault(grade.submission_id, grade)
    return found


@register.simple_tag
def counts_for(assignments: Iterable[Assignment]) -> dict[int, selectors.AssignmentCounts]:
    return selectors.assignment_counts(assignments)


@register.simple_tag(takes_context=True)
def work_waiting(context: RequestContext) -> list[tuple[Assignment, selectors.AssignmentCounts]]:
    return selectors.work_waiting(context["user"])


@register.simple_tag(takes_context=True)
def released_for(context: RequestContext, assignments: Iterable[Assignment]) -> dict[int, Grade]:
    return selectors.released_grades(context["user"], assignments)


@register.inclusion_tag("grading/_trial.html")
def trial_row(trial: Trial) -> dict[str, Any]:
    """One typed answer with what the versions said; it asks for itself until it is over."""
    return shown_trial(trial)
