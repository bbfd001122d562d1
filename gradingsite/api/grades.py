from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from ninja import Path, Query, Router

from courses.access import assignment_for, managed_assignment
from courses.names import person_name
from courses.querysets import AnyUser
from grading import services
from grading.access import managed_grade
from grading.blind import blind_sample
from grading.exceptions import MarkedBlind
from grading.models import AcceptanceSample, CriterionScore, Grade
from gradingsite.api.paging import Key, Page, Paging, page_of
from gradingsite.api.schemas import ANSWERS, CriterionOut, GradeIn, GradeOut, ReleaseOut
from gradingsite.api.submissions import person

router = Router(tags=["grades"])
State = Literal["proposed", "approved", "released", "withdrawn", "rejected", "superseded"]


@router.get("/assignments/{pk}/grades", response={200: Page[GradeOut], **ANSWERS}, url_name="grades")
def grade_list(request: HttpRequest, pk: Path[Key], paging: Query[Paging], state: State | None = None) -> Any:
    """The grades of an assignment: all of them for course staff, their own released ones for students."""
    rows = _visible(request.user).filter(submission__assignment=assignment_for(request.user, pk))
    rows = rows.filter(state=state) if state else rows
    return page_of(rows, paging, lambda found: _shown(found, request.user))


@router.get("/grades/{pk}", response={200: GradeOut, **ANSWERS}, url_name="grade")
def grade(request: HttpRequest, pk: Path[Key]) -> Any:
    """One grade."""
    row = _visible(request.user).filter(pk=pk).first()
    if row is None:
        raise Http404
    return _shown([row], request.user)[0]


@router.patch("/grades/{pk}", response={200: GradeOut, **ANSWERS}, url_name="grade")
def grade_change(request: HttpRequest, pk: Path[Key], data: GradeIn) -> Any:
    """Set points, in all or by criterion, and feedback of a grade that is still to be reviewed. Somebody who was faster
    is not overwritten: then the answer is 409, and the grade is to be read again."""
    return _act(request, pk, data, services.grade_change)


@router.post("/grades/{pk}/approve", response={200: GradeOut, **ANSWERS}, url_name="grade_approve")
def grade_approve(request: HttpRequest, pk: Path[Key], data: GradeIn) -> Any:
    """Approve a proposal, with the same changes. What is not changed is approved as it was proposed."""
    return _act(request, pk, data, services.grade_approve)


@router.post("/assignments/{pk}/release", response={200: ReleaseOut, **ANSWERS}, url_name="release")
def release(request: HttpRequest, pk: Path[Key]) -> Any:
    """Show all approved grades of an assignment to their students, who are told by e-mail."""
    assignment = managed_assignment(request.user, pk)
    return {"released": services.grades_release(assignment=assignment, by=request.user)}  # type: ignore[arg-type]


def _act(request: HttpRequest, pk: int, data: GradeIn, service: Any) -> dict[str, Any]:
    row = managed_grade(request.user, pk)
    if blind_sample(row.submission):
        raise MarkedBlind
    criteria = {entry.id: _points(entry.points) for entry in data.criteria}
    service(
        grade=row,
        by=request.user,
        edition=data.edition,
        points=_points(data.points),
        criterion_points=criteria or None,
        feedback=None if data.feedback is None else data.feedback.replace("\r\n", "\n"),
    )
    return _shown([_visible(request.user).get(pk=pk)], request.user)[0]


def _points(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _visible(user: AnyUser) -> QuerySet[Grade]:
    rows = Grade.objects.visible_to(user).select_related(
        "feedback", "approved_by", "submission__student", "submission__assignment"
    )
    return rows.prefetch_related("criterion_scores")


def _shown(rows: list[Grade], user: AnyUser) -> list[dict[str, Any]]:
    keys = [row.pk for row in rows]
    managed = set(Grade.objects.managed_by(user).filter(pk__in=keys).values_list("pk", flat=True))
    papers = {row.submission_id for row in rows}
    sampled = AcceptanceSample.objects.unmarked().filter(grade__submission__in=papers)
    blind = set(sampled.values_list("grade__submission", flat=True))
    return [_grade(row, staff=row.pk in managed, blind=row.submission_id in blind) for row in rows]


def _grade(row: Grade, *, staff: bool, blind: bool) -> dict[str, Any]:
    """A paper that checks a promise shows nothing of its proposal until it is marked; the feedback is part of it."""
    paper, may = row.submission, staff and not blind
    hidden = staff and paper.assignment.blind_marking
    return {
        "id": row.pk,
        "submission": row.submission_id,
        "assignment": paper.assignment_id,
        "student": None if hidden else person(paper.student),
        "state": row.state,
        "points": None if blind and staff else _number(row.points),
        "max_points": float(row.max_points),
        "feedback": "" if blind and staff else row.feedback.text,
        "criteria": [_criterion(score, may=may, blind=blind and staff) for score in row.criterion_scores.all()],
        "proposed_by_model": row.source == "model",
        "proposed_points": _number(row.proposed_points) if may else None,
        "edition": row.edition if staff else None,
        "approved_by": person_name(row.approved_by) if row.approved_by else "",
        "approved_at": row.approved_at,
        "released_at": row.released_at,
    }


def _criterion(score: CriterionScore, *, may: bool, blind: bool) -> CriterionOut:
    return CriterionOut(
        id=score.pk,
        title=score.title,
        points=None if blind else _number(score.points),
        max_points=float(score.max_points),
        proposed_points=_number(score.proposed_points) if may else None,
    )


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
