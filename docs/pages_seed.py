# ruff: noqa: INP001 (a module beside pages of documentation, no package)
"""A site with 100,000 submissions, made in bulk around the course whose pages are looked at; see pages.py."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, TypeVar

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

Row = TypeVar("Row")
ASSIGNMENTS, STUDENTS = 10, 250
LARGE = 2000  # students more in the course that is looked at
TEXT = "The switch number {} opens the circuit, so that no current flows and the lamp goes out. " * 4


def seed(submissions: int) -> dict[str, Any]:
    """Fill an empty, migrated database; the keys of the rows whose pages are looked at, by the names of visits.py."""
    call_command("register_starter", verbosity=0)
    call_command("load_sample_course", verbosity=0)
    from tests.browser.evening import make

    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        make()
    rows: dict[str, Any] = json.loads(told.getvalue().splitlines()[-1])
    from courses.models import Assignment, Course

    left = submissions
    course = Course.objects.get(pk=rows["course"])
    for assignment in Assignment.objects.filter(pk__in=[rows["read"], rows["released"], rows["sure"]]):
        left -= _fill([assignment], _people(f"large{assignment.pk}", course, LARGE))
    while left > 0:
        course = Course.objects.create(name=f"Course with {left} left")
        made = [_assignment(course, number) for number in range(ASSIGNMENTS)]
        left -= _fill(Assignment.objects.bulk_create(made), _people(f"c{left}", course, STUDENTS))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return rows


def _assignment(course: Any, number: int) -> Any:
    from courses.models import Assignment

    return Assignment(
        course=course,
        title=f"Assignment {number}",
        question="Why does the lamp go out?",
        reference_answer="The switch opens the circuit.",
        max_points=Decimal(4),
        step=Decimal("0.5"),
    )


def _people(prefix: str, course: Any, count: int) -> list[Any]:
    from courses.models import Membership, Role

    user = get_user_model()
    names = [f"{prefix}.{number}@example.org" for number in range(count)]
    people = user.objects.bulk_create(
        [
            user(username=name, email=name, first_name="Ada", last_name=f"Reader{place:04}")
            for place, name in enumerate(names)
        ]
    )
    Membership.objects.bulk_create([Membership(course=course, user=person, role=Role.STUDENT) for person in people])
    return people


def _fill(assignments: Sequence[Any], people: Sequence[Any]) -> int:
    """A submission of each person to each assignment, marked by a run of each; three in ten proposed, three approved,
    the others released. The number of submissions."""
    from courses.models import Membership, Submission
    from grading.models import Feedback, Grade, GradeEvent, GradeSource, GradingJob, GradingRun, ModelVersion

    now = timezone.now()
    version = ModelVersion.objects.in_use()
    for assignment in assignments:
        teacher = (
            Membership.objects.filter(course=assignment.course, role="teacher").values_list("user", flat=True).first()
        )
        papers = Submission.objects.bulk_create(
            [
                Submission(
                    assignment=assignment,
                    student=person,
                    text=TEXT.format(place, place, place, place),
                    state="ready",
                    source="typed",
                    submitted_at=now - timedelta(minutes=place),
                )
                for place, person in enumerate(people)
            ],
            batch_size=1000,
        )
        run = GradingRun.objects.create(assignment=assignment, version=version, scope="all")
        jobs = GradingJob.objects.bulk_create(
            [GradingJob(run=run, submission=paper, state="succeeded", finished_at=now) for paper in papers],
            batch_size=1000,
        )
        grades = Grade.objects.bulk_create(
            [
                Grade(
                    submission=paper,
                    job=job,
                    version=version,
                    source=GradeSource.MODEL,
                    proposed_score=(place % 9) / 8,
                    proposed_points=Decimal(place % 9) / 2,
                    max_points=assignment.max_points,
                    **_decided(place, teacher, now),
                )
                for place, (paper, job) in enumerate(zip(papers, jobs, strict=True))
            ],
            batch_size=1000,
        )
        words = "Say why no current flows."
        _bulk(Feedback, (Feedback(grade=grade, proposed_text=words, text=words) for grade in grades))
        _bulk(GradeEvent, (GradeEvent(grade=grade, action="proposed", after={"state": "proposed"}) for grade in grades))
    return len(assignments) * len(people)


def _decided(place: int, teacher: int | None, now: Any) -> dict[str, Any]:
    if place % 10 < 3:
        return {"state": "proposed"}
    by = {"points": Decimal(place % 9) / 2, "approved_by_id": teacher, "approved_at": now}
    return (
        {"state": "approved", **by}
        if place % 10 < 6
        else {"state": "released", **by, "released_at": now, "told_at": now}
    )


def _bulk(model: Any, rows: Iterable[Any]) -> None:
    rows = iter(rows)
    while some := list(islice(rows, 1000)):
        model.objects.bulk_create(some)
