from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from courses.models import Assignment, Submission, SubmissionState
from tests.factories import SubmissionFactory


@pytest.fixture
def as_student(client: Client, student: User) -> Client:
    client.force_login(student)
    return client


def hand_in(client: Client, assignment: Assignment, **data: Any) -> Any:
    return client.post(reverse("courses:submit", args=[assignment.pk]), data, follow=True)


def test_a_typed_answer_is_handed_in(as_student: Client, assignment: Assignment) -> None:
    page = hand_in(as_student, assignment, text="Scattering.\n\nبسبب التشتت 🌌\x00")
    assert "Your answer was handed in." in page.text
    assert Submission.objects.get().text == "Scattering.\n\nبسبب التشتت 🌌"


def test_a_file_is_handed_in_and_comes_back_as_it_was(as_student: Client, assignment: Assignment) -> None:
    hand_in(as_student, assignment, file=SimpleUploadedFile("mein Aufsatz.html", b"<script>alert(1)</script>"))
    row = Submission.objects.get()
    response = as_student.get(reverse("courses:submission_original", args=[row.pk]))
    assert b"".join(response.streaming_content) == b"<script>alert(1)</script>"
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Disposition"] == 'attachment; filename="mein Aufsatz.html"'


def test_an_unreadable_file_is_kept_with_its_reason(as_student: Client, assignment: Assignment) -> None:
    page = hand_in(as_student, assignment, file=SimpleUploadedFile("answer.pdf", b"%PDF-1.4 broken"))
    assert "The file is damaged or incomplete." in page.text
    assert Submission.objects.get().state == SubmissionState.UNREADABLE


@pytest.mark.parametrize("data", [{}, {"text": "  \n"}])
def test_nothing_is_not_handed_in(data: dict[str, str], as_student: Client, assignment: Assignment) -> None:
    assert "Type an answer or choose a file." in hand_in(as_student, assignment, **data).text
    assert not Submission.objects.exists()


def test_text_and_file_at_once_come_back_with_words(as_student: Client, assignment: Assignment) -> None:
    page = hand_in(as_student, assignment, text="One.", file=SimpleUploadedFile("two.txt", b"Two."))
    assert "not both" in page.text
    assert not Submission.objects.exists()


def test_a_second_answer_replaces_the_first_only_when_confirmed(
    as_student: Client, assignment: Assignment, student: User
) -> None:
    first = SubmissionFactory(assignment=assignment, student=student)
    hand_in(as_student, assignment, text="Better.")
    first.refresh_from_db()
    assert first.state == SubmissionState.READY
    hand_in(as_student, assignment, text="Better.", replace="on")
    first.refresh_from_db()
    assert first.state == SubmissionState.SUPERSEDED
    assert Submission.objects.current().get().text == "Better."


def test_an_answer_beyond_the_limit_comes_back_with_words_and_text(as_student: Client, assignment: Assignment) -> None:
    page = hand_in(as_student, assignment, text="long " * 300_000)
    assert "characters; at most" in page.text
    assert "long long" in page.text


def test_the_original_of_a_typed_answer_is_not_there(as_student: Client, assignment: Assignment, student: User) -> None:
    row = SubmissionFactory(assignment=assignment, student=student)
    assert as_student.get(reverse("courses:submission_original", args=[row.pk])).status_code == 404
