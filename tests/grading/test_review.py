from __future__ import annotations

from decimal import Decimal

import pytest

from grading.exceptions import (
    CriteriaExceedMaximum,
    EditedMeanwhile,
    GradeIsClosed,
    PointsMissing,
    PointsNotAllowed,
    SubmissionReplaced,
    UnknownCriterion,
)
from grading.models import Grade, GradeState
from grading.services import (
    grade_approve,
    grade_by_hand,
    grade_change,
    grade_regrade,
    grade_reject,
    grade_reopen,
)
from tests.grading.factories import make_assignment, make_grade, make_submission


@pytest.fixture
def grade(db):
    return make_grade()


@pytest.fixture
def by_rubric(db):
    return make_grade(make_submission(make_assignment(criteria=(2, 2))))


def test_a_change_keeps_the_proposal_beside_it(grade, teacher):
    changed = grade_change(grade=grade, by=teacher, edition=1, points=Decimal("3.5"), feedback="Better.")
    assert (changed.points, changed.proposed_points) == (Decimal("3.5"), Decimal(2))
    assert (changed.feedback.text, changed.feedback.proposed_text) == ("Better.", "Well explained.")
    assert changed.edition == 2


def test_history_says_who_changed_what(grade, teacher):
    grade_change(grade=grade, by=teacher, edition=1, points=Decimal(3), internal_note="look again")
    event = grade.events.get()
    assert (event.actor, event.action) == (teacher, "changed")
    assert event.before == {"points": None, "internal_note": ""}
    assert event.after == {"points": "3.00", "internal_note": "look again"}


def test_saving_what_is_there_already_is_no_change(grade, teacher):
    same = grade_change(grade=grade, by=teacher, edition=1, feedback="Well explained.")
    assert same.edition == 1
    assert not grade.events.exists()


def test_it_refuses_a_stale_edition_and_writes_nothing(grade, teacher):
    grade_change(grade=grade, by=teacher, edition=1, points=Decimal(3))
    with pytest.raises(EditedMeanwhile):
        grade_change(grade=grade, by=teacher, edition=1, points=Decimal(1), feedback="mine")
    grade.refresh_from_db()
    assert grade.points == 3
    assert grade.feedback.text == "Well explained."


@pytest.mark.parametrize("points", ["-0.5", "4.5", "0.3", "NaN", "Infinity"])
def test_it_refuses_points_off_the_scale_or_between_steps(grade, teacher, points):
    with pytest.raises(PointsNotAllowed, match="0 to 4"):
        grade_change(grade=grade, by=teacher, edition=1, points=Decimal(points))


def test_the_total_is_the_sum_of_the_criteria(by_rubric, teacher):
    one, two = by_rubric.criterion_scores.all()
    half = grade_change(grade=by_rubric, by=teacher, edition=1, criterion_points={one.pk: Decimal("1.5")})
    assert half.points == Decimal("2.5"), "the other criterion counts as proposed"
    whole = grade_change(grade=by_rubric, by=teacher, edition=2, criterion_points={two.pk: Decimal(2)})
    assert whole.points == Decimal("3.5")


def test_a_total_that_was_given_stands(by_rubric, teacher):
    one, _ = by_rubric.criterion_scores.all()
    changed = grade_change(
        grade=by_rubric, by=teacher, edition=1, points=Decimal(4), criterion_points={one.pk: Decimal(0)}
    )
    assert changed.points == 4


def test_it_refuses_criterion_points_above_the_criterion(by_rubric, teacher):
    one, _ = by_rubric.criterion_scores.all()
    with pytest.raises(PointsNotAllowed, match="Criterion 1"):
        grade_change(grade=by_rubric, by=teacher, edition=1, criterion_points={one.pk: Decimal("2.5")})
    by_rubric.refresh_from_db()
    assert by_rubric.edition == 1


def test_it_refuses_a_sum_above_the_maximum(by_rubric, teacher):
    Grade.objects.filter(pk=by_rubric.pk).update(max_points=Decimal(3))
    scores = {score.pk: Decimal(2) for score in by_rubric.criterion_scores.all()}
    with pytest.raises(CriteriaExceedMaximum):
        grade_change(grade=by_rubric, by=teacher, edition=1, criterion_points=scores)


def test_it_refuses_a_criterion_of_another_grade(by_rubric, grade, teacher):
    one, _ = by_rubric.criterion_scores.all()
    with pytest.raises(UnknownCriterion):
        grade_change(grade=grade, by=teacher, edition=1, criterion_points={one.pk: Decimal(1)})


def test_approving_without_changes_takes_over_the_proposal(by_rubric, teacher):
    approved = grade_approve(grade=by_rubric, by=teacher, edition=1)
    assert (approved.state, approved.points, approved.approved_by) == (GradeState.APPROVED, 2, teacher)
    assert [score.points for score in approved.criterion_scores.all()] == [1, 1]
    assert [event.action for event in approved.events.all()] == ["approved"]


def test_approving_with_changes_writes_both_down(grade, teacher):
    approved = grade_approve(grade=grade, by=teacher, edition=1, points=Decimal(4))
    assert approved.points == 4
    assert [event.action for event in approved.events.all()] == ["changed", "approved"]


def test_a_teacher_can_leave_the_feedback_empty(grade, teacher):
    approved = grade_approve(grade=grade, by=teacher, edition=1, feedback="")
    assert (approved.feedback.text, approved.feedback.proposed_text) == ("", "Well explained.")


def test_it_refuses_to_approve_without_points(teacher):
    grade = make_grade(proposed_points=None)
    with pytest.raises(PointsMissing):
        grade_approve(grade=grade, by=teacher, edition=1)


def test_two_teachers_cannot_both_approve(grade, teacher):
    grade_approve(grade=grade, by=teacher, edition=1)
    with pytest.raises(EditedMeanwhile):
        grade_approve(grade=grade, by=teacher, edition=1)


def test_an_approved_grade_is_changed_only_after_reopening(grade, teacher):
    approved = grade_approve(grade=grade, by=teacher, edition=1)
    with pytest.raises(GradeIsClosed):
        grade_change(grade=approved, by=teacher, edition=approved.edition, points=Decimal(1))
    reopened = grade_reopen(grade=approved, by=teacher)
    assert (reopened.state, reopened.approved_by) == (GradeState.PROPOSED, None)
    assert grade_change(grade=reopened, by=teacher, edition=reopened.edition, points=Decimal(1)).points == 1


def test_a_released_grade_is_never_edited(teacher):
    grade = make_grade(state="released", points=Decimal(2))
    for act in (grade_change, grade_approve):
        with pytest.raises(GradeIsClosed, match="released"):
            act(grade=grade, by=teacher, edition=1, points=Decimal(1))
    with pytest.raises(GradeIsClosed):
        grade_reject(grade=grade, by=teacher, note="no")


def test_rejecting_makes_room_for_a_grade_by_hand(grade, teacher):
    grade_reject(grade=grade, by=teacher, note="off the mark")
    own = grade_by_hand(submission=grade.submission, by=teacher)
    assert own != grade
    assert (own.source, own.proposed_points, own.version) == ("teacher", None, None)
    assert grade.events.get().note == "off the mark"


def test_a_grade_by_hand_is_approved_with_the_teachers_points(teacher):
    own = grade_by_hand(submission=make_submission(make_assignment(criteria=(1, 3))), by=teacher)
    points = {score.pk: score.max_points for score in own.criterion_scores.all()}
    approved = grade_approve(grade=own, by=teacher, edition=1, criterion_points=points)
    assert approved.points == 4


def test_by_hand_gives_the_open_grade_where_there_is_one(grade, teacher):
    assert grade_by_hand(submission=grade.submission, by=teacher) == grade


def test_it_refuses_to_grade_a_replaced_submission_by_hand(teacher):
    with pytest.raises(SubmissionReplaced):
        grade_by_hand(submission=make_submission(state="superseded"), by=teacher)


def test_a_regrade_starts_beside_the_released_grade(teacher):
    released = make_grade(state="released", points=Decimal(3))
    fresh = grade_regrade(grade=released, by=teacher)
    assert (fresh.state, fresh.points, fresh.proposed_points) == (GradeState.PROPOSED, 3, 2)
    released.refresh_from_db()
    assert released.state == GradeState.RELEASED
    assert grade_regrade(grade=released, by=teacher) == fresh, "a second click makes no second one"
