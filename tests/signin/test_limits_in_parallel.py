"""Limits hold when requests arrive together, as from a script with many connections."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from courses.errors import HandedInTooOften, SubmittedMeanwhile
from courses.models import Assignment, Submission
from courses.quota import BroughtInTooOften, file_turn
from courses.services import submission_create
from gradingsite.signin import limits

pytestmark = pytest.mark.django_db(transaction=True)
THREADS, TRIES = 8, 24


def together(act: Callable[[int], Any]) -> list[Any]:
    """What `act` gave or raised in each of so many threads at once, of user errors alone."""

    def one(number: int) -> Any:
        try:
            return act(number)
        except (HandedInTooOften, BroughtInTooOften, SubmittedMeanwhile) as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(one, range(TRIES)))


def test_a_student_hands_in_as_often_as_they_may_and_not_once_more(
    student: User, assignment: Assignment, settings: Any
) -> None:
    settings.HAND_INS_PER_DAY = 5

    def hand_in(number: int) -> None:
        text = f"Answer {number}"
        submission_create(assignment=assignment, student=student, by=student, source="typed", text=text)

    refused = [found for found in together(hand_in) if found is not None]
    assert Submission.objects.count() == TRIES - len(refused) <= 5
    assert any(isinstance(found, HandedInTooOften) for found in refused)


def test_files_are_brought_in_as_often_as_they_may(teacher: User, settings: Any) -> None:
    settings.TRIES_PER_HOUR = {**settings.TRIES_PER_HOUR, "file": 5}
    assert together(lambda _number: file_turn(teacher)).count(None) == 5


def test_a_turn_is_taken_once(settings: Any) -> None:
    settings.TRIES_PER_HOUR = {**settings.TRIES_PER_HOUR, "copy": 5}
    assert together(lambda _number: limits.take("copy", "somebody")).count(True) == 5
