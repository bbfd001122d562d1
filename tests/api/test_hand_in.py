"""Handing in through the API: a repeat changes nothing, whatever is sent again and whenever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile

from courses.models import Assignment, Submission
from courses.services import submission_create

pytestmark = pytest.mark.django_db


@pytest.fixture
def path(assignment: Assignment) -> str:
    return f"/assignments/{assignment.pk}/submissions"


def test_a_repeat_with_the_same_key_gives_the_same_answer(
    path: str, student: User, program: Callable[..., Any]
) -> None:
    first = program(student).post(path, {"text": "Dust."}, idempotency_key="k1")
    again = program(student).post(path, {"text": "Dust."}, idempotency_key="k1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert Submission.objects.count() == 1


def test_a_late_repeat_does_not_bring_an_old_answer_back(
    path: str, student: User, assignment: Assignment, program: Callable[..., Any]
) -> None:
    first = program(student).post(path, {"text": "Dust."}, idempotency_key="k1").json()
    submission_create(assignment=assignment, student=student, by=student, source="typed", text="Scattering.")
    again = program(student).post(path, {"text": "Dust."}, idempotency_key="k1")
    assert (again.status_code, again.json()["id"], again.json()["state"]) == (200, first["id"], "superseded")
    assert Submission.objects.current().get().text == "Scattering."


def test_a_key_is_not_taken_for_another_answer(path: str, student: User, program: Callable[..., Any]) -> None:
    program(student).post(path, {"text": "Dust."}, idempotency_key="k1")
    other = program(student).post(path, {"text": "Scattering."}, idempotency_key="k1")
    assert (other.status_code, other.json()["error"]["code"]) == (409, "already_taken")
    assert Submission.objects.get().text == "Dust."


def test_keys_of_two_people_never_meet(
    path: str, student: User, other_student: User, program: Callable[..., Any]
) -> None:
    codes = [
        program(user).post(path, {"text": "A"}, idempotency_key="k1").status_code for user in (student, other_student)
    ]
    assert codes == [201, 201]


def test_without_a_key_every_request_hands_in(path: str, student: User, program: Callable[..., Any]) -> None:
    for _ in range(2):
        assert program(student).post(path, {"text": "Dust."}).status_code == 201
    assert Submission.objects.count() == 2
    assert Submission.objects.current().count() == 1


def test_staff_hand_in_for_a_student_by_external_id(
    path: str, teacher: User, student: User, program: Callable[..., Any]
) -> None:
    data = {"text": "Dust.", "student": student.email.upper(), "external_id": "moodle-7"}
    codes = [program(teacher).post(path, data).status_code for _ in range(2)]
    row = Submission.objects.get()
    assert (codes, row.student, row.uploaded_by, row.external_id) == ([201, 200], student, teacher, "moodle-7")


@pytest.mark.parametrize("who", ["outsider@example.org", "nobody@example.org", "", None])
def test_staff_name_a_student_of_the_course(
    who: str | None, path: str, teacher: User, outsider: User, program: Any
) -> None:
    answer = program(teacher).post(path, {"text": "Dust.", "student": who})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "student")


def test_a_file_is_read_and_taken_once(path: str, student: User, program: Callable[..., Any]) -> None:
    codes = []
    for _ in range(2):
        data = {"file": SimpleUploadedFile("why.txt", "Because of dust — probably.".encode())}
        codes.append(program(student).file(f"{path}/file", data, idempotency_key="f1").status_code)
    row = Submission.objects.get()
    assert (codes, row.text, row.original_name) == ([201, 200], "Because of dust — probably.", "why.txt")


def test_a_file_that_cannot_be_read_says_why(path: str, student: User, program: Callable[..., Any]) -> None:
    answer = program(student).file(f"{path}/file", {"file": SimpleUploadedFile("a.bin", b"\x00\x01\x02\xff" * 50)})
    assert (answer.status_code, answer.json()["state"]) == (201, "unreadable")
    assert answer.json()["problem"]


def test_a_student_hands_in_only_so_often(path: str, student: User, settings: Any, program: Callable[..., Any]) -> None:
    settings.HAND_INS_PER_DAY = 1
    codes = [program(student).post(path, {"text": "Dust."}).status_code for _ in range(2)]
    assert codes == [201, 429]


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_text_that_no_database_keeps_is_refused(
    text: str, path: str, student: User, program: Callable[..., Any]
) -> None:
    answer = program(student).post(path, {"text": text})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "text")
