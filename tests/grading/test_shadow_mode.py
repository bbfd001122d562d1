"""A candidate marks unseen what the version in use marks; once enough is reviewed the two are compared."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from grading.exceptions import VersionNotReady
from grading.models import ModelVersion, ShadowMark
from grading.services import version_shadow_start, version_shadow_stop
from grading.services.shadows import shadow_next, shadow_write
from grading.shadow_report import ENOUGH, shadow_report
from tests.grading.factories import make_assignment, make_grade, make_submission, make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def candidate(admin: User) -> ModelVersion:
    version = make_version("candidate", name="candidate")
    version_shadow_start(version=version, by=admin)
    version.refresh_from_db()
    return version


def test_it_takes_what_a_model_proposed_since_it_began_and_each_answer_once(candidate):
    assignment = make_assignment()
    earlier = make_grade(make_submission(assignment))
    type(earlier).objects.update(created_at=timezone.now() - timedelta(hours=1))
    grades = [make_grade(make_submission(assignment, f"Answer {i}.")) for i in range(3)]
    make_grade(make_submission(assignment), source="teacher")
    work = shadow_next()
    assert set(work.texts) == {grade.submission_id for grade in grades}
    assert shadow_write(work=work, scores=dict.fromkeys(work.texts, 0.4)) == 3
    assert shadow_next() is None


def test_a_courses_candidate_marks_no_other_course(admin):
    mine, other = make_assignment(), make_assignment()
    version = make_version("candidate", course=mine.course)
    version_shadow_start(version=version, by=admin)
    make_grade(make_submission(other))
    assert shadow_next() is None
    wanted = make_grade(make_submission(mine))
    assert list(shadow_next().texts) == [wanted.submission_id]


def test_what_it_says_is_dropped_once_its_shadow_mode_has_ended_or_the_answer_is_gone(candidate, admin):
    grade = make_grade()
    work = shadow_next()
    version_shadow_stop(version=candidate, by=admin)
    assert shadow_write(work=work, scores={grade.submission_id: 0.4}) == 0
    version_shadow_start(version=candidate, by=admin)
    assert shadow_write(work=work, scores={0: 0.4}) == 0
    assert [event.action for event in candidate.events.order_by("pk")] == [
        "shadow_started",
        "shadow_stopped",
        "shadow_started",
    ]


def test_only_a_candidate_can_be_in_shadow_mode(admin):
    for state in ("promoted", "rejected"):
        with pytest.raises(VersionNotReady):
            version_shadow_start(version=make_version(state), by=admin)


def reviewed(candidate: ModelVersion, admin: User, number: int, shadow: float) -> None:
    assignment = make_assignment()  # 4 points; 2 are proposed
    for _ in range(number):
        grade = make_grade(
            make_submission(assignment), state="approved", points=3, approved_by=admin, approved_at=timezone.now()
        )
        ShadowMark.objects.create(version=candidate, submission=grade.submission, score=shadow)


def test_nothing_is_compared_before_enough_is_reviewed(candidate, admin):
    reviewed(candidate, admin, ENOUGH - 1, 0.75)
    report = shadow_report(candidate)
    assert (report.found, report.missing) == (None, 1)


@pytest.mark.parametrize(("shadow", "verdict"), [(0.75, "better"), (0.25, "worse"), (0.5, "noise")])
def test_it_is_compared_with_what_teachers_decided(candidate, admin, shadow, verdict):
    reviewed(candidate, admin, ENOUGH, shadow)
    report = shadow_report(candidate)
    assert report.found.verdict == verdict
    assert report.found.in_use == pytest.approx(0.25)
    assert report.blind == 0


def test_teachers_and_students_never_see_a_shadow_mark(client: Client, candidate, admin):
    grade = make_grade(proposed_score=0.5)
    ShadowMark.objects.create(version=candidate, submission=grade.submission, score=0.12345)
    teacher = grade.submission.assignment.course.memberships.get(role="teacher").user
    client.force_login(teacher)
    for name, pk in (("review", grade.submission_id), ("dashboard", grade.submission.assignment_id)):
        page = client.get(reverse(f"grading:{name}", args=[pk])).content.decode()
        assert "candidate" not in page
        assert "0.123" not in page
        assert "0.49" not in page  # its points of four


def test_the_page_starts_and_ends_it(client: Client, admin: User):
    version: Any = make_version("candidate")
    client.force_login(admin)
    for words in ("also marks what the version in use marks", "Shadow mode is off"):
        page = client.post(reverse("grading:version_shadow", args=[version.pk]), follow=True).content.decode()
        assert words in page
