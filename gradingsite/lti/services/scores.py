"""What is to be sent to a platform's gradebook. Written with the grade, in its transaction; a worker sends it."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from courses.models import Assignment
from courses.transitions import move_all
from grading.models import Grade
from gradingsite.lti import tasks
from gradingsite.lti.models import Platform, ResourceLink, Score, ScoreState


def released_grade(assignment_id: int | None, student_id: int) -> Grade | None:
    """The one grade that the student can see: what a platform is told of, and nothing else."""
    rows = Grade.objects.released().filter(submission__assignment=assignment_id, submission__student=student_id)
    return rows.select_related("feedback").order_by("-released_at", "-pk").first()


def scores_changed(*, assignment_id: int, student_ids: Collection[int]) -> None:
    """A release, a withdrawal or a replacement: wherever the assignment is linked, the platform is to be told."""
    links = ResourceLink.objects.filter(assignment=assignment_id).exclude(line_item="")
    for link in links:
        _want(link, student_ids)
    if links:
        tasks.wake()


def scores_for_link(*, link: ResourceLink) -> None:
    """A link that is new, or whose column is another one: all that is released goes there."""
    if link.assignment_id is None or not link.line_item:
        return
    released = Grade.objects.released().filter(submission__assignment=link.assignment_id)
    students = set(released.values_list("submission__student", flat=True))
    # Whoever has points there from an assignment that the link led to before is told, too.
    _want(link, students | set(link.scores.values_list("student", flat=True)))
    tasks.wake()


def scores_wake(*, platform: Platform, user: User) -> None:
    """A person is known on the platform now: what waited for that can go."""
    waiting = Score.objects.filter(link__context__platform=platform, student=user, state=ScoreState.WAITING)
    if _requeue(waiting):
        tasks.wake()


def scores_send_again(*, assignment: Assignment) -> int:
    """A teacher has mended something: what failed or waits is tried at once; the number of rows."""
    rows, now = Score.objects.filter(link__assignment=assignment), timezone.now()
    again = rows.filter(state=ScoreState.QUEUED, next_at__gt=now).update(next_at=now, tries=0)
    again += _requeue(rows.filter(state__in=[ScoreState.FAILED, ScoreState.WAITING]))
    if again:
        tasks.wake()
    return again


def _want(link: ResourceLink, student_ids: Collection[int]) -> None:
    """One row for each student, with a count that goes up. Where it is just being sent, the sender sees the count."""
    now = timezone.now()
    known = set(Score.objects.filter(link=link, student__in=student_ids).values_list("student", flat=True))
    new = [Score(link=link, student_id=key, next_at=now) for key in student_ids if key not in known]
    Score.objects.bulk_create(new, ignore_conflicts=True)
    with transaction.atomic():
        rows = Score.objects.filter(link=link, student__in=student_ids)
        rows.update(wanted=F("wanted") + 1)
        _requeue(rows)


def _requeue(rows: object) -> int:
    sources = [ScoreState.SENT, ScoreState.FAILED, ScoreState.WAITING]
    fields = {"next_at": timezone.now(), "tries": 0, "trouble": "", "status": None}
    return move_all(rows, sources, ScoreState.QUEUED, **fields)  # type: ignore[arg-type]
