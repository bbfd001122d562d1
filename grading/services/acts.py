"""The log of acts at the desk, and undoing the last one. A grade is put back only where nothing has happened to it
since; undoing is written down as an act and as an event of its own."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from courses.models import Assignment
from courses.transitions import TransitionLost, move
from grading import tasks
from grading.exceptions import ChangedSince, NothingToUndo
from grading.models import (
    AcceptanceSample,
    AcceptanceState,
    ActedGrade,
    ActKind,
    CriterionScore,
    Feedback,
    Grade,
    GradeEvent,
    GradeState,
    ReviewAct,
)

UNDO_FOR = timedelta(minutes=30)
_RESTORABLE = (GradeState.PROPOSED, GradeState.APPROVED, GradeState.REJECTED)


def act_begin(*, assignment: Assignment, by: User, kind: str) -> ReviewAct:
    """An act that `act_note` adds grades to; call both in the transaction of the act."""
    return ReviewAct.objects.create(assignment=assignment, actor=by, kind=kind)


def act_note(act: ReviewAct, row: Grade, before: dict[str, Any]) -> None:
    """Write down that `act` took this grade from `before` (see `grade_values`) to the edition it has now."""
    ActedGrade.objects.create(act=act, grade=row, before=before, edition=row.edition)


def grade_values(row: Grade) -> dict[str, Any]:
    """All that an act at the desk can change, in a form that can be kept."""
    return {
        "edition": row.edition,
        "state": str(row.state),
        "points": _text(row.points),
        "internal_note": row.internal_note,
        "feedback": row.feedback.text,
        "criteria": {str(key): _text(points) for key, points in row.criterion_scores.values_list("pk", "points")},
        "approved_by": row.approved_by_id,
        "approved_at": _text(row.approved_at),
    }


def last_act(assignment: Assignment, by: User) -> ReviewAct | None:
    """What `undo_last` would undo: this person's newest act in the assignment that is neither old nor undone."""
    acts = ReviewAct.objects.filter(assignment=assignment, actor=by, at__gte=timezone.now() - UNDO_FOR)
    return acts.filter(undone_by=None).exclude(kind=ActKind.UNDONE).order_by("-pk").first()


def undo_last(*, assignment: Assignment, by: User) -> ReviewAct:
    """Undo a person's last act, all of it or nothing; the act that was undone.

    Raises:
        NothingToUndo: there is no act, or it is too long ago.
        ChangedSince: a grade was changed, released or marked anew since.
    """
    with transaction.atomic():
        Assignment.objects.select_for_update().get(pk=assignment.pk)  # two clicks take turns
        act = last_act(assignment, by)
        if act is None:
            raise NothingToUndo
        undoing = ReviewAct.objects.create(assignment=assignment, actor=by, kind=ActKind.UNDONE, undoes=act)
        for acted in act.grades.all():
            _put_back(acted, undoing, by)
        tasks.wake_correcting(assignment.pk)
    return act


def _put_back(acted: ActedGrade, undoing: ReviewAct, by: User) -> None:
    row = Grade.objects.select_for_update().get(pk=acted.grade_id)
    if row.state not in _RESTORABLE or _effective_edition(row) != acted.edition:
        raise ChangedSince
    if row.state == GradeState.REJECTED and row.submission.grades.open().exists():
        raise ChangedSince
    now, wanted = grade_values(row), acted.before
    fields = {
        "points": _number(wanted["points"]),
        "internal_note": wanted["internal_note"],
        "approved_by_id": wanted["approved_by"],
        "approved_at": parse_datetime(wanted["approved_at"]) if wanted["approved_at"] else None,
        "edition": row.edition + 1,
    }
    _write(row, str(wanted["state"]), fields)
    for key, points in wanted["criteria"].items():
        CriterionScore.objects.filter(pk=int(key), grade=row).update(points=_number(points))
    Feedback.objects.filter(grade=row).update(text=wanted["feedback"])
    ActedGrade.objects.create(act=undoing, grade=row, before=now, edition=row.edition)
    changed = [name for name in ("state", "points", "feedback", "internal_note") if now[name] != wanted[name]]
    before, after = ({name: values[name] for name in changed} for values in (now, wanted))
    GradeEvent.objects.create(grade=row, actor=by, action="undone", before=before, after=after)
    # A blind mark that is taken back is given anew, as long as the promise is not decided.
    checking = AcceptanceSample.objects.filter(grade=row, acceptance__state=AcceptanceState.CHECKING)
    checking.exclude(given=None).update(given=None)


def _write(row: Grade, state: str, fields: dict[str, Any]) -> None:
    guard = {"edition": row.edition}
    if state == row.state:
        if Grade.objects.filter(pk=row.pk, state=state, **guard).update(**fields) != 1:
            raise ChangedSince
        row.edition = fields["edition"]
        return
    try:
        move(row, state, guard=guard, **fields)
    except TransitionLost as error:
        raise ChangedSince from error


def _effective_edition(row: Grade) -> int:
    """The edition whose values the grade has again, after what was undone: a second undo goes on from there."""
    edition = row.edition
    while True:
        undoing = ActedGrade.objects.filter(grade=row, edition=edition, act__kind=ActKind.UNDONE)
        undone = ActedGrade.objects.filter(grade=row, act__in=undoing.values("act__undoes")).first()
        if undone is None:
            return edition
        edition = undone.before["edition"]


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
