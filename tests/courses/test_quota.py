"""How much one person may bring in: so often an hour, so many bytes in all. What is refused says when or why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from courses.models import Assignment, Course, Submission, UnmatchedFile
from courses.quota import QuotaSpent
from courses.services import submission_create
from gradingsite.signin.models import Tries

pytestmark = pytest.mark.django_db
TEXT = b"Because of Rayleigh scattering. "


def upload(client: Client, assignment: Assignment, name: str = "who.txt", data: bytes = TEXT) -> str:
    url = reverse("courses:upload_files", args=[assignment.pk])
    return client.post(url, {"uploads": SimpleUploadedFile(name, data)}, follow=True).text


@pytest.fixture
def as_teacher(client: Client, teacher: User) -> Client:
    client.force_login(teacher, backend="gradingsite.accounts.EmailBackend")
    return client


def test_so_many_uploads_an_hour_and_then_a_time_to_come_back(
    as_teacher: Client, assignment: Assignment, settings: Any
) -> None:
    settings.TRIES_PER_HOUR = {**settings.TRIES_PER_HOUR, "file": 2}
    settings.TIME_ZONE = "UTC"
    for number in range(2):
        upload(as_teacher, assignment, f"who{number}.txt")
    again_at = Tries.objects.get().until
    page = upload(as_teacher, assignment, "late.txt")
    assert "as often as it goes" in page
    assert f"{again_at:%-I:%M}" in page
    assert UnmatchedFile.objects.count() == 2
    Tries.objects.update(until=timezone.now() - timedelta(seconds=1))
    upload(as_teacher, assignment, "late.txt")
    assert UnmatchedFile.objects.count() == 3


@pytest.mark.parametrize(
    ("page", "of"),
    [
        ("courses:upload_table", "assignment"),
        ("courses:enrol", "course"),
        ("grading:import_marked", "course"),
        ("grading:gradebook", "assignment"),
    ],
)
def test_every_import_counts(
    as_teacher: Client, assignment: Assignment, course: Course, settings: Any, page: str, of: str
) -> None:
    settings.TRIES_PER_HOUR = {**settings.TRIES_PER_HOUR, "file": 1}
    url = reverse(page, args=[assignment.pk if of == "assignment" else course.pk])
    pages = [as_teacher.post(url, {"file": SimpleUploadedFile("a.csv", b"a,b\n1,2\n")}).text for _ in range(2)]
    assert ["as often as it goes" in text for text in pages] == [False, True]


def test_one_persons_uploads_are_not_anothers(
    as_teacher: Client, assistant: User, assignment: Assignment, settings: Any
) -> None:
    settings.TRIES_PER_HOUR = {**settings.TRIES_PER_HOUR, "file": 1}
    upload(as_teacher, assignment, "one.txt")
    other = Client()
    other.force_login(assistant, backend="gradingsite.accounts.EmailBackend")
    upload(other, assignment, "two.txt")
    assert UnmatchedFile.objects.count() == 2


def test_a_student_fills_their_own_share_and_nobody_elses(
    assignment: Assignment, student: User, other_student: User, settings: Any
) -> None:
    settings.STUDENT_QUOTA_BYTES = 50

    def hand_in(who: User) -> Submission:
        return submission_create(assignment=assignment, student=who, by=who, source="upload", file=("a.txt", TEXT))

    first = hand_in(student)
    for _ in range(2):  # by what is remembered, and by what lies on the disk
        with pytest.raises(QuotaSpent):
            hand_in(student)
        cache.clear()
    assert Submission.objects.current().get(student=student) == first
    hand_in(other_student)


def test_what_staff_bring_in_counts_for_the_course(as_teacher: Client, assignment: Assignment, settings: Any) -> None:
    settings.COURSE_QUOTA_BYTES = 2 * len(TEXT)
    for number in range(2):
        upload(as_teacher, assignment, f"who{number}.txt", TEXT + bytes([65 + number])[:0])
    assert UnmatchedFile.objects.count() == 2
    page = upload(as_teacher, assignment, "more.txt", b"One more.")
    assert "The file was not kept" in page
    assert UnmatchedFile.objects.count() == 2
    UnmatchedFile.objects.first().delete()  # type: ignore[union-attr]
    cache.clear()
    upload(as_teacher, assignment, "more.txt", b"One more.")
    assert UnmatchedFile.objects.count() == 2


def test_ones_own_copy_is_made_only_so_often(client: Client, student: User, settings: Any) -> None:
    settings.TRIES_PER_HOUR = {**settings.TRIES_PER_HOUR, "copy": 2}
    client.force_login(student, backend="gradingsite.accounts.EmailBackend")
    answers = [client.get(reverse("grading:my_data")) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert "Wait an hour" in answers[2].text
