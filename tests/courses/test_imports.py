"""Rows of a table become answers; a school's past marking becomes assignments, answers and points."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from courses.imports import import_marked_answers, submissions_from_table
from courses.marked import ImportReport
from courses.models import Assignment, Course, Membership, Submission, SubmissionSource
from tests.factories import MembershipFactory, UserFactory

ROW = {"question_id": "q1", "question": "Why?", "reference_answer": "Because.", "max_score": 1.0, "min_score": 0.0}


def lines(*rows: dict[str, Any]) -> bytes:
    return "\n".join(json.dumps({**ROW, **row}) for row in rows).encode()


@pytest.fixture
def take(course: Course, teacher: User) -> Any:
    def run(data: bytes, *, with_grades: bool = True) -> ImportReport:
        return import_marked_answers(course=course, by=teacher, name="rows", data=data, with_grades=with_grades)

    return run


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_a_table_gives_one_answer_a_row(
    assignment: Assignment, teacher: User, student: User, other_student: User, encoding: str
) -> None:
    text = "Student;Antwort\nada@example.org;Größe\nBilal Chaudhry;\nnobody@example.org;x\nADA@example.org;again\n;y\n"
    report = submissions_from_table(assignment=assignment, by=teacher, name="t.csv", data=text.encode(encoding))
    assert (report.created, [error.row for error in report.errors]) == (2, [4, 5, 6])
    answers = {row.student: row.text for row in Submission.objects.filter(source=SubmissionSource.TABLE)}
    assert answers == {student: "Größe", other_student: ""}
    again = submissions_from_table(assignment=assignment, by=teacher, name="t.csv", data=text.encode(encoding))
    assert (again.created, again.unchanged) == (0, 2)


def test_a_name_that_two_students_have_is_left(assignment: Assignment, teacher: User) -> None:
    for number in range(2):
        user = UserFactory(email=f"kim{number}@example.org", first_name="Kim", last_name="Lee")
        MembershipFactory(course=assignment.course, user=user)
    report = submissions_from_table(assignment=assignment, by=teacher, name="t", data=b"student,answer\nKim Lee,x\n")
    assert (report.created, [error.row for error in report.errors]) == (0, [2])


def test_marked_rows_make_an_assignment_and_its_answers(take: Any, course: Course) -> None:
    report = take(lines({"id": "a", "answer": "So.", "score": 0.5, "feedback": "Hm."}, {"id": "b", "answer": ""}))
    assignment = course.assignments.get()
    assert (assignment.external_id, assignment.max_points, assignment.step) == ("q1", Decimal(1), "0.5")
    assert (report.submissions, report.errors) == (2, [])
    assert [(row.points, row.feedback, row.new) for row in report.marked] == [(Decimal("0.5"), "Hm.", True)]
    student = report.marked[0].submission.student
    assert (student.get_full_name(), student.is_active, student.email) == ("Imported 001", False, "")
    assert Membership.objects.filter(course=course, user=student, role="student").exists()


def test_without_grades_only_the_answers_come(take: Any) -> None:
    report = take(lines({"answer": "So.", "score": 0.5}), with_grades=False)
    assert (report.submissions, report.marked) == (1, [])
    assert Submission.objects.get().source == SubmissionSource.TABLE


def test_the_same_file_again_changes_nothing(take: Any) -> None:
    data = lines({"id": "a", "answer": "One", "score": 1}, {"answer": "Two"}, {"answer": "Two"}, {"answer": "Three"})
    assert take(data, with_grades=False).submissions == 4
    again = take(data)
    assert (again.submissions, again.unchanged, len(again.assignments)) == (0, 4, 1)
    assert [row.new for row in again.marked] == [False]
    assert (Submission.objects.count(), User.objects.filter(username__startswith="imported").count()) == (4, 4)


def test_stand_ins_serve_all_assignments_of_a_course(take: Any) -> None:
    take(lines({"answer": "One"}, {"answer": "Two"}, {"question_id": "q2", "answer": "Three"}))
    assert User.objects.filter(username__startswith="imported").count() == 2
    Membership.objects.filter(user__last_name="001").delete()
    assert take(lines({"question_id": "q3", "answer": "x"}, {"question_id": "q3", "answer": "y"})).submissions == 2


def test_rows_may_name_their_students(take: Any, student: User, course: Course) -> None:
    rows = [{"answer": "Mine", "student": "ADA@example.org"}, {"answer": "New", "student": "new@example.org"}]
    rows += [{"answer": "Other", "student": "ada@example.org"}, {"answer": "No", "student": "teacher@example.org"}]
    report = take(lines(*rows))
    assert [error.row for error in report.errors] == [3, 4]
    assert {row.student.username: row.text for row in Submission.objects.all()} == {
        "ada@example.org": "Mine",
        "new@example.org": "New",
    }


@pytest.mark.parametrize(
    ("scores", "step", "points"),
    [
        ((0, 1, 3), "1", ["0.00", "1.00", "3.00"]),
        ((0.5, 2), "0.5", ["0.50", "2.00"]),
        ((0.25, 1.5), "0.25", ["0.25", "1.50"]),
        ((0.125, 0.13, 0.9), "0.25", ["0.25", "0.25", "1.00"]),
    ],
)
def test_the_step_fits_the_points(take: Any, course: Course, scores: Any, step: str, points: list[str]) -> None:
    rows = [{"answer": f"{number}", "score": score, "max_score": 3} for number, score in enumerate(scores)]
    report = take(lines(*rows))
    assert course.assignments.get().step == step
    assert [str(row.points) for row in report.marked] == points
    changed = [Decimal(str(given)) != row.points for given, row in zip(scores, report.marked, strict=True)]
    assert len(report.notes) == sum(changed)


def test_a_later_file_makes_the_step_finer(take: Any, course: Course) -> None:
    take(lines({"answer": "a", "score": 1}))
    take(lines({"answer": "b", "score": 0.25}))
    assert course.assignments.get().step == "0.25"


def test_criteria_make_a_rubric_and_keep_their_points(take: Any, course: Course) -> None:
    criteria = [
        {"title": "Idea", "points": 2, "score": 1.5, "levels": [{"points": 0, "description": "none"}]},
        {"title": "Words", "points": 1, "score": 1},
    ]
    report = take(lines({"answer": "a", "score": 2.5, "max_score": 3, "criteria": criteria}))
    rows = {row.title: row.pk for row in course.assignments.get().rubric.criteria.all()}
    assert report.marked[0].criterion_points == {rows["Idea"]: Decimal("1.5"), rows["Words"]: Decimal(1)}


def test_criteria_that_do_not_add_up_are_left_out_and_told(take: Any, course: Course) -> None:
    report = take(lines({"answer": "a", "criteria": [{"title": "Idea", "points": 7}]}))
    assert (report.submissions, [note.row for note in report.notes]) == (1, [1])
    assert not hasattr(course.assignments.get(), "rubric")


@pytest.mark.parametrize(
    "row",
    [
        {"score": 2},
        {"score": -1},
        {"score": "many"},
        {"max_score": 0},
        {"min_score": -1},
        {"max_score": 2.5},
        {"question": "Another question"},
        {"question": None, "question_id": "q9"},
        {"student": "no address"},
        {"answer": "x" * 500_001},
    ],
)
def test_a_row_that_does_not_fit_is_told_and_the_others_kept(take: Any, row: dict[str, Any]) -> None:
    report = take(lines({"answer": "good"}, {"answer": "bad", **row}, {"answer": "good too"}))
    assert (report.submissions, [error.row for error in report.errors]) == (2, [2])
    assert report.errors[0].message


def test_the_language_is_that_of_the_row_or_of_the_question(take: Any, course: Course) -> None:
    german = "Warum ist der Himmel blau und nicht grün?"
    take(lines({"answer": "a"}, {"answer": "a", "question_id": "q2", "question": german}))
    take(lines({"answer": "a", "question_id": "q3", "language": "de"}))
    assert list(course.assignments.order_by("pk").values_list("language", flat=True)) == ["en", "de", "de"]


def test_a_csv_of_marked_answers_is_read_too(take: Any, course: Course) -> None:
    data = "Frage;Antwort;Punkte;Maximale Punkte;Rückmeldung\nWarum?;Darum;1,5;2;Gut\n".encode("cp1252")
    report = take(data)
    assert [(row.points, row.feedback) for row in report.marked] == [(Decimal("1.5"), "Gut")]
    assert course.assignments.get().max_points == Decimal(2)
