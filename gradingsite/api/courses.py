from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Path, Query, Router

from courses.access import assignment_for, course_for
from courses.models import Assignment, Course, Membership
from courses.querysets import AnyUser
from gradingsite.api.paging import Key, Page, Paging, page_of
from gradingsite.api.schemas import ANSWERS, AssignmentOut, CourseOut

router = Router(tags=["courses and assignments"])


@router.get("/courses", response={200: Page[CourseOut], **ANSWERS}, url_name="courses")
def course_list(request: HttpRequest, paging: Query[Paging]) -> Any:
    """Your courses; for an admin all."""
    rows = Course.objects.visible_to(request.user)
    return page_of(rows, paging, lambda found: _courses(found, request.user))


@router.get("/courses/{pk}", response={200: CourseOut, **ANSWERS}, url_name="course")
def course(request: HttpRequest, pk: Path[Key]) -> Any:
    """One course."""
    return _courses([course_for(request.user, pk)], request.user)[0]


@router.get("/courses/{pk}/assignments", response={200: Page[AssignmentOut], **ANSWERS}, url_name="assignments")
def assignment_list(request: HttpRequest, pk: Path[Key], paging: Query[Paging]) -> Any:
    """The assignments of a course that you may see."""
    rows = Assignment.objects.visible_to(request.user).filter(course=course_for(request.user, pk))
    return page_of(rows, paging, lambda found: _assignments(found, request.user))


@router.get("/assignments/{pk}", response={200: AssignmentOut, **ANSWERS}, url_name="assignment")
def assignment(request: HttpRequest, pk: Path[Key]) -> Any:
    """One assignment."""
    return _assignments([assignment_for(request.user, pk)], request.user)[0]


def _courses(rows: list[Course], user: AnyUser) -> list[dict[str, Any]]:
    own = Membership.objects.filter(user=user.pk, course__in=[row.pk for row in rows])
    roles = dict(own.values_list("course", "role"))
    return [
        {"id": row.pk, "name": row.name, "term": row.term, "language": row.language, "role": roles.get(row.pk)}
        for row in rows
    ]


def _assignments(rows: list[Assignment], user: AnyUser) -> list[dict[str, Any]]:
    keys = [row.pk for row in rows]
    managed = set(Assignment.objects.managed_by(user).filter(pk__in=keys).values_list("pk", flat=True))
    return [_assignment(row, staff=row.pk in managed) for row in rows]


def _assignment(row: Assignment, *, staff: bool) -> dict[str, Any]:
    return {
        "id": row.pk,
        "course": row.course_id,
        "title": row.title,
        "question": row.question,
        "max_points": float(row.max_points),
        "step": float(row.step_points),
        "language": row.language,
        "due_at": row.due_at,
        "published": row.published,
        "names_hidden": row.blind_marking,
        "reference_answer": row.reference_answer if staff else None,
        "marking_instructions": row.marking_instructions if staff else None,
    }
