"""Releases at a time that a teacher set: once, in that teacher's name, and only while they may release."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from courses.models import Assignment, Membership
from grading import services
from grading.exceptions import PlanIsPast, PlanOver
from grading.models import Grade, GradeState, ReleasePlan, ReleasePlanState
from grading.services.release_plans import releases_due
from grading.services.upkeep import sweep
from tests.grading.factories import make_grade, make_submission


@pytest.fixture
def grade(assignment: Assignment, teacher: User) -> Grade:
    values = {"points": Decimal(1), "approved_by": teacher, "approved_at": timezone.now()}
    return make_grade(make_submission(assignment), "approved", **values)


def plan(assignment: Assignment, teacher: User) -> ReleasePlan:
    return services.release_plan_set(assignment=assignment, by=teacher, at=timezone.now() + timedelta(hours=1))


def the_time_comes() -> None:
    ReleasePlan.objects.filter(state="planned").update(at=timezone.now() - timedelta(seconds=1))


def test_nothing_is_released_before_its_time(grade: Grade, assignment: Assignment, teacher: User) -> None:
    plan(assignment, teacher)
    sweep()
    grade.refresh_from_db()
    assert grade.state == GradeState.APPROVED


def test_what_is_approved_when_the_time_comes_is_released_once(
    grade: Grade, assignment: Assignment, teacher: User
) -> None:
    plan(assignment, teacher)
    late = make_grade(make_submission(assignment), "approved", points=Decimal(2), approved_by=teacher)
    proposed = make_grade(make_submission(assignment))
    the_time_comes()
    sweep()
    assert releases_due() == 0
    done = ReleasePlan.objects.get()
    assert (done.state, done.released) == (ReleasePlanState.DONE, 2)
    states = dict(Grade.objects.values_list("pk", "state"))
    assert states == {grade.pk: "released", late.pk: "released", proposed.pk: "proposed"}
    grade.refresh_from_db()
    assert grade.released_by == teacher
    assert grade.events.filter(action="released").count() == 1


def test_a_plan_lies_in_the_future(assignment: Assignment, teacher: User) -> None:
    with pytest.raises(PlanIsPast):
        services.release_plan_set(assignment=assignment, by=teacher, at=timezone.now() - timedelta(minutes=1))


def test_a_new_plan_takes_the_place_of_the_old_one_and_can_be_called_off(
    grade: Grade, assignment: Assignment, teacher: User
) -> None:
    first, second = plan(assignment, teacher), plan(assignment, teacher)
    first.refresh_from_db()
    assert first.state == ReleasePlanState.CANCELLED
    services.release_plan_cancel(plan=second)
    the_time_comes()
    assert releases_due() == 0
    with pytest.raises(PlanOver):
        services.release_plan_cancel(plan=first)


def test_a_teacher_who_left_releases_nothing_and_the_page_says_so(
    client: Client, grade: Grade, assignment: Assignment, teacher: User, assistant: User
) -> None:
    plan(assignment, teacher)
    Membership.objects.filter(user=teacher).delete()
    the_time_comes()
    assert releases_due() == 0
    grade.refresh_from_db()
    assert grade.state == GradeState.APPROVED
    assert ReleasePlan.objects.get().state == ReleasePlanState.FAILED
    client.force_login(assistant)
    page = client.get(reverse("grading:release", args=[assignment.pk])).content.decode()
    assert "did not happen" in page
    assert "may not release grades" in page


def test_with_nothing_approved_the_plan_fails_and_says_so(assignment: Assignment, teacher: User) -> None:
    plan(assignment, teacher)
    the_time_comes()
    assert releases_due() == 0
    failed = ReleasePlan.objects.get()
    assert (failed.state, failed.error_code) == (ReleasePlanState.FAILED, "nothing_to_release")


def test_the_page_plans_shows_and_calls_off(
    client: Client, grade: Grade, assignment: Assignment, teacher: User
) -> None:
    client.force_login(teacher)
    page, send = (reverse(name, args=[assignment.pk]) for name in ("grading:release", "grading:release_plan"))
    told = client.post(send, {"at": "2001-01-01T10:00"}, follow=True).content.decode()
    assert "must lie in the future" in told
    assert client.post(send, {"at": "soon"}, follow=True).status_code == 200
    told = client.post(send, {"at": "2126-01-01T10:00"}, follow=True).content.decode()
    assert "Planned for" in told
    assert "1 Jan 2126" in client.get(reverse("courses:assignment", args=[assignment.pk])).content.decode()
    client.post(reverse("grading:release_plan_cancel", args=[ReleasePlan.objects.get().pk]))
    assert "Planned for" not in client.get(page).content.decode()


def test_the_preview_shows_the_paper_that_was_chosen(
    client: Client, grade: Grade, assignment: Assignment, teacher: User
) -> None:
    other = make_grade(make_submission(assignment), "approved", points=Decimal(3), feedback="Only here.")
    client.force_login(teacher)
    page = reverse("grading:release", args=[assignment.pk])
    assert "Only here." not in client.get(page).content.decode()
    assert "Only here." in client.get(page, {"preview": other.pk}).content.decode()
    assert client.get(page, {"preview": "nonsense"}).status_code == 200
