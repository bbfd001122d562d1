"""Second marking: blind, by another person, settled where two marks lie apart, and held back until then."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from courses.models import Assignment
from grading import services
from grading.exceptions import (
    GradeIsClosed,
    MarkedTwiceAlready,
    NotYourOwnSecond,
    PointsNotAllowed,
    SecondMarksMissing,
)
from grading.forms import criterion_field
from grading.models import Grade, GradeState, SecondMark, SecondMarkState
from grading.second_marking import held_back, is_sampled, markers, pair_agreement, second_pairs
from tests.grading.factories import make_assignment, make_grade, make_submission, make_user


@pytest.fixture
def grade(assignment: Assignment, teacher: User) -> Grade:
    """An approved paper of an assignment that has all of them marked twice, where half a point may differ."""
    Assignment.objects.update(second_share=100, second_spread=Decimal("0.5"))
    return approved(Assignment.objects.get(pk=assignment.pk), teacher)


def approved(assignment: Assignment, by: User, points: float = 1) -> Grade:
    student = make_user(first_name="Zyx", last_name="Hidden")
    decided = {"points": Decimal(str(points)), "approved_by": by, "approved_at": timezone.now()}
    return make_grade(make_submission(assignment, student=student), "approved", feedback="The first one's.", **decided)


def second(grade: Grade, by: User, points: float) -> SecondMark:
    return services.second_mark_give(grade=grade, by=by, points=Decimal(str(points)))


def test_a_paper_is_held_back_until_it_has_a_second_mark_close_enough(
    grade: Grade, assignment: Assignment, teacher: User, assistant: User
) -> None:
    assignment = Assignment.objects.get(pk=assignment.pk)
    with pytest.raises(SecondMarksMissing):
        services.grades_release(assignment=assignment, by=teacher)
    second(grade, assistant, 1.5)
    assert held_back(assignment) == []
    assert services.grades_release(assignment=assignment, by=teacher) == 1


def test_others_are_released_meanwhile(grade: Grade, teacher: User, assistant: User) -> None:
    assignment = Assignment.objects.get(pk=grade.submission.assignment_id)
    ready = approved(assignment, teacher)
    second(ready, assistant, 1)
    assert services.grades_release(assignment=assignment, by=teacher) == 1
    grade.refresh_from_db()
    assert grade.state == GradeState.APPROVED


def test_two_marks_apart_are_settled_through_the_review(grade: Grade, teacher: User, assistant: User) -> None:
    assignment = Assignment.objects.get(pk=grade.submission.assignment_id)
    given = second(grade, assistant, 2)
    assert [pair.apart for pair in second_pairs(assignment)] == [True]
    with pytest.raises(SecondMarksMissing):
        services.grades_release(assignment=assignment, by=teacher)
    settled = services.second_mark_settle(second=given, by=teacher, points=Decimal("1.5"))
    assert (settled.state, settled.settled_points, settled.settled_by) == ("settled", Decimal("1.5"), teacher)
    grade.refresh_from_db()
    assert (grade.state, grade.points) == (GradeState.APPROVED, Decimal("1.5"))
    actions = list(grade.events.values_list("action", flat=True))
    assert actions == ["second_mark", "reopened", "changed", "approved", "settled"]
    assert services.grades_release(assignment=assignment, by=teacher) == 1


def test_settling_on_the_first_mark_changes_no_grade(grade: Grade, teacher: User, assistant: User) -> None:
    services.second_mark_settle(second=second(grade, assistant, 2), by=teacher, points=Decimal(1))
    grade.refresh_from_db()
    assert grade.points == 1
    assert "reopened" not in grade.events.values_list("action", flat=True)
    assert held_back(Assignment.objects.get(pk=grade.submission.assignment_id)) == []


def test_a_first_mark_changed_after_the_settling_is_held_back_again(
    grade: Grade, teacher: User, assistant: User
) -> None:
    assignment = Assignment.objects.get(pk=grade.submission.assignment_id)
    services.second_mark_settle(second=second(grade, assistant, 2), by=teacher, points=Decimal(1))
    opened = services.grade_reopen(grade=Grade.objects.get(pk=grade.pk), by=teacher)
    services.grade_approve(grade=opened, by=teacher, edition=opened.edition, points=Decimal(0))
    assert len(held_back(assignment)) == 1
    again = SecondMark.objects.get()
    services.second_mark_settle(second=again, by=teacher, points=Decimal(2))
    assert held_back(assignment) == []
    assert SecondMark.objects.get().state == SecondMarkState.SETTLED


def test_the_second_mark_is_another_persons_and_given_once(grade: Grade, teacher: User, assistant: User) -> None:
    with pytest.raises(NotYourOwnSecond):
        second(grade, teacher, 1)
    second(grade, assistant, 1)
    with pytest.raises(MarkedTwiceAlready):
        second(grade, assistant, 2)


def test_its_points_fit_the_rubric_and_its_paper_is_approved(grade: Grade, teacher: User, assistant: User) -> None:
    for points in (-1, 99, 0.3):
        with pytest.raises(PointsNotAllowed):
            second(grade, assistant, points)
    services.grade_reopen(grade=grade, by=teacher)
    with pytest.raises(GradeIsClosed):
        second(grade, assistant, 1)


def test_the_share_is_drawn_by_chance_and_stays_the_same(db: None) -> None:
    grades = [Grade(submission_id=number) for number in range(1, 1001)]
    drawn = [is_sampled(grade, 20) for grade in grades]
    assert 150 < sum(drawn) < 250
    assert drawn == [is_sampled(grade, 20) for grade in grades]
    assert all(is_sampled(grade, 100) for grade in grades)
    assert not any(is_sampled(grade, 0) for grade in grades)


def test_the_page_of_a_second_mark_shows_neither_mark_nor_proposal_nor_name(
    client: Client, grade: Grade, assistant: User
) -> None:
    client.force_login(assistant)
    page = client.get(reverse("grading:second_mark", args=[grade.submission_id])).content.decode()
    assert grade.submission.text in page
    for hidden in ("Zyx", "Hidden", "The first one", "Osei"):
        assert hidden not in page
    answer = client.post(reverse("grading:second_mark", args=[grade.submission_id]), {"points": "", "note": ""})
    assert answer.status_code == 422
    client.post(reverse("grading:second_mark", args=[grade.submission_id]), {"points": "2", "note": "Generous."})
    assert SecondMark.objects.get().points == 2


def test_criteria_are_given_one_by_one_and_add_up(client: Client, assistant: User, teacher: User) -> None:
    made = make_assignment(teacher.memberships.get().course, criteria=(2, 2), second_share=100)
    assignment = Assignment.objects.get(pk=made.pk)
    grade = approved(assignment, teacher)
    client.force_login(assistant)
    names = [criterion_field(score) for score in grade.criterion_scores.all()]
    page = client.get(reverse("grading:second_mark", args=[grade.submission_id])).content.decode()
    assert all(f'name="{name}"' in page for name in names)
    client.post(reverse("grading:second_mark", args=[grade.submission_id]), dict.fromkeys(names, "1.5"))
    found = SecondMark.objects.get()
    assert (found.points, found.criteria) == (3, ["1.50", "1.50"])


def test_moderation_shows_agreement_settles_and_tells_who_marked_what(
    client: Client, grade: Grade, teacher: User, assistant: User
) -> None:
    assignment = Assignment.objects.get(pk=grade.submission.assignment_id)
    second(grade, assistant, 2)
    for points in (0, 1, 2, 2):
        second(approved(assignment, teacher, points), assistant, points)
    found = pair_agreement(second_pairs(assignment), assignment)
    assert found is not None
    assert (found.count, found.same) == (5, 4)
    assert [(row.name, row.count, row.mean) for row in markers(assignment)] == [("Miriam Osei", 5, 1.2)]
    client.force_login(teacher)
    page = client.get(reverse("grading:second_marks", args=[assignment.pk])).content.decode()
    assert "Settle it" in page
    settle = reverse("grading:second_settle", args=[SecondMark.objects.earliest("pk").pk])
    assert "Between them" in client.get(settle).content.decode()
    assert client.post(settle, {"points": "9"}).status_code == 422
    assert client.post(settle, {"points": "1.5"}).status_code == 302
    page = client.get(reverse("grading:second_marks", args=[assignment.pk])).content.decode()
    assert "settled by Miriam Osei" in page
