"""Proposals that wait are corrected by the marks given so far; people's own work and what the model said stay."""

from __future__ import annotations

from decimal import Decimal

import pytest

from courses.models import Assignment
from grading.models import AnswerReading, Correction, CorrectionBasis, Grade, ModelVersion
from grading.services import corrections as service
from grading.services import grade_approve, grade_change, grade_reopen
from grading.services.corrections import corrections_update
from mlcore.embedding import pack
from tests.grading.factories import make_assignment, make_grade, make_submission, make_user, make_version

pytestmark = pytest.mark.django_db

RIGHT = "The switch number {} opens the circuit, so no current flows through the lamp."
WRONG = "The bulb number {} is simply tired and has used up its light."


def a_marked_assignment(marked: int, waiting: int = 4) -> tuple[Assignment, list[Grade]]:
    """The model proposes half the points for everything; the teacher gives all or nothing. Every other is right."""
    version = ModelVersion.objects.promoted().first() or make_version()
    assignment, teacher = make_assignment(), make_user()
    rest = []
    for number in range(marked + waiting):
        right = number % 2 == 0
        submission = make_submission(assignment, text=(RIGHT if right else WRONG).format(number))
        grade = make_grade(submission, version=version)
        AnswerReading.objects.create(
            submission=submission, version=version, score=0.5, embedding=pack([1.0, float(right), 0.1 * number])
        )
        if number < marked:
            grade_approve(grade=grade, by=teacher, edition=1, points=Decimal(4 if right else 0))
        else:
            rest.append(grade)
    return assignment, rest


def corrections(grades: list[Grade]) -> list[Correction]:
    return list(Correction.objects.filter(grade__in=grades).order_by("grade"))


def test_marks_move_the_proposals_that_wait_and_leave_the_model_s_own_as_they_were():
    assignment, rest = a_marked_assignment(marked=12)
    assert corrections_update(assignment_id=assignment.pk) == 4
    found = corrections(rest)
    assert [row.marks for row in found] == [12] * 4
    assert [row.points > 2 for row in found] == [True, False, True, False]
    for grade in rest:
        grade.refresh_from_db()
        assert (grade.proposed_score, grade.proposed_points, grade.points, grade.edition) == (0.5, Decimal(2), None, 1)


def test_intervals_come_with_enough_marks_and_before_that_it_says_so():
    few, rest = a_marked_assignment(marked=6)
    corrections_update(assignment_id=few.pk)
    assert {(row.low, row.high, row.basis) for row in corrections(rest)} == {(None, None, CorrectionBasis.NONE)}
    enough, rest = a_marked_assignment(marked=12)
    corrections_update(assignment_id=enough.pk)
    for row in corrections(rest):
        assert row.basis == CorrectionBasis.QUESTION
        assert row.basis_marks == 12
        assert 0 <= row.low <= row.points <= row.high <= 4


def test_a_grade_that_a_person_has_touched_is_left_alone():
    assignment, rest = a_marked_assignment(marked=12)
    grade_change(grade=rest[0], by=make_user(), edition=1, feedback="My own words.")
    assert corrections_update(assignment_id=assignment.pk) == 3
    assert not Correction.objects.filter(grade=rest[0]).exists()


def test_doing_it_twice_changes_nothing():
    assignment, rest = a_marked_assignment(marked=12)
    corrections_update(assignment_id=assignment.pk)
    before = [(row.pk, row.score, row.points, row.low, row.high) for row in corrections(rest)]
    corrections_update(assignment_id=assignment.pk)
    assert [(row.pk, row.score, row.points, row.low, row.high) for row in corrections(rest)] == before


def test_nothing_is_written_where_a_mark_was_taken_back_meanwhile(monkeypatch: pytest.MonkeyPatch):
    assignment, rest = a_marked_assignment(marked=12)
    work_out = service._corrections

    def slowly(*args: object) -> list[Correction]:
        rows = work_out(*args)
        approved = Grade.objects.filter(state="approved").first()
        grade_reopen(grade=approved, by=make_user())
        return rows

    monkeypatch.setattr(service, "_corrections", slowly)
    assert corrections_update(assignment_id=assignment.pk) == 0
    assert corrections(rest) == []


def test_without_marks_any_more_corrections_go():
    assignment, rest = a_marked_assignment(marked=4)
    corrections_update(assignment_id=assignment.pk)
    assert len(corrections(rest)) == 4
    for grade in Grade.objects.filter(state="approved"):
        grade_reopen(grade=grade, by=make_user())
    corrections_update(assignment_id=assignment.pk)
    assert corrections(rest) == []


def test_an_approval_asks_for_corrections(django_capture_on_commit_callbacks, monkeypatch: pytest.MonkeyPatch):
    asked: list[object] = []
    monkeypatch.setattr("grading.tasks.cache.add", lambda *args, **kwargs: True)
    monkeypatch.setattr("grading.tasks._send", lambda task, args, countdown=0: asked.append((task.name, args)))
    grade = make_grade()
    with django_capture_on_commit_callbacks(execute=True):
        grade_approve(grade=grade, by=make_user(), edition=1)
    assert asked == [("grading.tasks.correct_proposals", (grade.submission.assignment_id,))]
