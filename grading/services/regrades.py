"""Requests for a regrade: a student asks about a released grade, the course's staff answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from courses.models import Submission
from courses.transitions import TransitionLost, move
from grading import tasks
from grading.exceptions import (
    AnswerMissing,
    NotReleasedAnyMore,
    ReasonMissing,
    RegradeAsked,
    RegradeIsClosed,
    RegradeNotYetApproved,
    RegradeTooLate,
)
from grading.models import CriterionScore, Grade, GradeEvent, GradeState, RegradeRequest, RegradeState
from grading.services.release import grade_release_in_place


def regrade_until(grade: Grade) -> datetime | None:
    """The last moment for asking about a released grade; None where the assignment takes no requests."""
    days = grade.submission.assignment.regrade_days
    return grade.released_at + timedelta(days=days) if days and grade.released_at else None


def regrade_ask(*, grade: Grade, by: User, reason: str, criteria: Sequence[CriterionScore] = ()) -> RegradeRequest:
    """Ask for another look at a released grade.

    Raises:
        ReasonMissing: it says nothing.
        NotReleasedAnyMore: the grade was withdrawn or replaced meanwhile.
        RegradeTooLate: the time for it is over, or the assignment takes no requests.
        RegradeAsked: there is a request about this grade already.
    """
    if not reason.strip():
        raise ReasonMissing
    with transaction.atomic():
        row = Grade.objects.select_for_update(of=("self",)).select_related("submission__assignment").get(pk=grade.pk)
        if row.state != GradeState.RELEASED:
            raise NotReleasedAnyMore
        until = regrade_until(row)
        if until is None or timezone.now() > until:
            raise RegradeTooLate
        try:
            with transaction.atomic():
                asked = RegradeRequest.objects.create(grade=row, reason=reason.strip())
        except IntegrityError as error:
            raise RegradeAsked from error
        asked.criteria.set([score for score in criteria if score.grade_id == row.pk])
        GradeEvent.objects.create(grade=row, actor=by, action="regrade_asked", note=reason.strip())
        tasks.send_on_commit(tasks.mail_regrades)
    return asked


def regrade_take_back(*, asked: RegradeRequest, by: User) -> None:
    """The student no longer asks.

    Raises:
        RegradeIsClosed: it is answered, or was taken back.
    """
    with transaction.atomic():
        _move(asked, RegradeState.WITHDRAWN)
        GradeEvent.objects.create(grade=asked.grade, actor=by, action="regrade_taken_back")


def regrade_answer(*, asked: RegradeRequest, by: User, answer: str) -> RegradeRequest:
    """Answer a request. Where the paper was marked anew and that mark is approved, it is released with the answer and
    takes the old one's place; otherwise the grade stays as it is.

    Raises:
        AnswerMissing: it says nothing.
        RegradeIsClosed: it is answered, or the student took it back.
        RegradeNotYetApproved: the paper is being marked anew, and that mark is not approved yet.
    """
    if not answer.strip():
        raise AnswerMissing
    with transaction.atomic():
        Submission.objects.select_for_update().get(pk=asked.grade.submission_id)
        new = Grade.objects.open().filter(submission=asked.grade.submission_id).first()
        if new is not None and new.state != GradeState.APPROVED:
            raise RegradeNotYetApproved
        _move(
            asked,
            RegradeState.ANSWERED,
            answer=answer.strip(),
            answered_by=by,
            answered_at=timezone.now(),
            new_grade=new,
        )
        GradeEvent.objects.create(grade=asked.grade, actor=by, action="regrade_answered", note=answer.strip())
        if new is not None:
            grade_release_in_place(grade=new, by=by)
        tasks.send_on_commit(tasks.mail_regrades)
    return asked


def _move(asked: RegradeRequest, to: str, **fields: Any) -> None:
    if asked.state != RegradeState.OPEN:
        raise RegradeIsClosed
    try:
        move(asked, to, **fields)
    except TransitionLost as error:
        raise RegradeIsClosed from error
