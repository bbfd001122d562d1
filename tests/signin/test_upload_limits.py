"""What one account may send: how often a student hands in, and how much in one request."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from courses.models import Assignment, Submission
from courses.services import submission_create

pytestmark = pytest.mark.django_db


def hand_in(client: Client, assignment: Assignment, text: str) -> Any:
    url = reverse("courses:submit", args=[assignment.pk])
    return client.post(url, {"text": text, "replace": "on"}, follow=True)


def test_a_student_hands_in_so_often_a_day_and_no_more(
    client: Client, assignment: Assignment, student: User, settings: Any
) -> None:
    settings.HAND_INS_PER_DAY = 3
    client.force_login(student)
    for number in range(3):
        assert "Your answer was handed in." in hand_in(client, assignment, f"Answer {number}").text
    refused = hand_in(client, assignment, "One more, typed for an hour").text
    assert "You handed in 3 times within a day" in refused
    assert "One more, typed for an hour" in refused
    assert Submission.objects.current().get().text == "Answer 2"
    Submission.objects.update(submitted_at=timezone.now() - timedelta(days=1, minutes=1))
    assert "Your answer was handed in." in hand_in(client, assignment, "Tomorrow").text


def test_one_student_at_the_limit_keeps_neither_others_nor_teachers_from_it(
    client: Client, assignment: Assignment, student: User, other_student: User, teacher: User, settings: Any
) -> None:
    settings.HAND_INS_PER_DAY = 1
    for person in (student, other_student):
        client.force_login(person)
        assert "Your answer was handed in." in hand_in(client, assignment, "Scattering.").text
    submission_create(assignment=assignment, student=student, by=teacher, source="files", text="On paper.")
    assert Submission.objects.current().get(student=student).text == "On paper."


def test_a_file_over_the_limit_is_refused_in_words(
    client: Client, assignment: Assignment, student: User, settings: Any
) -> None:
    settings.MAX_UPLOAD_BYTES = 1000
    client.force_login(student)
    url = reverse("courses:submit", args=[assignment.pk])
    page = client.post(url, {"file": SimpleUploadedFile("long.txt", b"x" * 1001)}, follow=True)
    assert page.status_code == 200
    assert "too large" in page.text or "larger than" in page.text
    assert not Submission.objects.exclude(state="unreadable").exists()
