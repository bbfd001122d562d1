"""A worker that is killed while it sends points, and a broker that forgets everything: the platform gets them all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from courses.models import Assignment
from grading import services
from gradingsite import celery_app
from gradingsite.lti import tasks
from gradingsite.lti.models import Platform, ResourceLink, Score
from gradingsite.lti.services import sending
from tests.faults.conftest import Workers, queue_broker, tiny_base, until, workers
from tests.grading.factories import make_grade, make_submission, make_user
from tests.lti.conftest import known_as
from tests.lti.platform import Simulator

__all__ = ["queue_broker", "tiny_base", "workers"]  # fixtures

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
STUDENTS = 40


@pytest.fixture
def released(
    workers: Workers, link: ResourceLink, assignment: Assignment, teacher: User, platform: Platform
) -> dict[str, float]:
    """The points that the platform has to show in the end, by its own names of people."""
    wanted = {}
    for number in range(STUDENTS):
        student = make_user()
        known_as(platform, student, f"s-{number}")
        points = number % 9 / 2
        make_grade(make_submission(assignment, student=student), "approved", points=points, approved_by=teacher)
        wanted[f"s-{number}"] = points
    services.grades_release(assignment=assignment, by=teacher, tell=False)
    return wanted


def test_a_killed_worker_and_an_emptied_broker_lose_no_score(
    released: dict[str, float], workers: Workers, simulator: Simulator, settings: Any
) -> None:
    workers.environment["SECRET_KEY"] = settings.SECRET_KEY
    simulator.pause = 0.1
    first = workers.start("default")
    until(lambda: len(simulator.scores) >= 5, "some are sent")
    workers.kill(first)
    assert Score.objects.filter(state="sending").count() <= 1
    assert Score.objects.filter(state="queued").count() > STUDENTS // 4
    celery_app.control.purge()
    assert len({body["userId"] for body in simulator.scores}) < STUDENTS

    simulator.pause = 0
    workers.start("default")
    # What beat does every half minute, and the five minutes of the lease are over.
    past = timezone.now() - sending.LEASE - timedelta(seconds=1)
    Score.objects.filter(state="sending").update(claimed_at=past)
    tasks.send_scores.delay()
    until(lambda: not Score.objects.exclude(state="sent").exists(), "all are sent", seconds=120)

    shown: dict[str, Any] = {body["userId"]: body["scoreGiven"] for body in simulator.scores}
    assert shown == released
    assert len(simulator.scores) <= STUDENTS + 1, "at most the one that was under way came twice"
