from __future__ import annotations

from typing import Annotated, Any, Literal

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import File, Form, Header, Path, Query, Router, Status, UploadedFile
from pydantic import Field

from courses.access import assignment_for, submission_for
from courses.errors import FileTooLarge
from courses.models import Assignment, Role, Submission, SubmissionSource
from courses.names import person_name
from courses.querysets import AnyUser
from courses.services.hand_ins import submission_once
from courses.services.people import account_find
from gradingsite.api.errors import Problem
from gradingsite.api.paging import Key, Page, Paging, page_of
from gradingsite.api.schemas import (
    ANSWERS,
    PersonOut,
    Short,
    SubmissionIn,
    SubmissionOut,
    SubmissionTextOut,
)

router = Router(tags=["submissions"])
IdempotencyKey = Annotated[str, Field(max_length=100, pattern=r"^[\x21-\x7e]*$")]
State = Literal["received", "ready", "unreadable", "superseded"]


@router.get("/assignments/{pk}/submissions", response={200: Page[SubmissionOut], **ANSWERS}, url_name="submissions")
def submission_list(request: HttpRequest, pk: Path[Key], paging: Query[Paging], state: State | None = None) -> Any:
    """The answers to an assignment: all of them for course staff, their own for students."""
    rows = Submission.objects.visible_to(request.user).filter(assignment=assignment_for(request.user, pk))
    rows = rows.filter(state=state) if state else rows
    return page_of(rows.select_related("student", "assignment"), paging, lambda found: [shown(row) for row in found])


@router.get("/submissions/{pk}", response={200: SubmissionTextOut, **ANSWERS}, url_name="submission")
def submission(request: HttpRequest, pk: Path[Key]) -> Any:
    """One answer with its text."""
    row = submission_for(request.user, pk)
    return {**shown(row), "text": row.text}


@router.post(
    "/assignments/{pk}/submissions",
    response={200: SubmissionOut, 201: SubmissionOut, **ANSWERS},
    url_name="submissions",
)
def submission_text(
    request: HttpRequest,
    pk: Path[Key],
    data: SubmissionIn,
    idempotency_key: IdempotencyKey = Header("", alias="Idempotency-Key"),
) -> Any:
    """Hand in a text: students for themselves, course staff for a student.

    With an `Idempotency-Key` or an `external_id` a repeat answers 200 with the answer that is there, and changes
    nothing; without one every request hands in anew.
    """
    return _take(request, pk, data.student, data.external_id, idempotency_key, text=data.text)


@router.post(
    "/assignments/{pk}/submissions/file",
    response={200: SubmissionOut, 201: SubmissionOut, **ANSWERS},
    url_name="submission_file",
)
def submission_file(
    request: HttpRequest,
    pk: Path[Key],
    file: File[UploadedFile],
    student: Short = Form(""),
    external_id: Short = Form(""),
    idempotency_key: IdempotencyKey = Header("", alias="Idempotency-Key"),
) -> Any:
    """Hand in a file (text, Markdown, .docx, .odt, PDF with text), in the same way. What cannot be read is kept, and
    `problem` says why."""
    if (file.size or 0) > settings.MAX_UPLOAD_BYTES:
        raise FileTooLarge(limit=settings.MAX_UPLOAD_BYTES // settings.MEBIBYTE)
    named = (file.name or "file", file.read())
    return _take(request, pk, student or None, external_id, idempotency_key, file=named)


def _take(request: HttpRequest, pk: int, email: str | None, external_id: str, key: str, **content: Any) -> Any:
    assignment = assignment_for(request.user, pk)
    staff = Assignment.objects.managed_by(request.user).filter(pk=pk).exists()
    student = _student(assignment, email) if staff else _self(request.user, assignment, email)
    if external_id and not staff:
        raise Problem(422, "external_id_refused", _("An external id is for course staff."), "external_id")
    if key and external_id:
        raise Problem(422, "two_keys", _("Send an external id or an Idempotency-Key, not both."), "external_id")
    # Keys of two people never meet.
    known_as = external_id or (f"api:{request.user.pk}:{key}" if key else "")
    row, new = submission_once(
        assignment=assignment,
        student=student,
        by=request.user,  # type: ignore[arg-type]
        source=_source(staff=staff, file="file" in content),
        external_id=known_as,
        **content,
    )
    return Status(201 if new else 200, shown(row))


def _source(*, staff: bool, file: bool) -> str:
    if staff:
        return SubmissionSource.FILES if file else SubmissionSource.TABLE
    return SubmissionSource.UPLOAD if file else SubmissionSource.TYPED


def _student(assignment: Assignment, email: str | None) -> User:
    """The student whom staff name. Only of this course: the answer tells nothing about other accounts."""
    if not email:
        raise Problem(422, "student_missing", _("Say whose answer it is: the student's e-mail address."), "student")
    found = account_find(email.strip().lower())
    if found is None or not assignment.course.memberships.filter(user=found, role=Role.STUDENT).exists():
        raise Problem(422, "not_a_student", _("No student of this course has this address."), "student")
    return found


def _self(user: AnyUser, assignment: Assignment, email: str | None) -> User:
    if not assignment.course.memberships.filter(user=user.pk, role=Role.STUDENT).exists():
        raise PermissionDenied
    if email and email.strip().lower() != user.email.lower():  # type: ignore[union-attr]
        raise PermissionDenied
    return user  # type: ignore[return-value]


def shown(row: Submission) -> dict[str, Any]:
    return {
        "id": row.pk,
        "assignment": row.assignment_id,
        "student": person(row.student),
        "state": row.state,
        "source": row.source,
        "submitted_at": row.submitted_at,
        "late": row.is_late,
        "file_name": row.original_name,
        "problem": row.reason,
        "external_id": "" if row.external_id.startswith("api:") else row.external_id,
    }


def person(user: User) -> PersonOut:
    return PersonOut(id=user.pk, name=person_name(user), email=user.email)
