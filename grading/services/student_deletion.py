"""Deletion of everything about a student: rows, files, training examples, and a note on what was trained on them."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from courses.errors import UserError
from courses.guards import history_unlocked
from courses.models import Membership, Role, Submission
from courses.services.history import data_event
from grading.about_students import ENTRIES
from grading.mapping import student_key
from grading.models import ModelVersion
from grading.services.erasing import answers_of, examples_erase, examples_like, versions_shaped
from grading.services.mentions import courses_of, files_named_after, mentions_count, mentions_erase


class NotAStudent(UserError):
    code = "not_a_student"
    words = _(
        "Only the data of students can be deleted here: this person is a site admin or belongs to a course's staff."
    )


@dataclass(frozen=True)
class DeletionPreview:
    """What a deletion would take, by kind and number, and the versions that it would mark."""

    rows: tuple[tuple[str, int], ...]
    files: int
    mentions: int
    examples: int
    versions: tuple[ModelVersion, ...]


def deletion_preview(*, student: User) -> DeletionPreview:
    counts = ((str(entry.model._meta.verbose_name_plural), entry.rows(student).count()) for entry in ENTRIES)  # noqa: SLF001
    examples = _examples(student)
    return DeletionPreview(
        rows=tuple((name, number) for name, number in counts if number),
        files=Submission.objects.filter(student=student).exclude(original="").count()
        + files_named_after(student).count(),
        mentions=mentions_count(student),
        examples=len(examples),
        versions=tuple(versions_shaped(examples)),
    )


def may_be_deleted(person: User) -> bool:
    return not person.is_staff and not Membership.objects.filter(user=person).exclude(role=Role.STUDENT).exists()


def student_delete(*, student: User, by: User) -> DeletionPreview:
    """Delete the account and everything about it. Trainings under way on it are ended; versions trained on it say so.
    Each course's history keeps one line without a name.

    Raises:
        NotAStudent
    """
    if not may_be_deleted(student):
        raise NotAStudent
    with history_unlocked():
        preview = deletion_preview(student=student)
        clean_files = examples_erase(examples=_examples(student), answers=_answers(student), by=by)
        mentions_erase(student)
        files_named_after(student).delete()
        for course in courses_of(student):
            answers = Submission.objects.filter(student=student, assignment__course=course).count()
            data_event(course=course, by=by, action="student_deleted", after={"answers": answers})
        _forget_account(student)
        student.delete()
        transaction.on_commit(clean_files)
    return preview


def _answers(student: User) -> set[str]:
    return answers_of(Submission.objects.filter(student=student))


def _examples(student: User) -> list[int]:
    """Examples of the student's grades, and rows of uploaded sets that are the student's answers word for word."""
    own = Q(grade__submission__student=student) | Q(row__student=student_key(student.pk))
    return examples_like(own, _answers(student))


def _forget_account(student: User) -> None:
    """What no foreign key leads to: sessions, the site admin's log, the log of logins."""
    from axes.models import AccessAttempt, AccessFailureLog, AccessLog

    for session in Session.objects.iterator():
        if session.get_decoded().get("_auth_user_id") == str(student.pk):
            session.delete()
    kind = ContentType.objects.get_for_model(User)
    LogEntry.objects.filter(content_type=kind, object_id=str(student.pk)).delete()
    typed = Q(username__iexact=student.username)
    if student.email:
        typed |= Q(username__iexact=student.email)
    for log in (AccessAttempt, AccessFailureLog, AccessLog):
        log.objects.filter(typed).delete()
