"""Release: the only door to students. A released grade becomes a training example."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from courses.models import Assignment, Submission
from courses.transitions import TransitionLost, move, move_all
from grading import tasks
from grading.exceptions import (
    EditedMeanwhile,
    GradeIsClosed,
    NewerGradeReleased,
    NothingToRelease,
    SecondMarksMissing,
)
from grading.models import Grade, GradeEvent, GradeState
from grading.second_marking import held_back
from grading.services.examples import examples_accept, examples_exclude
from grading.services.telling import tell_released_changed


def grades_release(*, assignment: Assignment, by: User, tell: bool = True) -> int:
    """Show all approved grades of an assignment to their students, who are told by e-mail unless `tell` is False; the
    number released.

    Grades of a submission that the student has replaced stay where they are, and so do those that wait for a second
    mark or for the settling of two.

    Raises:
        NothingToRelease: none is approved.
        SecondMarksMissing: all that are approved are held back.
    """
    now = timezone.now()
    held = {pair.grade.pk for pair in held_back(assignment)}
    with transaction.atomic():
        rows = Grade.objects.filter(submission__assignment=assignment, state=GradeState.APPROVED)
        rows = rows.exclude(submission__state="superseded").select_for_update(of=("self",))
        approved = list(rows.order_by("pk"))
        grades = [grade for grade in approved if grade.pk not in held]
        if not grades:
            raise SecondMarksMissing if approved else NothingToRelease
        _replace_released([grade.submission_id for grade in grades], by)
        _release(grades, by, now, tell=tell)
    return len(grades)


def grade_release_in_place(*, grade: Grade, by: User) -> None:
    """Show one approved grade to its student in the place of the released one, without a mail of its own.

    Raises:
        GradeIsClosed: it is not approved.
    """
    with transaction.atomic():
        row = _locked(grade, GradeState.APPROVED)
        _replace_released([row.submission_id], by)
        _release([row], by, timezone.now(), tell=False)


def grade_withdraw(*, grade: Grade, by: User, note: str = "") -> Grade:
    """Hide a released grade from its student again. Its history and its text stay; no model is trained on it."""
    with transaction.atomic():
        row = _locked(grade, GradeState.RELEASED)
        _move(row, GradeState.WITHDRAWN)
        GradeEvent.objects.create(
            grade=row,
            actor=by,
            action="withdrawn",
            before={"state": GradeState.RELEASED},
            after={"state": GradeState.WITHDRAWN},
            note=note,
        )
        examples_exclude(grade_ids=[row.pk], reason="withdrawn")
        tell_released_changed([row])
    return row


def grade_release_again(*, grade: Grade, by: User) -> Grade:
    """Show a withdrawn grade to its student again.

    Raises:
        NewerGradeReleased: another grade of this submission took its place.
    """
    with transaction.atomic():
        Submission.objects.select_for_update().get(pk=grade.submission_id)
        row = _locked(grade, GradeState.WITHDRAWN)
        if Grade.objects.released().filter(submission=row.submission_id).exists():
            raise NewerGradeReleased
        _release([row], by, timezone.now(), tell=True)
    return Grade.objects.get(pk=row.pk)


def _release(grades: Sequence[Grade], by: User, now: datetime, *, tell: bool) -> None:
    keys = [grade.pk for grade in grades]
    source = grades[0].state
    told_at = None if tell else now
    moved = move_all(
        Grade.objects.filter(pk__in=keys),
        [source],
        GradeState.RELEASED,
        released_by=by,
        released_at=now,
        told_at=told_at,
    )
    if moved != len(keys):
        # The rows are locked: only a database without row locks could let this happen, and then nothing is released.
        raise EditedMeanwhile
    _write_events(grades, by, source, GradeState.RELEASED, "released")
    examples_accept(grade_ids=keys)
    tell_released_changed(grades)
    if tell:
        tasks.send_on_commit(tasks.mail_released, keys)


def _replace_released(submission_ids: Sequence[int], by: User) -> None:
    """Make room: a submission shows one grade to its student."""
    for state in (GradeState.RELEASED, GradeState.WITHDRAWN):
        old = list(Grade.objects.filter(submission__in=submission_ids, state=state).select_for_update())
        move_all(Grade.objects.filter(pk__in=[row.pk for row in old]), [state], GradeState.SUPERSEDED)
        _write_events(old, by, state, GradeState.SUPERSEDED, "replaced")
        examples_exclude(grade_ids=[row.pk for row in old], reason="replaced")


def _write_events(grades: Sequence[Grade], by: User, source: str, target: str, action: str) -> None:
    before, after = {"state": str(source)}, {"state": str(target)}
    GradeEvent.objects.bulk_create(
        [GradeEvent(grade=grade, actor=by, action=action, before=before, after=after) for grade in grades],
        batch_size=500,
    )


def _locked(grade: Grade, state: str) -> Grade:
    row = Grade.objects.select_for_update(of=("self",)).get(pk=grade.pk)
    if row.state != state:
        raise GradeIsClosed(state=row.get_state_display())
    return row


def _move(row: Grade, to: str) -> None:
    try:
        move(row, to)
    except TransitionLost as error:
        raise EditedMeanwhile from error
