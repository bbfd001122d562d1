"""Review: what people make of a proposal. Every act appends to the grade's history, and the model's own proposal is
never overwritten."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from courses.models import Submission, SubmissionState
from courses.transitions import TransitionLost, move
from grading import tasks
from grading.exceptions import (
    CriteriaExceedMaximum,
    EditedMeanwhile,
    GradeIsClosed,
    NewerGradeReleased,
    PointsMissing,
    PointsNotAllowed,
    SubmissionReplaced,
    UnknownCriterion,
)
from grading.mapping import criterion_rows, rubric_snapshot
from grading.models import (
    ActKind,
    AnchoredComment,
    CriterionScore,
    Feedback,
    Grade,
    GradeEvent,
    GradeSource,
    GradeState,
    ReviewAct,
)
from grading.models.grades import OPEN_GRADE_STATES
from grading.services.acts import act_begin, act_note, grade_values


def grade_change(
    *,
    grade: Grade,
    by: User,
    edition: int,
    points: Decimal | None = None,
    criterion_points: Mapping[int, Decimal | None] | None = None,
    feedback: str | None = None,
    internal_note: str | None = None,
) -> Grade:
    """Keep what a person set on an open proposal. None leaves a field as it is; `criterion_points` goes by the ids of
    the grade's criterion scores. The total is the sum of the criteria once all have points, unless it is given.

    Raises:
        EditedMeanwhile: `edition` is not the one in the database.
        GradeIsClosed: the grade is approved, released or over.
        PointsNotAllowed, CriteriaExceedMaximum, UnknownCriterion: the points do not fit the rubric.
    """
    with transaction.atomic():
        row = _locked(grade, edition, GradeState.PROPOSED)
        _change_act(row, by, points, criterion_points, feedback, internal_note)
    return _reread(grade)


def grade_approve(
    *,
    grade: Grade,
    by: User,
    edition: int,
    points: Decimal | None = None,
    criterion_points: Mapping[int, Decimal | None] | None = None,
    feedback: str | None = None,
    internal_note: str | None = None,
    act: ReviewAct | None = None,
) -> Grade:
    """Approve a proposal, with the same changes as `grade_change` takes. What nobody changed is approved as proposed.

    `act` is the act that this approval is part of, where many are approved at once: undoing it undoes the changes, too.
    Without it the approval is an act of its own, and undoing it leaves what was changed: that is an act before it.

    Raises:
        PointsMissing: neither the model nor a person gave points.
    """
    with transaction.atomic():
        row = _locked(grade, edition, GradeState.PROPOSED)
        before = grade_values(row)
        if act is None:
            _change_act(row, by, points, criterion_points, feedback, internal_note)
            before = grade_values(row)
        else:
            _change(row, by, points, criterion_points, feedback, internal_note)
        if row.points is None:
            row.points = row.proposed_points
        if row.points is None:
            raise PointsMissing
        row.criterion_scores.filter(points=None).update(points=F("proposed_points"))
        _move(row, GradeState.APPROVED, by, "approved", points=row.points, approved_by=by, approved_at=timezone.now())
        tasks.wake_correcting(row.submission.assignment_id)
        act_note(act or _act(row, by, ActKind.APPROVED), row, before)
    return _reread(grade)


def grade_reopen(*, grade: Grade, by: User, edition: int | None = None) -> Grade:
    """Take an approval back, so that the grade can be changed again."""
    with transaction.atomic():
        row = _locked(grade, edition, GradeState.APPROVED)
        _move(row, GradeState.PROPOSED, by, "reopened", approved_by=None, approved_at=None)
        tasks.wake_correcting(row.submission.assignment_id)
    return _reread(grade)


def grade_reject(*, grade: Grade, by: User, note: str = "", edition: int | None = None) -> Grade:
    """Throw a proposal away; its submission counts as ungraded again."""
    with transaction.atomic():
        row = _locked(grade, edition, *OPEN_GRADE_STATES)
        before = grade_values(row)
        _move(row, GradeState.REJECTED, by, "rejected", note=note)
        act_note(_act(row, by, ActKind.REJECTED), row, before)
    return _reread(grade)


def grade_by_hand(*, submission: Submission, by: User) -> Grade:
    """An empty grade for a person to fill in without the model; the open grade where there is one already.

    Raises:
        SubmissionReplaced: the student has handed in again.
    """
    with transaction.atomic():
        submission = Submission.objects.select_for_update().get(pk=submission.pk)
        if submission.state == SubmissionState.SUPERSEDED:
            raise SubmissionReplaced
        open_grade = submission.grades.open().first()
        if open_grade is not None:
            return open_grade
        assignment = submission.assignment
        grade = Grade.objects.create(
            submission=submission,
            source=GradeSource.TEACHER,
            max_points=assignment.max_points,
            rubric_snapshot=rubric_snapshot(assignment),
        )
        known = [int(entry["id"]) for entry in grade.rubric_snapshot["criteria"]]
        CriterionScore.objects.bulk_create(criterion_rows(grade, {}, known))
        Feedback.objects.create(grade=grade)
        GradeEvent.objects.create(grade=grade, actor=by, action="started_by_hand")
    return _reread(grade)


def grade_regrade(*, grade: Grade, by: User) -> Grade:
    """A new open grade beside a released or withdrawn one, starting from what that one says: a released grade is
    never edited. The open grade where there is one already."""
    with transaction.atomic():
        submission = Submission.objects.select_for_update().get(pk=grade.submission_id)
        old = Grade.objects.select_related("feedback").get(pk=grade.pk)
        if old.state not in (GradeState.RELEASED, GradeState.WITHDRAWN):
            raise GradeIsClosed(state=old.get_state_display())
        if old.state == GradeState.WITHDRAWN and submission.grades.released().exists():
            raise NewerGradeReleased
        open_grade = submission.grades.open().first()
        if open_grade is not None:
            return open_grade
        copy = _copy(old)
        GradeEvent.objects.create(grade=copy, actor=by, action="regrade_started", before={"grade": old.pk})
    return _reread(copy)


def _copy(old: Grade) -> Grade:
    same = (
        "version_id",
        "source",
        "proposed_score",
        "proposed_points",
        "points",
        "max_points",
        "rubric_snapshot",
        "notes",
        "unread_characters",
        "internal_note",
    )
    copy = Grade.objects.create(submission_id=old.submission_id, **{name: getattr(old, name) for name in same})
    scores = list(old.criterion_scores.all())
    for score in scores:
        score.pk, score.grade = None, copy
    CriterionScore.objects.bulk_create(scores)
    _copy_anchors(old, copy)
    Feedback.objects.create(grade=copy, proposed_text=old.feedback.proposed_text, text=old.feedback.text)
    return copy


def _copy_anchors(old: Grade, copy: Grade) -> None:
    scores = {score.position: score for score in copy.criterion_scores.all()}
    anchors = list(old.anchors.select_related("score"))
    for anchor in anchors:
        anchor.pk, anchor.grade = None, copy
        anchor.score = scores.get(anchor.score.position) if anchor.score else None
    AnchoredComment.objects.bulk_create(anchors)


def _locked(grade: Grade, edition: int | None, *states: str) -> Grade:
    row = Grade.objects.select_for_update().get(pk=grade.pk)
    if row.state not in states:
        # Somebody at the same page was faster: say so before anything about states.
        if edition is not None and row.edition != edition:
            raise EditedMeanwhile
        raise GradeIsClosed(state=row.get_state_display())
    if edition is not None and row.edition != edition:
        raise EditedMeanwhile
    return row


def _move(row: Grade, to: str, by: User, action: str, *, note: str = "", **fields: Any) -> None:
    """Move a locked grade, one edition on, and write it down."""
    before = {"state": str(row.state)}
    try:
        move(row, to, guard={"edition": row.edition}, edition=row.edition + 1, **fields)
    except TransitionLost as error:
        raise EditedMeanwhile from error
    after = {"state": str(to)}
    if to == GradeState.APPROVED:
        after["points"] = str(row.points)
    GradeEvent.objects.create(grade=row, actor=by, action=action, before=before, after=after, note=note)


def _act(row: Grade, by: User, kind: str) -> ReviewAct:
    return act_begin(assignment=row.submission.assignment, by=by, kind=kind)


def _change_act(row: Grade, by: User, *values: Any) -> None:
    before = grade_values(row)
    _change(row, by, *values)
    if row.edition != before["edition"]:
        act_note(_act(row, by, ActKind.CHANGED), row, before)
        row.refresh_from_db()


def _change(
    row: Grade,
    by: User,
    points: Decimal | None,
    criterion_points: Mapping[int, Decimal | None] | None,
    feedback: str | None,
    internal_note: str | None,
) -> None:
    """Write what is different, one edition on; nothing where nothing is."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    total = _change_criteria(row, criterion_points or {}, before, after)
    wanted = points if points is not None else total
    if wanted is not None:
        wanted = allowed_points(wanted, row, row.max_points, None)
        _note(before, after, "points", row.points, wanted)
        row.points = wanted
    if internal_note is not None:
        _note(before, after, "internal_note", row.internal_note, internal_note)
        row.internal_note = internal_note
    if feedback is not None:
        _note(before, after, "feedback", row.feedback.text, feedback)
        Feedback.objects.filter(grade=row).update(text=feedback)
    if not after:
        return
    changed = Grade.objects.filter(pk=row.pk, edition=row.edition, state=row.state).update(
        points=row.points, internal_note=row.internal_note, edition=row.edition + 1
    )
    if changed != 1:
        raise EditedMeanwhile
    row.edition += 1
    GradeEvent.objects.create(grade=row, actor=by, action="changed", before=before, after=after)


def _change_criteria(
    row: Grade, wanted: Mapping[int, Decimal | None], before: dict[str, Any], after: dict[str, Any]
) -> Decimal | None:
    """Set points of criteria; their sum where something was set and all of them have points now."""
    scores = {score.pk: score for score in row.criterion_scores.all()}
    if unknown := set(wanted) - set(scores):
        raise UnknownCriterion(ids=", ".join(map(str, sorted(unknown))))
    for key, points in wanted.items():
        score = scores[key]
        value = points if points is None else allowed_points(points, row, score.max_points, score.title)
        if value != score.points:
            _note(before, after, f"criterion:{score.title}", score.points, value)
            score.points = value
            score.save(update_fields=["points"])
    # What was not set by hand counts as proposed, just as it does on approval.
    counted = [score.proposed_points if score.points is None else score.points for score in scores.values()]
    known = [value for value in counted if value is not None]
    if not any(value is not None for value in wanted.values()) or len(known) < len(counted):
        return None
    total = sum(known, Decimal(0))
    if total > row.max_points:
        raise CriteriaExceedMaximum(sum=total.normalize(), maximum=row.max_points.normalize())
    return total


def allowed_points(points: Decimal, row: Grade, maximum: Decimal, title: str | None) -> Decimal:
    """The points as they are stored.

    Raises:
        PointsNotAllowed: outside 0 to the maximum, or between two steps.
    """
    step = Decimal(row.rubric_snapshot.get("step", "0.01"))
    inside = points.is_finite() and 0 <= points <= maximum
    if not inside or (points % step != 0 and points != maximum):
        raise PointsNotAllowed(
            what=title if title is not None else _("Points"), points=points, maximum=maximum.normalize(), step=step
        )
    return points.quantize(Decimal("0.01"))


def _note(before: dict[str, Any], after: dict[str, Any], name: str, old: Any, new: Any) -> None:
    if old != new:
        before[name] = old if old is None else str(old)
        after[name] = new if new is None else str(new)


def _reread(grade: Grade) -> Grade:
    return Grade.objects.select_related("feedback", "submission__assignment", "version", "approved_by").get(pk=grade.pk)
