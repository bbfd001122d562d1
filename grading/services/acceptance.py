"""Papers accepted unread with a promise, a sample of them marked blind, and all taken back if it is broken."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet

from courses.models import Assignment
from courses.transitions import move
from grading.exceptions import NothingToAccept, PointsMissing, SampleIsMarked
from grading.models import (
    Acceptance,
    AcceptanceSample,
    AcceptanceState,
    ActedGrade,
    ActKind,
    Grade,
    GradeSource,
    GradeState,
    ReviewAct,
)
from grading.services.acts import act_begin
from grading.services.review import grade_approve, grade_reopen
from mlcore.promise import Promise, broken, promise, sample_size

_EDGE = Decimal("0.000001")


@dataclass(frozen=True)
class Offer:
    """What may be accepted unread: the promise, and its papers, the surest first."""

    promise: Promise
    grades: tuple[Grade, ...]
    marks: int
    waiting: int

    @property
    def sample(self) -> int:
        return sample_size(len(self.grades))

    @property
    def saved(self) -> int:
        return len(self.grades) - self.sample


def offer(assignment: Assignment, *, tolerance: float, risk: float) -> Offer:
    """What the marks so far allow. Papers that anything was found in, that were flagged, that a person has touched or
    that the model did not read to the end are never among them."""
    marked, waiting = _marked(assignment), _waiting(assignment)
    found = promise(
        [abs(float((grade.points or Decimal(0)) - _suggested(grade))) for grade in marked],
        [_doubt(grade) for grade in marked],
        [_doubt(grade) for grade in waiting],
        tolerance=tolerance,
        risk=risk,
    )
    return Offer(found, tuple(waiting[row] for row in found.accepted), len(marked), len(waiting))


def _marked(assignment: Assignment) -> list[Grade]:
    """Proposals of the model that a person has read and decided: none of those accepted unread before."""
    unread = ActedGrade.objects.filter(act__acceptance__assignment=assignment).values("grade")
    rows = _proposals(assignment).filter(state__in=[GradeState.APPROVED, GradeState.RELEASED], points__isnull=False)
    return list(rows.exclude(pk__in=unread))


def _waiting(assignment: Assignment) -> list[Grade]:
    sampled = AcceptanceSample.objects.unmarked().filter(acceptance__assignment=assignment)
    rows = _proposals(assignment).filter(
        state=GradeState.PROPOSED, points=None, unread_characters=0, submission__flag=None
    )
    rows = rows.filter(Q(edition=1) | Q(pk__in=_put_back(assignment)))
    return [grade for grade in rows.exclude(pk__in=sampled.values("grade")) if not grade.notes]


def _put_back(assignment: Assignment) -> set[int]:
    """Papers to which nothing ever happened but being accepted unread, and that being undone: nobody has read them."""
    acted = ActedGrade.objects.filter(act__assignment=assignment)
    undone = acted.filter(act__undoes__acceptance__isnull=False)
    others = acted.filter(act__acceptance=None, act__undoes__acceptance=None)
    return set(undone.values_list("grade", flat=True)) - set(others.values_list("grade", flat=True))


def _proposals(assignment: Assignment) -> QuerySet[Grade]:
    rows = Grade.objects.filter(submission__assignment=assignment, source=GradeSource.MODEL)
    rows = rows.filter(proposed_points__isnull=False, proposed_score__isnull=False)
    return rows.exclude(submission__state="superseded").select_related("correction").order_by("pk")


def _suggested(grade: Grade) -> Decimal:
    """The points that the desk showed: corrected by the marks before this one where they had a say."""
    correction = getattr(grade, "correction", None)
    points = correction.points if correction and correction.points is not None else grade.proposed_points
    if points is None:
        raise PointsMissing
    return points


def _doubt(grade: Grade) -> float:
    """Small near both ends of the scale, where proposals err least; 0.25 in the middle."""
    correction = getattr(grade, "correction", None)
    score = min(max(correction.score if correction else grade.proposed_score or 0.0, 0.0), 1.0)
    return score * (1 - score)


def papers_accept(
    *, assignment: Assignment, by: User, tolerance: float, risk: float, seed: int | None = None
) -> Acceptance:
    """Accept what the offer holds as one act, but for a random sample that stays to be marked blind.

    Raises:
        NothingToAccept: the marks do not allow it (any more).
    """
    with transaction.atomic():
        assignment = Assignment.objects.select_for_update().get(pk=assignment.pk)
        found = offer(assignment, tolerance=tolerance, risk=risk)
        if found.saved < 1:
            raise NothingToAccept
        # The sample has to be one that nobody can guess or steer.
        chance = random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311
        sampled = {grade.pk for grade in chance.sample(found.grades, found.sample)}
        made = Acceptance.objects.create(
            assignment=assignment,
            act=act_begin(assignment=assignment, by=by, kind=ActKind.BULK_APPROVED),
            by=by,
            tolerance=tolerance,
            risk=risk,
            bound=found.promise.bound,
            marks=found.promise.marks,
            wrong=found.promise.wrong,
        )
        AcceptanceSample.objects.bulk_create(
            AcceptanceSample(acceptance=made, grade=grade, accepted=_suggested(grade))
            for grade in chance.sample(found.grades, len(found.grades))
            if grade.pk in sampled
        )
        _approve([grade for grade in found.grades if grade.pk not in sampled], made, by)
    return made


def _approve(grades: Sequence[Grade], acceptance: Acceptance, by: User) -> None:
    for grade in grades:
        wanted = _suggested(grade)
        points = wanted if wanted != grade.proposed_points else None
        grade_approve(grade=grade, by=by, edition=grade.edition, points=points, act=acceptance.act)


def sample_mark(*, sample: AcceptanceSample, by: User, points: Decimal) -> Acceptance:
    """A paper of the sample, marked without its proposal; the acceptance, which the last of them may decide.

    Raises:
        SampleIsMarked: it is marked already, or the promise is decided or undone.
        PointsNotAllowed: the points do not fit the rubric.
    """
    with transaction.atomic():
        acceptance = Acceptance.objects.select_for_update().get(pk=sample.acceptance_id)
        row = AcceptanceSample.objects.select_related("grade").get(pk=sample.pk)
        undone = ReviewAct.objects.filter(undoes=acceptance.act_id).exists()
        if undone or row.given is not None or acceptance.state != AcceptanceState.CHECKING:
            raise SampleIsMarked
        if row.grade.state == GradeState.PROPOSED:
            grade_approve(grade=row.grade, by=by, edition=row.grade.edition, points=points)
        row.given = points
        row.save(update_fields=["given"])
        _decide(acceptance, by)
    return acceptance


def wrong_in(acceptance: Acceptance) -> tuple[int, int]:
    """How many of the sample were off by more than the tolerance, and how many are marked."""
    pairs = acceptance.samples.exclude(given=None).values_list("accepted", "given")
    bound = Decimal(str(acceptance.tolerance)) + _EDGE
    return sum(given is not None and abs(accepted - given) > bound for accepted, given in pairs), len(pairs)


def _decide(acceptance: Acceptance, by: User) -> None:
    """Broken as soon as the whole sample could not mend it; kept once all of it is marked."""
    wrong, marked = wrong_in(acceptance)
    total = acceptance.samples.count()
    if broken(wrong, total, acceptance.risk):
        move(acceptance, AcceptanceState.BROKEN)
        _take_back(acceptance, by)
    elif marked == total:
        move(acceptance, AcceptanceState.KEPT)


def _take_back(acceptance: Acceptance, by: User) -> None:
    """Open again what was accepted unread and is neither released nor changed since."""
    for acted in acceptance.act.grades.select_related("grade"):
        if acted.grade.state == GradeState.APPROVED and acted.grade.edition == acted.edition:
            grade_reopen(grade=acted.grade, by=by)
