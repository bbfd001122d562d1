"""The database itself refuses to change or delete a history, but for the deletion of personal data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from courses.guards import REFUSAL, history_unlocked
from courses.models import Course, CourseEvent, HistoryUnlock
from courses.services import member_add
from grading.models import GradeEvent, VersionEvent
from tests.grading.factories import make_grade, make_version

ACTS: list[Callable[[Any], Any]] = [
    lambda rows: rows.update(action="something else"),
    lambda rows: rows.delete(),
    lambda rows: rows.get().delete(),
    lambda rows: _raw(f"UPDATE {rows.model._meta.db_table} SET actor_id = NULL"),  # noqa: S608
    lambda rows: _raw(f"DELETE FROM {rows.model._meta.db_table}"),  # noqa: S608
]


def _raw(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def histories(course: Course, teacher: User) -> list[Any]:
    member_add(course=course, by=teacher, email="new@example.org")
    GradeEvent.objects.create(grade=make_grade(), actor=teacher, action="changed")
    VersionEvent.objects.create(version=make_version(), actor=teacher, action="promoted", after="promoted")
    return [model.objects.all() for model in (CourseEvent, GradeEvent, VersionEvent)]


@pytest.mark.django_db
@pytest.mark.parametrize("act", ACTS)
def test_no_line_of_a_history_is_changed_or_deleted(act: Callable[[Any], Any], histories: list[Any]) -> None:
    for rows in histories:
        before = list(rows.values())
        with pytest.raises(IntegrityError, match=REFUSAL), transaction.atomic():
            act(rows)
        assert list(rows.values()) == before


@pytest.mark.django_db
def test_a_person_or_a_grade_with_a_history_cannot_be_deleted_past_it(histories: list[Any], teacher: User) -> None:
    for row in (teacher, histories[1].get().grade):
        with pytest.raises(IntegrityError, match=REFUSAL), transaction.atomic():
            row.delete()


@pytest.mark.django_db
def test_a_deletion_of_personal_data_may_and_closes_behind_itself(histories: list[Any]) -> None:
    with history_unlocked():
        histories[1].get().grade.submission.student.delete()
    assert not GradeEvent.objects.exists()
    assert not HistoryUnlock.objects.exists()
    with pytest.raises(IntegrityError, match=REFUSAL), transaction.atomic():
        histories[0].delete()


@pytest.mark.django_db
def test_a_deletion_that_fails_leaves_nothing_open(histories: list[Any]) -> None:
    with pytest.raises(RuntimeError), history_unlocked():
        raise RuntimeError
    assert not HistoryUnlock.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_guards_outlive_another_migrate(histories: list[Any]) -> None:
    call_command("migrate", verbosity=0)
    with pytest.raises(IntegrityError, match=REFUSAL), transaction.atomic():
        histories[0].delete()
