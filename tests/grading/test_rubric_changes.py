"""A rubric that is changed after the marking: grades are shown as stale, and their points are carried over."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from courses.models import Assignment, Course, Criterion
from grading import services
from grading.models import AnchoredComment, Grade, GradeState
from grading.rubric_changes import stale_grades
from tests.grading.factories import make_assignment, make_grade, make_submission


@pytest.fixture
def marked(course: Course) -> Assignment:
    """An assignment of two criteria of two points each."""
    return Assignment.objects.get(pk=make_assignment(course, criteria=(2, 2)).pk)


def approved(assignment: Assignment, teacher: User, points: str) -> Grade:
    decided = {"points": Decimal(points) * 2, "approved_by": teacher, "approved_at": timezone.now()}
    grade = make_grade(make_submission(assignment), "approved", **decided)
    grade.criterion_scores.update(points=Decimal(points))
    return grade


def change_first_criterion(assignment: Assignment, points: int) -> Assignment:
    Criterion.objects.filter(rubric__assignment=assignment, position=0).update(points=points)
    Assignment.objects.filter(pk=assignment.pk).update(max_points=points + 2)
    return Assignment.objects.get(pk=assignment.pk)


def test_a_grade_is_fresh_until_the_assignment_says_something_else(marked: Assignment, teacher: User) -> None:
    approved(marked, teacher, "1")
    assert stale_grades(Assignment.objects.get(pk=marked.pk)) == []
    marked.marking_instructions = "Be strict."
    assert len(stale_grades(marked)) == 1
    marked.marking_instructions = ""
    assert stale_grades(marked) == []
    Criterion.objects.filter(rubric__assignment=marked, position=1).update(description="In one sentence.")
    assert len(stale_grades(Assignment.objects.get(pk=marked.pk))) == 1


def test_points_keep_their_share_and_wait_to_be_approved_again(marked: Assignment, teacher: User) -> None:
    old = approved(marked, teacher, "1.5")
    assignment = change_first_criterion(marked, 4)
    assert services.grades_refit(assignment=assignment, by=teacher) == 1
    old.refresh_from_db()
    assert (old.state, old.points) == (GradeState.SUPERSEDED, Decimal(3)), "what was given stays as it was"
    new = Grade.objects.open().get()
    assert (new.state, new.points, new.max_points) == (GradeState.PROPOSED, Decimal("4.5"), Decimal(6))
    assert list(new.criterion_scores.values_list("points", "max_points")) == [(3, 4), (Decimal("1.5"), 2)]
    event = new.events.get()
    assert (event.action, event.actor, event.before["grade"]) == ("refitted", teacher, old.pk)
    assert stale_grades(assignment) == []
    assert services.grades_refit(assignment=assignment, by=teacher) == 0


def test_a_new_criterion_has_no_points_and_so_the_grade_no_total(marked: Assignment, teacher: User) -> None:
    approved(marked, teacher, "1")
    Criterion.objects.create(rubric=marked.rubric, position=2, title="Style", points=1)
    Assignment.objects.filter(pk=marked.pk).update(max_points=5)
    services.grades_refit(assignment=Assignment.objects.get(pk=marked.pk), by=teacher)
    new = Grade.objects.open().get()
    assert new.points is None
    assert list(new.criterion_scores.values_list("points", flat=True)) == [1, 1, None]


def test_a_criterion_that_is_gone_takes_its_points_along(marked: Assignment, teacher: User) -> None:
    grade = approved(marked, teacher, "1")
    first, second = grade.criterion_scores.all()
    for score, words in ((first, "gap"), (second, "opens")):
        start = grade.submission.text.index(words)
        AnchoredComment.objects.create(
            grade=grade, by=teacher, start=start, end=start + len(words), text=words, score=score
        )
    Criterion.objects.filter(rubric__assignment=marked, position=0).delete()
    Assignment.objects.filter(pk=marked.pk).update(max_points=2)
    services.grades_refit(assignment=Assignment.objects.get(pk=marked.pk), by=teacher)
    new = Grade.objects.open().get()
    assert (new.points, new.max_points) == (1, 2)
    assert [(anchor.text, anchor.score is not None) for anchor in new.anchors.order_by("start")] == [
        ("gap", False),
        ("opens", True),
    ]


def test_without_criteria_the_total_keeps_its_share(assignment: Assignment, teacher: User) -> None:
    assignment = Assignment.objects.get(pk=assignment.pk)
    maximum = assignment.max_points
    make_grade(make_submission(assignment), "proposed", proposed_points=maximum / 2)
    Assignment.objects.update(max_points=maximum * 2)
    services.grades_refit(assignment=Assignment.objects.get(pk=assignment.pk), by=teacher)
    assert Grade.objects.open().get().proposed_points == maximum


def test_a_released_grade_is_left_alone(marked: Assignment, teacher: User) -> None:
    approved(marked, teacher, "1")
    services.grades_release(assignment=marked, by=teacher)
    assert services.grades_refit(assignment=change_first_criterion(marked, 4), by=teacher) == 0
    assert Grade.objects.get().state == GradeState.RELEASED


def test_the_pages_say_so_and_offer_to_carry_over(client: Client, marked: Assignment, teacher: User) -> None:
    grade = approved(marked, teacher, "1")
    client.force_login(teacher)
    page, desk = reverse("courses:assignment", args=[marked.pk]), reverse("grading:review", args=[grade.submission_id])
    assert "Carry the points over" not in client.get(page).content.decode()
    change_first_criterion(marked, 4)
    assert "Carry the points over" in client.get(page).content.decode()
    assert "was changed since this was marked" in client.get(desk).content.decode()
    told = client.post(reverse("grading:refit", args=[marked.pk]), follow=True).content.decode()
    assert "1 grade was carried over" in told
    assert "was changed since this was marked" not in client.get(desk).content.decode()
