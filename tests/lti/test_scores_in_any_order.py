"""Whatever happens in whatever order, in the end the platform shows what students can see."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from courses.models import Assignment
from grading import services
from grading.models import Grade, GradeState
from grading.services.release import grade_release_again, grade_withdraw
from gradingsite.celery import app
from gradingsite.lti import tasks
from gradingsite.lti.models import Platform, ResourceLink, Score
from gradingsite.lti.services import sending
from tests.grading.factories import make_grade, make_submission
from tests.lti.conftest import known_as
from tests.lti.platform import Simulator

pytestmark = pytest.mark.django_db(transaction=True)
STATUSES = (500, 503, 401, 429)


class Story:
    """One student, whose grade is released, withdrawn and given anew, while the platform and workers fail."""

    def __init__(self, seed: int, assignment: Assignment, student: User, teacher: User, simulator: Simulator) -> None:
        self.random = random.Random(seed)
        self.assignment, self.student, self.teacher, self.simulator = assignment, student, teacher, simulator
        self.submission = make_submission(assignment, student=student)

    def act(self) -> None:
        acts = [self.release, self.release, self.withdraw, self.bring_back, self.fail, self.lose_worker, self.work]
        self.random.choice(acts)()

    def release(self) -> None:
        if self.submission.grades.open().exists():
            return
        points = Decimal(self.random.randrange(9)) / 2
        make_grade(self.submission, "approved", points=points, approved_by=self.teacher)
        services.grades_release(assignment=self.assignment, by=self.teacher)

    def withdraw(self) -> None:
        for grade in Grade.objects.released():
            grade_withdraw(grade=grade, by=self.teacher)

    def bring_back(self) -> None:
        for grade in Grade.objects.filter(state=GradeState.WITHDRAWN):
            grade_release_again(grade=grade, by=self.teacher)

    def fail(self) -> None:
        self.simulator.answers = [self.random.choice(STATUSES)]
        self.work()

    def lose_worker(self) -> None:
        """Killed after it took the row: nobody knows whether the platform was told."""
        long_ago = timezone.now() - sending.LEASE - timedelta(seconds=1)
        Score.objects.filter(state="queued").update(state="sending", claimed_at=long_ago)

    def work(self) -> None:
        Score.objects.filter(state="queued").update(next_at=timezone.now())
        tasks.send_scores()

    def shown(self) -> float | None:
        """What the platform's gradebook has: the last score that it was given."""
        return self.simulator.scores[-1].get("scoreGiven") if self.simulator.scores else None


@pytest.mark.parametrize("seed", range(4))
def test_the_platform_ends_with_what_the_student_can_see(
    seed: int,
    link: ResourceLink,
    student: User,
    teacher: User,
    simulator: Simulator,
    platform: Platform,
    assignment: Any,
) -> None:
    known_as(platform, student, "s-ada")
    story = Story(seed, assignment, student, teacher, simulator)
    for _act in range(25):
        story.act()
    simulator.answers.clear()
    story.work()
    story.work()
    released = Grade.objects.released().first()
    assert story.shown() == (float(released.points or 0) if released else None)
    assert not Score.objects.exclude(state="sent").exists()


def test_beat_and_workers_know_the_tasks() -> None:
    app.loader.import_default_modules()
    beats = {entry["task"]: entry for entry in app.conf.beat_schedule.values()}
    for name in ("gradingsite.lti.tasks.send_scores", "gradingsite.lti.tasks.forget_launches"):
        assert name in app.tasks
        assert name in beats
        assert app.amqp.router.route({}, name)["queue"].name == "default"
