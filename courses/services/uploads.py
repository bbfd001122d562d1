"""Many files at once from a teacher: each goes to the student whom its name names; the others wait for a click."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from courses.errors import FileGone, FileTooLarge, Refused, TooManyFiles, UserError, reason_for
from courses.extraction import Kind, Member, kind_of, unpack
from courses.extraction.limits import MEGABYTE
from courses.limits import site_limits
from courses.matching import StudentMatcher
from courses.models import Assignment, Role, Submission, SubmissionSource, SubmissionState, UnmatchedFile
from courses.services.originals import original_keep
from courses.services.submissions import content_of, file_name, holds, is_unchanged, submission_create, submission_store

# A page that reads files for longer hangs; and where one file was given up, the next such ones would be as slow.
SECONDS_OF_READING = 60.0


class Upload(Protocol):
    """As much of Django's UploadedFile as is used here."""

    name: str | None
    size: int | None

    def read(self) -> bytes: ...


@dataclass
class UploadReport:
    """What became of each file. `notes` are said of files that were kept; those of `refused` were not."""

    created: list[Submission] = field(default_factory=list)
    unreadable: list[Submission] = field(default_factory=list)
    unmatched: list[UnmatchedFile] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    notes: list[Refused] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)

    def too_slow(self) -> bool:
        """Whether no further document is to be read for this upload."""
        gave_up = any(row.unreadable_reason == "too_slow" for row in self.unreadable)
        return gave_up or time.monotonic() - self._began > SECONDS_OF_READING


def submissions_from_files(*, assignment: Assignment, by: User, files: Sequence[Upload]) -> UploadReport:
    """Take the files, and those in .zip archives among them; what was taken stays taken whatever comes after.

    Raises:
        TooManyFiles
    """
    most = site_limits().archive_files
    if len(files) > most:
        raise TooManyFiles(limit=most)
    report = UploadReport()
    matcher = StudentMatcher.of(students_of(assignment))
    taken: dict[int, str] = {}
    for file in files:
        name = file.name or "file"
        try:
            for member in _members(name, file):
                _take(assignment, by, member, matcher, taken, report)
        except UserError as error:
            report.refused.append(Refused(name, error.message))
    return report


def unmatched_file_assign(*, file: UnmatchedFile, student: User, by: User) -> Submission:
    """Give the file to this student as their answer.

    Raises:
        NotAStudent, SubmittedMeanwhile, FileGone
    """
    original = (file.original_name, _read_original(file))
    content = content_of(None, original)
    submission = Submission(
        assignment=file.assignment,
        student=student,
        source=SubmissionSource.FILES,
        uploaded_by=by,
        submitted_at=file.uploaded_at,
    )
    with transaction.atomic():
        submission_store(submission, content, original)
        unmatched_file_discard(file=file, by=by)
    return submission


def unmatched_file_discard(*, file: UnmatchedFile, by: User) -> None:
    """
    Raises:
        FileGone: somebody assigned or discarded it a moment ago.
    """
    # The file goes with its row: see courses.receivers.
    if not UnmatchedFile.objects.filter(pk=file.pk).delete()[0]:
        raise FileGone


def _read_original(file: UnmatchedFile) -> bytes:
    try:
        with file.original.storage.open(str(file.original.name)) as original:
            return bytes(original.read())
    except FileNotFoundError as error:
        raise FileGone from error


def students_of(assignment: Assignment) -> list[User]:
    """The students to whom a file or row can belong, without the stand-ins that imports make."""
    memberships = assignment.course.memberships.filter(role=Role.STUDENT, user__is_active=True)
    return [membership.user for membership in memberships.select_related("user")]


def _members(name: str, file: Upload) -> Iterator[Member]:
    """The file, or the files in it.

    Raises:
        FileTooLarge, and what `unpack` raises
    """
    limits = site_limits()
    # An archive may be larger than one answer, for it holds many.
    if (file.size or 0) > limits.archive_bytes:
        raise FileTooLarge(limit=limits.archive_bytes // MEGABYTE)
    data = file.read()
    if kind_of(data) is Kind.ARCHIVE:
        yield from unpack(data, limits)
    elif len(data) > limits.file_bytes:
        raise FileTooLarge(limit=limits.file_bytes // MEGABYTE)
    else:
        yield Member(name, data)


def _take(
    assignment: Assignment,
    by: User,
    member: Member,
    matcher: StudentMatcher,
    taken: dict[int, str],
    report: UploadReport,
) -> None:
    if member.problem:
        report.refused.append(Refused(member.name, reason_for(member.problem)))
        return
    student = matcher.match(member.name)
    if student is not None and student.pk in taken:
        message = _("%(student)s already has “%(other)s” from this upload; this file waits to be assigned.")
        names = {"student": student.get_full_name() or student.username, "other": taken[student.pk]}
        report.notes.append(Refused(member.name, message % names))
        student = None
    if student is None:
        report.unmatched.append(_keep_unmatched(assignment, by, member))
        return
    taken[student.pk] = file_name(member.name)
    file = (member.name, member.data)
    if kind_of(member.data) is not Kind.TEXT and report.too_slow():
        report.refused.append(Refused(member.name, reason_for("upload_too_slow")))
        return
    if is_unchanged(assignment, student, file=file):
        report.unchanged.append(member.name)
        return
    submission = submission_create(
        assignment=assignment, student=student, by=by, source=SubmissionSource.FILES, file=file
    )
    ready = submission.state == SubmissionState.READY
    (report.created if ready else report.unreadable).append(submission)


def _keep_unmatched(assignment: Assignment, by: User, member: Member) -> UnmatchedFile:
    """Keep the file; one that already waits there under the same name is not kept twice."""
    name = file_name(member.name)
    for waiting in UnmatchedFile.objects.filter(assignment=assignment, original_name=name):
        if holds(waiting.original, member.data):
            return waiting
    row = UnmatchedFile(assignment=assignment, original_name=name, uploaded_by=by)
    original_keep(row, member.data)
    try:
        row.save()
    except BaseException:
        row.original.storage.delete(str(row.original.name))
        raise
    return row
