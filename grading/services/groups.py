"""Groups of similar answers: proposed by the program, made a person's by confirming or reshaping them, marked once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from courses.models import Assignment, Submission
from grading.blind import blind_sample
from grading.exceptions import GroupNeedsMembers, NothingToMarkInGroup
from grading.models import ActKind, AnswerGroup, Grade, GradeState, GroupedAnswer
from grading.readings import assignment_readings
from grading.services.acts import act_begin
from grading.services.review import grade_approve, grade_by_hand
from grading.shown import shown_first
from mlcore.schemas import MarkNote

_NO_ANSWER = frozenset({MarkNote.BLANK, MarkNote.NO_ANSWER})
MOST_ANSWERS = 2000


def groups_make(*, assignment: Assignment) -> int:
    """Group the assignment's readable answers; the number of groups. Those that a person confirmed stay as they are."""
    from mlcore.grouping import group_answers

    taken = GroupedAnswer.objects.filter(group__assignment=assignment, group__confirmed_at__isnull=False)
    ready = Submission.objects.current().ready().filter(assignment=assignment)
    rows = list(ready.exclude(pk__in=taken.values("submission")).order_by("pk")[:MOST_ANSWERS])
    notes = _notes(rows)
    found = group_answers(
        [row.text for row in rows],
        embeddings=_embeddings(assignment, rows),
        blank=[place for place, row in enumerate(rows) if notes.get(row.pk, frozenset()) & _NO_ANSWER],
        off_topic=[place for place, row in enumerate(rows) if MarkNote.OFF_TOPIC in notes.get(row.pk, ())],
    )
    with transaction.atomic():
        Assignment.objects.select_for_update().get(pk=assignment.pk)
        assignment.answer_groups.filter(confirmed_at=None).delete()
        taken_now = set(GroupedAnswer.objects.filter(submission__in=rows).values_list("submission", flat=True))
        for group in found:
            members = [rows[place] for place in group.members if rows[place].pk not in taken_now]
            if members:
                _fill(AnswerGroup.objects.create(assignment=assignment, kind=group.kind), members)
    return len(found)


def _notes(rows: Sequence[Submission]) -> dict[int, frozenset[str]]:
    """What the checks noted of each answer, from its latest grade that was proposed."""
    grades = Grade.objects.filter(submission__in=rows).order_by("pk").values_list("submission", "notes")
    return {key: frozenset(notes) for key, notes in grades}


def _embeddings(assignment: Assignment, rows: Sequence[Submission]) -> list[bytes]:
    stored = {row.submission_id: bytes(row.embedding) for row in assignment_readings(assignment)}
    return [stored.get(row.pk, b"") for row in rows]


def _fill(group: AnswerGroup, members: Sequence[Submission]) -> None:
    GroupedAnswer.objects.bulk_create(
        GroupedAnswer(group=group, submission=submission, place=place) for place, submission in enumerate(members)
    )


def group_confirm(*, group: AnswerGroup, by: User) -> None:
    """Say that these belong together: grouping again leaves them alone."""
    AnswerGroup.objects.filter(pk=group.pk).update(confirmed_by=by, confirmed_at=timezone.now())


def group_split(*, group: AnswerGroup, members: Collection[int], by: User) -> AnswerGroup:
    """Take some members (ids of submissions) out into a group of their own; both are confirmed.

    Raises:
        GroupNeedsMembers: none was named, or none would stay.
    """
    with transaction.atomic():
        _lock(group)
        rows = list(group.members.select_related("submission"))
        out = [row for row in rows if row.submission_id in members]
        if not out or len(out) == len(rows):
            raise GroupNeedsMembers
        fresh = AnswerGroup.objects.create(assignment=group.assignment, kind=group.kind)
        for part, target in ((out, fresh), ([row for row in rows if row not in out], group)):
            _place(part, target)
            group_confirm(group=target, by=by)
    return fresh


def group_merge(*, group: AnswerGroup, into: AnswerGroup, by: User) -> None:
    """Add a group's members to another group of the same assignment, which is confirmed by it.

    Raises:
        GroupNeedsMembers: the two are one, or of different assignments.
    """
    if group.pk == into.pk or group.assignment_id != into.assignment_id:
        raise GroupNeedsMembers
    with transaction.atomic():
        _lock(group)
        rows = [*into.members.all(), *group.members.all()]
        _place(rows, into)
        AnswerGroup.objects.filter(pk=group.pk).delete()
        if into.kind == "single":
            AnswerGroup.objects.filter(pk=into.pk).update(kind="similar")
        group_confirm(group=into, by=by)


def _place(rows: Sequence[GroupedAnswer], group: AnswerGroup) -> None:
    for place, row in enumerate(rows):
        row.group, row.place = group, place
    GroupedAnswer.objects.bulk_update(rows, ["group", "place"])


def _lock(group: AnswerGroup) -> None:
    Assignment.objects.select_for_update().get(pk=group.assignment_id)


def group_mark(
    *,
    group: AnswerGroup,
    by: User,
    points: Decimal | None = None,
    criteria: Mapping[int, Decimal | None] | None = None,
    feedback: str | None = None,
) -> int:
    """Give every member that still waits the same mark and approve it; the number marked. One act: undone as a whole.

    `criteria` goes by the position of a criterion. `feedback` of None leaves each member its own.
    A grade that a person approved already is left alone, and so is one that another group's act reached before.

    Raises:
        NothingToMarkInGroup: every member is decided already.
        PointsNotAllowed, CriteriaExceedMaximum: the points do not fit the rubric.
    """
    with transaction.atomic():
        _lock(group)
        submissions = [row.submission for row in group.members.select_related("submission__assignment")]
        waiting = [grade for grade in (_open_grade(submission, by) for submission in submissions) if grade is not None]
        if not waiting:
            raise NothingToMarkInGroup
        act = act_begin(assignment=group.assignment, by=by, kind=ActKind.BULK_APPROVED)
        for grade in waiting:
            grade_approve(
                grade=grade,
                by=by,
                edition=grade.edition,
                points=points,
                criterion_points=_of_criteria(grade, criteria),
                feedback=feedback,
                act=act,
            )
        group_confirm(group=group, by=by)
    return len(waiting)


def _open_grade(submission: Submission, by: User) -> Grade | None:
    """The grade to mark: the proposal that waits, an empty one where there is none; None where it is decided, or drawn
    to be marked blind."""
    if blind_sample(submission):
        return None
    shown = shown_first(submission.grades.all()).first()
    if shown is None or shown.state in (GradeState.REJECTED, GradeState.SUPERSEDED):
        return grade_by_hand(submission=submission, by=by)
    return shown if shown.state == GradeState.PROPOSED else None


def _of_criteria(grade: Grade, criteria: Mapping[int, Decimal | None] | None) -> dict[int, Decimal | None] | None:
    if not criteria:
        return None
    return {score.pk: criteria[score.position] for score in grade.criterion_scores.all() if score.position in criteria}
