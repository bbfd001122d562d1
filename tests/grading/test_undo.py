"""Undo: the last act of a person is put back whole, and never over what happened since."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from courses.models import Assignment
from grading.exceptions import ChangedSince, NothingToUndo
from grading.models import ActKind, Grade, GradeState, ReviewAct
from grading.services import grade_approve, grade_by_hand, grade_change, grade_reject, grades_release
from grading.services.acts import act_begin, last_act, undo_last
from tests.grading.factories import make_assignment, make_grade, make_submission


@pytest.fixture
def grade(course) -> Grade:
    return make_grade(make_submission(make_assignment(course, criteria=(2, 2))))


@pytest.fixture
def where(grade) -> Assignment:
    return grade.submission.assignment


def test_an_approval_is_undone_and_leaves_the_points_to_the_model_again(grade, where, teacher):
    grade_approve(grade=grade, by=teacher, edition=1)
    undo_last(assignment=where, by=teacher)
    grade.refresh_from_db()
    assert (grade.state, grade.points, grade.approved_by) == (GradeState.PROPOSED, None, None)
    assert {score.points for score in grade.criterion_scores.all()} == {None}
    assert grade.events.order_by("pk").last().action == "undone"


def test_what_was_typed_stays_when_the_approval_is_undone_and_goes_with_the_next_undo(grade, where, teacher):
    grade_approve(grade=grade, by=teacher, edition=1, points=Decimal(3), feedback="Mine.")
    undo_last(assignment=where, by=teacher)
    grade = Grade.objects.get(pk=grade.pk)
    assert (grade.state, grade.points, grade.feedback.text) == (GradeState.PROPOSED, 3, "Mine.")
    undo_last(assignment=where, by=teacher)
    grade = Grade.objects.get(pk=grade.pk)
    assert (grade.points, grade.feedback.text) == (None, "Well explained.")
    with pytest.raises(NothingToUndo):
        undo_last(assignment=where, by=teacher)


def test_points_of_a_criterion_are_put_back(grade, where, teacher):
    first = grade.criterion_scores.first()
    grade_change(grade=grade, by=teacher, edition=1, criterion_points={first.pk: Decimal(2)})
    undo_last(assignment=where, by=teacher)
    first.refresh_from_db()
    grade.refresh_from_db()
    assert (first.points, grade.points) == (None, None)


def test_a_rejection_is_undone_unless_the_answer_has_another_grade_by_now(grade, where, teacher):
    grade_reject(grade=grade, by=teacher, edition=1)
    undo_last(assignment=where, by=teacher)
    grade.refresh_from_db()
    assert grade.state == GradeState.PROPOSED
    grade_reject(grade=grade, by=teacher)
    grade_by_hand(submission=grade.submission, by=teacher)
    with pytest.raises(ChangedSince):
        undo_last(assignment=where, by=teacher)
    grade.refresh_from_db()
    assert grade.state == GradeState.REJECTED


def test_it_refuses_to_undo_over_what_somebody_else_did_since(grade, where, teacher, assistant):
    grade_change(grade=grade, by=teacher, edition=1, points=Decimal(1))
    grade_change(grade=grade, by=assistant, edition=2, feedback="Theirs.")
    with pytest.raises(ChangedSince):
        undo_last(assignment=where, by=teacher)
    grade = Grade.objects.get(pk=grade.pk)
    assert (grade.points, grade.feedback.text) == (1, "Theirs.")
    assert last_act(where, assistant).kind == ActKind.CHANGED


def test_a_released_grade_is_not_undone(grade, where, teacher):
    grade_approve(grade=grade, by=teacher, edition=1)
    grades_release(assignment=where, by=teacher)
    with pytest.raises(ChangedSince):
        undo_last(assignment=where, by=teacher)


def test_a_bulk_act_is_undone_as_a_whole_or_not_at_all(grade, where, teacher, assistant):
    grades = [grade, *(make_grade(make_submission(where)) for _ in range(3))]

    def approve_all() -> None:
        act = act_begin(assignment=where, by=teacher, kind=ActKind.BULK_APPROVED)
        for row in grades:
            grade_approve(grade=row, by=teacher, edition=Grade.objects.get(pk=row.pk).edition, act=act)

    approve_all()
    undo_last(assignment=where, by=teacher)
    assert set(Grade.objects.values_list("state", flat=True)) == {GradeState.PROPOSED}
    approve_all()
    grade_reject(grade=grades[2], by=assistant)
    with pytest.raises(ChangedSince):
        undo_last(assignment=where, by=teacher)
    assert Grade.objects.filter(state=GradeState.APPROVED).count() == 3


@pytest.mark.parametrize(("minutes", "still"), [(10, True), (31, False)])
def test_ten_minutes_later_it_can_still_be_undone_and_after_half_an_hour_no_more(
    grade, where, teacher: User, minutes, still
):
    grade_approve(grade=grade, by=teacher, edition=1)
    ReviewAct.objects.update(at=timezone.now() - timedelta(minutes=minutes))
    assert (last_act(where, teacher) is not None) is still


def test_nobody_undoes_the_act_of_another(grade, where, teacher, assistant):
    grade_approve(grade=grade, by=teacher, edition=1)
    with pytest.raises(NothingToUndo):
        undo_last(assignment=where, by=assistant)
