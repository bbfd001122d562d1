from __future__ import annotations

import json
from decimal import Decimal

import pytest
from django.core import mail

from grading.exceptions import GradeIsClosed, NewerGradeReleased, NothingToRelease
from grading.mapping import student_key
from grading.models import ExampleState, Grade, GradeState, TrainingExample
from grading.services import grade_approve, grade_regrade, grade_release_again, grade_withdraw, grades_release
from grading.services.mails import released_mails_send
from mlcore.rows import read_rows
from tests.grading.factories import make_assignment, make_course, make_grade, make_submission, make_user


@pytest.fixture
def approved(db):
    assignment = make_assignment(criteria=(2, 2))
    return make_grade(make_submission(assignment), "approved", points=Decimal(3))


def release(grade: Grade, teacher) -> Grade:
    grades_release(assignment=grade.submission.assignment, by=teacher)
    return Grade.objects.get(pk=grade.pk)


def test_release_shows_approved_grades_to_their_students(approved, teacher):
    make_grade(make_submission(approved.submission.assignment))
    assert grades_release(assignment=approved.submission.assignment, by=teacher) == 1
    student = approved.submission.student
    assert Grade.objects.visible_to(student).get() == approved
    approved.refresh_from_db()
    assert approved.released_by == teacher
    assert approved.events.get().action == "released"


def test_it_refuses_where_nothing_is_approved(teacher):
    with pytest.raises(NothingToRelease):
        grades_release(assignment=make_grade().submission.assignment, by=teacher)


def test_a_grade_of_a_replaced_submission_stays(approved, teacher):
    type(approved.submission).objects.filter(pk=approved.submission_id).update(state="superseded")
    with pytest.raises(NothingToRelease):
        grades_release(assignment=approved.submission.assignment, by=teacher)


def test_a_regrade_takes_the_place_of_the_released_one_when_it_is_released(approved, teacher):
    first = release(approved, teacher)
    fresh = grade_regrade(grade=first, by=teacher)
    student = first.submission.student
    assert Grade.objects.visible_to(student).get() == first
    grade_approve(grade=fresh, by=teacher, edition=1, points=Decimal(4))
    release(fresh, teacher)
    assert Grade.objects.visible_to(student).get() == fresh
    first.refresh_from_db()
    assert first.state == GradeState.SUPERSEDED


def test_withdrawing_hides_a_grade_and_keeps_it(approved, teacher):
    grade = release(approved, teacher)
    grade_withdraw(grade=grade, by=teacher, note="wrong assignment")
    assert not Grade.objects.visible_to(grade.submission.student).exists()
    assert grade.events.last().note == "wrong assignment"
    again = grade_release_again(grade=Grade.objects.get(pk=grade.pk), by=teacher)
    assert again.state == GradeState.RELEASED


def test_it_refuses_to_withdraw_what_is_not_released(approved, teacher):
    with pytest.raises(GradeIsClosed):
        grade_withdraw(grade=approved, by=teacher)


def test_it_refuses_to_release_a_withdrawn_grade_beside_a_newer_one(teacher):
    submission = make_submission()
    old = make_grade(submission, "withdrawn", points=Decimal(1))
    make_grade(submission, "released", points=Decimal(2))
    with pytest.raises(NewerGradeReleased):
        grade_release_again(grade=old, by=teacher)


def test_a_released_grade_becomes_a_training_example_without_names(approved, teacher, tmp_path):
    approved.criterion_scores.update(points=Decimal("1.5"))
    release(approved, teacher)
    example = TrainingExample.objects.get()
    assert example.state == ExampleState.ACCEPTED
    student = approved.submission.student
    text = str(example.row)
    assert not any(name in text for name in (student.username, student.last_name, student.first_name))
    assert example.row["student"] == student_key(student.pk)
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(example.row))
    (row,) = read_rows(path)
    assert (row.score, row.question.max_points, row.feedback) == (3.0, 4.0, "Well explained.")
    assert sorted(row.criterion_points.values()) == [1.5, 1.5]


def test_a_withdrawn_grade_is_no_longer_trained_on_until_it_is_released_again(approved, teacher):
    grade = release(approved, teacher)
    grade_withdraw(grade=grade, by=teacher)
    assert not TrainingExample.objects.usable().exists()
    grade_release_again(grade=Grade.objects.get(pk=grade.pk), by=teacher)
    assert TrainingExample.objects.usable().count() == 1


def test_an_empty_answer_teaches_nothing(teacher):
    release(make_grade(make_submission(text="   "), "approved", points=Decimal(0)), teacher)
    assert not TrainingExample.objects.exists()


def test_students_are_told_by_mail_in_the_courses_language_without_the_grade(teacher, settings):
    settings.SITE_URL = "https://marks.example.org"
    assignment = make_assignment(make_course(language="en"), title="Ohm's law\nBcc: x@example.org")
    grade = make_grade(make_submission(assignment), "approved", points=Decimal("3.5"), feedback="SECRET")
    release(grade, teacher)
    assert released_mails_send(grade_ids=[grade.pk]) == 1
    (message,) = mail.outbox
    assert message.to == [grade.submission.student.email]
    assert "https://marks.example.org/" in message.body
    assert "SECRET" not in message.body
    assert "3.5" not in message.body
    assert "\n" not in message.subject


def test_nobody_is_told_twice(approved, teacher):
    release(approved, teacher)
    assert [released_mails_send(), released_mails_send()] == [1, 0]


def test_a_mail_that_could_not_be_sent_is_tried_again(approved, teacher, settings):
    release(approved, teacher)
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", "127.0.0.1"
    settings.EMAIL_PORT = 9
    assert released_mails_send() == 0
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert released_mails_send() == 1


def test_accounts_that_only_hold_imported_answers_get_no_mail(teacher):
    nobody = make_user(is_active=False)
    release(make_grade(make_submission(student=nobody), "approved", points=Decimal(1)), teacher)
    assert released_mails_send() == 0
