"""The end of a retention period, with a moved clock: announced a month before, held where something is open, done."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail, serializers
from django.core.files.base import ContentFile
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from courses.models import Assignment, Course, CourseEvent, Submission, UnmatchedFile
from grading.models import (
    Grade,
    GradeEvent,
    ModelVersion,
    RegradeRequest,
    RetentionSweep,
    TrainingExample,
    TrainingRun,
    TrainingRunExample,
)
from grading.retention import due_on, later
from grading.services.backups import models_kept
from grading.services.examples import examples_accept
from grading.services.retention import _do, retention_sweep
from grading.services.training import training_directory
from tests.grading.factories import make_grade, make_submission, make_version

pytestmark = pytest.mark.django_db(transaction=True)
START = datetime(2026, 1, 31, 12, tzinfo=UTC)
Clock = Callable[[datetime], None]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    def stand(moment: datetime) -> None:
        monkeypatch.setattr(timezone, "now", lambda: moment)

    stand(START)
    return stand


@pytest.fixture
def grade(assignment: Assignment, teacher: User, admin: User, clock: Clock, settings: Any, tmp_path: Path) -> Grade:
    """A released grade of a course that keeps answers for three months; regrades may be asked for in two weeks."""
    settings.MARGINALIA_TRAINING_DIR = tmp_path / "training"
    assignment.course.retention_months = 3
    assignment.course.save()
    submission = make_submission(assignment, "Zebrafish glow under moonlight.")
    submission.original.save("e.txt", ContentFile(b"Zebrafish glow under moonlight."))
    row = make_grade(submission, "released", points=1, released_at=START, feedback="Zebrafish do not.")
    GradeEvent.objects.create(grade=row, actor=teacher, action="released", note="Zebrafish!")
    examples_accept(grade_ids=[row.pk])
    return row


def on(clock: Clock, day: date) -> int:
    clock(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
    return retention_sweep()


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.integers(1, 600))
def test_months_are_counted_on_the_calendar(day: date, months: int) -> None:
    found = later(day, months)
    assert (found.year * 12 + found.month) - (day.year * 12 + day.month) == months
    assert found.day == day.day or (found + timedelta(days=1)).day == 1


def test_the_period_begins_with_the_end_or_the_last_release_whichever_is_later(grade: Grade) -> None:
    course = grade.submission.assignment.course
    assert due_on(course) == date(2026, 4, 30)
    course.ends_on = date(2026, 3, 15)
    assert due_on(course) == date(2026, 6, 15)
    course.ends_on = date(2025, 3, 15)
    assert due_on(course) == date(2026, 4, 30)
    course.retention_months = None
    assert due_on(course) is None


def test_nothing_goes_while_a_regrade_may_be_asked_for(grade: Grade) -> None:
    Assignment.objects.update(regrade_days=365)
    assert due_on(grade.submission.assignment.course) == date(2027, 2, 1)


def test_admins_and_teachers_are_told_a_month_before_once(grade: Grade, clock: Clock) -> None:
    assert on(clock, date(2026, 3, 30)) == 0
    assert mail.outbox == []
    for _again in range(2):
        assert on(clock, date(2026, 3, 31)) == 0
    assert sorted(to for message in mail.outbox for to in message.to) == ["admin@example.org", "teacher@example.org"]
    assert "April 30, 2026" in mail.outbox[0].body


def test_the_day_comes_and_all_but_numbers_is_gone(
    grade: Grade, clock: Clock, assignment: Assignment, tmp_path: Path
) -> None:
    unmatched = UnmatchedFile(assignment=assignment, original_name="who.txt")
    unmatched.original.save("who.txt", ContentFile(b"Zebrafish?"))
    example = TrainingExample.objects.get()
    version = make_version("candidate")
    run = TrainingRun.objects.create(request_key=uuid.uuid4(), state="succeeded", version=version, config={})
    TrainingRunExample.objects.create(run=run, example=example, content_hash=example.content_hash, split="train")
    path = training_directory(run) / "train.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(example.row) + "\n", encoding="utf-8")
    other = make_grade(make_submission(text="Another course's answer."), "released", points=1, released_at=START)
    assert [on(clock, day) for day in (date(2026, 3, 31), date(2026, 4, 29), date(2026, 4, 30))] == [0, 0, 1]
    for model in models_kept():
        text = serializers.serialize("json", model._base_manager.all())
        assert "ebrafish" not in text, model
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in files if b"ebrafish" in path.read_bytes()] == []
    assert Grade.objects.get() == other
    assert ModelVersion.objects.get(events__action="data_deleted") == version
    done = RetentionSweep.objects.get()
    assert done.counts["totals"] == {"students": 1, "answers": 1, "files": 2, "grades": 1, "examples": 1}
    numbers = {"answers": 1, "students": 1, "released": 1}
    what = {"assignment": assignment.pk, "title": "The sky", "max_points": "4.00"}
    assert done.counts["assignments"] == [{**what, **numbers}]
    assert CourseEvent.objects.get(action="retention_swept").after == done.counts["totals"]
    assert on(clock, date(2026, 5, 1)) == 0


def test_a_mean_is_kept_only_where_it_is_of_several(grade: Grade, assignment: Assignment, clock: Clock) -> None:
    for _number in range(4):
        make_grade(make_submission(assignment), "released", points=2, released_at=START)
    on(clock, date(2026, 3, 31))
    assert on(clock, date(2026, 4, 30)) == 1
    assert RetentionSweep.objects.get().counts["assignments"][0]["mean"] == 1.8


HOLDS: dict[str, Callable[[Grade], Any]] = {
    "an open regrade request": lambda grade: RegradeRequest.objects.create(grade=grade, reason="Please."),
    "a proposal": lambda grade: make_grade(make_submission(grade.submission.assignment)),
    "an approved grade": lambda grade: make_grade(make_submission(grade.submission.assignment), "approved", points=1),
    "a withdrawn grade": lambda grade: Grade.objects.update(state="withdrawn"),
}


@pytest.mark.parametrize("held", HOLDS)
def test_nothing_goes_where_something_is_open(held: str, grade: Grade, clock: Clock) -> None:
    on(clock, date(2026, 3, 31))
    HOLDS[held](grade)
    assert on(clock, date(2027, 1, 1)) == 0
    assert Submission.objects.filter(pk=grade.submission_id).exists()
    RegradeRequest.objects.update(state="withdrawn")
    Grade.objects.update(state="released", points=1)
    assert on(clock, date(2027, 1, 2)) == 1


def test_a_longer_period_or_a_later_release_calls_it_off(grade: Grade, clock: Clock, assignment: Assignment) -> None:
    on(clock, date(2026, 3, 31))
    make_grade(make_submission(assignment), "released", points=1, released_at=START + timedelta(days=60))
    assert on(clock, date(2026, 5, 1)) == 0
    assert RetentionSweep.objects.filter(state="called_off").count() == 1
    assert on(clock, date(2026, 6, 2)) == 0  # announced anew on the first of June or after
    Course.objects.update(retention_months=None)
    assert on(clock, date(2030, 1, 1)) == 0
    assert not RetentionSweep.objects.filter(state="warned").exists()
    assert Submission.objects.count() == 2


def test_a_period_that_is_over_when_it_is_set_is_announced_all_the_same(grade: Grade, clock: Clock) -> None:
    assert on(clock, date(2028, 1, 1)) == 0
    assert on(clock, date(2028, 1, 30)) == 0
    assert on(clock, date(2028, 1, 31)) == 1


def test_a_mail_that_could_not_be_sent_puts_the_day_off(
    grade: Grade, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: Any) -> None:
        raise OSError("no route to host")

    with monkeypatch.context() as broken:
        broken.setattr("grading.services.retention.send_mail", away)
        on(clock, date(2026, 3, 31))
    assert on(clock, date(2026, 4, 20)) == 0
    assert len(mail.outbox) == 2
    assert [on(clock, day) for day in (date(2026, 4, 30), date(2026, 5, 20))] == [0, 1]


def test_two_workers_do_it_once(grade: Grade, clock: Clock) -> None:
    on(clock, date(2026, 3, 31))
    read_before = RetentionSweep.objects.get()
    assert on(clock, date(2026, 4, 30)) == 1
    assert _do(read_before) is False
    assert CourseEvent.objects.filter(action="retention_swept").count() == 1


def test_a_deletion_that_fails_takes_nothing(grade: Grade, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    on(clock, date(2026, 3, 31))

    def broken(**_fields: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("grading.services.retention.data_event", broken)
    with pytest.raises(RuntimeError):
        on(clock, date(2026, 4, 30))
    assert grade.submission.original.storage.exists(grade.submission.original.name)
    assert GradeEvent.objects.count() == 1
    with pytest.raises(Exception, match="never changed"), transaction.atomic():
        GradeEvent.objects.all().delete()


def test_the_pages_say_what_would_go_when_and_why_not_yet(
    client: Client, grade: Grade, clock: Clock, teacher: User, admin: User
) -> None:
    course = grade.submission.assignment.course
    address = reverse("grading:course_retention", args=[course.pk])
    client.force_login(teacher)
    sent = {"retention_months": "4", "ends_on": ""}
    assert "was saved" in client.post(address, sent, follow=True).content.decode()
    assert CourseEvent.objects.get(action="course_changed").after == {"retention_months": 4}
    assert "May 31, 2026" in client.get(address).content.decode()
    assert client.post(address, {"retention_months": "0"}).status_code == 200
    course.refresh_from_db()
    assert (course.retention_months, course.name) == (4, "Physics")
    make_grade(make_submission(grade.submission.assignment))
    client.force_login(admin)
    page = client.get(reverse("grading:retention")).content.decode()
    assert "May 31, 2026" in page
    assert "1 grade is not released" in page
    Grade.objects.exclude(pk=grade.pk).delete()
    on(clock, date(2026, 5, 1))
    on(clock, date(2026, 6, 1))
    client.force_login(admin)
    assert "answers: 2, students: 2, released grades: 1" in client.get(reverse("grading:retention")).content.decode()
