"""Requests for a regrade: who may ask when, what an answer does to the grade, and who is told."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from courses.models import Assignment
from grading import services
from grading.exceptions import (
    AnswerMissing,
    NotReleasedAnyMore,
    ReasonMissing,
    RegradeAsked,
    RegradeIsClosed,
    RegradeNotYetApproved,
    RegradeTooLate,
)
from grading.models import Grade, GradeState, RegradeRequest, RegradeState
from grading.selectors import work_waiting
from grading.services.regrade_mails import regrade_mails_send
from tests.grading.factories import make_grade, make_submission

REASON = "I did write about the gap."


@pytest.fixture
def grade(assignment: Assignment, student: User, teacher: User) -> Grade:
    now = timezone.now()
    values = {"points": Decimal(1), "approved_by": teacher, "approved_at": now, "released_at": now, "told_at": now}
    return make_grade(make_submission(assignment, student=student), "released", **values)


def ask(grade: Grade, reason: str = REASON) -> RegradeRequest:
    return services.regrade_ask(grade=grade, by=grade.submission.student, reason=reason)


def test_a_student_asks_and_the_request_waits_for_the_teacher(grade: Grade, teacher: User, outsider: User) -> None:
    asked = ask(grade)
    assert asked.state == RegradeState.OPEN
    assert [(row.pk, counts.regrades) for row, counts in work_waiting(teacher)] == [(grade.submission.assignment_id, 1)]
    assert work_waiting(outsider) == []
    event = grade.events.get(action="regrade_asked")
    assert (event.actor, event.note) == (grade.submission.student, REASON)


def test_a_request_says_what_it_is_about(grade: Grade) -> None:
    with pytest.raises(ReasonMissing):
        ask(grade, "  \n")
    assert not RegradeRequest.objects.exists()


def test_a_grade_is_asked_about_once_but_again_after_the_request_was_taken_back(grade: Grade) -> None:
    first = ask(grade)
    with pytest.raises(RegradeAsked):
        ask(grade)
    services.regrade_take_back(asked=first, by=grade.submission.student)
    assert ask(grade).pk != first.pk
    with pytest.raises(RegradeIsClosed):
        services.regrade_take_back(asked=first, by=grade.submission.student)


@pytest.mark.parametrize(("days", "ago", "possible"), [(14, 13, True), (14, 15, False), (0, 0, False), (30, 15, True)])
def test_there_is_a_time_for_asking(grade: Grade, days: int, ago: int, possible: bool) -> None:
    Assignment.objects.update(regrade_days=days)
    Grade.objects.update(released_at=timezone.now() - timedelta(days=ago))
    grade = Grade.objects.get()
    if possible:
        assert ask(grade).state == RegradeState.OPEN
    else:
        with pytest.raises(RegradeTooLate):
            ask(grade)


def test_a_withdrawn_grade_is_not_asked_about(grade: Grade, teacher: User) -> None:
    services.grade_withdraw(grade=grade, by=teacher)
    with pytest.raises(NotReleasedAnyMore):
        ask(grade)


def test_an_answer_alone_leaves_the_grade_as_it_is(grade: Grade, teacher: User) -> None:
    asked = services.regrade_answer(asked=ask(grade), by=teacher, answer="It is about another gap.")
    assert (asked.state, asked.new_grade, asked.answered_by) == (RegradeState.ANSWERED, None, teacher)
    grade.refresh_from_db()
    assert (grade.state, grade.points) == (GradeState.RELEASED, Decimal(1))
    with pytest.raises(RegradeIsClosed):
        services.regrade_answer(asked=RegradeRequest.objects.get(), by=teacher, answer="Once more.")


def test_a_new_mark_is_released_with_the_answer_in_the_place_of_the_old_one(grade: Grade, teacher: User) -> None:
    asked = ask(grade)
    new = services.grade_regrade(grade=grade, by=teacher)
    with pytest.raises(RegradeNotYetApproved):
        services.regrade_answer(asked=asked, by=teacher, answer="You are right.")
    assert RegradeRequest.objects.get().state == RegradeState.OPEN
    services.grade_approve(grade=new, by=teacher, edition=new.edition, points=Decimal(3))
    answered = services.regrade_answer(asked=RegradeRequest.objects.get(), by=teacher, answer="You are right.")
    assert answered.new_grade == new
    grade.refresh_from_db()
    new.refresh_from_db()
    assert (grade.state, grade.points) == (GradeState.SUPERSEDED, Decimal(1))
    assert (new.state, new.points, new.released_by) == (GradeState.RELEASED, Decimal(3), teacher)


def test_an_answer_says_something(grade: Grade, teacher: User) -> None:
    with pytest.raises(AnswerMissing):
        services.regrade_answer(asked=ask(grade), by=teacher, answer=" ")


def test_the_teacher_and_the_student_are_told_once_each(
    grade: Grade,
    teacher: User,
    student: User,
    other_student: User,
    outsider: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks():
        asked = ask(grade)
    assert regrade_mails_send() == 1
    assert {address for message in mail.outbox for address in message.to} == {teacher.email}
    assert reverse("grading:review", args=[grade.submission_id]) in mail.outbox[0].body
    assert REASON not in mail.outbox[0].body
    assert regrade_mails_send() == 0
    mail.outbox.clear()
    services.regrade_answer(asked=asked, by=teacher, answer="It is about another gap.")
    assert regrade_mails_send() == 1
    assert [message.to for message in mail.outbox] == [[student.email]]
    assert regrade_mails_send() == 0


def test_a_student_asks_on_the_page_of_the_grade_and_reads_the_answer_there(
    client: Client, grade: Grade, student: User, teacher: User
) -> None:
    page, send = (reverse(name, args=[grade.submission_id]) for name in ("grading:my_grade", "grading:regrade_ask"))
    client.force_login(student)
    assert "Ask for another look" in client.get(page).content.decode()
    told = client.post(send, {"reason": REASON}, follow=True).content.decode()
    assert REASON in told
    assert "Take it back" in told
    assert "Ask for another look" not in told
    asked = RegradeRequest.objects.get()
    client.force_login(teacher)
    desk = client.get(reverse("grading:review", args=[grade.submission_id])).content.decode()
    assert REASON in desk
    client.post(reverse("grading:regrade_answer", args=[asked.pk]), {"answer": "It is about another gap."})
    client.force_login(student)
    shown = client.get(page).content.decode()
    assert "It is about another gap." in shown
    assert "Take it back" not in shown


def test_an_empty_request_is_refused_in_words(client: Client, grade: Grade, student: User) -> None:
    client.force_login(student)
    told = client.post(reverse("grading:regrade_ask", args=[grade.submission_id]), {"reason": ""}, follow=True)
    assert "Say what you would like to have looked at again." in told.content.decode()
    assert not RegradeRequest.objects.exists()


def test_only_criteria_of_this_grade_are_taken(client: Client, grade: Grade, student: User) -> None:
    client.force_login(student)
    client.post(reverse("grading:regrade_ask", args=[grade.submission_id]), {"reason": REASON, "criteria": ["999999"]})
    assert not RegradeRequest.objects.exists()


def test_after_approving_a_new_mark_the_desk_stays_at_the_request(client: Client, grade: Grade, teacher: User) -> None:
    ask(grade)
    new = services.grade_regrade(grade=grade, by=teacher)
    client.force_login(teacher)
    body = {"edition": new.edition, "points": "2", "feedback": "", "internal_note": "", "approve": "1"}
    answer = client.post(reverse("grading:grade_save", args=[new.pk]), body)
    assert answer["Location"].startswith(reverse("grading:review", args=[grade.submission_id]))
    assert "Answer and release the new grade" in client.get(answer["Location"]).content.decode()
