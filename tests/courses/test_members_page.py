from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from courses.models import Course, Membership, Role


@pytest.fixture
def as_teacher(client: Client, teacher: User) -> Client:
    client.force_login(teacher)
    return client


def test_a_person_is_added_by_address(as_teacher: Client, course: Course) -> None:
    address = reverse("courses:members", args=[course.pk])
    response = as_teacher.post(address, {"email": "New@Example.org", "name": "Nia New", "role": "student"}, follow=True)
    assert "Nia New belongs to the course now." in response.text
    assert Membership.objects.get(course=course, user__username="new@example.org").role == Role.STUDENT


def test_a_wrong_address_comes_back_with_words(as_teacher: Client, course: Course) -> None:
    address = reverse("courses:members", args=[course.pk])
    response = as_teacher.post(address, {"email": "nobody", "role": "student"})
    assert "Enter a valid email address." in response.text


def test_a_role_is_changed_and_a_member_taken_out(as_teacher: Client, course: Course, student: User) -> None:
    row = Membership.objects.get(course=course, user=student)
    as_teacher.post(reverse("courses:member_role", args=[row.pk]), {"role": "assistant"})
    row.refresh_from_db()
    assert row.role == Role.ASSISTANT
    as_teacher.post(reverse("courses:member_remove", args=[row.pk]))
    assert not Membership.objects.filter(pk=row.pk).exists()
    assert User.objects.filter(pk=student.pk).exists()


def test_the_last_teacher_stays_and_the_page_says_why(as_teacher: Client, course: Course, teacher: User) -> None:
    row = Membership.objects.get(course=course, user=teacher)
    response = as_teacher.post(reverse("courses:member_remove", args=[row.pk]), follow=True)
    assert "A course needs at least one teacher" in response.text
    assert Membership.objects.filter(pk=row.pk).exists()


def test_good_rows_of_a_list_are_kept_and_bad_ones_told(as_teacher: Client, course: Course) -> None:
    data = "Name;E-Mail;Rolle\nÄnne Ö;aenne@example.org;Schülerin\nBob;not-an-address;student\n".encode("latin-1")
    file = SimpleUploadedFile("list.csv", data)
    response = as_teacher.post(reverse("courses:enrol", args=[course.pk]), {"file": file})
    assert Membership.objects.get(course=course, user__username="aenne@example.org").user.first_name == "Änne"
    assert "“not-an-address” is not an e-mail address." in response.text
    assert "<td>3</td>" in "".join(response.text.split())


def test_a_list_that_is_no_table_comes_back_with_words(as_teacher: Client, course: Course) -> None:
    file = SimpleUploadedFile("list.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00")
    response = as_teacher.post(reverse("courses:enrol", args=[course.pk]), {"file": file})
    assert response.status_code == 200
    assert 'role="alert"' in response.text
