"""One view of all histories, newest first: of grades, of courses and their members, of model versions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

from django.contrib.auth.models import User
from django.db.models import F, Model, Q, QuerySet, TextChoices, Value
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from courses.models import Assignment, Course, CourseEvent, EventKind
from courses.names import paper_name, person_name
from grading.history_words import Words, words_of
from grading.models import AcceptanceSample, GradeEvent, VersionEvent

RELEASES = ("released", "released_again", "withdrawn")
AT_A_TIME = 500  # rows of a download that are in memory


class HistoryKind(TextChoices):
    GRADES = "grades", _("Grades")
    RELEASES = "releases", _("Releases")
    MEMBERS = "members", _("Members")
    SETTINGS = "settings", _("Settings")
    DATA = "data", _("Deletions and exports")
    MODELS = "models", _("Models")


@dataclass(frozen=True)
class Asked:
    """What of a history is asked for; without a course it is the whole site's."""

    course: Course | None = None
    who: str = ""
    kind: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class Line:
    """One line as it is shown. `about` is a person, or a paper where names are hidden while marking."""

    at: datetime
    kind: str
    actor: str
    words: Words
    about: str
    course: str
    assignment: str


def history_rows(asked: Asked) -> QuerySet[Any, dict[str, Any]]:
    """Which lines, in their order: `lines_of` makes them readable, a page at a time."""
    parts = [part for part in (_grades(asked), _courses(asked), _versions(asked)) if part is not None]
    first, *more = [part.order_by().values("at", "source", "pk") for part in parts]
    return first.union(*more, all=True).order_by("-at", "source", "-pk")


def lines_of(rows: Iterable[Mapping[str, Any]]) -> list[Line]:
    rows = list(rows)
    found = {source: _load(source, [row["pk"] for row in rows if row["source"] == source]) for source in _RELATED}
    # A line may have gone meanwhile, with the data of a student.
    return [_line(found[row["source"]][row["pk"]]) for row in rows if row["pk"] in found[row["source"]]]


def lines_all(asked: Asked) -> Iterator[Line]:
    rows = history_rows(asked).iterator(AT_A_TIME)
    while some := list(islice(rows, AT_A_TIME)):
        yield from lines_of(some)


_RELATED: dict[str, tuple[type[Model], tuple[str, ...]]] = {
    "grade": (GradeEvent, ("actor", "grade__submission__student", "grade__submission__assignment__course")),
    "course": (CourseEvent, ("actor", "person", "course", "assignment")),
    "version": (VersionEvent, ("actor", "version")),
}


def _load(source: str, keys: Sequence[int]) -> dict[int, Any]:
    model, related = _RELATED[source]
    rows: dict[int, Any] = model._base_manager.select_related(*related).in_bulk(keys)  # noqa: SLF001
    return rows


def _grades(asked: Asked) -> QuerySet[Any] | None:
    if asked.kind not in ("", HistoryKind.GRADES, HistoryKind.RELEASES):
        return None
    rows = GradeEvent.objects.annotate(source=Value("grade")).filter(_between(asked))
    # What was proposed for a paper that is to be marked blind is not told here either; its lines appear afterwards.
    rows = rows.exclude(grade__in=AcceptanceSample.objects.unmarked().values("grade"))
    if asked.kind:
        releases = Q(action__in=RELEASES)
        rows = rows.filter(releases if asked.kind == HistoryKind.RELEASES else ~releases)
    if asked.course:
        rows = rows.filter(grade__submission__assignment__course=asked.course)
    if asked.who:
        people = _people(asked.who)
        named = Q(grade__submission__assignment__blind_marking=False)
        about = named & Q(grade__submission__student__in=people)
        by = (named | ~Q(actor=F("grade__submission__student"))) & Q(actor__in=people)
        rows = rows.filter(pk__in=GradeEvent.objects.filter(about | by).values("pk"))
    return rows


def _courses(asked: Asked) -> QuerySet[Any] | None:
    kinds = EventKind.values
    if asked.kind not in ("", *kinds):
        return None
    rows = CourseEvent.objects.annotate(source=Value("course")).filter(_between(asked))
    if asked.kind:
        rows = rows.filter(kind=asked.kind)
    if asked.course:
        rows = rows.filter(course=asked.course)
    if asked.who:
        people = _people(asked.who)
        rows = rows.filter(Q(actor__in=people) | Q(person__in=people))
    return rows


def _versions(asked: Asked) -> QuerySet[Any] | None:
    if asked.course or asked.kind not in ("", HistoryKind.MODELS):
        return None
    rows = VersionEvent.objects.annotate(source=Value("version")).filter(_between(asked))
    return rows.filter(actor__in=_people(asked.who)) if asked.who else rows


def _people(who: str) -> QuerySet[User]:
    rows = User.objects.order_by()
    for word in who.split():
        rows = rows.filter(
            Q(first_name__icontains=word)
            | Q(last_name__icontains=word)
            | Q(email__icontains=word)
            | Q(username__icontains=word)
        )
    return rows


def _between(asked: Asked) -> Q:
    """Whole days in the site's time zone."""
    found = Q()
    if asked.since:
        found &= Q(at__gte=_midnight(asked.since))
    if asked.until:
        found &= Q(at__lt=_midnight(asked.until + timedelta(days=1)))
    return found


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _line(event: GradeEvent | CourseEvent | VersionEvent) -> Line:
    words = words_of(event)
    actor = person_name(event.actor) if event.actor else ""
    if isinstance(event, VersionEvent):
        return Line(event.at, str(HistoryKind.MODELS.label), actor, words, event.version.name, "", "")
    if isinstance(event, CourseEvent):
        about = person_name(event.person) if event.person else ""
        kind = HistoryKind(event.kind).label
        return Line(event.at, str(kind), actor, words, about, str(event.course), _title(event.assignment))
    kind = HistoryKind.RELEASES.label if event.action in RELEASES else HistoryKind.GRADES.label
    submission = event.grade.submission
    assignment = submission.assignment
    about = paper_name(submission, assignment)
    if event.actor_id == submission.student_id:
        actor = about
    return Line(event.at, str(kind), actor, words, about, str(assignment.course), assignment.title)


def _title(assignment: Assignment | None) -> str:
    return assignment.title if assignment else ""
