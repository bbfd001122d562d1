"""The review queue of an assignment: its rows, filters and orders, and where a paper stands in it.

Every order is a list of keys that never are empty and end with the row's id. So “after this paper” is a condition on
the keys (keyset pagination): any place in a long queue is found in a constant number of queries.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import (
    Case,
    CharField,
    Count,
    DecimalField,
    Exists,
    Expression,
    F,
    Field,
    FloatField,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.functions import MD5, Abs, Cast, Coalesce, Concat

from courses.models import Assignment, Submission
from grading.models import AcceptanceSample, Grade, GradeSource, GradeState, GradingJob, GroupedAnswer
from grading.shown import shown_first

FILTERS = ("all", "to_review", "approved", "released", "ungraded", "failed", "unreadable", "changed", "blank", "cut")
ORDERS = (
    "student",
    "waiting",
    "uncertain",
    "informative",
    "similar",
    "random",
    "points",
    "-points",
    "submitted",
    "state",
)
ROWS = 100
_WITHOUT_GRADE = ("ungraded", "failed", "unreadable")
_LAST = 1e9
Keys = tuple[Any, ...]


@dataclass(frozen=True)
class Narrow:
    """What the queue is narrowed to beside `show`, and the seed of the random order. Points are on the assignment's
    scale; `differs` and `width` are at least so many points; `marker` is the id of who approved."""

    seed: str = ""
    points_from: float | None = None
    points_to: float | None = None
    differs: float | None = None
    width: float | None = None
    flagged: bool = False
    late: bool = False
    marker: int | None = None
    blind: bool = False


def review_queue(
    assignment: Assignment, *, show: str = "all", order: str = "student", narrow: Narrow | None = None
) -> QuerySet[Submission]:
    """The current submissions of an assignment, each with `grade_id`, `grade_state`, `grade_source`, `grade_points`,
    `grade_proposed` (the proposal), `grade_low` and `grade_high` (the interval after correction), `grade_unread`
    (characters beyond the window) and `job_state`, `job_error`, None where there is none. `grade_blind` says that the
    paper is a sample to be marked blind: the proposal of such a one is None, too.

    `show` is one of FILTERS and `order` one of ORDERS; anything else is the first of them.
    """
    narrow = narrow or Narrow()
    rows = _narrowed(_filtered(_rows(assignment), show), assignment, narrow)
    keys = _keys(order, narrow)
    return _with(rows, keys).order_by(*_names(keys))


def queue_state(row: Submission) -> str | None:
    """The state of the grade shown for a row of the queue, as `review_queue` annotated it; None without a grade."""
    state: str | None = vars(row)["grade_state"]
    return state


def queue_proposal(row: Submission) -> Decimal | None:
    """The points proposed for a row of the queue; None without a proposal."""
    points: Decimal | None = vars(row)["grade_proposed"]
    return points


def _rows(assignment: Assignment) -> QuerySet[Submission]:
    grade = shown_first(Grade.objects.filter(submission=OuterRef("pk")))
    job = GradingJob.objects.filter(submission=OuterRef("pk")).order_by("-pk")
    rows = Submission.objects.current().filter(assignment=assignment).select_related("student", "flag")
    sampled = AcceptanceSample.objects.unmarked().filter(grade__submission=OuterRef("pk"))
    return rows.annotate(
        grade_blind=Exists(sampled),
        grade_id=Subquery(grade.values("pk")[:1]),
        grade_state=Subquery(grade.values("state")[:1]),
        grade_source=Subquery(grade.values("source")[:1]),
        grade_points=Subquery(grade.values("points")[:1]),
        grade_proposed=_unless_blind(grade.values("proposed_points")[:1], DecimalField()),
        grade_corrected=_unless_blind(grade.values("correction__points")[:1], DecimalField()),
        grade_unread=Subquery(grade.values("unread_characters")[:1]),
        grade_low=_unless_blind(grade.values("correction__low")[:1], DecimalField()),
        grade_high=_unless_blind(grade.values("correction__high")[:1], DecimalField()),
        job_state=Subquery(job.values("state")[:1]),
        job_error=Subquery(job.values("error_code")[:1]),
    )


def _unless_blind(values: QuerySet[Any], kind: Field[Any, Any]) -> Case:
    """What was proposed for a paper, None where it is to be marked blind: no filter and no order may tell it either."""
    return Case(When(grade_blind=True, then=Value(None)), default=Subquery(values), output_field=kind)


def _filtered(rows: QuerySet[Submission], show: str) -> QuerySet[Submission]:
    undecided = Q(grade_state__isnull=True) | Q(grade_state__in=[GradeState.REJECTED, GradeState.SUPERSEDED])
    conditions = {
        "to_review": Q(grade_state=GradeState.PROPOSED),
        "approved": Q(grade_state=GradeState.APPROVED),
        "released": Q(grade_state=GradeState.RELEASED),
        "ungraded": undecided & Q(state="ready"),
        "failed": undecided & Q(job_state="failed"),
        "unreadable": undecided & Q(state="unreadable"),
        "changed": Q(grade_points__isnull=False) & ~Q(grade_points=F("grade_proposed")),
        "blank": Q(grade_source=GradeSource.RULE),
        "cut": Q(grade_unread__gt=0),
    }
    return rows.filter(conditions[show]) if show in conditions else rows


def _narrowed(rows: QuerySet[Submission], assignment: Assignment, narrow: Narrow) -> QuerySet[Submission]:
    if narrow.points_from is not None or narrow.points_to is not None:
        rows = rows.alias(counted=_number(Coalesce("grade_points", "grade_proposed")))
        rows = rows.filter(counted__gte=narrow.points_from or 0, counted__lte=_or_last(narrow.points_to))
    if narrow.differs is not None:
        rows = rows.alias(gap=Abs(_number(F("grade_points")) - _number(F("grade_proposed"))))
        rows = rows.filter(gap__gte=narrow.differs - 1e-9)
    if narrow.width is not None:
        rows = rows.alias(width=_width()).filter(width__gte=narrow.width - 1e-9)
    if narrow.flagged:
        rows = rows.filter(flag__isnull=False)
    if narrow.late:
        rows = rows.filter(submitted_at__gt=assignment.due_at) if assignment.due_at else rows.none()
    if narrow.marker is not None:
        grade = shown_first(Grade.objects.filter(submission=OuterRef("pk")))
        rows = rows.alias(marker=Subquery(grade.values("approved_by")[:1])).filter(marker=narrow.marker)
    return rows


def _keys(order: str, narrow: Narrow) -> Keys:
    """The expressions that an order sorts by, each smallest first; in the last places the name, then the id. Where
    names are hidden their order would tell them: chance takes their place, the same one for the same seed."""
    chance: Keys = (MD5(Concat(Value(f"{narrow.seed}:"), Cast("pk", CharField()), output_field=CharField())), F("pk"))
    by_name = (F("student__last_name"), F("student__first_name"), F("student__username"), F("pk"))
    names = chance if narrow.blind else by_name
    points = _number(Coalesce("grade_points", "grade_proposed"))
    grouped = GroupedAnswer.objects.filter(submission=OuterRef("pk"))
    place = Coalesce(Subquery(grouped.values("place")[:1]), Value(1_000_000), output_field=IntegerField())
    if order == "informative":
        # The most typical answer of each group, from the largest group to the smallest, then the second of each …
        members = GroupedAnswer.objects.filter(group=OuterRef("group")).order_by().values("group")
        size = grouped.annotate(size=Subquery(members.annotate(number=Count("pk")).values("number")))
        smaller = Value(0) - Coalesce(Subquery(size.values("size")[:1]), Value(0), output_field=IntegerField())
        return _waiting(), place, smaller, *_doubt(), F("pk")
    orders: dict[str, Keys] = {
        "waiting": (_waiting(), *names),
        "uncertain": (_waiting(), *_doubt(), F("pk")),
        "similar": (
            Coalesce(Subquery(grouped.values("group")[:1]), Value(2**31), output_field=IntegerField()),
            place,
            F("pk"),
        ),
        "random": chance,
        "points": (Coalesce(points, Value(_LAST)), *names),
        "-points": (Coalesce(Value(0.0) - points, Value(_LAST), output_field=FloatField()), *names),
        "submitted": (F("submitted_at"), F("pk")),
        "state": (Coalesce(F("grade_state"), Value(""), output_field=TextField()), *names),
    }
    return orders.get(order, names)


def _waiting() -> Expression:
    return Case(When(grade_state=GradeState.PROPOSED, then=Value(0)), default=Value(1), output_field=IntegerField())


def _doubt() -> Keys:
    """How little is known of the mark: an unknown interval first, then wide ones; then scores nearest to the middle."""
    grade = shown_first(Grade.objects.filter(submission=OuterRef("pk")))
    score = _unless_blind(
        grade.annotate(score=Coalesce("correction__score", "proposed_score")).values("score")[:1], FloatField()
    )
    return (
        Coalesce(Value(0.0) - _width(), Value(-_LAST), output_field=FloatField()),
        Coalesce(Abs(score - Value(0.5)), Value(1.0), output_field=FloatField()),
    )


def _width() -> Any:
    return _number(F("grade_high")) - _number(F("grade_low"))


def _number(value: Any) -> Any:
    # Floats compare alike in every database; decimals that were worked out are text to SQLite.
    return Cast(value, FloatField())


def _or_last(value: float | None) -> float:
    return _LAST if value is None else value


def _names(keys: Keys) -> list[str]:
    return [f"key{place}" for place in range(len(keys))]


def _with(rows: QuerySet[Submission], keys: Keys) -> QuerySet[Submission]:
    return rows.alias(**dict(zip(_names(keys), keys, strict=True)))


def _values(assignment: Assignment, pk: int, keys: Keys) -> tuple[Any, ...] | None:
    """Where a paper stands in an order, whatever the queue is narrowed to; None for one that is not in it at all."""
    rows = _rows(assignment).filter(pk=pk).annotate(**dict(zip(_names(keys), keys, strict=True)))
    return rows.values_list(*_names(keys)).first()


def _beyond(values: tuple[Any, ...], side: str) -> Q:
    """The rows after (`gt`) or before (`lt`) these values of the keys."""
    condition, equal = Q(), Q()
    for place, value in enumerate(values):
        condition |= equal & Q(**{f"key{place}__{side}": value})
        equal &= Q(**{f"key{place}": value})
    return condition


@dataclass(frozen=True)
class QueuePage:
    """A stretch of the queue. `previous` and `next` are ids to go on from, None where the queue ends."""

    rows: list[Submission]
    previous: int | None
    next: int | None

    def __iter__(self) -> Any:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def queue_page(
    assignment: Assignment,
    *,
    show: str,
    order: str,
    narrow: Narrow,
    after: int | None = None,
    before: int | None = None,
    size: int = ROWS,
) -> QueuePage:
    """The rows that follow (or precede) a paper in the queue; from its beginning where neither is given."""
    rows, keys = review_queue(assignment, show=show, order=order, narrow=narrow), _keys(order, narrow)
    anchor = after if after is not None else before
    values = None if anchor is None else _values(assignment, anchor, keys)
    if values is None:
        found = list(rows[: size + 1])
        return QueuePage(found[:size], None, found[size - 1].pk if len(found) > size else None)
    if after is not None:
        found = list(rows.filter(_beyond(values, "gt"))[: size + 1])
        last = found[size - 1].pk if len(found) > size else None
        return QueuePage(found[:size], found[0].pk if found else after, last)
    found = list(rows.filter(_beyond(values, "lt")).reverse()[: size + 1])
    page = found[:size][::-1]
    return QueuePage(page, page[0].pk if len(found) > size else None, page[-1].pk if page else None)


@dataclass(frozen=True)
class Neighbours:
    """Where a submission stands in a review queue; `position` counts from 1 and is 0 where it is not in the queue."""

    previous: int | None
    next: int | None
    position: int
    total: int


def review_neighbours(
    submission: Submission, *, show: str = "all", order: str = "student", narrow: Narrow | None = None
) -> Neighbours:
    """The submissions before and after this one. One that has left the queue (it was just approved, say) keeps its
    place: the next is the one that followed it when nothing is filtered out."""
    narrow = narrow or Narrow()
    keys = _keys(order, narrow)
    rows = review_queue(submission.assignment, show=show, order=order, narrow=narrow)
    values = _values(submission.assignment, submission.pk, keys)
    if values is None:
        return Neighbours(None, _first(rows.filter(Q(grade_blind=False))), 0, rows.count())
    before, behind = _beyond(values, "lt"), _beyond(values, "gt")
    counts = rows.order_by().aggregate(
        total=Count("pk"), before=Count("pk", filter=before), inside=Count("pk", filter=Q(pk=submission.pk))
    )
    position = counts["before"] + 1 if counts["inside"] else 0
    seen = rows.filter(Q(grade_blind=False))
    return Neighbours(_first(seen.filter(before).reverse()), _first(seen.filter(behind)), position, counts["total"])


def next_to_review(
    submission: Submission, *, show: str = "all", order: str = "student", narrow: Narrow | None = None
) -> int | None:
    """The submission to go on with after this one was decided: the next of those shown that still waits, and from the
    end of the queue back to what was skipped at its beginning; None where nothing waits."""
    narrow = narrow or Narrow()
    assignment = submission.assignment
    show = "all" if show in ("approved", "released") else show
    rows = _narrowed(_filtered(_rows(assignment), show), assignment, narrow).exclude(pk=submission.pk)
    rows = rows.filter(Q(grade_blind=False))
    if show not in _WITHOUT_GRADE:
        rows = rows.filter(Q(grade_state=GradeState.PROPOSED))
    keys = _keys(order, narrow)
    # In these orders a decided paper has just moved away from its place: the first key says how far it is decided.
    keys = keys[1:] if order in ("waiting", "state", "uncertain", "informative") else keys
    rows = _with(rows, keys).order_by(*_names(keys))
    values = _values(assignment, submission.pk, keys)
    following = None if values is None else _first(rows.filter(_beyond(values, "gt")))
    return following if following is not None else _first(rows)


def _first(rows: QuerySet[Submission]) -> int | None:
    return rows.values_list("pk", flat=True).first()
