"""Deletion of everything about a student: rows, files, training examples, and a note on what was trained on them."""

from __future__ import annotations

import json
from collections.abc import Iterable
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
from grading.about_students import ENTRIES
from grading.mapping import student_key
from grading.models import ExampleSplit, ModelVersion, TrainingExample, TrainingRun, TrainingRunExample, VersionEvent
from grading.models.training import ACTIVE_TRAINING_STATES
from grading.services.training import (
    HELD_OUT_FILE,
    TRAIN_FILE,
    VALIDATION_FILE,
    training_directory,
    training_run_cancel,
)
from mlcore.files import write_whole

DATA_DELETED = "data_deleted"
# What shaped the weights; held-out examples only measured them.
SHAPED = (ExampleSplit.TRAIN, ExampleSplit.VALIDATION)


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
    examples: int
    versions: tuple[ModelVersion, ...]


def deletion_preview(*, student: User) -> DeletionPreview:
    counts = ((str(entry.model._meta.verbose_name_plural), entry.rows(student).count()) for entry in ENTRIES)  # noqa: SLF001
    examples = _examples(student)
    return DeletionPreview(
        rows=tuple((name, number) for name, number in counts if number),
        files=Submission.objects.filter(student=student).exclude(original="").count(),
        examples=len(examples),
        versions=tuple(_versions(examples)),
    )


def may_be_deleted(person: User) -> bool:
    return not person.is_staff and not Membership.objects.filter(user=person).exclude(role=Role.STUDENT).exists()


def student_delete(*, student: User, by: User) -> DeletionPreview:
    """Delete the account and everything about it. Trainings under way on it are ended; versions trained on it say so.

    Raises:
        NotAStudent
    """
    if not may_be_deleted(student):
        raise NotAStudent
    with history_unlocked():
        preview = deletion_preview(student=student)
        examples = _examples(student)
        runs = list(TrainingRun.objects.filter(run_examples__example__in=examples).distinct())
        rows = TrainingExample.objects.filter(pk__in=examples).values_list("row", flat=True)
        ids, answers = {row["id"] for row in rows if "id" in row}, _answers(student)
        for run in runs:
            if run.state in ACTIVE_TRAINING_STATES:
                training_run_cancel(run=run, by=by)
        VersionEvent.objects.bulk_create(
            VersionEvent(version=row, actor=by, action=DATA_DELETED, before=row.state, after=row.state)
            for row in preview.versions
        )
        TrainingExample.objects.filter(pk__in=examples).delete()
        _forget_account(student)
        student.delete()
        transaction.on_commit(lambda: _clean_files(runs, ids, answers))
    return preview


def _answers(student: User) -> set[str]:
    texts = Submission.objects.filter(student=student).values_list("text", flat=True)
    return {_plain(text) for text in texts} - {""}


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _examples(student: User) -> list[int]:
    """Examples of the student's grades, and rows of uploaded sets that are the student's answers word for word."""
    own = TrainingExample.objects.filter(
        Q(grade__submission__student=student) | Q(row__student=student_key(student.pk))
    )
    found = set(own.values_list("pk", flat=True))
    answers = _answers(student)
    if answers:
        uploaded = TrainingExample.objects.filter(grade=None).values_list("pk", "row__answer")
        found |= {pk for pk, text in uploaded.iterator() if _plain(str(text or "")) in answers}
    return sorted(found)


def _versions(examples: Iterable[int]) -> list[ModelVersion]:
    """Versions that these examples shaped, and all that went on from one of them."""
    shaped = TrainingRunExample.objects.filter(example__in=examples, split__in=SHAPED)
    found: set[int] = set()
    more = set(
        TrainingRun.objects.filter(run_examples__in=shaped, version__isnull=False).values_list("version", flat=True)
    )
    while more - found:
        found |= more
        later = TrainingRun.objects.filter(start_from__in=found, version__isnull=False)
        more = set(later.values_list("version", flat=True))
    return list(ModelVersion.objects.filter(pk__in=found))


def _forget_account(student: User) -> None:
    """What no foreign key leads to: sessions, the site admin's log, the log of logins."""
    from axes.models import AccessAttempt, AccessFailureLog, AccessLog

    for session in Session.objects.iterator():
        if session.get_decoded().get("_auth_user_id") == str(student.pk):
            session.delete()
    kind = ContentType.objects.get_for_model(User)
    LogEntry.objects.filter(content_type=kind, object_id=str(student.pk)).delete()
    for log in (AccessAttempt, AccessFailureLog, AccessLog):
        log.objects.filter(username__in={student.username, student.email} - {""}).delete()


def _clean_files(runs: Iterable[TrainingRun], ids: set[str], answers: set[str]) -> None:
    """Take the rows out of the frozen files of every run that used them."""
    for run in runs:
        for name in (TRAIN_FILE, VALIDATION_FILE, HELD_OUT_FILE):
            path = training_directory(run) / name
            if not path.exists():
                continue
            lines = path.read_text(encoding="utf-8").split("\n")
            kept = [line for line in lines if line and not _is_theirs(json.loads(line), ids, answers)]
            write_whole(path, "".join(f"{line}\n" for line in kept))


def _is_theirs(row: dict[str, object], ids: set[str], answers: set[str]) -> bool:
    return row.get("id") in ids or _plain(str(row.get("answer", ""))) in answers
