"""One answer comes in: its text is read, the earlier one gives way, and whoever listens hears of it, all or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models.fields.files import FieldFile
from django.utils import timezone

from courses.errors import AnswerTooLong, NotAStudent, NothingSubmitted, SubmittedMeanwhile
from courses.extraction import Unreadable, clean_name, clean_text, extract_text
from courses.limits import require_hand_in_left, site_limits
from courses.models import Assignment, Membership, Role, Submission, SubmissionState
from courses.services.originals import original_keep
from courses.signals import submission_ready
from courses.transitions import move, move_all

File = tuple[str, bytes]
CURRENT = (SubmissionState.RECEIVED, SubmissionState.READY, SubmissionState.UNREADABLE)


@dataclass(frozen=True)
class Content:
    """What a student handed in, as read: a text, or why there is none."""

    text: str = ""
    problem: str = ""


def submission_create(
    *,
    assignment: Assignment,
    student: User,
    by: User,
    source: str,
    text: str | None = None,
    file: File | None = None,
    submitted_at: datetime | None = None,
    external_id: str = "",
) -> Submission:
    """Take one student's answer, typed or as a file; it replaces the one that was there.

    A typed answer may be blank: it becomes READY and is never sent to the model. A file that cannot be read, or has no
    text, is kept and becomes UNREADABLE with the reason.

    Raises:
        NothingSubmitted, AnswerTooLong, NotAStudent, SubmittedMeanwhile, HandedInTooOften
    """
    if by.pk == student.pk:
        require_hand_in_left(student)
    content = content_of(text, file)
    row = Submission(
        assignment=assignment,
        student=student,
        source=source,
        uploaded_by=by,
        submitted_at=submitted_at or timezone.now(),
        external_id=external_id,
    )
    submission_store(row, content, file)
    return row


def submission_store(row: Submission, content: Content, file: File | None = None) -> None:
    """Save a new row with what was read of it, in the place of the student's earlier one.

    Raises:
        NotAStudent, SubmittedMeanwhile, NoRoomForFiles, HandedInTooOften
    """
    try:
        with transaction.atomic():
            require_student(row.assignment, row.student)
            if row.uploaded_by_id == row.student_id:
                User.objects.select_for_update(no_key=True).get(pk=row.student_id)
                require_hand_in_left(row.student)
            replaced = _supersede(row.assignment, row.student)
            _save_with_original(row, file)
            _settle(row, content, replaces=bool(replaced))
    except IntegrityError as error:
        _forget_original(row)
        raise SubmittedMeanwhile from error
    except BaseException:
        _forget_original(row)
        raise


def content_of(text: str | None, file: File | None) -> Content:
    """Read what was handed in: slow, and so done outside any transaction.

    Raises:
        NothingSubmitted, AnswerTooLong
    """
    if file is not None:
        try:
            return Content(extract_text(file[1], site_limits()))
        except Unreadable as reason:
            return Content(problem=reason.code)
    if text is None:
        raise NothingSubmitted
    clean, limit = clean_text(text), site_limits().characters
    if len(clean) > limit:
        raise AnswerTooLong(length=len(clean), limit=limit)
    return Content(clean)


def is_unchanged(assignment: Assignment, student: User, *, text: str | None = None, file: File | None = None) -> bool:
    """Whether the student's current answer is this very one: taking it again would only put its grade aside."""
    current = Submission.objects.current().filter(assignment=assignment, student=student).first()
    if current is None or bool(current.original) != (file is not None):
        return False
    if file is not None:
        return holds(current.original, file[1])
    return current.state == SubmissionState.READY and current.text == clean_text(text or "")


def holds(original: FieldFile, data: bytes) -> bool:
    """Whether the kept file is exactly this one."""
    with original.storage.open(str(original.name)) as kept:
        return kept.size == len(data) and bool(kept.read() == data)


def require_student(assignment: Assignment, student: User) -> None:
    """
    Raises:
        NotAStudent
    """
    if not Membership.objects.filter(course=assignment.course_id, user=student, role=Role.STUDENT).exists():
        raise NotAStudent(name=student.get_full_name() or student.get_username())


def _supersede(assignment: Assignment, student: User) -> int:
    current = Submission.objects.filter(assignment=assignment, student=student)
    return move_all(current, CURRENT, SubmissionState.SUPERSEDED)


def _save_with_original(row: Submission, file: File | None) -> None:
    if file is not None:
        row.original_name = file_name(file[0])
        original_keep(row, file[1])
    row.save()


def file_name(name: str) -> str:
    """The name as it is shown and offered for download: the last part of a path, with nothing unseen in it."""
    last = clean_name(name.replace("\\", "/").rpartition("/")[2])
    return (last or "file")[-255:]


def _settle(row: Submission, content: Content, *, replaces: bool) -> None:
    if content.problem:
        move(row, SubmissionState.UNREADABLE, unreadable_reason=content.problem)
        return
    move(row, SubmissionState.READY, text=content.text)
    submission_ready.send(sender=Submission, submission=row, replaces=replaces)


def _forget_original(row: Submission) -> None:
    """The row was not saved, so nobody will ever ask for its file."""
    if row.original:
        row.original.storage.delete(str(row.original.name))
