"""One answer that a program hands in, taken once however often it is sent."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from courses.errors import UserError
from courses.extraction import clean_text
from courses.limits import require_hand_in_left
from courses.models import Assignment, Submission, SubmissionState
from courses.services.submissions import File, content_of, holds, require_student, submission_store


class AlreadyTaken(UserError):
    code = "already_taken"
    words = _("Another answer was handed in with this key. Use a new key for a new answer.")


def submission_once(
    *,
    assignment: Assignment,
    student: User,
    by: User,
    source: str,
    external_id: str,
    text: str | None = None,
    file: File | None = None,
) -> tuple[Submission, bool]:
    """The submission with this external id, and whether it is new: a repeat changes nothing, not even where the
    student has handed in again since.

    Raises:
        AlreadyTaken: the id belongs to another answer.
        NothingSubmitted, AnswerTooLong, NotAStudent, SubmittedMeanwhile, HandedInTooOften
    """
    require_student(assignment, student)
    earlier = _earlier(assignment, student, external_id, text, file)
    if earlier is not None:
        return earlier, False
    if by.pk == student.pk:
        require_hand_in_left(student)
    content = content_of(text, file)  # slow, and so outside the transaction
    row = Submission(
        assignment=assignment,
        student=student,
        source=source,
        uploaded_by=by,
        submitted_at=timezone.now(),
        external_id=external_id,
    )
    with transaction.atomic():
        # Repeats that arrive together take turns.
        Assignment.objects.select_for_update().get(pk=assignment.pk)
        earlier = _earlier(assignment, student, external_id, text, file)
        if earlier is not None:
            return earlier, False
        submission_store(row, content, file)
    return row, True


def _earlier(
    assignment: Assignment, student: User, external_id: str, text: str | None, file: File | None
) -> Submission | None:
    if not external_id:
        return None
    row = Submission.objects.filter(assignment=assignment, external_id=external_id).order_by("-pk").first()
    if row is not None and (row.student_id != student.pk or not _same(row, text, file)):
        raise AlreadyTaken
    return row


def _same(row: Submission, text: str | None, file: File | None) -> bool:
    if bool(row.original) != (file is not None):
        return False
    if file is not None:
        try:
            return holds(row.original, file[1])
        except FileNotFoundError:
            return False
    read = row.state in (SubmissionState.READY, SubmissionState.SUPERSEDED)
    return read and row.text == clean_text(text or "")
